// The network as the textbook draws it, with what each neuron makes of the plane inside it; the surface behind the points;
// the loss curve, which is the ruler. What is drawn comes in `view`, made by main.js.

const RADIUS = 19, PITCH = 46, APART = 120, MOST_SHOWN = 16, BEND = 0.3, TONES = 4, WIDEST = 4.5, THIN = 0.5, AIRY = 64;
const GRID = 40, SIDE = 300, INK = 2;  // cells of a surface, pixels of the large one, pixels of a canvas for one of the page
const $ = id => document.getElementById(id);

// Elements by tag, attributes (functions listen), children.
function made(space, tag, attributes = {}, ...children) {
  const e = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, x] of Object.entries(attributes)) {
    if (typeof x === "function") e.addEventListener(name, x);
    else if (x === true) e.setAttribute(name, "");
    else if (x !== false && x !== undefined && x !== null) e.setAttribute(name, x);
  }
  e.append(...children.flat());
  return e;
}
const h = (tag, attributes, ...children) => made(null, tag, attributes, ...children);
const s = (tag, attributes, ...children) => made("http://www.w3.org/2000/svg", tag, attributes, ...children);

// Colours ---------------------------------------------------------------------------------------------------------------

const hues = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["card", "above4", "below4", "above", "below", "ink", "panel"]) hues[name] = rgb(style.getPropertyValue(`--${name}`).trim());
  hues.classes = HUES.map(rgb);
}
const rgb = text => [1, 3, 5].map(i => parseInt(text.slice(i, i + 2), 16));
const mixed = (a, b, t) => a.map((x, i) => x + (b[i] - x) * t);
const signed = t => t !== t ? hues.ink : mixed(hues.card, t > 0 ? hues.above4 : hues.below4, Math.min(1, Math.abs(t)));
const css = colour => `rgb(${colour.map(Math.round).join(",")})`;

function toneOf(x, largest) {
  if (!x || !largest) return 0;
  return Number.isFinite(x) ? Math.sign(x) * (Math.ceil(TONES * Math.min(1, Math.abs(x) / largest)) || 1) : TONES + 1;
}

// Places ----------------------------------------------------------------------------------------------------------------

// On a phone layers stand closer, and their captions are short.
const isNarrow = () => $("stage").parentElement.clientWidth < 520;
const captionOf = ({ n_in, n_out, g }, l) => isNarrow() ? [g, `W[${l}]`, `(${n_out}, ${n_in})`] : [`z[${l}] = W[${l}] a[${l - 1}] + b[${l}]`, `a[${l}] = ${g === "identity" ? `z[${l}]` : `${g}(z[${l}])`}`, `W[${l}] (${n_out}, ${n_in}), b[${l}] (${n_out},)`];

// Room for the longest of some names beside a circle.
const besides = names => RADIUS + 12 + 6.7 * Math.max(...names.map(name => Math.min(9, name.length)));

function placesOf({ net, inputs, outputs }) {
  const counts = net.widths.map(n => Math.min(n, MOST_SHOWN + (n > MOST_SHOWN))), tallest = Math.max(...counts);
  const wide = net.widths.map((n, i) => 6.1 * (i ? Math.max(...captionOf(net.layers[i - 1], i).map(t => t.length)) : 9));
  let x = 0;
  const columns = net.widths.map((n, i) => {
    if (i) x += Math.max(isNarrow() ? APART / 2 : APART, isNarrow() ? 0 : 0.3 * PITCH * tallest, (wide[i - 1] + wide[i]) / 2 + 14);
    const shown = n <= MOST_SHOWN ? [...Array(n).keys()] : [...Array(MOST_SHOWN / 2).keys(), ...Array.from({ length: MOST_SHOWN / 2 }, (_, k) => n - MOST_SHOWN / 2 + k)];
    const top = (tallest - counts[i]) / 2 * PITCH, gap = n > MOST_SHOWN ? top + MOST_SHOWN / 2 * PITCH : null;
    return { x, shown, gap, hidden: n - shown.length, ys: new Map(shown.map((k, r) => [k, top + (r + (gap !== null && r >= MOST_SHOWN / 2)) * PITCH])) };
  });
  const low = (tallest - 1) * PITCH, left = -Math.max(wide[0] / 2 + 4, besides(inputs)), right = x + Math.max(wide[wide.length - 1] / 2 + 4, besides(outputs));
  return { columns, low, box: [left, -RADIUS - 34, right - left, low + 2 * RADIUS + 34 + 82] };
}

