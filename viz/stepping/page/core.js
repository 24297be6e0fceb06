// The record in numbers: both passes, folds, visible steps. Nothing here touches the page. What is told about a step is
// computed when it is asked for.

const WORDS = { inf: Infinity, "-inf": -Infinity, nan: NaN };
const LONGEST_TEXT = 1000;

// What a record is read into; another formula puts another in its place.
let nodes, vertices, edges, folds, title, base, root, turn, foldOf, seed, lacking, own, why, hasArrays, traceable;
// Data and, along the backward pass, every gradient. `data` changes under the sliders.
let data, started, grads = [];
// Of each vertex the contributions that it receives; of each step of a kind the number, by vertex or edge.
let parts, computedAt, sentAt, sums, sendings, members, facts;
// The groups that are circles while they are closed: the neurons of layers.
let rounds;

const isLeaf = vertex => !vertex.op;
const nameOf = id => vertices[id].name;
const pathOf = thing => thing.group_path || [];
const cutText = text => text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;
// A name after a d or ∂: one that reads like an expression gets brackets.
const inside = name => /[\s+\-*/%@<>=!~&|^,;:]/.test(name.replace(/(?<=[\w\])])\[[^[\]]*\]/g, "")) ? `(${name})` : name;
const by = name => `d${inside(title)}/d${inside(name)}`;

// Numbers, arrays and settings as a record has them.
function read(x) {
  if (typeof x === "string") return x in WORDS ? WORDS[x] : x;
  if (x === null || typeof x !== "object" || Array.isArray(x) || !x.shape) return x;
  if (x.bytes !== undefined) return { shape: x.shape, data: Array.from(new Float64Array(Uint8Array.from(atob(x.bytes), c => c.charCodeAt(0)).buffer)) };
  return { shape: x.shape, data: x.data.map(read) };
}

function readNode([op, args, name, path, more], rows, names) {
  const { words, single, given, sent, stretched, source, now } = more || {};
  const node = { op: op < 0 ? "" : rows[op], inputs: [], constants: [], words, single, source, now: now === undefined ? undefined : read(now), path: path || 0, settings: 0 };
  if (given !== undefined) Object.assign(node, { given: read(given), sent: sent.map(x => x === null ? undefined : read(x)), stretched });
  if (op < 0) node.data = read(args);
  else args.forEach((arg, k) => {
    node.inputs.push(Array.isArray(arg) ? -1 : arg);
    node.constants.push(Array.isArray(arg) ? read(arg[0]) : undefined);
  });
  if (["einsum", "concatenate", "stack", "l2_penalty"].includes(node.op)) node.settings = 1;
  node.name = name || `v${++names.count}`;
  const numbered = name && /^v(\d{1,9})$/.exec(name);
  if (numbered) names.count = +numbered[1];
  return node;
}

// Take a record in: after this everything below speaks of it.
function take(record) {
  const names = { count: 0 };
  nodes = record.nodes.map(node => readNode(node, record.rows, names));
  ({ title, folds = [], lacking, why, own } = record);
  root = nodes.length - 1;
  seed = read(record.seed ?? 1);
  foldOf = new Map(folds.map(fold => [fold.id, fold]));
  rounds = new Set(folds.filter(fold => fold.kind === "neuron" && foldOf.get(fold.parent)?.kind === "layer").map(fold => fold.id));
  edges = edgesOf(nodes).map(edge => new Edge(edge));
  started = forward(nodes, nodes.map(node => node.data));
  data = started.slice();
  hasArrays = data.some(isArray);
  traceable = hasArrays && !lacking;
  vertices = nodes.map((node, id) => new Vertex(node, id, record.paths?.[node.path]));
  const order = record.order || nodes.flatMap((node, i) => node.op ? [i] : []);
  base = stepsOf(nodes, edges, order, edge => hasArrays ? stretched(nodes, edge, data) : null).map(step => Object.assign(new Step(), step));
  turn = base.findIndex(step => step.kind === "seed");
  index();
  recompute();
}

class Vertex {
  constructor(node, id, path) { Object.assign(this, { node, id, name: node.name, group_path: path, source: node.source, now: node.now, uses: 0, shape: isArray(data[id]) ? data[id].shape : undefined }); }
  get op() { return markOf(this.node); }
  get equation() { return cutText(this.node.op ? `${TEXT.named(this.name).text} = ${rightSide(this.node, nameOf)}` : this.name); }
  get latex() { return latexName(this.name); }
}

