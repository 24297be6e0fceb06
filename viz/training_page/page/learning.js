// A network that learns: its numbers in one array, data, batches, updates, history. Nothing here touches the page. What an
// activation computes and what goes back through it are rows of the table (MEANING, RULES); sums and products are loops.
//
//   net    {layers, widths, size, loss}; a layer is {n_in, n_out, g, w, b}, w and b are where its numbers begin in theta,
//          those of W row by row. The loss follows from the last activation.
//   data   {X, T, held: {X, T}}: rows of inputs and of targets, those that are learned from and those held out.

const MORE = { leaky_relu: [0.01], elu: [1] };  // what activations take besides z
const GENTLE = ["tanh", "relu", "sigmoid", "leaky_relu", "elu", "softplus", "silu", "gelu", "identity"];
const LOSSES = { softmax: "cross_entropy", sigmoid: "sigmoid_cross_entropy" };
const FLOATS = 4e6, MARKS = 1000;  // of a history: numbers, and points in time

const activated = (g, z) => MEANING[g](z, ...(MORE[g] || []));
const slopeOf = (g, a, z) => RULES[g][0](1, a, z, ...(MORE[g] || []));

function show(x, digits = 4) {
  if (!Number.isFinite(x)) return repr(x);
  const a = Math.abs(x);
  return x === 0 ? "0" : a >= 1e-4 && a < 10 ** (digits + 2) ? String(+x.toPrecision(digits)) : x.toExponential(digits - 1).replace(/\.?0+e/, "e");
}

// Random numbers: the same for a seed everywhere ------------------------------------------------------------------------

function randomOf(seed) {  // Tommy Ettinger's mulberry32
  let state = seed >>> 0;
  const uniform = () => {
    state = state + 0x6D2B79F5 >>> 0;
    let t = Math.imul(state ^ state >>> 15, state | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal, between: (low, high) => low + (high - low) * uniform() };
}

// Data ------------------------------------------------------------------------------------------------------------------

const DRAWN = 125, SHORT_DATA = 20, HELD = 5;  // every fifth row is held out, of short data none

const around = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];
const jittered = (r, [x, y], by) => [x + by * r.normal(), y + by * r.normal()];

// Each returns the i-th sample, [inputs, y].
const SHAPES = {
  moons(r, i) {
    const angle = Math.PI * r.uniform(), [x, y] = around(1, angle);
    return [jittered(r, i % 2 ? [0.5 - x, 0.25 - y] : [x - 0.5, y - 0.25], 0.12), i % 2];
  },
  circles: (r, i) => [jittered(r, around(i % 2 ? 0.4 : 1.1, 2 * Math.PI * r.uniform()), 0.1), i % 2],
  xor(r) {
    const away = () => r.between(0.08, 1.1) * (r.uniform() < 0.5 ? -1 : 1), x = [away(), away()];
    return [x, x[0] * x[1] < 0 ? 1 : 0];
  },
  spiral(r, i) {
    const along = r.uniform(), radius = 0.1 + 1.1 * along;
    return [jittered(r, around(radius, 6 * along + Math.PI * (i % 2)), 0.03), i % 2];
  },
  line(r) {
    const x = r.between(-1.2, 1.2);
    return [[x], 0.8 * x + 0.3 + 0.1 * r.normal()];
  },
};

const rounded = x => Math.round(x * 1e4) / 1e4;

function drawn(shape, seed) {
  const r = randomOf(seed), rows = Array.from({ length: DRAWN }, (_, i) => SHAPES[shape](r, i));
  return { X: rows.map(([x]) => x.map(rounded)), y: rows.map(([, y]) => rounded(y)), classes: shape === "line" ? null : ["0", "1"], inputs: shape === "line" ? ["x"] : ["x1", "x2"] };
}

