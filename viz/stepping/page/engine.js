// The engine: a record, its sweep forward and backward, its steps and its words. NUMBERS, ARRAYS, rulesOf and ROWS are
// printed from the table.
//
//   node     {op, inputs, constants}: a leaf has op ""; inputs[k] is the number of the node that is the k-th argument,
//            or -1, and then constants[k] is the argument. A node is older than its users: the root is the last one.
//   edge     {id, head, tail, place, carries, isNumber}: the use of a node as an argument; isNumber says that its derivative
//            is a number for each entry
//   number   a number, or an array {shape, data} with the entries row by row; a shape of [] is a number.
//   MEANING  what the rows compute: MEANING.mul(2, 3). RULES.mul[0](g, z, x, y) is what goes back to x.
//   forward(nodes, d)            computes d[i] of every node that is no leaf, from the leaves in d
//   backward(nodes, d, seed)     returns the gradient of every node, undefined where none comes
//   pull(nodes, edge, d, g)      what the edge {head, tail, place} sends to its tail
//   edgesOf, reachedFrom, stepsOf, Wrong: the edges, who receives a gradient, the steps of both passes, wrong sweeps

const MEANING = ARRAYS || NUMBERS, RULES = rulesOf(MEANING);

const isArray = x => typeof x === "object";
const plus = (x, y) => isArray(x) || isArray(y) ? MEANING.add(x, y) : x + y;
const times = (x, y) => isArray(x) || isArray(y) ? MEANING.mul(x, y) : x * y;
const shapeOf = x => isArray(x) ? x.shape : [];
const zero = x => isArray(x) ? { shape: x.shape, data: x.data.map(() => 0) } : 0;
const ones = x => isArray(x) ? { shape: x.shape, data: x.data.map(() => 1) } : 1;

const isElementwise = op => Boolean(ROWS[op]?.n);
const argOf = (node, k, d) => node.inputs[k] < 0 ? node.constants[k] : d[node.inputs[k]];
const argsOf = (node, d) => node.inputs.map((_, k) => argOf(node, k, d));
const single = (x, node) => node.single ? MEANING.float32(x) : x;
const valueOf = (node, d) => node.given ?? single(computed(MEANING[node.op], node, d), node);

function computed(f, node, d) {
  if (node.inputs.length === 2) return f(argOf(node, 0, d), argOf(node, 1, d));
  return node.inputs.length === 1 ? f(argOf(node, 0, d)) : f(...argsOf(node, d));
}

// The rule for the argument at a place, null for none; a row of many arguments has one for all of them.
function ruleOf(node, place) {
  const rules = node.sent ? null : RULES[node.op];
  return typeof rules === "function" ? place < node.settings ? null : rules : rules && rules[place];
}

const carries = (node, place) => Boolean(node.sent ? node.sent[place] !== undefined : ruleOf(node, place));

function forward(nodes, d) {
  for (let i = 0; i < nodes.length; i++) if (nodes[i].op) d[i] = valueOf(nodes[i], d);
  return d;
}

// What the rule gives, before broadcasting is repaired; a sum does not look at what it sums.
function run(nodes, { head, place }, d, g) {
  const node = nodes[head], rule = ruleOf(node, place), z = d[head];
  if (!Array.isArray(RULES[node.op])) return rule(g, z, place, node.op === "add_n" ? null : argsOf(node, d));
  if (node.inputs.length === 2) return rule(g, z, argOf(node, 0, d), argOf(node, 1, d));
  return node.inputs.length === 1 ? rule(g, z, argOf(node, 0, d)) : rule(g, z, ...argsOf(node, d));
}

function pull(nodes, edge, d, g) {
  const node = nodes[edge.head], { tail, place } = edge;
  if (!edge.carries) return zero(d[tail]);
  return node.sent ? node.sent[place] : single(fitted(run(nodes, edge, d, g), d[tail]), nodes[tail]);
}

// Broadcasting is repaired: a contribution is summed over the axes along which its argument was repeated.
const fitted = (c, x) => !isArray(c) && !isArray(x) || String(shapeOf(c)) === String(shapeOf(x)) ? c : MEANING.sum_to(c, shapeOf(x));

