// Entries of arrays: one is picked, changed, and opened as a scalar trace, from which links lead to the entries around it.

const LISTED = 12;  // terms of a sum, entries that one depends on
const PATIENCE = 500;  // milliseconds for one column of a Jacobian
const entryName = (node, k) => nameOf(node) + placeOf(data[node], k);

let traced = null;  // {node, k}: the entry whose trace is open
let trail = [];     // the entries that links have led through, the one that is open last

// Picking one -----------------------------------------------------------------------------------------------------------

// What shows the entries of a node and lets one be picked: {element, paint}.
const gridOf = (node, act, current) => isGrid(data[node]) ? buttonGrid(node, act, current) : indexFields(node, act, current);

function buttonGrid(node, act, current) {
  const buttons = [];
  const rove = k => buttons.forEach((button, i) => { button.tabIndex = i === k ? 0 : -1; });
  const element = table(data[node], (td, k) => {
    buttons.push(h("button", { type: "button", class: "entry", tabindex: k ? -1 : 0, onclick: () => { rove(k); act(k); } }));
    td.append(buttons[k]);
  });
  element.setAttribute("aria-label", `entries of ${nameOf(node)}`);
  element.addEventListener("keydown", event => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    event.stopPropagation();
    const to = neighbour(data[node], buttons.indexOf(event.target), event.key);
    rove(to);
    buttons[to].focus();
  });
  return { element, paint: () => paintGrid(node, buttons, current()) };
}

function paintGrid(node, buttons, current) {
  const x = data[node], all = most(x);
  buttons.forEach((button, k) => {
    button.textContent = show(x.data[k], 3);
    button.title = `${entryName(node, k)} = ${show(x.data[k], 6)}`;
    button.setAttribute("aria-label", button.title);
    button.setAttribute("aria-pressed", String(k === current));
    button.parentNode.style.backgroundColor = hue(x.data[k], all);
  });
}

// Of a large array: a field for each axis, and the picture, where a click picks.
function indexFields(node, act, current) {
  const { shape } = data[node], words = shape.length === 1 ? ["entry"] : shape.length === 2 ? ["row", "column"] : shape.map((_, axis) => `axis ${axis}`);
  const fields = shape.map((n, axis) => h("input", { type: "number", min: 0, max: n - 1, step: 1, value: 0, "aria-label": `${nameOf(node)}, ${words[axis]}` }));
  const holder = h("div"), go = () => {
    const k = entryAt(data[node], fields.map(field => field.value === "" ? NaN : +field.value));
    k === undefined ? say(`${nameOf(node)} has ${words.map((word, axis) => `${word} 0 to ${shape[axis] - 1}`).join(", ")}`) : act(k);
  };
  for (const field of fields) field.addEventListener("change", go);
  const labels = fields.map((field, axis) => h("label", {}, `${words[axis]} `, field));
  const element = h("div", { class: "index" }, holder, ...labels, h("button", { type: "button", onclick: go, "aria-label": `choose this entry of ${nameOf(node)}` }, "choose"));
  let painted = null;
  const paint = () => {
    if (painted !== data[node]) holder.replaceChildren(picture(painted = data[node], act));
    if (current() !== null) indexOf(data[node], current()).forEach((i, axis) => { if (fields[axis] !== document.activeElement) fields[axis].value = i; });
  };
  return { element, paint };
}

// In the panel of the chosen node; it stays the same element, so that the focus stays in it.
const pickers = new Map();

function picker(node) {
  if (!pickers.has(node)) pickers.set(node, gridOf(node, k => pick(node, k), () => traced?.node === node ? traced.k : null));
  pickers.get(node).paint();
  return pickers.get(node).element;
}

function pick(node, k) {
  traced = { node, k };
  trail = [traced];
  refresh();
  writeHash();
  $("chosen").scrollIntoView({ block: "start" });
  say(quiz.on ? `${entryName(node, k)} = ${show(entryOf(data[node], k))}` : spoken(kept.told));
}

// Among the inputs: an array, and a slider for the entry that is picked ---------------------------------------------------

const arrayRows = new Map();