// A table as text: numbers in columns, the last of them is y; where y is no number, its words are classes.
function tableOf(text) {
  const lines = text.split(/\r?\n/).map((line, i) => [i + 1, line.trim().split(/\s*[,;\t]\s*|\s+/)]).filter(([, cells]) => cells[0]);
  const isNumber = cell => cell !== "" && Number.isFinite(Number(cell));
  if (!lines.length) throw new Error("the table is empty: a sample a line, its last column is y");
  const head = isNumber(lines[0][1][0]) ? null : lines.shift()[1];
  if (!lines.length) throw new Error("the table has a head and no sample");
  const wide = lines[0][1].length;
  if (wide < 2) throw new Error(`line ${lines[0][0]} has one column: inputs and, last, y make two at least`);
  for (const [i, cells] of lines) {
    if (cells.length !== wide) throw new Error(`line ${i} has ${cells.length} columns, line ${lines[0][0]} has ${wide}`);
    const bad = cells.slice(0, -1).find(cell => !isNumber(cell));
    if (bad !== undefined) throw new Error(`line ${i}: ${bad || "nothing"} is no number`);
  }
  const told = lines.map(([, cells]) => cells[wide - 1]), all = [...new Set(told)].sort();
  const numbers = told.every(isNumber), few = all.length <= MOST_CLASSES;
  if (!numbers && !few) throw new Error(`the last column has ${all.length} different words: a class for each is more than ${MOST_CLASSES}`);
  const whole = numbers && few && told.every(cell => Number.isInteger(+cell)), X = lines.map(([, cells]) => cells.slice(0, -1).map(Number));
  const inputs = head?.length === wide ? head.slice(0, -1) : X[0].map((_, i) => `x${i + 1}`);
  if (numbers && !whole) return { X, y: told.map(Number), classes: null, inputs };
  if (numbers) all.sort((a, b) => a - b);
  const classes = all.length > 1 ? all : [...all, `not ${all[0]}`];
  return { X, y: told.map(cell => classes.indexOf(cell)), classes, inputs };
}

const MOST_CLASSES = 7;

// Rows to learn from and rows held out, with targets as the last layer wants them.
function divided({ X, y }, net) {
  const held = i => X.length >= SHORT_DATA && i % HELD === HELD - 1, wide = net.widths[net.widths.length - 1];
  const targets = y.map(k => net.loss === "softmax" ? Array.from({ length: wide }, (_, j) => +(j === k)) : [k].flat());
  const kept = rows => rows.filter((_, i) => !held(i)), rest = rows => rows.filter((_, i) => held(i));
  return { X: kept(X), T: kept(targets), held: { X: rest(X), T: rest(targets) } };
}

// The network -----------------------------------------------------------------------------------------------------------

function networkOf(widths, gs) {
  let size = 0;
  const layers = gs.map((g, i) => {
    const layer = { n_in: widths[i], n_out: widths[i + 1], g, w: size, b: size + widths[i] * widths[i + 1] };
    size = layer.b + layer.n_out;
    return layer;
  });
  const last = gs[gs.length - 1], vectors = () => widths.map(n => new Float64Array(n));
  return { layers, widths, size, loss: LOSSES[last] ? last : "half", z: vectors(), a: vectors(), dz: vectors(), da: vectors() };
}

// Each returns how a weight is drawn and, where they are not 0, a bias.
const STARTS = {
  glorot: (r, n, m) => { const most = Math.sqrt(6 / (n + m)), draw = () => r.between(-most, most); return [draw, draw]; },
  he: (r, n) => [() => r.normal() * Math.sqrt(2 / n)],
  lecun: (r, n) => [() => r.normal() * Math.sqrt(1 / n)],
  uniform: r => [() => r.between(-1, 1)],
  zeros: () => [() => 0],
};

function startOf(net, name, seed) {
  const theta = new Float64Array(net.size), r = randomOf(seed + 7919);
  for (const { n_in, n_out, w, b } of net.layers) {
    const [weight, bias] = STARTS[name](r, n_in, n_out);
    for (let i = w; i < b; i++) theta[i] = weight();
    if (bias) for (let i = b; i < b + n_out; i++) theta[i] = bias();
  }
  return theta;
}

// Carry a sample through: net.z[l] and net.a[l] of layers 1, 2, ...
function pass(net, theta, x) {
  net.a[0].set(x);
  net.layers.forEach(({ n_in, n_out, g, w, b }, i) => {
    const before = net.a[i], z = net.z[i + 1], a = net.a[i + 1];
    for (let k = 0; k < n_out; k++) {
      let sum = 0;
      for (let j = 0, at = w + k * n_in; j < n_in; j++) sum += theta[at + j] * before[j];
      z[k] = sum + theta[b + k];
    }
    if (g === "softmax") softmaxInto(z, a);
    else for (let k = 0; k < n_out; k++) a[k] = activated(g, z[k]);
  });
  return net.a[net.layers.length];
}