// The network -----------------------------------------------------------------------------------------------------------

let places, curves, circles;

function buildNetwork(view) {
  places = placesOf(view);
  const { columns, box } = places, svg = $("network"), hidden = { "aria-hidden": "true" };
  const lines = s("g", hidden), hits = s("g", { ...hidden, class: "hits" }), neurons = s("g"), words = s("g", hidden);
  svg.setAttribute("viewBox", box.join(" "));
  curves = new Map();
  circles = new Map();
  view.net.layers.forEach((_, i) => drawCurves(i, lines, hits));
  columns.forEach((column, l) => {
    for (const [k, y] of column.ys) neurons.append(neuronAt(l, k, column.x, y));
    words.append(...namesBeside(view, column, l), ...wordsAround(view, column, l));
  });
  svg.replaceChildren(lines, words, hits, neurons);
  fitNetwork();
}

// The curves into layer i + 1, and over each a wider one, unseen, that the pointer meets.
function drawCurves(i, lines, hits) {
  const [before, after] = places.columns.slice(i, i + 2), x = before.x + RADIUS, to = after.x - RADIUS, bend = BEND * (to - x);
  for (const [k, y] of after.ys) for (const [j, from] of before.ys) {
    const key = `${i + 1}.${k}.${j}`, d = `M${x} ${from}C${x + bend} ${from} ${to - bend} ${y} ${to} ${y}`, path = s("path", { d });
    curves.set(key, { path, l: i + 1, k, j });
    lines.append(path);
    hits.append(s("path", { d, "data-curve": key }));
  }
}

function neuronAt(l, k, x, y) {
  const key = `${l}.${k}`, middle = { x, y: y + 4, "text-anchor": "middle" };
  const ring = s("circle", { cx: x, cy: y, r: RADIUS }), text = s("text", middle), mark = s("text", { ...middle, class: "mark" });
  const g = s("g", { class: "neuron", "data-neuron": key, tabindex: key === "1.0" ? 0 : -1, role: "button" }, ring, text, mark);
  circles.set(key, { g, ring, text, mark, l, k, x, y });
  return g;
}

function namesBeside({ inputs, outputs }, { x, ys }, l) {
  const names = l === 0 ? inputs : l === places.columns.length - 1 ? outputs : [], side = l ? 1 : -1;
  return [...ys].filter(([k]) => names[k]).map(([k, y]) => s(
    "text", { x: x + side * (RADIUS + 6), y: y + 4, "text-anchor": l ? "start" : "end", class: "name" },
    names[k].length > 9 ? `${names[k].slice(0, 8)}…` : names[k],
  ));
}

// How many are left out, the number of the layer above it, its equation below, and room for a warning.
function wordsAround({ net }, { x, gap, hidden }, l) {
  const under = places.low + RADIUS + 24, at = (y, more, ...text) => s("text", { x, y, "text-anchor": "middle", ...more }, ...text);
  const told = l ? captionOf(net.layers[l - 1], l) : ["a[0] = x", `(${net.widths[0]},)`];
  return [
    ...gap === null ? [] : [at(gap + 4, {}, `⋮ ${hidden} more`)],
    at(-RADIUS - 12, { class: "number" }, `[${l}]`),
    ...told.map((line, i) => at(under + 16 * i, { class: i < 2 && l ? "" : "muted" }, line)),
    at(under + 48, { class: "warning", "data-layer": l }),
  ];
}

const zoomOf = () => Math.max(projecting ? LARGE : 1, Math.min(projecting ? 4 : 1.5, $("stage").parentElement.clientWidth / places.box[2]));

function fitNetwork() {
  const [, , wide, high] = places.box, zoom = zoomOf();
  for (const [name, x] of [["width", wide], ["height", high]]) $("stage").style[name] = `${Math.floor(x * zoom)}px`;
  const canvas = $("inside");
  canvas.width = Math.ceil(wide * INK);
  canvas.height = Math.ceil(high * INK);
}

// What a curve carries, by what is shown.
function carried(view, { l, k, j }) {
  const { net, theta, seen, grad, shown } = view, at = net.layers[l - 1].w + k * net.layers[l - 1].n_in + j;
  return shown === "products" ? theta[at] * seen.a[l - 1][j] : shown === "gradients" ? grad[at] : shown === "contributions" ? theta[at] * seen.dz[l][k] : theta[at];
}

