// Live: sliders and numbers of the leaves, and gradient descent with the loss as a curve.

const leaves = vertices.filter(vertex => isLeaf(vertex) && typeof vertex.data === "number").map(vertex => vertex.id);
const trained = new Set(leaves);
const losses = [];
const MANY = 40;
let running = 0;

function startLive() {
  if (!LIVE) {
    $("live").replaceChildren(h("p", { class: "note" }, "These are the numbers of the record. Sliders recompute graphs of scalars; this one has arrays, or an op that the page cannot compute, so its steps are shown as they were recorded."));
    return;
  }
  $("filter").parentNode.hidden = leaves.length <= 8;
  $("filter").addEventListener("input", listLeaves);
  $("descend").addEventListener("click", () => { stopRunning(); descend(); });
  $("run").addEventListener("click", () => running ? stopRunning() : startRunning());
  $("reset").addEventListener("click", resetLeaves);
  listLeaves();
}

function listLeaves() {
  const wanted = $("filter").value.toLowerCase();
  const found = leaves.filter(id => nameOf(id).toLowerCase().includes(wanted));
  $("leaves").replaceChildren(...found.slice(0, MANY).map(leafRow));
  $("hidden-leaves").textContent = found.length > MANY ? `${found.length - MANY} more: narrow the search` : "";
}

function leafRow(id) {
  const { name } = vertices[id], x = data[id];
  const reach = Math.max(1, Math.abs(started[id]) * 2) || 1;
  const middle = Number.isFinite(started[id]) ? started[id] : 0;
  const slider = h("input", { type: "range", min: middle - reach, max: middle + reach, step: "any", value: x, "aria-label": `${name}, slider`, "data-leaf": id });
  const field = h("input", { type: "number", step: "any", value: x, "aria-label": name, "data-leaf": id });
  const descends = h("input", { type: "checkbox", "aria-label": `descend along ${name}`, title: "changed by gradient descent" });
  descends.checked = trained.has(id);
  descends.addEventListener("change", () => descends.checked ? trained.add(id) : trained.delete(id));
  slider.addEventListener("input", () => { field.value = slider.value; setLeaf(id, +slider.value); });
  field.addEventListener("input", () => { if (field.value !== "" && Number.isFinite(+field.value)) { slider.value = field.value; setLeaf(id, +field.value); } });
  return h("div", { class: "leaf-row" }, h("label", { title: name }, descends, h("span", {}, name)), slider, field);
}

function setLeaf(id, x) {
  data[id] = x;
  recompute();
  refresh();
}

function showLeaves() {
  for (const input of $("leaves").querySelectorAll("input[data-leaf]"))
    if (input !== document.activeElement) input.value = data[+input.dataset.leaf];
}

function resetLeaves() {
  stopRunning();
  leaves.forEach(id => { data[id] = started[id]; });
  losses.length = 0;
  $("loss").textContent = "";
  recompute();
  afterDescent();
}

// x := x - rate * dL/dx for every chosen leaf.
function descend() {
  const rate = +$("rate").value;
  if (!Number.isFinite(rate)) return say("the rate is a number");
  if (!losses.length) losses.push(data[root]);
  for (const id of trained) if (grads[id] !== undefined) data[id] -= rate * grads[id];
  recompute();
  losses.push(data[root]);
  afterDescent();
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
    if (!running || losses.length >= limit || !Number.isFinite(data[root])) return stopRunning();
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
  const shown = losses.filter(Number.isFinite);
  if (shown.length < 2) return;
  const low = Math.min(...shown), span = Math.max(...shown) - low || 1;
  const at = (y, i) => `${round(PAD_ + i / (losses.length - 1) * (W - 2 * PAD_))},${round(H - PAD_ - (y - low) / span * (H - 2 * PAD_))}`;
  const points = losses.map((y, i) => Number.isFinite(y) ? at(y, i) : null).filter(Boolean);
  const last = points[points.length - 1].split(",");
  curve.replaceChildren(
    draw("title", {}, `${title} over ${losses.length - 1} steps`), draw("polyline", { points: points.join(" ") }),
    draw("circle", { cx: last[0], cy: last[1], r: 3.5 }));
  $("loss").textContent = `${title}: ${show(losses[0], 6)} → ${show(data[root], 6)} after ${losses.length - 1} step${losses.length === 2 ? "" : "s"}`;
}
