// The graph: places of what is open, cards and curves, pan and zoom.

const SVG = "http://www.w3.org/2000/svg";
const scene = document.querySelector("#graph .scene");
const prefix = scene.querySelector("marker").id.replace(/-\w+$/, "");
const layer = name => scene.querySelector(`:scope > .${name}`);
const cards = new Map();
// The widths of cards and of chips that are wider than others; of each group that was laid out, the places in it.
let widths, scopes;
const high = 64, CHIP = [58, 20], ROWS_AT = { data: 38, grad: 55 };
const FRAME_PAD = 12, FRAME_HEAD = 26;

function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Places --------------------------------------------------------------------------------------------------------------

function laid(scopeId, open) {
  const scope = scopes[scopeId] ??= ownScope(scopeId);
  const places = {
    size: [...scope.size], cards: new Map(Object.entries(scope.cards)),
    frames: new Map(Object.entries(scope.frames)), curves: new Map(Object.entries(scope.curves)),
  };
  for (const id of [...places.cards.keys()]) if (foldOf.has(id) && open.has(id)) unfold(places, id, laid(id, open));
  return places;
}

// Make room for an open group where its card was: all that lies beyond moves away as far as it has to, so that nothing
// overlaps that did not; a curve whose ends move by different ways is drawn anew.
function unfold(places, id, inner) {
  const [cx, cy] = places.cards.get(id), wide = inner.size[0] + 2 * FRAME_PAD, tall = inner.size[1] + FRAME_PAD + FRAME_HEAD;
  const left = cx - widthOf(id) / 2, top = cy - heightOf(id) / 2;
  const across = makeRoom(left, widthOf(id), wide), down = makeRoom(top, heightOf(id), tall);
  const moved = ([x, y]) => [across(x), down(y)];
  for (const [key, curve] of places.curves) places.curves.set(key, movedCurve(curve, places.cards, moved));
  places.cards.delete(id);
  for (const [key, at] of places.cards) places.cards.set(key, moved(at));
  for (const [key, [x, y, w, h]] of places.frames)
    places.frames.set(key, [...moved([x, y]), across(x + w) - across(x), down(y + h) - down(y)]);
  places.size = moved(places.size);
  places.frames.set(id, [left, top, wide, tall]);
  insert(places, inner, ([x, y]) => [x + left + FRAME_PAD, y + top + FRAME_HEAD]);
}

function makeRoom(from, length, wanted) {
  const more = Math.max(0, wanted - length);
  return x => x <= from ? x : x >= from + length - 0.5 ? x + more : x + more / 2;
}

function movedCurve(curve, cards, moved) {
  const shift = id => { const at = cards.get(id) || [0, 0], to = moved(at); return [to[0] - at[0], to[1] - at[1]]; };
  const [dx, dy] = shift(curve.tail), other = shift(curve.head);
  if (Math.abs(dx - other[0]) > 0.1 || Math.abs(dy - other[1]) > 0.1) return { ...curve, points: null };
  const by = ([x, y]) => [x + dx, y + dy];
  return { ...curve, points: curve.points && curve.points.map(by), chip: curve.chip && by(curve.chip) };
}

function insert(places, inner, shifted) {
  for (const [key, at] of inner.cards) places.cards.set(key, shifted(at));
  for (const [key, [x, y, w, h]] of inner.frames) places.frames.set(key, [...shifted([x, y]), w, h]);
  for (const [key, curve] of inner.curves)
    places.curves.set(key, { ...curve, points: curve.points && curve.points.map(shifted), chip: curve.chip && shifted(curve.chip) });
}

function cardOf(vertex, open) {
  return shutIn(pathOf(vertices[vertex]), open) || `n${vertex}`;
}

// Which cards are seen, where; a group that was open at the start and is closed has its card in the middle of its frame.
function visiblePlaces(open) {
  const places = laid("", open);
  const seen = new Map();
  for (const vertex of vertices) {
    const id = cardOf(vertex.id, open);
    if (seen.has(id)) continue;
    const frame = places.frames.get(id);
    seen.set(id, places.cards.get(id) || [frame[0] + frame[2] / 2, frame[1] + frame[3] / 2]);
  }
  const frames = new Map([...places.frames].filter(([id]) => isOpen(id, open)));
  return { ...places, seen, frames };
}

