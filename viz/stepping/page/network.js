// The network: its neurons are circles in columns, its curves as wide as what they carry; a click opens a neuron's steps
// where it was, and Escape leads back. Over any curve stands its multiplication.

function roundCard(id) {
  const half = ROUND / 2, fold = foldOf.get(id);
  return draw("g", { class: "card fold round", "data-card": id }, draw("title", {}, `${fold.kind} ${fold.title} of ${foldTitle(fold.parent)}`),
    draw("circle", { class: "body", cx: half, cy: half, r: half }), draw("text", { class: "value grad", x: half, y: half + 4 }));
}

// As a circle has room for it.
function tiny(x) {
  const a = Math.abs(x);
  if (!Number.isFinite(x) || !x) return show(x);
  return a >= 0.005 && a < 9.995 ? x.toFixed(2) : a >= 1 && a < 999.5 ? x.toFixed(0) : x.toExponential(0).replace("e+", "e");
}

// Of a batch, in which a neuron is called once for each sample: the sample whose numbers are shown, null for none.
let sample = null;
const endOf = id => factsOf(id).calls[sample] ?? factsOf(id).end;
const isSummed = id => factsOf(id).calls.length > 1 && factsOf(id).calls[sample] === undefined;

// Take the network of a record: where there is a batch, a sample of it can be picked.
function takeNetwork() {
  const most = Math.max(0, ...[...rounds].map(id => factsOf(id).calls.length));
  sample = null;
  $("sample").value = "";
  $("sample").max = most - 1;
  $("sample").hidden = most < 2;
}

function pickSample() {
  const wanted = $("sample").value.trim();
  sample = wanted === "" ? null : Math.min(+$("sample").max, Math.max(0, Math.round(+wanted) || 0));
  refresh();
  say(sample === null ? "the numbers of all samples together" : `the numbers of sample ${sample}`);
}

// Forward what the neuron has computed, back its gradient, in a colour that is darker the larger the number is.
function paintRound(id, state) {
  const card = cards.get(id), { computed, complete, calls } = factsOf(id), end = endOf(id), total = state.totals.get(end), ready = computed <= state.upto;
  const x = isSummed(id) ? undefined : total ?? (ready ? data[end] : undefined), reason = total === undefined ? "" : flatness(id);
  setText(card, "value", isSummed(id) ? `×${calls.length}` : x === undefined || isArray(x) ? "" : tiny(x));
  change(partOf(card, ".body"), "class", `body ${x === undefined ? "card" : toneOf(x, total === undefined ? data : grads)}`);
  wear(card, { ahead: !ready, back: total !== undefined, done: complete <= state.upto, flat: Boolean(reason) });
  const told = x === undefined ? "" : `, ${total === undefined ? nameOf(end) : `gradient of ${nameOf(end)}`} = ${show(x)}`;
  change(card, "aria-label", `neuron ${foldOf.get(id).title.replace("neuron ", "")} of ${foldTitle(foldOf.get(id).parent)}${told}${reason && `, ${reason}`}; Enter opens its steps`);
  setText(card, "round > title", card.getAttribute("aria-label"));
}

const darkest = new WeakMap();

function toneOf(x, beside) {
  if (!darkest.has(beside)) darkest.set(beside, Math.max(1e-300, ...[...rounds].flatMap(id => factsOf(id).calls.concat(factsOf(id).end)).map(end => Math.abs(beside[end])).filter(Number.isFinite)));
  return !x || !Number.isFinite(x) ? "card" : `${x > 0 ? "above" : "below"}${Math.min(3, Math.max(1, Math.ceil(3 * (Math.abs(x) / darkest.get(beside)))))}`;
}

// Why little or nothing comes through a neuron: its activation is flat there.
const FLAT = 0.02;

