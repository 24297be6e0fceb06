// What a person does with the page: settings, training, the ruler, the way down to one multiplication and back, the address.

const FIRST = { data: "moons", table: "", seed: 1, hidden: [[6, "tanh"], [4, "tanh"]], output: "sigmoid", init: "glorot", optimizer: "adam", rate: 0.03, batch: 10 };
const MOST_NEURONS = 16, MOST_LAYERS = 6, ROWS_SHOWN = 16, MOST_ROWS = 5000, REPLAYED = 3e6;  // the last: samples that an address may learn from again
const LOOK = { mark: null, sample: 0, step: 0, neuron: null, times: null, tab: "sample", line: 0, entry: null, shown: "weights" };
let settings, look, samples, training, view, steps, running = 0, failed = "";

// From settings to a training -------------------------------------------------------------------------------------------

function samplesOf({ data, table, seed }) {
  return data === "given" ? RECORD.data : data === "own" ? tableOf(table) : drawn(data, seed);
}

const outputsOf = ({ classes }) => [...(classes ? classes.length === 2 ? ["sigmoid", "softmax"] : ["softmax"] : ["identity"]), ...(RECORD.layers && settings.data === "given" ? [RECORD.layers[RECORD.layers.length - 1].g] : [])].filter((g, i, all) => all.indexOf(g) === i);

function shapeOfNetwork() {
  const wide = settings.output === "softmax" ? samples.classes.length : [samples.y[0]].flat().length;
  return [[samples.X[0].length, ...settings.hidden.map(([n]) => n), wide], [...settings.hidden.map(([, g]) => g), settings.output]];
}

const isGiven = (widths, gs) => Boolean(RECORD.layers) && String(widths) === String([RECORD.layers[0].W[0].length, ...RECORD.layers.map(l => l.W.length)]) && String(gs) === String(RECORD.layers.map(l => l.g));

function begin(runs = []) {
  stop();
  failed = "";
  try {
    const found = samplesOf(settings);
    if (found.X.length > MOST_ROWS) throw new Error(`${found.X.length} samples are more than the ${MOST_ROWS} that a page learns from`);
    samples = found;
  } catch (error) { failed = error.message; return render(); }
  if (!outputsOf(samples).includes(settings.output)) settings.output = outputsOf(samples)[0];
  const [widths, gs] = shapeOfNetwork(), net = networkOf(widths, gs), given = isGiven(widths, gs);
  if (settings.init === "given" && !given) settings.init = "glorot";
  const start = settings.init === "given" ? Float64Array.from(RECORD.layers.flatMap(({ W, b }) => [...W.flat(), ...b])) : startOf(net, settings.init, settings.seed);
  training = new Training(net, start, divided(samples, net), settings.optimizer);
  training.replay(runs);
  steps = sampleSteps(net);
  look = { ...look, mark: null, sample: Math.min(look.sample, training.rows - 1), step: Math.min(look.step, steps.length - 1) };
  if (look.neuron && !neuronExists(look.neuron)) look = { ...look, neuron: null, times: null };
  view = { net, data: training.data, inputs: RECORD.inputs && settings.data === "given" ? RECORD.inputs : samples.inputs, outputs: outputNames(), classes: samples.classes, ...extent() };
  buildNetwork(view);
  fillSettings();
  render();
}

const neuronExists = key => { const [l, k] = key.split(".").map(Number); return l > 0 && l < training.net.widths.length && k >= 0 && k < training.net.widths[l]; };

function outputNames() {
  const { classes } = samples, wide = training.net.widths[training.net.widths.length - 1];
  if (settings.output === "softmax") return classes.map(c => `P(${c})`);
  return settings.output === "sigmoid" && classes ? [`P(${classes[1]})`] : Array.from({ length: wide }, (_, k) => wide > 1 ? `y${k + 1}` : "y");
}

function extent() {
  const { X, y } = samples, of = values => { const low = Math.min(...values), high = Math.max(...values), pad = (high - low || 2) * 0.1; return [low - pad, high + pad]; };
  const means = X[0].map((_, j) => X.reduce((sum, x) => sum + x[j], 0) / X.length);
  return { means, bounds: { x: of(X.map(x => x[0])), y: of(X[0].length > 1 ? X.map(x => x[1]) : y.map(t => [t].flat()[0])) } };
}