function arrayRow(id) {
  const spot = h("div", { class: "spot word" }, "choose an entry to change it");
  let now = null;
  const change = k => {
    const { slider, field, show } = inputs(id, entryName(id, k), k);
    now = { k, show, field };
    spot.className = "leaf-row";
    spot.replaceChildren(h("label", { title: entryName(id, k) }, link(entryName(id, k), () => openEntry(id, k))), slider, field);
    grid.paint();
    say(`${entryName(id, k)} = ${show_(data[id], k)}`);
    return field;
  };
  const grid = gridOf(id, change, () => now && now.k);
  shown.push(() => { grid.paint(); if (now) now.show(); });
  grid.paint();
  arrayRows.set(id, change);
  const head = h("label", { title: nameOf(id) }, descends(id), h("span", {}, nameOf(id)), h("span", { class: "word" }, ` (${data[id].shape.join(", ")})`));
  return h("div", { class: "leaf-array" }, head, grid.element, spot);
}

const show_ = (x, k) => show(entryOf(x, k), 6);

function changeEntry(node, k) {
  $("tab-live").click();
  if (!arrayRows.has(node)) { $("filter").value = nameOf(node); listLeaves(); }
  arrayRows.get(node)(k).focus();
}

// One entry as a scalar trace -----------------------------------------------------------------------------------------------

const oneHot = (x, k) => isArray(x) ? withEntry(zero(x), k, 1) : 1;

// What an entry depends on: the k-th row of each Jacobian, which is what is pulled back of 1 there and 0 elsewhere.
function dependencies(node, k) {
  return edgesInto[node].flatMap(edge => {
    const row = pull(nodes, edge, data, oneHot(data[node], k));
    return Array.from({ length: count(row) }, (_, j) => ({ node: edge.tail, k: j, local: entryOf(row, j) })).filter(term => term.local !== 0);
  });
}

// What its gradient is the sum of: upstream times local for every entry of every user that depends on it.
function contributionsTo(node, k) {
  return parts[node].filter(step => edges[step.edge].carries).flatMap(step => {
    const found = dependents(edges[step.edge], k);
    if (!found) return [{ node: step.node, k: null, contribution: entryOf(step.contribution, k) }];
    return found.map(([q, local]) => {
      const upstream = entryOf(step.upstream, q);
      return { node: step.node, k: q, upstream, local, contribution: upstream * local };
    });
  });
}

// The entries of an edge's head that depend on the k-th of its tail, each with its derivative: a column of the Jacobian.
// Those that do come out otherwise where it is nan; for each of them there is a row. Null where that takes too long.
function dependents(edge, k) {
  const d = data.slice(), head = data[edge.head], until = performance.now() + PATIENCE, found = [];
  d[edge.tail] = withEntry(d[edge.tail], k, NaN);
  const spoiled = valueOf(nodes[edge.head], d);
  for (let q = 0; q < count(head); q++) {
    if (Object.is(entryOf(spoiled, q), entryOf(head, q))) continue;
    const local = entryOf(pull(nodes, edge, data, oneHot(head, q)), k);
    if (local !== 0) found.push([q, local]);
    if (performance.now() > until) return null;
  }
  return found;
}

function traceOf(node, k) {
  const named = term => ({ ...term, name: term.k === null ? nameOf(term.node) : entryName(term.node, term.k), value: entryOf(data[term.node], term.k) });
  const uses = contributionsTo(node, k).map(named);
  return {
    node, k, name: entryName(node, k), value: entryOf(data[node], k), grad: entryOf(grads[node] ?? 0, k),
    from: dependencies(node, k).map(named), uses, sum: uses.reduce((sum, term) => sum + term.contribution, 0),
  };
}

const spoken = t => `${t.name} = ${show(t.value)}; gradient ${show(t.grad)}${t.node === root ? ", the seed" : `, the sum of ${t.uses.length} contribution${t.uses.length === 1 ? "" : "s"}`}; depends on ${t.from.length} entr${t.from.length === 1 ? "y" : "ies"}`;

function openEntry(node, k) {
  const before = trail.findIndex(at => at.node === node && at.k === k);
  traced = { node, k };
  trail = [...(before < 0 ? trail : trail.slice(0, before)), traced];
  chosen = node;
  refresh();
  bringIntoView([cardOf(node, open_)]);
  writeHash();
  $("chosen").scrollIntoView({ block: "start" });
  kept.element.querySelector("h4").focus();
  say(spoken(kept.told));
}

// In the panel: the trace that is open; it is made anew when its numbers change.
let kept = {};

// Forget what was open in another record.
function takeEntries() {
  [traced, trail, kept] = [null, [], {}];
  pickers.clear();
  arrayRows.clear();
}

