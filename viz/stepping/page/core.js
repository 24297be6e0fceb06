// The record in numbers: both passes, folds, wrong sweeps. Nothing here touches the page.

const record = JSON.parse(document.getElementById("record").textContent);
const { vertices, edges, folds, title } = record.frames;
const base = record.frames.steps;
const root = vertices.length - 1;
const ENTRIES = LIVE && vertices.some(vertex => vertex.shape);
const turn = base.findIndex(step => step.kind === "seed");
const foldOf = new Map(folds.map(fold => [fold.id, fold]));
const pathOf = thing => thing.group_path || [];
const isLeaf = vertex => !vertex.op;
const nameOf = id => vertices[id].name;

const NUMBERS = ["local", "upstream", "contribution", "before", "after"];
const WORDS = { inf: Infinity, "-inf": -Infinity, nan: NaN };
// A number is one, or an array {shape, data}, or the norm of a large one, {norm}; functions of arrays.js serve the latter two.
const isArray = x => typeof x === "object";
const num = (x, shape) => typeof x === "string" ? WORDS[x] : Array.isArray(x) ? array(x, shape) : x;
for (const vertex of vertices) vertex.data = num(vertex.data, vertex.shape);
for (const edge of edges) edge.local = num(edge.local);

// Data and, along the steps of the backward pass, every gradient. `data` changes under the sliders.
const data = vertices.map(vertex => LIVE?.held?.[vertex.id] ?? vertex.data);
const started = data.slice();

function computeForward(d) {
  for (const [node, f] of LIVE.forward) d[node] = f(d);
}

function pull(edge, d, g) {
  return LIVE.pull[edge] ? LIVE.pull[edge](d, g) : zero(d[edges[edge].tail]);
}

function localOf(edge, d = data) {
  if (!LIVE || edge.local === undefined) return edge.local;
  return LIVE.local?.[edge.id] ? LIVE.local[edge.id](d) : pull(edge.id, d, 1);
}

function computeBackward(d) {
  const g = [];
  for (const step of base) {
    if (step.kind === "seed") g[step.node] = step.after = LIVE.seed?.[root] ?? num(step.after, vertices[step.node].shape);
    if (step.kind !== "contribute") continue;
    step.upstream = g[step.node];
    step.local = localOf(edges[step.edge], d);
    step.contribution = pull(step.edge, d, step.upstream);
    step.before = g[step.target];
    step.after = g[step.target] = step.before === undefined ? step.contribution : plus(step.before, step.contribution);
  }
  return g;
}

let grads = [];
function recompute() {
  if (!LIVE) return readNumbers();
  computeForward(data);
  grads = computeBackward(data);
  for (const step of base) if (step.kind === "finish") step.after = grads[step.node];
}

// Visible steps: what happens inside a closed group is one step.
const shutIn = (path, open) => path.find(group => !open.has(group)) || "";

function plan(open) {
  const seen = [];
  base.forEach((step, i) => {
    const group = shutIn(pathOf(step), open);
    const last = seen[seen.length - 1];
    if (group && last && last.group === group) last.last = i;
    else seen.push({ group, first: i, last: i });
  });
  return seen;
}

// What a closed group sends: one entry for each vertex outside it, or leaf inside it, that it contributes to.
function sentBy(view) {
  const sent = new Map();
  for (const step of base.slice(view.first, view.last + 1)) {
    if (step.kind !== "contribute") continue;
    const target = vertices[step.target];
    if (pathOf(target).includes(view.group) && !isLeaf(target)) continue;
    const entry = sent.get(step.target) || { target: step.target, contribution: 0, before: step.before };
    entry.contribution = plus(entry.contribution, step.contribution);
    entry.after = step.after;
    sent.set(step.target, entry);
  }
  return [...sent.values()];
}