// Rendering -------------------------------------------------------------------------------------------------------------

function render(quick = false) {
  $("problem").textContent = failed || training?.stopped || "";
  if (!training) return;
  const { marks, net } = training, mark = look.mark === null ? marks.length - 1 : Math.min(look.mark, marks.length - 1);
  const { theta } = marks[mark], { X, T } = training.data, changed = view.theta !== theta;
  if (changed) tell(net, theta);
  Object.assign(view, { theta, mark, marks, sample: look.sample, shown: shownNow(), neuron: look.neuron });
  view.seen = passesOf(net, theta, X[look.sample], T[look.sample]);
  if (changed && (!quick || mark % 8 === 0) || !view.found) view.found = findings(net, theta, training.data);
  if (view.shown === "gradients") view.grad = gradientOf(net, theta, X, T).grad;
  view.lit = litNow();
  view.number = numberAt;
  paintNetwork(view);
  if (changed || !view.surfaces) view.surfaces = surfacesOf(view);
  paintInside(view, view.surfaces);
  paintSurface(view, view.surfaces);
  paintCurve(view);
  Object.assign($("shown"), { value: view.shown, disabled: stepping() });
  $("epochs").textContent = `epoch ${show(marks[mark].epoch)}${look.mark === null ? "" : ` of ${show(marks[marks.length - 1].epoch)}`}`;
  fillFindings();
  if (quick) return;
  fillSample();
  fillNeuron();
  if (look.tab === "recipe") fillRecipe();
  if (look.tab === "as-code") $("python").textContent = codeOf(training, settings.rate);
  for (const name of ["sample", "recipe", "as-code"]) { $(`tab-${name}`).setAttribute("aria-selected", look.tab === name); $(`tab-${name}`).tabIndex = look.tab === name ? 0 : -1; $(name).hidden = look.tab !== name; }
  follow();
  writeHash();
}

const stepping = () => look.tab === "sample" && look.step > 0;
const shownNow = () => stepping() ? steps[look.step].pass === "backward" ? "contributions" : "products" : look.shown;

// The number in a circle: none, so that its surface is seen, until a step or a line of the recipe has come by.
function numberAt(l, k) {
  const { seen } = view;
  if (look.tab === "recipe") {
    const { name, lights } = view.line;
    if (lights.layer !== l || name === "J" || name === "L") return null;
    const of = name.startsWith("z") ? ["z", seen.z] : name.startsWith("a") ? ["a", seen.a] : name.startsWith("dL/da") ? ["dL/da", seen.da] : ["dL/dz", seen.dz];
    return { what: of[0], x: of[1][l][k] };
  }
  if (look.tab !== "sample" || !look.step) return null;
  const now = steps[look.step], turn = steps.findIndex(step => step.pass === "loss");
  const back = look.step > turn && (l === now.l ? k <= now.k : l > now.l || l === 0 && now.l === 1 && now.k === seen.dz[1].length - 1);
  if (back) return l ? { what: "dL/dz", x: seen.dz[l][k] } : { what: "dL/dx", x: seen.da[0][k] };
  return look.step >= turn || !l || l < now.l || l === now.l && k <= now.k ? { what: "a", x: seen.a[l][k] } : null;
}

function litNow() {
  const { net } = view, curves = new Set(), neurons = new Set();
  const into = (l, k) => { neurons.add(`${l}.${k}`); for (let j = 0; j < net.widths[l - 1]; j++) curves.add(`${l}.${k}.${j}`); };
  if (look.tab === "recipe") {
    const lines = recipeOf(view.seen), { lights } = view.line = lines[Math.min(look.line, lines.length - 1)], l = lights.from || lights.layer;
    for (let k = 0; k < net.widths[lights.layer]; k++) neurons.add(`${lights.layer}.${k}`);
    if (lights.curves) for (let k = 0; k < net.widths[l]; k++) for (let j = 0; j < net.widths[l - 1]; j++) curves.add(`${l}.${k}.${j}`);
  } else if (look.tab === "sample" && look.neuron) {
    const [l, k] = look.neuron.split(".").map(Number);
    if (look.times === null) into(l, k);
    else { neurons.add(look.neuron).add(`${l - 1}.${look.times}`); curves.add(`${look.neuron}.${look.times}`); }
  } else if (look.tab === "sample" && look.step && steps[look.step].l) into(steps[look.step].l, steps[look.step].k);
  return neurons.size ? { curves, neurons } : null;
}