function paintNetwork(view) {
  paintCurves(view);
  $("network").classList.toggle("focused", Boolean(view.lit));
  paintNeurons(view);
  for (const e of document.querySelectorAll("#network [data-layer]")) e.textContent = (view.found[e.dataset.layer] || "").split(":")[0];
}

function paintCurves(view) {
  const largest = view.net.layers.map(() => 0), told = new Map([...curves].map(([key, curve]) => [key, carried(view, curve)]));
  for (const [key, { l }] of curves) if (Number.isFinite(told.get(key))) largest[l - 1] = Math.max(largest[l - 1], Math.abs(told.get(key)));
  for (const [key, { path, l }] of curves) {
    const x = told.get(key), tone = toneOf(x, largest[l - 1]), many = places.columns[l].shown.length * places.columns[l - 1].shown.length;
    const wide = Number.isFinite(x) ? WIDEST * Math.min(1, Math.sqrt(AIRY / many)) * Math.abs(x) / (largest[l - 1] || 1) : WIDEST / 3;
    path.setAttribute("class", `${tone > TONES ? "odd" : tone > 0 ? "above" : tone < 0 ? "below" : "none"}${view.lit?.curves.has(key) ? " lit" : ""}`);
    path.setAttribute("stroke-width", Math.max(THIN, wide).toFixed(2));
    path.setAttribute("stroke-opacity", [0.5, 0.3, 0.5, 0.75, 0.95, 1][Math.abs(tone)]);
  }
}

function paintNeurons(view) {
  const { net, lit, neuron, found } = view;
  const most = net.widths.map((_, l) => Math.max(...[...circles.values()].filter(c => c.l === l).map(c => Math.abs(view.number(c.l, c.k)?.x) || 0)));
  for (const [key, { g, ring, text, mark, l, k }] of circles) {
    const number = view.number(l, k), tone = number ? toneOf(number.x, most[l]) : 0, reason = found[key];
    text.textContent = number ? brief(number.x) : "";
    ring.style.fill = number ? `var(--${tone > TONES ? "dead" : tone > 0 ? `above${tone}` : tone < 0 ? `below${-tone}` : "card"})` : "none";
    g.setAttribute("class", `neuron${lit?.neurons.has(key) ? " lit" : ""}${neuron === key ? " chosen" : ""}${reason ? " bad" : ""}`);
    mark.textContent = reason && !number ? reason.split(":")[0] : "";
    const label = `${l ? `neuron ${k} of layer ${l}` : `input ${view.inputs[k]}`}${number ? `, ${number.what} = ${show(number.x)}` : ""}${reason ? `, ${reason}` : ""}`;
    g.setAttribute("aria-label", label);
  }
}

function brief(x) {
  const a = Math.abs(x);
  if (!Number.isFinite(x) || !x) return repr(x === 0 ? 0 : x);
  return a >= 0.005 && a < 999.5 ? x.toFixed(a < 9.995 ? 2 : a < 99.95 ? 1 : 0) : x.toExponential(0).replace("e+", "e");
}

// Surfaces --------------------------------------------------------------------------------------------------------------

// The numbers of every neuron on a grid over the first two inputs, the others at their mean.
function surfacesOf(view) {
  const { net, theta, bounds, means } = view, down = net.widths[0] > 1 ? GRID : 1, x = Float64Array.from(means);
  const sheets = net.widths.map(n => Array.from({ length: n }, () => new Float64Array(down * GRID)));
  for (let r = 0; r < down; r++) for (let c = 0; c < GRID; c++) {
    x[0] = bounds.x[0] + (bounds.x[1] - bounds.x[0]) * (c + 0.5) / GRID;
    if (down > 1) x[1] = bounds.y[1] - (bounds.y[1] - bounds.y[0]) * (r + 0.5) / GRID;
    pass(net, theta, x);
    net.a.forEach((a, l) => a.forEach((value, k) => { sheets[l][k][r * GRID + c] = value; }));
  }
  return { down, sheets };
}

function toned(sheet, g) {
  if (g === "sigmoid" || g === "softmax") return sheet.map(x => 2 * x - 1);
  const most = g === "tanh" ? 1 : sheet.reduce((m, x) => Math.max(m, Math.abs(x)), 0) || 1;
  return sheet.map(x => x / most);
}