function isOpen(id, open) {
  for (let at = id; at; at = foldOf.get(at).parent || "") if (!open.has(at)) return false;
  return true;
}

// Cards: made when they are seen for the first time ----------------------------------------------------------------------

function cardFor(id) {
  if (!cards.has(id)) {
    cards.set(id, foldOf.has(id) ? foldCard(id) : nodeCard(vertices[+id.slice(1)]));
    layer("cards").append(cards.get(id));
    dress(id, cards.get(id));
  }
  return cards.get(id);
}

function nodeCard(vertex) {
  const { id, name, op, equation, shape } = vertex, text = show(data[id]), fits = text.length <= 14 && !text.includes("norm");
  const first = fits || !shape ? ["data", text] : ["shape", shapeText(shape)];
  return cardElement(`n${id}`, !op ? "leaf" : id === root ? "root" : "inner", name, op || "leaf", equation, first);
}

function foldCard(id) {
  const fold = foldOf.get(id), n = members.get(id).length;
  if (rounds.has(id)) return roundCard(id);
  return cardElement(id, "fold", foldTitle(id), "", `${fold.kind} ${fold.title}: ${n} nodes`, ["nodes", String(n)]);
}

function cardElement(id, kind, name, op, tooltip, first) {
  const wide = widthOf(id), text = (className, x, y, words) => draw("text", { class: className, x, y }, words);
  const row = (of, key, value) => [text(`key ${of}-key`, PAD, ROWS_AT[of], key), text(`value ${of}`, wide - PAD, ROWS_AT[of], value)];
  return draw("g", { class: `card ${kind}`, "data-card": id }, draw("title", {}, tooltip),
    ...kind === "fold" ? [draw("rect", { class: "pile", x: 4, y: -4, width: wide, height: high, rx: 9 })] : [],
    draw("rect", { class: "body", width: wide, height: high, rx: 9 }), draw("path", { class: "rule", d: `M0,23.5h${wide}` }),
    draw("rect", { class: "slot", x: wide / 2, y: 43, width: wide / 2 - 6, height: 16, rx: 4 }),
    text("name", PAD, 16, name), text("op", wide - PAD, 16, op), ...row("data", ...first), ...row("grad", "grad", ""),
    ...kind === "fold" ? [] : [draw("circle", { class: "stop", r: 6 })]);
}

// Drawing -------------------------------------------------------------------------------------------------------------

let places = null;
const edgeElements = new Map();
const edgesOfCards = new Map();

function layout(open) {
  places = visiblePlaces(open);
  for (const [id, card] of cards) card.classList.toggle("away", !places.seen.has(id));
  for (const [id, at] of places.seen) cardFor(id).setAttribute("transform", `translate(${round(at[0] - widthOf(id) / 2)} ${round(at[1] - heightOf(id) / 2)})`);
  layer("frames").replaceChildren(...[...places.frames].map(([id, box]) => frameElement(id, box)));
  drawEdges(open);
}

function frameElement(id, [x, y, w, h]) {
  const label = draw("text", { x: x + 10, y: y + 16 }, `− ${foldOf.get(id).title}`);
  const handle = draw("g", { class: "handle", role: "button", tabindex: 0, "aria-label": `close ${foldOf.get(id).title}` }, label);
  handle.addEventListener("click", () => toggle(id));
  handle.addEventListener("keydown", event => { if (event.key === "Enter") { toggle(id); event.stopPropagation(); } });
  return draw("g", { class: `frame ${foldOf.get(id).kind}`, "data-fold": id }, draw("rect", { x, y, width: w, height: h, rx: 12 }), handle);
}