function fillFindings() {
  const alike = new Map();
  for (const [key, reason] of Object.entries(view.found)) { const [l, k] = key.split("."), of = `${l}|${reason}`; alike.set(of, [...(alike.get(of) || []), ...(k === undefined ? [] : [k])]); }
  const told = [...alike].map(([of, ks]) => { const [l, reason] = of.split("|"); return `${ks.length ? `neuron${ks.length > 1 ? "s" : ""} ${ks.join(", ")} of ` : ""}layer ${l}: ${reason}.`; });
  const few = told.length > 4 ? [...told.slice(0, 4), `and ${told.length - 4} more, marked in the picture`] : told;
  if ($("findings").textContent !== few.join("")) $("findings").replaceChildren(...few.map(text => h("li", {}, text)));
}

// One sample ------------------------------------------------------------------------------------------------------------

function fillSample() {
  const { seen, data, inputs } = view, step = steps[look.step];
  Object.assign($("sample-number"), { max: data.X.length - 1, value: look.sample });
  Object.assign($("step"), { max: steps.length - 1, value: look.step });
  const told = sentenceOf(seen, step, inputs);
  $("step").setAttribute("aria-valuetext", `${step.pass} pass`);
  $("count").textContent = `${look.step} / ${steps.length - 1}`;
  $("target").textContent = `of ${data.X.length}: y = ${seen.y.map(x => show(x)).join(", ")}, L = ${show(seen.loss)}`;
  if ($("said").textContent !== told) $("said").textContent = told;
}

const term = (word, symbols, x, kind) => h("span", { class: `term ${kind}` }, h("span", { class: "word" }, word), h("code", {}, symbols), h("b", {}, show(x)));
const product = (...parts) => h("p", { class: "product" }, ...parts);
const sign = text => h("span", { class: "sign" }, text);

const timesText = (before, y, z) => `${before} ${bracketed(y, 3)} = ${show(z, 3)}`;

function fillNeuron() {
  const box = $("neuron");
  box.hidden = !look.neuron;
  if (!look.neuron) return;
  const [l, k] = look.neuron.split(".").map(Number), { seen, net } = view, { g } = net.layers[l - 1], own = neuronOf(seen, l, k), row = [l, k];
  const A = `a[${l}][${k}]`, Z = `z[${l}][${k}]`, DZ = `dL/dz[${l}][${k}]`, dz = own.grads[own.z], slope = own.through?.local;
  const parts = [
    h("h2", {}, `Neuron ${k} of layer ${l}`), h("button", { type: "button", id: "neuron-back", click: () => goBack() }, "back to the network (Esc)"),
    h("p", {}, h("code", {}, `${Z} = b + w·a = ${sumText([bracketed(own.data[own.b]), ...own.products.map(p => bracketed(own.data[p.product]))])} = ${show(own.data[own.z])}`)),
    h("p", {}, h("code", {}, joined(seen, l) ? `${A} = softmax(z[${l}])[${k}] = ${show(seen.a[l][k])}` : `${A} = ${g === "identity" ? Z : `${g}(${show(own.data[own.z])})`} = ${show(own.data[own.out])}`)),
  ];
  if (own.through) parts.push(product(term("upstream", `dL/d${A}`, seen.da[l][k], "upstream"), sign("×"), term("local", `${g}'(z) = ${own.symbols}`, slope, "local"), sign("="), term("contribution", DZ, dz, "contribution")));
  else parts.push(h("p", {}, h("code", {}, joined(seen, l) ? `${DZ} = (Jᵀ dL/da[${l}])[${k}] = ${show(dz)}` : `${DZ} = dL/d${A} = ${show(dz)}`)));
  const head = h("tr", {}, ...["weight", "w · a = product", `dL/dz × a, into dL/dW[${l}]`, `dL/dz × w, into dL/da[${l - 1}]`].map(t => h("th", { scope: "col" }, t)));
  const rows = own.products.map(p => h("tr", { class: look.times === p.j ? "now" : "" },
    h("th", { scope: "row" }, h("button", { type: "button", class: "times", "data-times": p.j, "aria-pressed": String(look.times === p.j), click: () => go({ times: p.j }) }, `W[${l}][${k},${p.j}]`)),
    h("td", {}, timesText(`${bracketed(own.data[p.w], 3)} ·`, own.data[p.a], own.data[p.product])),
    h("td", {}, timesText("×", p.toWeight.local, p.toWeight.contribution)),
    h("td", {}, timesText("×", p.toInput.local, p.toInput.contribution))));
  rows.push(h("tr", {}, h("th", { scope: "row" }, `b[${l}][${k}]`), h("td", {}, show(own.data[own.b])), h("td", {}, timesText("×", 1, own.grads[own.b])), h("td", {}, "")));
  parts.push(h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "multiplications of the neuron" }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows))));
  if (look.times !== null) parts.push(timesBox(...row, look.times));
  box.replaceChildren(...parts);
}

