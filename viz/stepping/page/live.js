// Live: sliders and numbers of the leaves, and gradient descent with the loss as a curve.

let leaves, trained, losses, lossName;
// What shows the leaves that are listed, with their numbers of now.
let shown = [];
const MANY = 40;
let running = 0;

function startLive() {
  $("filter").addEventListener("input", listLeaves);
  $("descend").addEventListener("click", () => { stopRunning(); descend(); });
  $("run").addEventListener("click", () => running ? stopRunning() : startRunning());
  $("reset").addEventListener("click", resetLeaves);
}

// Take the leaves of a record that was taken in.
function takeLeaves() {
  stopRunning();
  leaves = vertices.filter(isLeaf).map(vertex => vertex.id);
  const parameters = leaves.filter(isParameter);
  trained = new Set(parameters.length ? parameters : leaves);
  losses = [];
  lossName = isArray(data[root]) ? `gradient · ${title}` : title;
  $("loss").textContent = "";
  $("filter").value = "";
  $("filter").parentNode.hidden = leaves.length <= 8;
  $("inputs").hidden = Boolean(lacking);
  $("why").hidden = !lacking;
  $("why").textContent = lacking ? `These are the numbers of the record. The page cannot compute this graph anew: ${why}.` : "";
  drawCurve();
  listLeaves();
}

// What is learned: what lies in a network, or is called as parameters are; all else is data.
function isParameter(id) {
  return pathOf(vertices[id]).some(group => ["network", "layer", "neuron"].includes(foldOf.get(group).kind)) || /^(w|W|b|weight|bias|theta|θ)(?![A-Za-z])/.test(nameOf(id));
}

function listLeaves() {
  const wanted = $("filter").value.toLowerCase();
  const found = leaves.filter(id => nameOf(id).toLowerCase().includes(wanted));
  shown = [];
  $("leaves").replaceChildren(...found.slice(0, MANY).map(id => isArray(data[id]) ? arrayRow(id) : leafRow(id)));
  $("hidden-leaves").textContent = found.length > MANY ? `${found.length - MANY} more: narrow the search` : "";
}

function leafRow(id) {
  const { slider, field, show } = inputs(id, nameOf(id));
  shown.push(show);
  return h("div", { class: "leaf-row" }, h("label", { title: nameOf(id) }, descends(id), h("span", {}, nameOf(id))), slider, field);
}

function descends(id) {
  const box = h("input", { type: "checkbox", "aria-label": `descend along ${nameOf(id)}`, title: "changed by gradient descent" });
  box.checked = trained.has(id);
  box.addEventListener("change", () => box.checked ? trained.add(id) : trained.delete(id));
  return box;
}

// A slider and a field for a leaf, or for the k-th entry of one.
function inputs(id, name, k = 0) {
  const first = entryOf(started[id], k), reach = Math.max(1, Math.abs(first) * 2) || 1, middle = Number.isFinite(first) ? first : 0;
  const input = (type, more) => h("input", { type, step: "any", "data-leaf": id, ...more });
  const slider = input("range", { min: middle - reach, max: middle + reach, "aria-label": `${name}, slider` });
  const field = input("number", { "aria-label": name });
  for (const e of [slider, field])
    e.addEventListener("input", () => { if (e.value !== "" && Number.isFinite(+e.value)) setLeaf(id, withEntry(data[id], k, +e.value)); });
  const show = () => { for (const e of [slider, field]) if (e !== document.activeElement) e.value = entryOf(data[id], k); };
  show();
  return { slider, field, show };
}

// What the backward pass is the gradient of: the root, or the sum of its entries weighted with the gradient it was given.
const loss = (d = data) => isArray(d[root]) ? dot(seed, d[root]) : d[root];

function setLeaf(id, x) {
  data[id] = x;
  recompute();
  showLeaves();
  refresh();
  tell([id]);
}

function showLeaves() {
  for (const show of shown) show();
}

function resetLeaves() {
  stopRunning();
  leaves.forEach(id => { data[id] = started[id]; });
  losses.length = 0;
  $("loss").textContent = "";
  recompute();
  afterDescent();
  tell(leaves);
}

// x := x - rate * dL/dx for every chosen leaf.
function descend() {
  const rate = +$("rate").value;
  if (!Number.isFinite(rate)) return say("the rate is a number");
  if (!losses.length) losses.push(loss());
  for (const id of trained) if (grads[id] !== undefined) data[id] = plus(data[id], times(-rate, grads[id]));
  recompute();
  losses.push(loss());
  afterDescent();
  tell(trained);
}

function afterDescent() {
  showLeaves();
  refresh();
  drawCurve();
}

function startRunning() {
  if (calm.matches) {
    for (let i = 0; i < 100; i++) descend();
    return say($("loss").textContent);
  }
  $("run").textContent = "stop";
  const limit = losses.length + 500;
  const turnOver = () => {
    if (!running || losses.length >= limit || !Number.isFinite(loss())) return stopRunning();
    descend();
    running = requestAnimationFrame(turnOver);
  };
  running = requestAnimationFrame(turnOver);
}

function stopRunning() {
  cancelAnimationFrame(running);
  running = 0;
  $("run").textContent = "run";
}

function drawCurve() {
  const curve = $("curve"), W = 320, H = 110, PAD_ = 8;
  curve.toggleAttribute("hidden", losses.length < 2);
  const finite = losses.filter(Number.isFinite);
  if (finite.length < 2) return;
  const low = Math.min(...finite), span = Math.max(...finite) - low || 1;
  const at = (y, i) => `${round(PAD_ + i / (losses.length - 1) * (W - 2 * PAD_))},${round(H - PAD_ - (y - low) / span * (H - 2 * PAD_))}`;
  const points = losses.map((y, i) => Number.isFinite(y) ? at(y, i) : null).filter(Boolean);
  const last = points[points.length - 1].split(",");
  curve.replaceChildren(
    draw("title", {}, `${lossName} over ${losses.length - 1} steps`), draw("polyline", { points: points.join(" ") }),
    draw("circle", { cx: last[0], cy: last[1], r: 3.5 }));
  $("loss").textContent = `${lossName}: ${show(losses[0], 6)} → ${show(loss(), 6)} after ${losses.length - 1} step${losses.length === 2 ? "" : "s"}`;
}