function drawEdges(open) {
  edgeElements.clear();
  edgesOfCards.clear();
  for (const edge of edges) {
    const tail = cardOf(edge.tail, open), head = cardOf(edge.head, open);
    if (tail === head && (tail[0] !== "n" || edge.tail !== edge.head)) continue;
    const key = tail[0] === "n" && head[0] === "n" ? `e${edge.id}` : `${tail}-${head}`;
    if (!edgesOfCards.has(key)) edgesOfCards.set(key, { tail, head, ids: [] });
    edgesOfCards.get(key).ids.push(edge.id);
  }
  for (const join of edgesOfCards.values()) join.flat = join.ids.every(id => !edges[id].carries);
  scene.classList.toggle("many", edgesOfCards.size > REACHED / 2);  // which then do not fade from one state into the next
  layer("edges").replaceChildren(...[...edgesOfCards].map(([key, join]) => edgeElement(key, join)));
}

const REACHED = 400;  // curves up to which each has room around it for the pointer

function edgeElement(key, join) {
  const routed = places.curves.get(key);
  const fits = routed && routed.points && routed.tail === join.tail && routed.head === join.head;
  const curve = fits ? routed : straight(join.tail, join.head);
  const line = draw("path", { class: "line", d: pathData(curve.points) });
  const element = draw("g", { class: "edge", "data-edge": key, "data-over": key }, line);
  if (edgesOfCards.size <= REACHED) element.append(draw("path", { class: "reach", d: pathData(curve.points) }));
  if (key[0] === "e" && (curve.chip || edgesOfCards.size <= 150)) element.append(chipElement(curve.chip || middle(curve.points), edges[join.ids[0]]));
  edgeElements.set(key, element);
  return element;
}

function straight(tail, head) {
  const [x1, y1] = places.seen.get(tail), [x2, y2] = places.seen.get(head);
  if (upright) return { tail, head, points: leaning([[x1, y1 + heightOf(tail) / 2], [x2, y2 - heightOf(head) / 2]]), chip: [(x1 + x2) / 2, (y1 + y2) / 2] };
  const from = x1 + widthOf(tail) / 2, to = x2 - widthOf(head) / 2;
  const bend = Math.max(24, Math.abs(to - from) / 2);
  const points = [[from, y1], [from + bend, y1], [to - bend, y2], [to, y2]];
  return { tail, head, points, chip: [(from + to) / 2, (y1 + y2) / 2] };
}

const middle = points => points[points.length >> 1];
const round = x => Math.round(x * 10) / 10;
const pathData = ([first, ...rest]) => `M${first.map(round)}C${rest.map(point => point.map(round).join()).join(" ")}`;

function chipElement([x, y], edge) {
  const text = draw("text", { y: 4 });
  const box = draw("rect", { x: -CHIP[0] / 2, y: -CHIP[1] / 2 + 1, width: CHIP[0], height: CHIP[1] - 2, rx: 9 });
  return draw("g", { class: "chip", transform: `translate(${x} ${y})` }, draw("title", {}, edge.symbols), box, text);
}

// What a frame shows ---------------------------------------------------------------------------------------------------

// What does not change is left alone, and not even asked for: the browser would find and lay out everything anew.
const known = new WeakMap();

function knownOf(element, what) {
  if (!known.has(element)) known.set(element, {});
  return known.get(element)[what] ??= {};
}

function partOf(element, selector) {
  const found = knownOf(element, "parts");
  return selector in found ? found[selector] : found[selector] = element.querySelector(selector);
}

function setText(card, name, text) {
  const element = partOf(card, `.${name}`);
  if (element && element.textContent !== text) element.textContent = text;
}

function change(element, name, value) {
  const written = knownOf(element, "attributes");
  if (written[name] === value) return;
  written[name] = value;
  if ((element.getAttribute(name) ?? "") !== value) element.setAttribute(name, value);
}

function wear(element, classes) {
  const worn = knownOf(element, "classes");
  for (const [name, on] of Object.entries(classes)) if (worn[name] !== on) element.classList.toggle(name, worn[name] = on);
}

function paint(view, state, open, hide) {
  for (const id of places.seen.keys()) id[0] === "n" ? paintNode(+id.slice(1), state, hide) : paintFold(id, state);
  for (const [key, join] of edgesOfCards) paintEdge(key, join, state, view);
  const now = activeCards(view, open);
  for (const [id, card] of cards) {
    wear(card, { now: now.from === id, goal: now.to.has(id) });
  }
}