function timesBox(l, k, j) {
  const { seen } = view, t = timesOf(seen, l, k, j), A = `a[${l - 1}][${j}]`, W = `W[${l}][${k},${j}]`, DZ = `dL/dz[${l}][${k}]`;
  const sum = t.terms.map(({ k: i, c }) => i === k ? h("mark", {}, bracketed(c)) : bracketed(c)), most = 12;
  const told = sum.length > most ? [...sum.slice(0, most - 1), "..."] : sum;
  if (sum.length > most && k >= most - 1) told.push(sum[k]);
  return h("section", { id: "times", "aria-label": "one multiplication" },
    h("h3", {}, `One multiplication: ${W} · ${A}`),
    h("p", {}, h("code", { id: "forward-product" }, `w · a = ${bracketed(t.w)} · ${bracketed(t.a)} = ${show(t.product)}`), ` goes into the sum z[${l}][${k}].`),
    product(term("upstream", DZ, t.upstream, "upstream"), sign("×"), term("local", A, t.a, "local"), sign("="), term("contribution", `dL/d${W}`, t.toWeight, "contribution")),
    product(term("upstream", DZ, t.upstream, "upstream"), sign("×"), term("local", W, t.w, "local"), sign("="), term("contribution", `into dL/d${A}`, t.toInput, "contribution")),
    h("p", {}, `dL/d${A} = `, ...told.flatMap((x, i) => i ? [" + ", x] : [x]), ` = ${show(t.sum)}`));
}

// The recipe ------------------------------------------------------------------------------------------------------------

const dressed = text => text.replace(/\^T/g, "ᵀ");

function fillRecipe() {
  const lines = recipeOf(view.seen), now = Math.min(look.line, lines.length - 1), line = lines[now];
  $("lines").replaceChildren(...lines.map((each, i) => h("li", {}, h("button", { type: "button", "data-line": i, "aria-pressed": String(i === now), click: () => go({ line: i, entry: null }) }, dressed(`${each.name} = ${each.formula}`)))));
  const entry = look.entry !== null && look.entry < line.value.data.length ? entryOf(line, look.entry) : null;
  const tables = line.operands.map((m, i) => matrixTable(m, entry?.lights[i]));
  $("matrices").replaceChildren(...tables, sign("→"), matrixTable(line.value, look.entry === null ? null : new Set([look.entry]), i => go({ entry: i })));
  $("entry").textContent = entry ? `${dressed(line.name)}${indexOf(line.value, look.entry)} = ${entry.text}${entry.text === show(entry.value) ? "" : ` = ${show(entry.value)}`}` : "Choose an entry of the result: its row and its column light up, with the sum that it is.";
}

const indexOf = (m, i) => m.rows * m.cols === 1 ? "" : m.cols > 1 ? `[${Math.floor(i / m.cols)},${i % m.cols}]` : `[${i}]`;