const edgesOf = nodes => nodes.flatMap((node, head) => node.inputs.flatMap((tail, place) => tail < 0 ? [] : [{ head, tail, place, carries: carries(node, place) }]))
  .map((edge, id) => ({ id, ...edge }));

// Which nodes a gradient reaches from the root.
function reachedFrom(nodes, edges) {
  const reached = nodes.map((_, i) => i === nodes.length - 1);
  for (let k = edges.length - 1; k >= 0; k--) if (edges[k].carries && reached[edges[k].head]) reached[edges[k].tail] = true;
  return reached;
}

function backward(nodes, d, seed, edges = edgesOf(nodes)) {
  const g = new Array(nodes.length);
  g[nodes.length - 1] = seed;
  for (const edge of inTurn(edges)) {
    if (g[edge.head] === undefined || !edge.carries) continue;
    const c = pull(nodes, edge, d, g[edge.head]);
    g[edge.tail] = g[edge.tail] === undefined ? c : plus(g[edge.tail], c);
  }
  return g;
}

const turns = new WeakMap();

// The edges in the order of the sweep: the youngest node first, its arguments from left to right.
function inTurn(edges) {
  if (turns.has(edges)) return turns.get(edges);
  const found = [];
  for (let end = edges.length, k = end - 1; k >= 0; k--)
    if (!k || edges[k - 1].head !== edges[k].head) { for (let j = k; j < end; j++) found.push(edges[j]); end = k; }
  turns.set(edges, found);
  return found;
}

// The steps of both passes, each with what it happens to; the numbers are told by the sweep. `order` lists the ops as
// they take their turn, `stretch(edge)` is [shape, axes] of an argument that is repeated, else null.
function stepsOf(nodes, edges, order, stretch) {
  const into = nodes.map(() => []), left = nodes.map(() => 0), reached = reachedFrom(nodes, edges), steps = [{ kind: "start", node: 0 }];
  for (const edge of edges) { into[edge.head].push(edge); if (reached[edge.head]) left[edge.tail]++; }
  const several = left.map(n => n > 1);
  const repeated = (kind, edge) => { const found = stretch(edge); if (found) steps.push({ kind, node: edge.head, edge: edge.id, target: edge.tail, shape: found[0], axes: found[1] }); };
  for (const node of order) {
    for (const edge of into[node]) repeated("broadcast", edge);
    steps.push({ kind: "compute", node });
  }
  steps.push({ kind: "seed", node: nodes.length - 1 });
  for (const node of [...order].reverse()) for (const edge of reached[node] ? into[node] : []) {
    repeated("reduce", edge);
    steps.push({ kind: "contribute", node, edge: edge.id, target: edge.tail, uses_left: --left[edge.tail] });
    if (!left[edge.tail] && several[edge.tail]) steps.push({ kind: "finish", node: edge.tail, by: node });
  }
  steps.forEach((step, i) => { step.i = i; });
  return steps;
}

// The shape to which an argument is repeated, and the axes along which it is.
function stretched(nodes, edge, d) {
  const { head, tail, place } = edge, z = d[head], own = shapeOf(d[tail]);
  if (nodes[head].sent) return nodes[head].stretched[place];
  if (!isArray(z) || !isElementwise(nodes[head].op) && !(edge.carries && ruleOf(nodes[head], place))) return null;
  const shape = isElementwise(nodes[head].op) ? z.shape : shapeOf(run(nodes, edge, d, ones(z))), more = shape.length - own.length;
  const axes = shape.flatMap((n, a) => a < more || own[a - more] !== n ? [a] : []);
  return axes.length ? [shape, axes] : null;
}

// Wrong sweeps: what is done with a contribution, or whose turn it is ---------------------------------------------------

const LONGEST_SWEEP = 10000;

// A sweep that writes down what it sends along `into[node]`, the edges of a node that carry.
function newSweep(nodes, d, seed, into, held = []) {
  const g = [...held], sent = [];
  g[nodes.length - 1] = seed;
  const send = (edge, overwrite) => {
    const upstream = g[edge.head] ?? zero(d[edge.head]), contribution = pull(nodes, edge, d, upstream), before = g[edge.tail];
    const after = before === undefined || overwrite ? contribution : plus(before, contribution);
    g[edge.tail] = after;
    sent.push({ edge: edge.id, upstream, contribution, before, after });
  };
  return { g, sent, into, root: nodes.length - 1, send, run: (some, overwrite) => some.forEach(node => into[node].forEach(edge => send(edge, overwrite))) };
}