function paintNode(node, state, hide) {
  const card = cards.get(`n${node}`), ready = state.computed.has(node), total = state.totals.get(node);
  if (partOf(card, ".data-key").textContent === "data") setText(card, "data", ready ? brief(data[node]) : "");
  const covered = hide && hide(node);
  setText(card, "grad", covered ? "?" : total === undefined ? "" : brief(total));
  const left = state.left.get(node) || 0;
  setText(card, "grad-key", left ? `grad +${left}` : "grad");
  wear(card, { ahead: !ready, empty: total === undefined || Boolean(covered), done: total !== undefined && !left, partial: left > 0 });
}

function paintFold(id, state) {
  if (rounds.has(id)) return paintRound(id, state);
  const card = cards.get(id), { end, computed, complete } = factsOf(id), total = state.totals.get(end);
  setText(card, "grad", total === undefined ? "" : show(total));
  wear(card, { ahead: computed > state.upto, empty: total === undefined, done: complete <= state.upto });
}

function paintEdge(key, join, state, view) {
  const element = edgeElements.get(key), line = element.firstChild;
  const step = base[view.first];
  const now = view.group ? join.head === view.group : join.ids.includes(step.edge) && step.edge !== undefined;
  const back = view.first >= turn;
  const total = flowOf(join, state.flows);
  wear(element, { now, flat: join.flat, sent: total !== undefined, dead: total === 0, minus: join.ids.length === 1 && state.sent.get(join.ids[0]) < 0 });
  change(line, "stroke-width", total ? `${1.4 + Math.min(3, Math.max(0, Math.log10(total) + 2))}` : "");
  if (rounds.has(join.head)) paintWeighted(element, line, join, state);
  const marker = `url(#${prefix}-${now ? "now" : "rest"})`;
  change(line, "marker-end", back && (now || total !== undefined) || rounds.has(join.head) && !now ? "" : marker);
  change(line, "marker-start", back && (now || total !== undefined && !rounds.has(join.head)) ? marker : "");
  const text = partOf(element, ".chip text");
  if (text) paintChip(text, join, state, view, now && step.kind === "contribute" && !view.group);
}

// The size of what has been sent along a curve up to a step, undefined where nothing has.
function flowOf(join, upto) {
  if (join.grads !== grads) {
    const sends = join.ids.filter(id => sentAt[id] < Infinity).sort((a, b) => sentAt[a] - sentAt[b]);
    let sum = 0;
    Object.assign(join, { grads, at: sends.map(id => sentAt[id]), sums: sends.map(id => sum = Math.hypot(sum, size(base[sentAt[id]].contribution))) });
  }
  let low = 0, end = join.at.length;
  while (low < end) { const half = (low + end) >> 1; if (join.at[half] <= upto) low = half + 1; else end = half; }
  return low ? join.sums[low - 1] : undefined;
}

function paintChip(text, join, state, view, now) {
  const edge = edges[join.ids[0]], ready = state.computed.has(edge.head) && !hiddenInQuiz(edge.tail);
  const local = edge.isNumber ? chipText(edge.local) : "vjp";
  const shown = !ready ? "" : !edge.carries ? "✕ flat" : state.sent.get(edge.id) === 0 ? `✕ ${local}` : now && edge.isNumber ? `× ${local}` : local;
  if (text.textContent !== shown) text.textContent = shown;
  text.parentNode.classList.toggle("away", !ready);
}

const chipText = x => isArray(x) ? `‖${show(size(x), 3)}‖` : show(x);

function activeCards(view, open) {
  const step = base[view.first], to = new Set();
  if (step.kind === "start") return { from: "", to };
  if (view.group) {
    if (view.first > turn) for (const sent of sentBy(view)) to.add(cardOf(sent.target, open));
    to.delete(view.group);
    return { from: view.group, to };
  }
  if (step.target !== undefined) to.add(cardOf(step.target, open));
  return { from: cardOf(step.node, open), to };
}