const scratch = document.createElement("canvas");
function sheetImage(sheet, down, colour) {
  scratch.width = GRID;
  scratch.height = down;
  const context = scratch.getContext("2d"), image = context.createImageData(GRID, down);
  sheet.forEach((t, i) => { const c = colour(t, i); image.data.set([c[0], c[1], c[2], 255], 4 * i); });
  context.putImageData(image, 0, 0);
  return scratch;
}

function paintInside(view, { sheets, down }) {
  const context = $("inside").getContext("2d"), [left, top] = places.box;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, $("inside").width, $("inside").height);
  context.setTransform(INK, 0, 0, INK, -left * INK, -top * INK);
  for (const { l, k, x, y } of circles.values()) {
    const image = sheetImage(toned(sheets[l][k], l ? view.net.layers[l - 1].g : ""), down, signed);
    context.save();
    context.beginPath();
    context.arc(x, y, RADIUS, 0, 2 * Math.PI);
    context.clip();
    context.drawImage(image, x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS);
    context.restore();
  }
}

const AXIS = 34;  // pixels for the numbers at the axes

const placeX = (view, x) => AXIS + (x - view.bounds.x[0]) / (view.bounds.x[1] - view.bounds.x[0]) * (SIDE - AXIS - 6);
const placeY = (view, y) => 6 + (view.bounds.y[1] - y) / (view.bounds.y[1] - view.bounds.y[0]) * (SIDE - AXIS - 6);

function paintSurface(view, { sheets, down }) {
  const { net, data, classes } = view, canvas = $("surface"), context = canvas.getContext("2d"), n = net.layers.length, last = sheets[n];
  canvas.width = canvas.height = SIDE * INK;
  context.setTransform(INK, 0, 0, INK, 0, 0);
  const inner = SIDE - AXIS - 6;
  if (down > 1) {
    const g = net.layers[n - 1].g, tones = last.length === 1 ? toned(last[0], g) : last[0];
    const winner = i => last.reduce((best, sheet, k) => sheet[i] > last[best][i] ? k : best, 0);
    const image = last.length === 1 || g !== "softmax" ? sheetImage(toned(last[0], g), down, signed) : last.length === 2 ? sheetImage(last[1].map(x => 2 * x - 1), down, signed) : sheetImage(tones, down, (_, i) => mixed(hues.card, hues.classes[winner(i)], 0.75 * last[winner(i)][i] ** 2));
    context.imageSmoothingEnabled = true;
    context.drawImage(image, AXIS, 6, inner, inner);
  }
  context.lineWidth = 1;
  context.strokeStyle = css(hues.ink);
  context.fillStyle = css(hues.ink);
  context.strokeRect(AXIS + 0.5, 6.5, inner - 1, inner - 1);
  context.font = "11px Arial, 'Liberation Sans', sans-serif";
  context.textAlign = "center";
  for (const x of ticks(...view.bounds.x)) { const at = placeX(view, x); context.fillRect(at, SIDE - AXIS, 1, 4); context.fillText(show(x, 3), at, SIDE - AXIS + 15); }
  context.fillText(view.inputs[0], AXIS + inner / 2, SIDE - 6);
  context.textAlign = "right";
  for (const y of ticks(...view.bounds.y)) { const at = placeY(view, y); context.fillRect(AXIS - 4, at, 4, 1); context.fillText(show(y, 3), AXIS - 6, at + 4); }
  context.fillText(down > 1 ? view.inputs[1] : "y", AXIS - 6, 13);
  if (down === 1) paintLine(view, context, last[0]);
  for (const [held, { X, T }] of [[true, data.held], [false, data]]) X.forEach((x, i) => point(view, context, x, T[i], held, !held && i === view.sample));
}

function paintLine(view, context, sheet) {
  context.save();
  context.beginPath();
  context.rect(AXIS, 6, SIDE - AXIS - 6, SIDE - AXIS - 6);
  context.clip();
  context.beginPath();
  sheet.forEach((y, c) => context.lineTo(placeX(view, view.bounds.x[0] + (view.bounds.x[1] - view.bounds.x[0]) * (c + 0.5) / GRID), placeY(view, y)));
  context.lineWidth = 3;
  context.strokeStyle = css(hues.above);
  context.stroke();
  context.restore();
}