function softmaxInto(z, a) {
  const most = Math.max(...z);
  let sum = 0;
  for (let k = 0; k < z.length; k++) sum += a[k] = Math.exp(z[k] - most);
  for (let k = 0; k < z.length; k++) a[k] /= sum;
}

// The loss of the sample that was passed last.
function lossOf(net, y) {
  const n = net.layers.length, z = net.z[n], a = net.a[n];
  if (net.loss === "softmax") { const most = Math.max(...z); return most + Math.log(z.reduce((sum, x) => sum + Math.exp(x - most), 0)) - z.reduce((sum, x, k) => sum + y[k] * x, 0); }
  return y.reduce((sum, t, k) => sum + (net.loss === "sigmoid" ? MEANING.logistic_loss(z[k], t) : MEANING.squared_loss(a[k], t)), 0);
}

// Carry the gradient of the loss back: net.dz, and net.da of the layers before the last; into `grad`, what is there plus
// `share` times that of the parameters.
function back(net, theta, y, grad, share) {
  const n = net.layers.length;
  for (let i = n; i > 0; i--) {
    const { n_in, n_out, g, w, b } = net.layers[i - 1], { [i]: dz } = net.dz, { [i]: da } = net.da, before = net.a[i - 1], low = net.da[i - 1];
    for (let k = 0; k < n_out; k++) {
      const own = net.a[i][k];
      if (i === n && net.loss === "half") da[k] = own - y[k];
      dz[k] = i === n && net.loss !== "half" ? own - y[k] : da[k] * slopeOf(g, own, net.z[i][k]);
      grad[b + k] += share * dz[k];
      for (let j = 0, at = w + k * n_in; j < n_in; j++) grad[at + j] += share * dz[k] * before[j];
    }
    for (let j = 0; j < n_in; j++) {
      let sum = 0;
      for (let k = 0; k < n_out; k++) sum += theta[w + k * n_in + j] * dz[k];
      low[j] = sum;
    }
  }
}

// The mean loss of rows.
function meanLoss(net, theta, X, T) {
  let sum = 0;
  for (let i = 0; i < X.length; i++) { pass(net, theta, X[i]); sum += lossOf(net, T[i]); }
  return sum / X.length;
}

// The gradient of the mean loss of rows, and that loss.
function gradientOf(net, theta, X, T, from = 0, to = X.length, grad = new Float64Array(net.size)) {
  let sum = 0;
  for (let i = from; i < to; i++) { pass(net, theta, X[i]); sum += lossOf(net, T[i]); back(net, theta, T[i], grad, 1 / (to - from)); }
  return { grad, loss: sum / (to - from) };
}

// Training --------------------------------------------------------------------------------------------------------------

// Each moves the parameters p by the gradient g; m and v are what it remembers, t counts updates from 1.
const OPTIMIZERS = {
  sgd(p, g, rate) { for (let i = 0; i < p.length; i++) p[i] -= rate * g[i]; },
  momentum(p, g, rate, t, m) { for (let i = 0; i < p.length; i++) { m[i] = 0.9 * m[i] + g[i]; p[i] -= rate * m[i]; } },
  adam(p, g, rate, t, m, v) {
    const c = Math.sqrt(1 - 0.999 ** t), far = rate * c / (1 - 0.9 ** t);
    for (let i = 0; i < p.length; i++) {
      m[i] = 0.9 * m[i] + (1 - 0.9) * g[i];
      v[i] = 0.999 * v[i] + (1 - 0.999) * g[i] * g[i];
      p[i] -= far * m[i] / (Math.sqrt(v[i]) + 1e-8 * c);
    }
  },
};

// A training: batches are taken from the rows in their order, from the first again when they are through. `runs` says what
// was done, [rate, rows in a batch, how often] one after the other; `marks` are the points in time that the ruler goes to,
// {epoch, theta, loss, held}; `means` has for each epoch the mean of the losses at which it was learned from.
class Training {
  constructor(net, start, data, optimizer) {
    Object.assign(this, { net, start: start.slice(), theta: start.slice(), data, optimizer, at: 0, epochs: 0, count: 0, runs: [], marks: [], means: [], sum: 0, every: 1, stopped: "" });
    [this.m, this.v, this.grad] = [0, 0, 0].map(() => new Float64Array(net.size));
    this.mark();
  }