// Pan and zoom --------------------------------------------------------------------------------------------------------

const window_ = { x: 0, y: 0, scale: 1 };
const screen_ = { width: 1, height: 1 };
const EDGE = 16;

function measure() {
  const { width, height } = scene.getBoundingClientRect();
  Object.assign(screen_, { width: width || 1, height: height || 1 });
}

function applyView() {
  const { width, height } = screen_;
  change(scene, "viewBox", [window_.x, window_.y, width / window_.scale, height / window_.scale].map(round).join(" "));
}

// Upright or from left to right, by what fits; a network stays in columns.
function orient(given) {
  measure();
  const scales = ([w, h]) => Math.min(screen_.width / (w + 2 * EDGE), screen_.height / (h + 2 * EDGE));
  const sizeOf = way => { upright = way; scopes = !way && given ? { "": given } : {}; return visiblePlaces(open_).size; };
  const across = scales(sizeOf(false));
  if (rounds.size || across >= LEGIBLE || vertices.length > LIMIT) return;
  if (scales(sizeOf(true)) <= 1.1 * across) sizeOf(false);
}

function fit(least = 0) {
  measure();
  const { width, height } = screen_;
  const [w, h] = places.size;
  const whole = Math.min(width / (w + 2 * EDGE), height / (h + 2 * EDGE), 1.6);
  const scale = Math.max(whole, least);
  window_.scale = scale;
  window_.x = w * scale > width ? -EDGE : w / 2 - width / scale / 2;
  window_.y = h * scale > height ? -EDGE : h / 2 - height / scale / 2;
  applyView();
}

function zoom(factor, at) {
  const box = scene.getBoundingClientRect();
  const [px, py] = at ? [at[0] - box.left, at[1] - box.top] : [box.width / 2, box.height / 2];
  const scale = Math.min(6, Math.max(0.05, window_.scale * factor));
  window_.x += px / window_.scale - px / scale;
  window_.y += py / window_.scale - py / scale;
  window_.scale = scale;
  applyView();
}

function bringIntoView(ids) {
  const { width, height } = screen_;
  const wide = width / window_.scale, tall = height / window_.scale;
  for (const id of ids) {
    const at = places.seen.get(id);
    if (!at) continue;
    const half = widthOf(id) / 2 + 24, rise = heightOf(id) / 2 + 24;
    window_.x = Math.min(Math.max(window_.x, at[0] + half - wide), at[0] - half);
    window_.y = Math.min(Math.max(window_.y, at[1] + rise - tall), at[1] - rise);
  }
  applyView();
}

// An open group from its upper left corner on.
function showFrame([x, y, w, h_]) {
  const wide = screen_.width / window_.scale, tall = screen_.height / window_.scale, edge = EDGE / window_.scale;
  window_.x = Math.min(Math.max(window_.x, x + w + edge - wide), x - edge);
  window_.y = Math.min(Math.max(window_.y, y + h_ + edge - tall), y - edge);
  applyView();
}

function startPanning() {
  const fingers = new Map();
  scene.addEventListener("pointerdown", event => { fingers.set(event.pointerId, [event.clientX, event.clientY]); });
  scene.addEventListener("pointermove", event => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (fingers.size === 1) drag(before, now);
    else if (fingers.size === 2) pinch(fingers, event.pointerId, now);
    fingers.set(event.pointerId, now);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"])
    scene.addEventListener(end, event => fingers.delete(event.pointerId));
  scene.addEventListener("wheel", event => { event.preventDefault(); zoom(Math.exp(-event.deltaY / 500), [event.clientX, event.clientY]); }, { passive: false });
}

function drag(before, now) {
  window_.x -= (now[0] - before[0]) / window_.scale;
  window_.y -= (now[1] - before[1]) / window_.scale;
  applyView();
}

function pinch(fingers, moving, now) {
  const other = [...fingers].find(([id]) => id !== moving)[1];
  const before = fingers.get(moving);
  const length = p => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
  zoom(length(now) / length(before), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
}