// A sample: class 1 is a square, the others are round; what is held out is hollow.
function point(view, context, x, t, held, chosen) {
  const { net, classes } = view, label = classes ? net.loss === "softmax" ? t.indexOf(1) : Math.round(t[0]) : null;
  const at = placeX(view, x[0]), up = placeY(view, net.widths[0] > 1 ? x[1] : t[0]), r = chosen ? 6.5 : 4;
  const own = classes ? classes.length > 2 ? hues.classes[label] : label ? hues.above : hues.below : net.widths[0] > 1 ? signed(t[0] / (Math.max(...view.data.T.map(([y]) => Math.abs(y))) || 1)) : hues.ink;
  context.beginPath();
  if (label === 1) context.rect(at - 0.88 * r, up - 0.88 * r, 1.76 * r, 1.76 * r);
  else context.arc(at, up, r, 0, 2 * Math.PI);
  context.fillStyle = held ? css(hues.panel) : css(own);
  context.strokeStyle = held ? css(own) : chosen ? css(hues.ink) : css(hues.panel);
  context.lineWidth = held ? 2 : chosen ? 3 : 1.2;
  context.fill();
  context.stroke();
}

function ticks(low, high, about = 4) {
  const raw = (high - low) / about, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map(f => f * power).find(f => f >= raw), found = [];
  for (let n = 0; n < 12; n++) found.push((Math.ceil(low / step) + n) * step);
  return found.filter(t => t <= high + step * 1e-9);
}

// The loss curve --------------------------------------------------------------------------------------------------------

const CURVE = { wide: 320, high: 170, left: 42, right: 18, top: 8, low: 34 };
const curveX = (marks, epoch) => CURVE.left + epoch / (marks[marks.length - 1].epoch || 1) * (CURVE.wide - CURVE.left - CURVE.right);

function paintCurve({ marks, mark }) {
  const finite = marks.flatMap(m => [m.loss, m.held]).filter(x => x !== null && Number.isFinite(x)), top = Math.max(...finite, 1e-12), end = marks[marks.length - 1].epoch || 1;
  const x = epoch => curveX(marks, epoch), y = loss => CURVE.high - CURVE.low - Math.min(loss, top) / top * (CURVE.high - CURVE.low - CURVE.top);
  const line = (name, of) => { const told = marks.filter(m => of(m) !== null && Number.isFinite(of(m))); return s("polyline", { class: name, points: told.map(m => `${x(m.epoch).toFixed(1)},${y(of(m)).toFixed(1)}`).join(" ") }); };
  const base = CURVE.high - CURVE.low, now = marks[mark], parts = [s("path", { class: "axis", d: `M${CURVE.left} ${CURVE.top}V${base}H${CURVE.wide - CURVE.right}` })];
  for (const t of ticks(0, end, 5)) if (end >= 5 || Number.isInteger(t)) parts.push(s("path", { class: "axis", d: `M${x(t)} ${base}v4` }), s("text", { x: x(t), y: base + 16, "text-anchor": "middle" }, show(t)));
  for (const t of ticks(0, top, 3)) parts.push(s("path", { class: "axis", d: `M${CURVE.left} ${y(t)}h-4` }), s("text", { x: CURVE.left - 6, y: y(t) + 4, "text-anchor": "end" }, show(t, 2)));
  parts.push(s("text", { x: (CURVE.left + CURVE.wide) / 2, y: CURVE.high - 4, "text-anchor": "middle" }, "epoch"), s("text", { x: CURVE.left + 4, y: CURVE.top + 8 }, "loss"));
  parts.push(line("held", m => m.held), line("train", m => m.loss), s("path", { class: "ruler", d: `M${x(now.epoch)} ${CURVE.top}V${base}` }));
  if (Number.isFinite(now.loss)) parts.push(s("circle", { class: "ruler", cx: x(now.epoch), cy: y(now.loss), r: 5 }));
  $("curve").replaceChildren(...parts);
  const told = `epoch ${show(now.epoch)}, loss ${show(now.loss)}${now.held === null ? "" : `, held out ${show(now.held)}`}`;
  Object.assign($("ruler"), { max: marks.length - 1, value: mark });
  $("ruler").setAttribute("aria-valuetext", told);
  $("told").textContent = told;
}
