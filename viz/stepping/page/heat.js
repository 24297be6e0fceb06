// Cards and chips of arrays: a heat map beside shape and norm, and on an edge the shape that travels along it. Only in
// pages of records with arrays, where the functions here take the places of those that paint numbers.

const BLOCKS = [8, 16], TONES = 4, ODD = TONES + 1, HINT = "; blue below 0, orange above";
const ofNumbers = { paintNode, chipElement, paintChip };
const painted = new WeakMap(), written = new WeakMap(), labels = new WeakMap();
const shapeOfText = ({ shape = [] }) => shapeText(shape);
const rows = new WeakMap(), HEAT_AT = 56, HEAT_ROOM = [44, 13], SIDE = 7;

// The rows of a card: its texts, and the heat maps that it will have beside them.
function rowsOfCard(card) {
  if (!rows.has(card)) rows.set(card, { data: rowOf(card, "data"), grad: rowOf(card, "grad") });
  return rows.get(card);
}

function rowOf(card, kind) {
  const text = card.querySelector(`.value.${kind}`), y = ROWS_AT[kind];
  const heat = draw("g", { class: `heat heat-${kind} away` }, draw("title"), draw("rect"), draw("g"));
  text.after(heat);
  return { text, heat, y };
}

// What a heat map shows ------------------------------------------------------------------------------------------------

// Of each block the entry that is largest in absolute value; nan is larger than all.
function cellsOf(x) {
  const { across, down } = rowsOf(x), [high, wide] = [Math.min(down, BLOCKS[0]), Math.min(across, BLOCKS[1])];
  const blocks = (n, most) => Array.from({ length: n }, (_, i) => Math.floor(((i + 1) * most - 1) / n));
  const row = blocks(down, high), column = blocks(across, wide), cells = new Array(high * wide).fill(0);
  for (let k = 0; k < x.data.length; k++) {
    const e = x.data[k], at = row[Math.floor(k / across)] * wide + column[k % across];
    if (Number.isNaN(e) || Math.abs(e) > Math.abs(cells[at]) || e > 0 && e === -cells[at]) cells[at] = e;
  }
  return { cells, high, wide };
}

function tonesOf(x) {
  const grid = cellsOf(x), all = most({ data: grid.cells });
  const tone = e => Number.isFinite(e) ? Math.sign(e) * Math.ceil(TONES * (Math.abs(e) / all)) : ODD;
  return { ...grid, tones: grid.cells.map(tone) };
}

// The cells of each tone as one path of lines along the rows.
function pathsOf({ tones, wide }) {
  const paths = {};
  for (let k = 0, end; k < tones.length; k = end) {
    for (end = k + 1; end % wide && tones[end] === tones[k];) end++;
    const tone = tones[k], kind = tone === ODD ? "odd" : tone > 0 ? `above t${tone}` : `below t${-tone}`;
    if (tone) paths[kind] = `${paths[kind] || ""}M${k % wide} ${Math.floor(k / wide)}h${end - k}`;
  }
  return paths;
}

function inWords(x) {
  if (!written.has(x)) written.set(x, `shape ${shapeOfText(x)}, ${x.data.length > 6 ? range(x) : `entries ${show(x)}`}`);
  return written.get(x);
}

function range(x) {
  const finite = x.data.filter(Number.isFinite), { high, wide } = cellsOf(x), odd = x.data.length - finite.length;
  const span = finite.length ? [`entries from ${show(extreme(x, Math.min))} to ${show(extreme(x, Math.max))}`] : [];
  return [...span, ...odd ? [`${odd} not finite`] : [], show(x), ...high * wide < x.data.length ? [`in ${high} × ${wide} blocks`] : []].join(", ");
}

// On cards and chips ---------------------------------------------------------------------------------------------------