const plus = (x, y) => isArray(x) || isArray(y) ? paired((a, b) => a + b, x, y) : x + y;
const times = (x, y) => isArray(x) || isArray(y) ? paired((a, b) => a * b, x, y) : x * y;
const entryOf = (x, k) => isArray(x) ? x.data[k] : x;
const withEntry = (x, k, value) => isArray(x) ? { ...x, data: x.data.map((e, i) => i === k ? value : e) } : value;
const zero = x => isArray(x) ? paired(() => 0, x, 0) : 0;

// The gradients that a closed group receives: those of its vertices that are used outside.
function receivedBy(view) {
  const inside = vertex => pathOf(vertices[vertex]).includes(view.group);
  const outputs = new Set(edges.filter(e => inside(e.tail) && !inside(e.head) && !isLeaf(vertices[e.tail])).map(e => e.tail));
  if (inside(root)) outputs.add(root);
  return [...outputs];
}

// The state after a base step: what is computed, the totals so far, what is still to come.
function stateAt(upto) {
  const computed = new Set(vertices.filter(isLeaf).map(v => v.id));
  const totals = new Map(), left = new Map(), sent = new Map();
  for (let i = 0; i <= upto; i++) {
    const step = base[i];
    if (step.kind === "compute") computed.add(step.node);
    if (step.kind === "seed") totals.set(step.node, step.after);
    if (step.kind !== "contribute") continue;
    totals.set(step.target, step.after);
    left.set(step.target, step.uses_left);
    sent.set(step.edge, step.contribution);
  }
  return { computed, totals, left, sent };
}

// Numbers as the cards show them: four digits, small arrays entry by entry, of larger ones the norm.
function show(x, digits = 4) {
  if (x === undefined || x === null) return "–";
  if (isArray(x)) return showArray(x);
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (x === 0) return "0";
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  if (exponent < -4 || exponent >= digits) return `${+mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  return String(+x.toPrecision(digits));
}

// As cards have room for it.
function brief(x) {
  const text = show(x);
  return text.length > 14 ? `norm ${show(size(x))}` : text;
}

const size = x => isArray(x) ? norm(x) : Math.abs(x);
const close = (x, y) => isArray(x) || isArray(y) ? closeArrays(x, y) : Object.is(x, y) || x === y || Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x), Math.abs(y));

// Sentences, from the same templates as the list of steps in a page without scripts.
const fill = (template, words) => record.templates[template].replace(/\{(\w+)\}/g, (_, name) => words[name]);

function sentence(view) {
  const step = base[view.first];
  if (view.group) return groupSentence(view);
  const words = wordsOf(step);
  words.rest = fill(step.uses_left ? "more" : "complete", words);
  words.total = fill(step.before === undefined ? "first" : "sum", words);
  return fill(templateOf(step), words);
}

function templateOf(step) {
  if (step.kind !== "contribute") return step.kind;
  const edge = edges[step.edge];
  return !edge.carries ? "nothing" : edge.local === undefined ? "product" : "contribute";
}

function wordsOf(step) {
  const words = { root: title, node: nameOf(step.node), equation: vertices[step.node].equation, uses_left: step.uses_left };
  for (const name of NUMBERS) words[name] = show(step[name]);
  words.data = show(data[step.node]);
  words.target = step.target === undefined ? "" : nameOf(step.target);
  words.symbols = step.edge === undefined ? "" : edges[step.edge].symbols;
  words.axes = (step.axes || []).join(", ");
  words.shape = `(${(step.shape || []).join(", ")})`;
  return words;
}

function groupSentence(view) {
  const last = base[view.last];
  const names = sentBy(view).map(sent => nameOf(sent.target));
  const targets = names.length > 5 ? [...names.slice(0, 4), `${names.length - 4} more`] : names;
  const words = { ...wordsOf(last), group: foldTitle(view.group), targets: targets.join(", ") };
  return fill(view.last < turn ? "forward group" : "backward group", words);
}

function foldTitle(id) {
  const fold = foldOf.get(id);
  return fold.count > 1 ? `${fold.title} ×${fold.count}` : fold.title;
}