function trace(node) {
  if (traced?.node !== node) return isArray(data[node]) ? small("Choose an entry to open it as a scalar trace.") : h("p", {}, link(`${nameOf(node)} as a scalar trace`, () => openEntry(node, 0)));
  if (kept.traced !== traced || kept.grads !== grads) {
    const told = traceOf(node, traced.k);
    kept = { traced, grads, told, element: traceElement(told) };
  }
  return kept.element;
}

function traceElement(t) {
  const way = trail.length > 1 ? h("p", { class: "trail" }, h("span", { class: "word" }, "way here: "), ...trail.flatMap((at, i) => [i ? " › " : "", at === traced ? t.name : entryLink(at)])) : "";
  return h("section", { class: "trace", "aria-label": `trace of ${t.name}` },
    h("h4", { tabindex: -1 }, h("code", {}, t.name), " = ", show(t.value, 6)), way,
    ...dependsOn(t), ...gradientOf(t));
}

const entryLink = ({ node, k }) => k === null ? nameOf(node) : link(entryName(node, k), () => openEntry(node, k));

function dependsOn(t) {
  if (isLeaf(vertices[t.node])) return [h("p", {}, "A leaf: it depends on nothing. ", link("change it", () => changeEntry(t.node, t.k)))];
  if (!t.from.length) return [h("p", {}, "Nothing moves it here: every local derivative is 0.")];
  const { seen, more } = largest(t.from, term => term.local);
  const rows = seen.map(term => [entryLink(term), show(term.value), h("span", { class: "local-number" }, show(term.local))]);
  return [entryTable(["depends on", "value", `local ∂${inside(t.name)}/∂·`], rows), more.length ? small(`and ${more.length} more, where the local derivative is smaller`) : ""];
}

function gradientOf(t) {
  const by = h("p", {}, partial(t.name), " = ", h("b", {}, show(t.grad, 6)));
  if (t.node === root) return [by, small("the seed")];
  const { seen, more } = largest(t.uses, term => term.contribution);
  const rows = seen.map(term => [
    entryLink(term), ...term.k === null ? ["", ""] : [show(term.upstream), h("span", { class: "local-number" }, show(term.local))],
    h("span", { class: "contribution" }, show(term.contribution)),
  ]);
  return [
    by, rows.length ? entryTable(["used in", "upstream", "× local", "= contribution"], rows) : "",
    more.length ? small(`and ${more.length} more, together ${show(more.reduce((sum, term) => sum + term.contribution, 0), 6)}`) : "",
    t.uses.some(term => term.k === null) ? small("Where no entry is named, it takes too long to find those that depend on this one: together they send this.") : "",
    small(`sum of ${t.uses.length}: ${show(t.sum, 6)} `, close(t.sum, t.grad) ? h("span", { class: "tick" }, "✓ the gradient's entry") : "≠ the gradient's entry"),
    isLeaf(vertices[t.node]) ? difference(t.node, t.k) : "",
  ];
}

// The largest terms, in their order, and the others.
function largest(terms, of) {
  const sizes = terms.map(term => Math.abs(of(term)) || 0).sort((a, b) => b - a), least = sizes[LISTED - 1] ?? 0;
  const seen = terms.length > LISTED ? terms.filter(term => !(Math.abs(of(term)) < least)).slice(0, LISTED) : terms;
  return { seen, more: terms.filter(term => !seen.includes(term)) };
}

const entryTable = (heads, rows) => h("table", {},
  h("thead", {}, h("tr", {}, ...heads.map(head => h("th", {}, head)))),
  h("tbody", {}, ...rows.map(row => h("tr", {}, ...row.map(cell => h("td", {}, cell))))));

// The address -----------------------------------------------------------------------------------------------------------

const tracedName = () => traced?.node === chosen && traced ? entryName(traced.node, traced.k) : "";

function readEntry(name) {
  const [, head, inner] = /^(.*?)(?:\[(\d+(?:,\d+)*)\])?$/s.exec(name);
  const found = vertices.flatMap(({ id }) => {
    if (name === nameOf(id) && !isArray(data[id])) return [{ node: id, k: 0 }];
    const k = head === nameOf(id) && inner !== undefined ? entryAt(data[id], inner.split(",").map(Number)) : undefined;
    return k === undefined ? [] : [{ node: id, k }];
  });
  [traced = null] = found;  // an address that names no entry closes the trace that is open
  trail = found.slice(0, 1);
  if (traced) chosen = traced.node;
}