function matrixTable(m, lit, choose) {
  const rows = Array.from({ length: Math.min(m.rows, ROWS_SHOWN) }, (_, r) => h("tr", {}, ...Array.from({ length: Math.min(m.cols, ROWS_SHOWN) }, (_, c) => {
    const i = r * m.cols + c, text = show(m.data[i], 3), name = `${dressed(m.name)}${indexOf(m, i)} = ${text}`;
    return h("td", { class: lit?.has(i) ? "lit" : "" }, choose ? h("button", { type: "button", class: "entry", "data-entry": i, "aria-label": name, "aria-pressed": String(Boolean(lit?.has(i))), click: () => choose(i) }, text) : text);
  })));
  const rest = m.rows > ROWS_SHOWN || m.cols > ROWS_SHOWN ? `, the first ${ROWS_SHOWN}` : "";
  return h("table", { class: "matrix" }, h("caption", {}, `${dressed(m.name)} ${m.rows} × ${m.cols}${rest}`), h("tbody", {}, ...rows));
}

// Ways ------------------------------------------------------------------------------------------------------------------

function go(changes) { look = { ...look, ...changes }; const focus = document.activeElement?.dataset; render(); refocus(focus); }

// What is drawn anew keeps the focus: found by what it stands for.
function refocus(was) {
  const [name, x] = Object.entries(was || {})[0] || [];
  if (name && !document.activeElement?.dataset?.[name]) document.querySelector(`[data-${name}="${x}"]`)?.focus();
}

function openNeuron(key, times = null) { if (key[0] !== "0") { go({ tab: "sample", neuron: key, times }); $("neuron").scrollIntoView({ block: "nearest" }); } }

// One level out: multiplication, neuron, network.
function goBack() {
  const { neuron, times } = look;
  if (times !== null) { go({ times: null }); document.querySelector(`[data-times="${times}"]`)?.focus(); }
  else if (neuron) { go({ neuron: null }); circles.get(neuron)?.g.focus(); }
  else if (look.entry !== null) go({ entry: null });
  else if (look.step) go({ step: 0 });
}

function train(act) { stop(); act(); look.mark = null; training.mark(); render(); }

function stop() { cancelAnimationFrame(running); running = 0; $("run").textContent = "▶ run"; $("run").setAttribute("aria-pressed", "false"); }

function runOrPause() {
  if (running) { stop(); return render(); }
  look.mark = null;
  $("run").textContent = "❚❚ pause";
  $("run").setAttribute("aria-pressed", "true");
  const turn = () => {
    training.epoch(settings.batch, settings.rate);
    if (training.stopped) { stop(); return render(); }
    running = requestAnimationFrame(turn);
    render(true);
  };
  running = requestAnimationFrame(turn);
}

// Settings --------------------------------------------------------------------------------------------------------------

function options(select, all, now) { select.replaceChildren(...all.map(([value, text]) => h("option", { value, selected: value === String(now) }, text || value))); }

function fillSettings() {
  const known = [["moons"], ["circles"], ["xor", "XOR"], ["spiral"], ["line", "a line"], ["own", "your own"], ...(RECORD.data ? [["given", "from Python"]] : [])];
  options($("data"), known, settings.data);
  $("own").hidden = settings.data !== "own";
  if ($("table").value !== settings.table) $("table").value = settings.table;
  $("draw").hidden = settings.data === "given" || settings.data === "own";
  options($("point-class"), (samples.classes || []).map(c => [c, `a click sets class ${c}`]), $("point-class").value);
  $("point-class").hidden = !samples.classes || samples.X[0].length !== 2;
  options($("output"), outputsOf(samples).map(g => [g]), settings.output);
  const [widths, gs] = shapeOfNetwork();
  options($("init"), [...Object.keys(STARTS).map(name => [name]), ...(isGiven(widths, gs) ? [["given", "from Python"]] : [])], settings.init);
  options($("optimizer"), Object.keys(OPTIMIZERS).map(name => [name]), settings.optimizer);
  for (const name of ["rate", "batch"]) if (+$(name).value !== settings[name]) $(name).value = settings[name];
  $("layers").replaceChildren(...settings.hidden.map(([n, g], i) => h("li", {},
    h("input", { type: "number", min: 1, max: MOST_NEURONS, value: n, "data-count": i, "aria-label": `neurons of layer ${i + 1}`, change: e => layer(i, [whole(e.target.value, 1, 64, n), g]) }),
    h("select", { "data-g": i, "aria-label": `activation of layer ${i + 1}`, change: e => layer(i, [n, e.target.value]) }, ...GENTLE.map(name => h("option", { selected: name === g }, name))),
    h("button", { type: "button", "data-remove": i, "aria-label": `remove layer ${i + 1}`, click: () => change({ hidden: settings.hidden.filter((_, at) => at !== i) }) }, "−"))));
  $("add-layer").disabled = settings.hidden.length >= MOST_LAYERS;
}