function flatness(id) {
  const end = endOf(id), edge = !isSummed(id) && edges.find(e => e.head === end);
  if (!edge || nodes[end].inputs.length > 1 || !edge.carries || !grads[end] || isArray(data[end])) return "";
  const z = nameOf(edge.tail), slope = edge.local, row = nodes[end].op;
  if (slope === 0) return `dead here: ${z} = ${show(data[edge.tail])}, where ${row} is flat, so no gradient comes to its weights`;
  return ["tanh", "sigmoid"].includes(row) && Math.abs(slope) < FLAT * (row === "sigmoid" ? 0.25 : 1) ? `vanishing here: ${z} = ${show(data[edge.tail])}, where ${row} is nearly flat: ${show(slope)} of the gradient comes through` : "";
}

// A curve is as wide as what it carries: the weight, once it is computed w · a, and on the way back the contribution.
function paintWeighted(element, line, join, state) {
  const one = join.ids.length === 1 ? join.ids[0] : join.ids.length === factsOf(join.head).calls.length ? join.ids[sample] : undefined;
  const x = one !== undefined ? carriedBy(edges[one], state) : sharedBy(join), most = mostCarried(state);
  wear(element, { above: x > 0, below: x < 0 });
  change(line, "stroke-width", String(x === undefined ? 1 : round(0.6 + 2.6 * Math.min(1, Math.abs(x) / (most || 1)))));
}

// Of the uses of a batch, which are drawn as one curve, the weight that they share.
function sharedBy(join) {
  if (join.sharedIn !== grads) Object.assign(join, { sharedIn: grads, shared: findShared(join) });
  return join.shared;
}

function findShared({ ids }) {
  const [first, last] = [ids[0], ids.at(-1)].map(id => edges[id]), other = ({ head, tail }) => nodes[head].inputs.find(i => i !== tail);
  return first.isNumber && last.isNumber && other(first) === other(last) ? first.local : undefined;
}

function carriedBy(edge, state) {
  if (isArray(data[edge.tail])) return undefined;
  return state.sent.get(edge.id) ?? (state.computed.has(edge.head) ? edge.local * data[edge.tail] : edge.local);
}

const mosts = new WeakMap();

// The largest of all that circles send and take, so that widths can be compared.
function mostCarried(state) {
  const back = state.upto >= turn;
  if (!mosts.has(grads)) mosts.set(grads, {});
  const known = mosts.get(grads);
  return known[back] ??= Math.max(0, ...[...edgesOfCards.values()].filter(join => rounds.has(join.head)).map(join => [join, join.ids[0]]).map(([join, id]) => Math.abs(join.ids.length > 1 ? sharedBy(join) : back ? base[sentAt[id]]?.contribution ?? 0 : edges[id].local * Math.max(1, Math.abs(data[edges[id].tail])))).filter(Number.isFinite));
}

// Over a curve ------------------------------------------------------------------------------------------------------------

function startOver() {
  scene.addEventListener("pointermove", event => showOver(event.target.closest?.("[data-over]")?.dataset.over, event));
  scene.addEventListener("pointerdown", event => showOver(event.target.closest?.("[data-over]")?.dataset.over, event));
  scene.addEventListener("pointerleave", () => { $("over").hidden = true; });
}

function showOver(key, event) {
  const join = edgesOfCards.get(key), over = $("over");
  over.hidden = !join;
  if (!join) return;
  over.textContent = overText(join).join("\n");
  const box = $("graph").getBoundingClientRect();
  over.style.left = `${Math.max(4, Math.min(event.clientX - box.left + 12, box.width - over.offsetWidth - 8))}px`;
  over.style.top = `${Math.max(4, Math.min(event.clientY - box.top + 16, box.height - over.offsetHeight - 8))}px`;
}