class Edge {
  constructor(edge) { Object.assign(this, edge); }
  get isNumber() { return isElementwise(nodes[this.head].op) || !isArray(data[this.head]) && !isArray(data[this.tail]); }
  get symbols() { return cutText(symbolsOf(nodes, this, nameOf, SHORT)); }
  get latex() { return symbolsOf(nodes, this, nameOf, SHORT_LATEX); }
  get local() { return localOf(this); }
}

class Step {
  get group_path() { return this.kind === "start" || this.kind === "seed" ? [] : pathOf(vertices[this.by ?? this.node]); }
  get upstream() { return this.kind === "contribute" ? grads[this.node] ?? zero(data[this.node]) : undefined; }
  get local() { return this.kind === "contribute" ? edges[this.edge].local : undefined; }
  get contribution() { return this.kind === "contribute" ? pull(nodes, edges[this.edge], data, this.upstream) : undefined; }
  get before() { return this.kind === "contribute" && this.part ? totalsOf(this.target)[this.part - 1] : undefined; }
  get after() { return this.kind === "contribute" ? totalsOf(this.target)[this.part] : this.kind === "finish" ? totalsOf(this.node).at(-1) : this.kind === "seed" ? seed : undefined; }
}

// The derivative of a head by its tail; undefined where there is only a product with the upstream gradient.
function localOf(edge, d = data) {
  if (!edge.isNumber || nodes[edge.head].sent) return undefined;
  if (!edge.carries) return 0;
  return run(nodes, edge, d, 1);
}

function index() {
  parts = nodes.map(() => []);
  computedAt = nodes.map(() => 0);
  sentAt = edges.map(() => Infinity);
  for (const step of base) {
    if (step.kind === "compute") computedAt[step.node] = step.i;
    if (step.kind !== "contribute") continue;
    step.part = parts[step.target].push(step) - 1;
    sentAt[step.edge] = step.i;
    vertices[step.target].uses++;
  }
  facts = new Map();
  members = new Map(folds.map(fold => [fold.id, []]));
  for (const vertex of vertices) for (const group of pathOf(vertex)) members.get(group).push(vertex);
}

function recompute() {
  forward(nodes, data);
  grads = backward(nodes, data, seed, edges);
  sums = new Map();
  sendings = new Map();
}

const computeForward = d => forward(nodes, d);

// The totals of a gradient after each of its contributions.
function totalsOf(node) {
  if (!sums.has(node)) {
    let total;
    sums.set(node, parts[node].map(step => { const c = step.contribution; return total = total === undefined ? c : plus(total, c); }));
  }
  return sums.get(node);
}

// Visible steps: what happens inside a closed group is one step.
const shutIn = (path, open) => path.find(group => !open.has(group)) || "";

function plan(open) {
  const seen = [], shut = new Map();
  const shutOf = path => { if (!shut.has(path)) shut.set(path, shutIn(path, open)); return shut.get(path); };
  base.forEach((step, i) => {
    const path = pathOf(step), group = path.length ? shutOf(path) : "";
    const last = seen[seen.length - 1];
    if (group && last && last.group === group) last.last = i;
    else seen.push({ group, first: i, last: i });
  });
  return seen;
}

// What a closed group sends: one entry for each vertex outside it, or leaf inside it, that it contributes to.
function sentBy(view) {
  if (sendings.has(view.first)) return sendings.get(view.first);
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
  sendings.set(view.first, [...sent.values()]);
  return sendings.get(view.first);
}

const entryOf = (x, k) => isArray(x) ? x.data[k] : x;
const withEntry = (x, k, value) => isArray(x) ? { ...x, data: x.data.map((e, i) => i === k ? value : e) } : value;

// The gradients that a closed group receives: those of its vertices that are used outside.
function receivedBy(view) {
  return factsOf(view.group).outputs;
}

// Of a group: the vertices that are used outside, the one that it ends with, the steps after which all is computed and
// all gradients in it are complete.
function factsOf(group) {
  if (facts.has(group)) return facts.get(group);
  const inside = members.get(group), own = new Set(inside.map(vertex => vertex.id)), ops = inside.filter(vertex => !isLeaf(vertex));
  const outputs = new Set(edges.filter(e => own.has(e.tail) && !own.has(e.head) && !isLeaf(vertices[e.tail])).map(e => e.tail));
  if (own.has(root)) outputs.add(root);
  // Of a neuron: what it computes of its sums, once for each call; not what is made of a weight alone, as for a penalty.
  const calls = rounds.has(group) ? [...outputs].filter(id => nodes[id].inputs.some(i => i >= 0 && nodes[i].op)).sort((a, b) => a - b) : [];
  const last = (steps, f) => steps.reduce((most, vertex) => Math.max(most, f(vertex)), 0);
  const found = {
    outputs: [...outputs], calls, end: calls.at(-1) ?? (ops.length ? ops : inside).at(-1).id, computed: last(ops, ({ id }) => computedAt[id]),
    complete: last(inside, ({ id }) => id === root ? turn : parts[id].at(-1)?.i ?? Infinity),
  };
  facts.set(group, found);
  return found;
}