const whole = (text, least, most, old) => Number.isFinite(parseInt(text, 10)) ? Math.max(least, Math.min(most, parseInt(text, 10))) : old;
const layer = (i, told) => change({ hidden: settings.hidden.map((each, at) => at === i ? told : each) });
function change(told) { const focus = document.activeElement?.dataset; settings = { ...settings, ...told }; begin(); refocus(focus); }

function surfacePoint(event) {
  const box = $("surface").getBoundingClientRect(), inner = SIDE - AXIS - 6, at = (event.clientX - box.left) / box.width * SIDE, up = (event.clientY - box.top) / box.height * SIDE;
  const { x, y } = view.bounds;
  return [x[0] + (at - AXIS) / inner * (x[1] - x[0]), y[1] - (up - 6) / inner * (y[1] - y[0])];
}

function clickSurface(event) {
  const [x, y] = surfacePoint(event), flat = samples.X[0].length === 1;
  if (settings.data === "own") return change({ table: `${settings.table.trimEnd()}\n${rounded(x)}, ${rounded(y)}${flat ? "" : `, ${samples.classes ? $("point-class").value : 0}`}\n` });
  const far = view.data.X.map((p, i) => ((p[0] - x) / (view.bounds.x[1] - view.bounds.x[0])) ** 2 + (((flat ? view.data.T[i][0] : p[1]) - y) / (view.bounds.y[1] - view.bounds.y[0])) ** 2);
  go({ tab: "sample", sample: far.indexOf(Math.min(...far)) });
}

// What stands over a curve: the multiplication, forward or backward.
function overText(key) {
  const [l, k, j] = key.split(".").map(Number), t = timesOf(view.seen, l, k, j), W = `W[${l}][${k},${j}]`;
  const lines = [`${W}: w · a = ${bracketed(t.w)} · ${bracketed(t.a)} = ${show(t.product)}, into z[${l}][${k}]`];
  if (view.shown !== "weights" && view.shown !== "products") lines.push(`upstream × a = ${bracketed(t.upstream)} · ${bracketed(t.a)} = ${show(t.toWeight)}, into dL/d${W}`, `upstream × w = ${bracketed(t.upstream)} · ${bracketed(t.w)} = ${show(t.toInput)}, into dL/da[${l - 1}][${j}]`);
  return lines.join("\n");
}

function hover(event) {
  const curve = event.target.closest?.("[data-curve]"), neuron = event.target.closest?.("[data-neuron]"), over = $("over");
  over.hidden = !curve && !neuron;
  if (over.hidden) return;
  over.textContent = curve ? overText(curve.dataset.curve) : neuron.getAttribute("aria-label");
  const box = $("picture").getBoundingClientRect();
  over.style.left = `${Math.max(4, Math.min(event.clientX - box.left + 12, box.width - over.offsetWidth - 8))}px`;
  over.style.top = `${event.clientY - box.top + 16}px`;
}

function walkNeurons(event) {
  const key = event.target.closest?.("[data-neuron]")?.dataset.neuron;
  if (!key) return;
  const { l, k, y } = circles.get(key);
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); return openNeuron(key); }
  const way = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
  if (!way) return;
  event.preventDefault();
  const column = [...circles.values()].filter(c => c.l === l + way[0]), at = column.findIndex(c => c.k === k) + way[1];
  const next = way[0] ? column.sort((p, q) => Math.abs(p.y - y) - Math.abs(q.y - y))[0] : column[at];
  if (next) { for (const c of circles.values()) c.g.tabIndex = c === next ? 0 : -1; next.g.focus(); }
}