// Beside entries that are written out there is none.
function paintHeat({ text, heat, y }, x, known) {
  const seen = Boolean(known && x.data.length && /^(norm|\()/.test(text.textContent));
  if (heat.classList.contains("away") === seen) heat.classList.toggle("away", !seen);
  if (!seen || painted.get(heat) === x) return;
  painted.set(heat, x);
  const [title_, frame, cells] = heat.children, { high: down, wide: across } = cellsOf(x);
  const [w, h_] = [across, down].map((n, i) => Math.round(100 * Math.min(SIDE, HEAT_ROOM[i] / n)) / 100);
  title_.textContent = inWords(x) + HINT;
  change(heat, "transform", `translate(${HEAT_AT} ${y - 4.5 - down * h_ / 2})`);
  change(frame, "width", String(across * w));
  change(frame, "height", String(down * h_));
  change(cells, "transform", `scale(${w} ${h_}) translate(0 .5)`);
  cells.replaceChildren(...Object.entries(pathsOf(tonesOf(x))).map(([kind, d]) => draw("path", { class: kind, d })));
}

paintNode = function (node, state, hide) {
  ofNumbers.paintNode(node, state, hide);
  const x = data[node], g = state.totals.get(node), ready = state.computed.has(node), hidden = Boolean(hide && hide(node));
  if (isArray(x)) paintRows(node, rowsOfCard(cards.get(`n${node}`)), [x, g, ready, hidden, state.left.get(node)]);
};

// What does not change is left alone.
function paintRows(node, row, now) {
  if (row.last && now.every((value, i) => value === row.last[i])) return;
  row.last = now;
  const [x, g, ready, hidden] = now, known = g !== undefined;
  paintHeat(row.data, x, ready);
  paintHeat(row.grad, g, known);
  const slope = hidden ? "hidden" : known ? inWords(g) : "not there yet";
  change(cards.get(`n${node}`), "aria-label", `${nameOf(node)}, ${ready ? inWords(x) : `shape ${shapeOfText(vertices[node])}`}; gradient ${slope}`);
}

const ofArrays = edge => vertices[edge.tail].shape || vertices[edge.head].shape;
const wideOf = edge => widths[`e${edge.id}`] ?? CHIP[0];

chipElement = function (at, edge) {
  const chip = ofNumbers.chipElement(at, edge), [title_, box, text] = chip.children;
  box.setAttribute("x", -wideOf(edge) / 2);
  box.setAttribute("width", wideOf(edge));
  text.setAttribute("lengthAdjust", "spacingAndGlyphs");
  if (ofArrays(edge)) title_.textContent = `${!edge.isNumber ? "vjp: " : ""}${edge.symbols} · shape ${shapeOfText(vertices[edge.tail])}`;
  return chip;
};

paintChip = function (text, join, state, view, now) {
  const edge = edges[join.ids[0]];
  if (ofArrays(edge) && edge.carries && state.computed.has(edge.head)) paintChipOfArray(text, edge, state.sent.get(edge.id), now);
  else ofNumbers.paintChip(text, join, state, view, now);
  squeeze(text, wideOf(edge) - 8);
};

function paintChipOfArray(text, edge, sent, now) {
  const shown = `${sent !== undefined && size(sent) === 0 ? "✕ " : now && edge.isNumber ? "× " : ""}${labelOf(edge)}`;
  if (text.textContent !== shown) text.textContent = shown;
  text.parentNode.classList.remove("away");
}

// The label of an edge stays as long as the data of its head does: a local derivative is as much work as the op.
function labelOf(edge) {
  const of = data[edge.head], tail = vertices[edge.tail];
  if (labels.get(edge)?.of !== of) labels.set(edge, { of, label: edge.isNumber ? chipText(localOf(edge)) : tail.shape ? shapeOfText(tail) : "vjp" });
  return labels.get(edge).label;
}

// A number that became longer than the one for which there is room, at 6.4 points of a character, is set narrower.
function squeeze(text, room) {
  if (text.textContent.length > room / 6.4) text.setAttribute("textLength", room);
  else if (text.hasAttribute("textLength")) text.removeAttribute("textLength");
}

// The panel says what the chip leaves out.
BODIES.contribute = step => [...contributeBody(step), shapes(edges[step.edge])];

function shapes(edge) {
  const [tail, head] = [vertices[edge.tail], vertices[edge.head]];
  if (!edge.carries || !ofArrays(edge)) return "";
  return small(`${!edge.isNumber ? "A vector-Jacobian product (vjp): " : ""}g of shape ${shapeOfText(head)} comes in, a contribution of shape ${shapeOfText(tail)} goes out.`);
}