// The state after a base step: what is computed, the totals so far, what is still to come.
function stateAt(upto) {
  const come = node => { const all = parts[node]; let n = all.length; while (n && all[n - 1].i > upto) n--; return n; };
  const totals = node => node === root ? turn <= upto ? grads[root] : undefined : come(node) ? totalsOf(node)[come(node) - 1] : undefined;
  return {
    upto, flows: upto,
    computed: { has: node => computedAt[node] <= upto },
    totals: { get: totals, has: node => node === root ? turn <= upto : come(node) > 0 },
    left: { get: node => come(node) ? parts[node].length - come(node) : undefined },
    sent: { has: edge => sentAt[edge] <= upto, get: edge => sentAt[edge] <= upto ? base[sentAt[edge]].contribution : undefined },
  };
}

// Numbers as the cards show them: four digits, small arrays entry by entry, of larger ones the norm.
function show(x, digits = 4) {
  if (x === undefined || x === null) return "–";
  if (isArray(x)) return showArray(x);
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (x === 0) return "0";
  const [mantissa, exponent] = rounded(x, digits).split("e");
  if (exponent < -4 || exponent >= digits) return `${+mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  return String(+`${mantissa}e${exponent}`);
}

// With so many digits; of two that are as near the even one, as Python has it.
function rounded(x, digits) {
  const near = x.toExponential(digits - 1), more = x.toExponential(digits);
  if (!/5e/.test(more) || +more !== x || x.toExponential(60).replace(/0+e/, "e") !== more) return near;
  const down = more.replace(/\.?5e/, "e");
  return /[02468]e/.test(down) ? down : near;
}

// As cards have room for it.
function brief(x) {
  const text = show(x);
  return text.length > 14 ? `norm ${show(size(x))}` : text;
}

const size = x => isArray(x) ? norm(x) : Math.abs(x);
const close = (x, y) => isArray(x) || isArray(y) ? closeArrays(x, y) : Object.is(x, y) || x === y || Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x), Math.abs(y));

// Sentences, from the same templates as the list of steps in a page without scripts.
const fill = (template, words) => TEMPLATES[template].replace(/\{(\w+)\}/g, (_, name) => words[name]());

function sentence(view) {
  const step = base[view.first];
  if (view.group) return groupSentence(view);
  return fill(templateOf(step), wordsOf(step));
}

function templateOf(step) {
  if (step.kind !== "contribute") return step.kind;
  const edge = edges[step.edge];
  return !edge.carries ? "nothing" : edge.isNumber ? "contribute" : "product";
}

const NUMBERS_OF = ["local", "upstream", "contribution", "before", "after"];

// What a template may name, each told when it is named.
function wordsOf(step) {
  const words = {
    node: () => nameOf(step.node), equation: () => vertices[step.node].equation, uses_left: () => step.uses_left,
    data: () => show(data[step.node]), target: () => step.target === undefined ? "" : nameOf(step.target),
    symbols: () => step.edge === undefined ? "" : edges[step.edge].symbols, axes: () => (step.axes || []).join(", "),
    by_node: () => by(words.node()), by_target: () => by(words.target()), shape: () => shapeText(step.shape || []), rest: () => fill(step.uses_left ? "more" : "complete", words),
    total: () => fill(step.before === undefined ? "first" : "sum", words),
  };
  for (const name of NUMBERS_OF) words[name] = () => show(step[name]);
  return words;
}

const shapeText = shape => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

function groupSentence(view) {
  const last = base[view.last];
  const names = sentBy(view).map(sent => nameOf(sent.target));
  const targets = names.length > 5 ? [...names.slice(0, 4), `${names.length - 4} more`] : names;
  const words = { ...wordsOf(last), group: () => foldTitle(view.group), targets: () => targets.join(", ") };
  return fill(view.last < turn ? "forward group" : "backward group", words);
}

function foldTitle(id) {
  const fold = foldOf.get(id);
  return fold.count > 1 ? `${fold.title} ×${fold.count}` : fold.title;
}