// The address -----------------------------------------------------------------------------------------------------------

function hashNow() {
  const { hidden, ...told } = settings, words = { ...told, hidden: hidden.map(([n, g]) => n + g).join("-"), runs: training.runs.map(run => run.join("*")).join("_") };
  if (look.mark !== null) words.mark = look.mark;
  for (const name of ["sample", "step", "neuron", "times", "tab", "line", "entry", "shown"]) if (look[name] !== LOOK[name]) words[name] = look[name];
  return Object.entries(words).filter(([name, x]) => x !== "" && !(name in FIRST && name !== "hidden" && x === FIRST[name])).map(([name, x]) => `${name}=${encodeURIComponent(x)}`).join("&");
}

let pending = 0;
function writeHash() {
  clearTimeout(pending);
  pending = setTimeout(() => { try { history.replaceState(null, "", `#${hashNow()}`); } catch { /* a frame in a notebook has no address */ } }, 150);
}

function readHash(hash = location.hash) {
  const told = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, ""))), counts = ["mark", "sample", "step", "times", "line", "entry"], found = {}, set = {};
  for (const name of counts) if (/^\d{1,9}$/.test(told[name])) found[name] = +told[name];
  if (/^\d{1,3}\.\d{1,4}$/.test(told.neuron)) found.neuron = told.neuron;
  for (const [name, known] of [["tab", ["sample", "recipe", "as-code"]], ["shown", ["weights", "products", "gradients", "contributions"]]]) if (known.includes(told[name])) found[name] = told[name];
  for (const [name, known] of [["data", [...Object.keys(SHAPES), "own", ...(RECORD.data ? ["given"] : [])]], ["init", [...Object.keys(STARTS), "given"]], ["optimizer", Object.keys(OPTIMIZERS)], ["output", ["identity", "sigmoid", "softmax", "tanh", "relu"]]]) if (known.includes(told[name])) set[name] = told[name];
  for (const name of ["seed", "batch"]) if (/^\d{1,6}$/.test(told[name]) && +told[name]) set[name] = +told[name];
  if (+told.rate > 0 && +told.rate < 1e6) set.rate = +told.rate;
  if (told.table) set.table = told.table.slice(0, 20000);
  if (told.hidden !== undefined) set.hidden = [...told.hidden.matchAll(/(\d{1,2})([a-z_]+)/g)].map(([, n, g]) => [+n, g]).filter(([n, g]) => n && GENTLE.includes(g)).slice(0, MOST_LAYERS);
  const runs = (told.runs || "").split("_").map(run => run.split("*").map(Number)).filter(([rate, batch, times]) => rate > 0 && batch >= 1 && times >= 1 && times <= 1e6 && Number.isInteger(batch));
  settings = { ...started(), ...set };
  look = { ...LOOK, ...found };
  const mark = look.mark, all = runs.reduce((sum, [, batch, times]) => sum + batch * times, 0);
  begin(all > REPLAYED ? [] : runs);
  if (all > REPLAYED) { failed = `the address asks for ${all} samples, more than the ${REPLAYED} that are learned from again: train anew`; render(); }
  if (training && mark !== null) go({ mark: Math.min(mark, training.marks.length - 1) });
}

// Where the page begins: with what Python gave it, if it did.
function started() {
  const layers = RECORD.layers, own = layers ? { hidden: layers.slice(0, -1).map(({ W, g }) => [W.length, g]), output: layers[layers.length - 1].g, init: "given" } : {};
  return { ...FIRST, ...own, ...(RECORD.data ? { data: "given" } : {}) };
}

// Start -----------------------------------------------------------------------------------------------------------------