  get rows() { return this.data.X.length; }

  // One update by the next `batch` rows, fewer at the end of an epoch.
  step(batch, rate) {
    if (this.stopped) return;
    const to = Math.min(this.at + batch, this.rows);
    const { loss } = gradientOf(this.net, this.theta, this.data.X, this.data.T, this.at, to, this.grad.fill(0));
    if (!Number.isFinite(loss)) { this.stopped = `the loss is ${repr(loss)}: a smaller rate may help. Start again.`; return; }
    OPTIMIZERS[this.optimizer](this.theta, this.grad, rate, ++this.count, this.m, this.v);
    const last = this.runs[this.runs.length - 1];
    if (last && last[0] === rate && last[1] === batch) last[2]++;
    else this.runs.push([rate, batch, 1]);
    this.sum += loss * (to - this.at);
    this.at = to % this.rows;
    if (!this.at) { this.epochs++; this.means.push(this.sum / this.rows); this.sum = 0; if (this.epochs % this.every === 0) this.mark(); }
  }

  epoch(batch, rate) { do this.step(batch, rate); while (this.at && !this.stopped); }

  replay(runs) { for (const [rate, batch, times] of runs) for (let i = 0; i < times && !this.stopped; i++) this.step(batch, rate); if (this.at) this.mark(); }

  mark() {
    const { net, theta, data: { X, T, held } } = this;
    const epoch = this.epochs + this.at / this.rows;
    if (this.marks.length && this.marks[this.marks.length - 1].epoch === epoch) return;
    this.marks.push({ epoch, theta: theta.slice(), loss: meanLoss(net, theta, X, T), held: held.X.length ? meanLoss(net, theta, held.X, held.T) : null });
    if (this.marks.length > Math.max(20, Math.min(MARKS, FLOATS / net.size))) { this.marks = this.marks.filter((_, i) => i % 2 === 0 || i === this.marks.length - 1); this.every *= 2; }
  }
}

// What is wrong with neurons and layers: {"1.3": reason}, and by the number of a layer.
function findings(net, theta, { X, T }) {
  const rows = Math.min(X.length, 300), grad = new Float64Array(net.size), found = {}, n = net.layers.length;
  const flat = net.widths.map(k => new Float64Array(k)), zero = net.widths.map(k => new Float64Array(k)), squares = net.widths.map(() => 0);
  for (let r = 0; r < rows; r++) {
    pass(net, theta, X[r]);
    back(net, theta, T[r], grad, 0);
    net.layers.forEach(({ g, n_out }, i) => {
      for (let k = 0; k < n_out; k++) {
        squares[i + 1] += net.dz[i + 1][k] ** 2 / n_out / rows;
        if (g === "softmax") continue;
        const slope = slopeOf(g, net.a[i + 1][k], net.z[i + 1][k]);
        flat[i + 1][k] += Math.abs(slope) < 0.02 * (g === "sigmoid" ? 0.25 : 1);
        zero[i + 1][k] += slope === 0;
      }
    });
  }
  net.layers.forEach(({ g, n_out }, i) => {
    for (let k = 0; k < n_out; k++) {
      if (zero[i + 1][k] === rows) found[`${i + 1}.${k}`] = `dead: z ≤ 0 for all ${rows} samples, there ${g}'(z) = 0, so no gradient comes to its weights and they stay`;
      else if (i + 1 < n && (g === "tanh" || g === "sigmoid") && flat[i + 1][k] >= 0.95 * rows) found[`${i + 1}.${k}`] = `flat: saturated, for ${flat[i + 1][k]} of ${rows} samples z is where ${g} is flat, ${g}'(z) below 2 % of its most, and little gradient comes through`;
    }
    const share = Math.sqrt(squares[i + 1] / squares[n]);
    if (i + 1 < n && !(share >= 1e-3)) found[i + 1] = `vanished: dL/dz[${i + 1}] is ${show(Math.sqrt(squares[i + 1]), 2)} in the mean square, ${squares[i + 1] ? `${show(share, 2)} of` : "beside"} that of the last layer; each layer on the way multiplied it by Wᵀ and ${g}'(z)`;
  });
  return found;
}