function overText({ ids }) {
  const view = views[at], state = quiz.on ? stateAt(0) : stateAt(view.last);
  if (ids.length > 1 && ids[sample] !== undefined) return overText({ ids: [ids[sample]] });
  if (ids.length > 1) return [`${ids.length} uses: ${nameOf(edges[ids[0]].tail)} in ${nameOf(edges[ids[0]].head)} and ${ids.length - 1} more`];
  const edge = edges[ids[0]], head = nameOf(edge.head), lines = [state.computed.has(edge.head) ? `${vertices[edge.head].equation}${isArray(data[edge.head]) ? "" : ` = ${withNumbers(edge.head)} = ${show(data[edge.head])}`}` : vertices[edge.head].equation];
  const next = edges.find(e => e.tail === edge.head), into = next && !isArray(data[edge.head]) ? `${head} goes into ${vertices[next.head].op === "+" ? "the sum " : ""}${nameOf(next.head)}` : "";
  if (into) lines.push(into);
  const sent = state.sent.get(edge.id);
  if (sent === undefined) return lines;
  const step = base[sentAt[edge.id]], sum = parts[edge.tail].length > 1 ? `the sum ${by(nameOf(edge.tail))}, part ${step.part + 1} of ${parts[edge.tail].length}` : by(nameOf(edge.tail));
  return [...lines, edge.isNumber ? `upstream × local = ${show(step.upstream)} · ${bracketed(step.local)} = ${show(sent)}, into ${sum}` : `${edge.symbols}, into ${sum}`];
}

const bracketed = x => isArray(x) || x < 0 ? `(${show(x)})` : show(x);

// Down and back -----------------------------------------------------------------------------------------------------------

const before = new Map();  // of each neuron that is open, what was seen before

function openRound(id) {
  before.set(id, { ...window_ });
  const open = new Set(open_).add(id);
  for (const fold of folds) if (open.has(fold.parent) && isOpen(fold.parent, open) && !rounds.has(fold.id) && fold.count === 1 && pathTo(fold.id).includes(id)) open.add(fold.id);
  const inPass = step => step.group_path.includes(id) && step.i < turn === stepOf(views[at]) < turn;
  setOpen(open, base.find(inPass)?.i ?? stepOf(views[at]));
  lookAt(places.frames.get(id));
  say(`inside ${foldTitle(id)} of ${foldTitle(foldOf.get(id).parent)}: ${members.get(id).length} nodes; Escape leads back`);
  focusIn(id);
}

const stepOf = view => base[view.first].kind === "start" ? 0 : view.first;

function focusIn(id) {
  const first = members.get(id).findLast(vertex => places.seen.has(`n${vertex.id}`));
  if (first) cards.get(`n${first.id}`).focus({ preventScroll: true });
}

// One level out: what is chosen, then the neuron that was opened last.
function back() {
  if (chosen !== null) { chosen = null; return refresh(); }
  const id = [...open_].findLast(group => rounds.has(group));
  if (!id) return;
  const open = new Set([...open_].filter(group => !pathTo(group).includes(id))), seen = before.get(id);
  setOpen(open, stepOf(views[at]));
  if (seen) Object.assign(window_, seen);
  else bringIntoView([id]);
  applyView();
  cards.get(id).focus({ preventScroll: true });
  if (seen) { Object.assign(window_, seen); applyView(); }
  say(`${foldTitle(id)} is closed`);
}

// Show a group as large as it fits, its letters not below 11 pixels.
function lookAt([x, y, w, h_]) {
  measure();
  const { width, height } = screen_, scale = Math.min(1.4, Math.max(LEGIBLE, Math.min(width / (w + 2 * EDGE), height / (h_ + 2 * EDGE))));
  Object.assign(window_, { scale, x: w * scale > width ? x - EDGE : x + w / 2 - width / scale / 2, y: h_ * scale > height ? y - EDGE : y + h_ / 2 - height / scale / 2 });
  applyView();
}

// What a neuron does, in the panel: its multiplications and what comes of their sum.
function neuronBody(view) {
  const ops = members.get(view.group).filter(vertex => !isLeaf(vertex)), shown = ops.length > 24 ? [...ops.slice(0, 12), null, ...ops.slice(-6)] : ops;
  const line = vertex => vertex ? h("li", {}, h("code", {}, `${vertex.equation} = ${isArray(data[vertex.id]) ? "" : `${withNumbers(vertex.id)} = `}${show(data[vertex.id])}`)) : h("li", {}, `${ops.length - 18} more`);
  return [h("ol", { class: "ledger" }, ...shown.map(line)), small("Click the neuron, or step in, to go through them one by one.")];
}