const on = (id, event, act) => $(id).addEventListener(event, act);
on("data", "change", e => change({ data: e.target.value, table: e.target.value === "own" && !settings.table ? tableText() : settings.table, ...(e.target.value === "given" && RECORD.layers ? { output: RECORD.layers[RECORD.layers.length - 1].g } : {}) }));
const tableText = () => `${samples.X.slice(0, 40).map((x, i) => [...x, samples.classes ? samples.classes[samples.y[i]] : samples.y[i]].join(", ")).join("\n")}\n`;
on("use-table", "click", () => change({ table: $("table").value }));
on("draw", "click", () => change({ seed: settings.seed + 1 }));
on("add-layer", "click", () => change({ hidden: [...settings.hidden, settings.hidden[settings.hidden.length - 1] || [4, "tanh"]] }));
for (const name of ["output", "init", "optimizer"]) on(name, "change", e => change({ [name]: e.target.value }));
on("rate", "change", e => { settings.rate = +e.target.value > 0 ? +e.target.value : settings.rate; fillSettings(); render(); });
on("batch", "change", e => { settings.batch = whole(e.target.value, 1, MOST_ROWS, settings.batch); fillSettings(); render(); });
on("restart", "click", () => begin());
on("one-sample", "click", () => train(() => training.step(1, settings.rate)));
on("one-batch", "click", () => train(() => training.step(settings.batch, settings.rate)));
on("one-epoch", "click", () => train(() => training.epoch(settings.batch, settings.rate)));
on("run", "click", runOrPause);
on("shown", "change", e => go({ shown: e.target.value }));
on("ruler", "input", e => { stop(); go({ mark: +e.target.value }); });
const drag = e => {
  const box = $("curve").getBoundingClientRect(), at = (e.clientX - box.left) / box.width * CURVE.wide, far = training.marks.map(m => Math.abs(curveX(training.marks, m.epoch) - at));
  stop();
  go({ mark: far.indexOf(Math.min(...far)) });
};
on("curve", "pointerdown", e => { $("curve").setPointerCapture(e.pointerId); drag(e); });
on("curve", "pointermove", e => { if (e.buttons) drag(e); });
on("sample-number", "change", e => go({ sample: whole(e.target.value, 0, training.rows - 1, look.sample) }));
on("step", "input", e => go({ step: +e.target.value }));
for (const [id, to] of [["first", () => 0], ["previous", () => look.step - 1], ["next", () => look.step + 1], ["last", () => steps.length - 1]]) on(id, "click", () => go({ step: Math.max(0, Math.min(steps.length - 1, to())) }));
on("surface", "click", clickSurface);
on("picture", "pointermove", hover);
on("picture", "pointerleave", () => { $("over").hidden = true; });
on("network", "click", e => {
  const curve = e.target.closest("[data-curve]"), neuron = e.target.closest("[data-neuron]");
  if (curve) { const [l, k, j] = curve.dataset.curve.split("."); openNeuron(`${l}.${k}`, +j); } else if (neuron) openNeuron(neuron.dataset.neuron);
});
on("network", "keydown", walkNeurons);
for (const name of ["sample", "recipe", "as-code"]) on(`tab-${name}`, "click", () => go({ tab: name }));
document.querySelector("[role=tablist]").addEventListener("keydown", e => {
  const names = ["sample", "recipe", "as-code"], way = { ArrowRight: 1, ArrowLeft: 2 }[e.key];
  if (way) { const to = names[(names.indexOf(look.tab) + way) % 3]; go({ tab: to }); $(`tab-${to}`).focus(); }
});
on("copy", "click", async () => { try { await navigator.clipboard.writeText($("python").textContent); $("copied").textContent = "copied"; } catch { $("copied").textContent = "mark the text and copy it"; } });
document.addEventListener("keydown", e => { if (e.key === "Escape") goBack(); });
window.addEventListener("resize", () => { if (training) { buildNetwork(view); render(); } });
window.addEventListener("hashchange", event => readHash(new URL(event.newURL).hash));  // the page may have written its own meanwhile
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); render(); });

readColours();
settings = started();
readHash();
globalThis.playground = { numbers: () => ({ losses: training.marks.map(m => m.loss), held: training.marks.map(m => m.held), theta: Array.from(view.theta) }), code: () => codeOf(training, settings.rate), hash: hashNow };
startProjector();
startNotebook();