// Each takes a sweep and the nodes that send, in their right order.
const WRONG = {
  overwrite: (sweep, senders) => sweep.run(senders, true),
  creation: (sweep, senders) => sweep.run([...senders].sort((a, b) => a - b)),
  recursion(sweep) {
    const calls = [[sweep.root, 0]];
    while (calls.length && sweep.sent.length < LONGEST_SWEEP) {
      const call = calls[calls.length - 1], edge = sweep.into[call[0]][call[1]++];
      if (!edge) { calls.pop(); continue; }
      sweep.send(edge);
      calls.push([edge.tail, 0]);
    }
  },
  zero_grad: (sweep, senders) => sweep.run(senders),
};

// Words: rules run on pieces of a formula print themselves ---------------------------------------------------------------

const SUM = 0, REMAINDER = 1, PRODUCT = 2, SIGN = 3, POWER = 4, ATOM = 5;
const GREEK = new Set("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(" "));
const ESCAPES = { "\\": "\\textbackslash{}", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}" };
const escaped = text => text.replace(/[{}$&#%_]/g, "\\$&").replace(/[\\^~<>|](?![{}$&#%_])/g, c => ESCAPES[c]);

// A number as short as it can be written without loss.
function repr(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (Object.is(x, -0)) return "-0.0";
  const whole = Number.isInteger(x), a = Math.abs(x);
  if (whole && a < 1e15) return String(x);
  if (a < 1e16 && a >= 1e-4) return `${x}${whole ? ".0" : ""}`;
  const [mantissa, exponent] = x.toExponential().split("e");
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

const piece = (text, level = ATOM, number) => ({ text, level, number });
const looksLikeMore = name => /[\s+\-*/%@<>=!~&|^,;:]/.test(name.replace(/(?<=[\w\])])\[[^[\]]*\]/g, ""));

const TEXT = {
  brackets: text => `(${text})`,
  number: x => piece(repr(x), repr(x)[0] === "-" ? SIGN : ATOM, x),
  named: name => piece(name, looksLikeMore(name) ? SUM : ATOM),
  plain: text => text,
  pattern: (op, row) => row.text || [callOf(op, row.n), ATOM, []],
};

const LATEX = {
  brackets: text => /\\frac|\\sqrt|\\begin|\^/.test(text) ? `\\left(${text}\\right)` : `(${text})`,
  number(x) {
    const [mantissa, exponent] = repr(x).split("e"), power = exponent && `10^{${+exponent}}`;
    const text = !power ? mantissa.replace("inf", "\\infty").replace("nan", "\\mathrm{nan}") : mantissa === "1" ? power : mantissa === "-1" ? `-${power}` : `${mantissa} \\times ${power}`;
    return piece(text, text[0] === "-" ? SIGN : text.includes("times") ? PRODUCT : text.includes("^") ? POWER : ATOM, x);
  },
  named: name => piece(latexName(name), TEXT.named(name).level),
  plain: text => `\\text{${escaped(text)}}`,
  pattern: (op, row) => Array.isArray(row.latex) ? row.latex : [callOf(row.latex || `\\operatorname{${escaped(op)}}`, row.n), POWER, []],
};

const callOf = (head, n) => `${head}(${Array.from({ length: n }, (_, i) => `{${i}}`).join(", ")})`;

function latexName(name) {
  const found = /^([A-Za-z]+)(?:_?(\d+)|_([A-Za-z\d]+))?$/.exec(name);
  if (!found) return LATEX.plain(name);
  const [, head, digits, word] = found, base = GREEK.has(head) ? `\\${head}` : head.length === 1 ? head : `\\mathrm{${head}}`;
  const below = digits || word && `\\mathrm{${word}}`;
  return below ? `${base}_{${below}}` : base;
}

// How the rows are written in a notation; what is short leaves out what changes nothing, as 1 * x.
function wordsIn(notation, short) {
  const { brackets, number, named, plain, pattern } = notation;
  const asTerm = x => isArray(x) ? x.text === undefined ? piece(entriesOf(x)) : x : number(x);
  const entriesOf = x => x.data.length && x.data.length <= 6 ? written(MEANING.nested(x)) : plain(`array(${x.shape.join(", ")})`);
  const written = x => Array.isArray(x) ? `[${x.map(written).join(", ")}]` : number(x).text;
  const at = (x, level) => x.level >= level ? x.text : brackets(x.text);
  function write(op, args) {
    if (op === "add_n") return piece(args.map((x, i) => at(x, i ? REMAINDER : SUM)).join(" + "), args.length > 1 ? SUM : args[0].level);
    const [text, level, bits] = pattern(op, ROWS[op]);
    if (level < 0) return args[0];
    const filled = text.replace(/\{(\d)\}/g, (_, k) => bits[k] >> args[k].level & 1 ? brackets(args[k].text) : args[k].text);
    const call = notation === LATEX && /^(\\(?:[a-z]+|operatorname\{[^(]*\})(?:_\{\d+\})?)\(([^]*)\)$/.exec(filled);
    return piece(call ? call[1] + brackets(call[2]) : filled, level);
  }
  function negative(x) {
    if (x.number !== undefined) return number(-x.number);
    if (x.level === PRODUCT) return piece(x.text[0] === "-" ? x.text.slice(1) : `-${x.text}`, PRODUCT);
    return x.level === SIGN ? piece(x.text.slice(1), POWER) : write("neg", [x]);
  }
  const shorter = {
    neg: negative,
    add: (x, y) => x.number === 0 ? y : y.number === 0 ? x : null,
    sub: (x, y) => y.number === 0 ? x : x.number === 0 ? negative(y) : null,
    mul: (x, y) => x.number === 1 ? y : x.number === -1 ? negative(y) : y.number === 1 ? x : y.number === -1 ? negative(x) : null,
    div: (x, y) => y.number === 1 ? x : null,
    power: (x, y) => y.number === 1 ? x : y.number === 0 ? number(1) : null,
  };
  const known = x => typeof x === "number" || isArray(x) && x.text === undefined;
  const apply = (op, args) => {
    if (short && args.every(known)) return MEANING[op](...args);
    const terms = args.map(asTerm);
    return short && shorter[op]?.(...terms) || write(op, terms);
  };
  const scope = Object.fromEntries(Object.keys(ROWS).filter(op => ROWS[op].n || op === "add_n").map(op => [op, (...args) => apply(op, args)]));
  return { scope, rules: rulesOf(scope), named, text: x => asTerm(x).text };
}

const PLAIN = wordsIn(TEXT, false), SHORT = wordsIn(TEXT, true), SHORT_LATEX = wordsIn(LATEX, true);

const wordArgs = (node, names, words) => node.inputs.map((i, k) => i < 0 ? node.constants[k] : words.named(names(i)));

// How a node is computed from its arguments; `names` gives the name of a node.
function rightSide(node, names) {
  return node.words ? node.words.right : PLAIN.text(PLAIN.scope[node.op](...wordArgs(node, names, PLAIN)));
}

// The local derivative along an edge, or the product with the upstream gradient g, in symbols.
function symbolsOf(nodes, { head, place, isNumber }, names, words) {
  const node = nodes[head];
  if (node.words) return node.words[words === SHORT ? "symbols" : "latex"][place];
  const rules = words.rules[node.op], args = wordArgs(node, names, words), rule = Array.isArray(rules) ? rules[place] : g => g;
  if (!rule) return words.text(0);
  return words.text(rule(isNumber ? 1 : words.named("g"), words.named(names(head)), ...args));
}

const LONGEST_MARK = 24;

// The op as a mark on a card, with the constants that it computes with.
function markOf(node) {
  if (!node.op || node.words) return node.op && node.words.mark;
  const { symbol = node.op, text } = ROWS[node.op], numbers = node.inputs.flatMap((i, k) => i < 0 && typeof node.constants[k] === "number" ? [node.constants[k]] : []);
  const shown = numbers.map(x => x < 0 ? `(${show(x)})` : show(x));
  const first = node.inputs[0] < 0 && typeof node.constants[0] === "number" && text?.[0].startsWith("{0}");
  const mark = (first ? [...shown, symbol] : [symbol, ...shown]).join(" ");
  return mark.length > LONGEST_MARK ? `${mark.slice(0, LONGEST_MARK - 1)}…` : mark;
}
