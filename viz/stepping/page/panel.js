// The panel: what one step does, in symbols and in numbers, and the list of all steps.

const $ = id => document.getElementById(id);

function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child !== undefined && child !== null && child !== ""));
  return element;
}

const ratio = (z, x) => h("span", { class: "frac", role: "img", "aria-label": `d ${z} by d ${x}` }, h("i", {}, `∂${inside(z)}`), h("i", {}, `∂${inside(x)}`));
const partial = name => ratio(title, name);
const formula = (...parts) => h("p", { class: "formula" }, ...parts);
const small = (...parts) => h("p", { class: "word" }, ...parts);
const link = (text, act) => h("button", { class: "link", type: "button", onclick: act }, text);
const verdict = (kind, text) => h("p", { class: `verdict ${kind}` }, text);
const long = x => isArray(x) ? heat(x) : show(x, 6);

function term(kind, word, symbols, value) {
  return h("div", { class: `term ${kind}` }, h("span", { class: "word" }, word), h("span", { class: "symbols" }, symbols), h("b", {}, long(value)));
}

function showStep(view) {
  const step = base[view.first];
  $("where").textContent = quiz.on ? `quiz, ${quiz.answered.size} of ${asks.length}` : view.first < turn ? "forward pass" : "backward pass";
  const body = view.group ? groupBody(view) : (BODIES[step.kind] || (() => []))(step);
  const source = !view.group && vertices[step.node].source;
  $("step").replaceChildren(h("h2", {}, headline(view, step)), ...body, source ? sourceLine(source) : "");
}

function headline(view, step) {
  if (view.group) return `${foldTitle(view.group)}${rounds.has(view.group) ? ` of ${foldTitle(foldOf.get(view.group).parent)}` : ""}: one step`;
  const node = nameOf(step.node), target = step.target === undefined ? "" : nameOf(step.target);
  return {
    start: "Start: the leaves have their data", compute: `Compute ${node}`, seed: "Turn round: the seed",
    broadcast: `Repeat ${target}`, reduce: `Sum for ${target}`,
    contribute: `${node} sends to ${target}`, finish: `${node} is complete`,
  }[step.kind];
}

const sourceLine = ([file, line, text]) => h("p", { class: "source" }, h("span", {}, `${file}:${line}`), h("code", {}, text));

const BODIES = {
  start: () => [h("p", {}, `${matchMedia("(pointer: coarse)").matches ? "Tap →" : "Right arrow"}: next step. The forward pass computes the data, the backward pass carries gradients back.`)],
  compute: step => [
    formula(h("code", {}, vertices[step.node].equation)),
    formula(h("code", {}, withNumbers(step.node)), " = ", h("b", {}, long(data[step.node]))),
  ],
  seed: step => [
    formula(partial(nameOf(step.node)), " = ", h("b", { class: "upstream" }, long(step.after))),
    h("p", {}, `From here gradients flow back: ${title} changes as much as ${title} does.`),
  ],
  contribute: contributeBody,
  finish: step => [
    formula(partial(nameOf(step.node)), " = ", h("b", { class: "finished" }, long(step.after)), h("span", { class: "tick" }, " ✓ complete")),
    h("p", {}, `All ${vertices[step.node].uses} uses of ${nameOf(step.node)} have had their turn, so the sum may be sent on. This is why the sweep follows the topological order.`),
    ledger(step.node),
  ],
  broadcast: step => [h("p", {}, sentence({ first: step.i, last: step.i, group: "" })), h("p", {}, "Its gradient is summed over the same axes on the way back.")],
  reduce: step => [h("p", {}, sentence({ first: step.i, last: step.i, group: "" })), h("p", {}, "Each copy of it contributes.")],
};

// The arguments of an equation replaced by their numbers, for scalars.
function withNumbers(node) {
  const names = nodes[node].inputs.filter(i => i >= 0).map(i => vertices[i]);
  const right = vertices[node].equation.slice(nameOf(node).length + 3);
  if (names.some(v => isArray(data[v.id]))) return right;
  const known = new Map(names.map(v => [v.name, show(data[v.id])]));
  const words = [...known.keys()].sort((a, b) => b.length - a.length).map(name => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(?<![\\w.\\]])(${words.join("|")})(?![\\w\\[(])`, "g");
  return words.length ? right.replace(pattern, name => known.get(name).startsWith("-") ? `(${known.get(name)})` : known.get(name)) : right;
}

function contributeBody(step) {
  const edge = edges[step.edge], node = nameOf(step.node), target = nameOf(step.target);
  if (!edge.carries) return [h("p", {}, `${vertices[step.node].op} is flat: where it has a derivative by ${target}, it is 0. Nothing flows back here.`), total(step)];
  const product = !edge.isNumber
    ? [formula(h("code", {}, edge.symbols), h("span", { class: "word" }, " with g = "), partial(node)), h("div", { class: "product" }, term("upstream", "upstream g", partial(node), step.upstream), ...factorsOf(edge).flatMap(i => [h("span", { class: "sign" }, "·"), term("local", "factor", nameOf(i), data[i])]))]
    : [h("div", { class: "product" },
        term("upstream", "upstream", partial(node), step.upstream), h("span", { class: "sign" }, "×"),
        term("local", "local", h("span", {}, ratio(node, target), " = ", h("code", {}, edge.symbols)), step.local))];
  product[product.length - 1].append(h("span", { class: "sign" }, "="), term("contribution", "contribution", partial(target), step.contribution));
  return [...product, zeroReason(step, edge), total(step), adjoint(step, edge), latexOf(step, edge)];
}

// The nodes besides the upstream gradient that a product is made of: those that its symbols name.
const factorsOf = edge => [...new Set(nodes[edge.head].inputs)].filter(i => i >= 0 && new RegExp(`(?<![\\w.])${nameOf(i).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\w[])`).test(edge.symbols.replace(/shape\([^)]*\)/g, "")));

// The step as a line of LaTeX, to be taken along; it stays unfolded from step to step.
let latexOpen = false;

function latexOf(step, edge) {
  const tex = node => inside(nameOf(node)) === nameOf(node) ? vertices[node].latex : `\\left(${vertices[node].latex}\\right)`;
  const by = node => `\\frac{\\partial ${tex(root)}}{\\partial ${tex(node)}}`;
  const numbers = typeof step.contribution === "number" ? ` = ${texNumber(step.upstream)} \\cdot ${texNumber(step.local)} = ${texNumber(step.contribution)}` : "";
  const right = !edge.isNumber ? `${edge.latex}, \\quad g = ${by(step.node)}` : `${by(step.node)} \\cdot ${/[+-]/.test(edge.latex.slice(1)) ? `\\left(${edge.latex}\\right)` : edge.latex}${numbers}`;
  const box = h("details", { class: "tex" }, h("summary", {}, "LaTeX"), h("code", {}, `${by(step.target)} \\mathrel{+}= ${right}`));
  box.open = latexOpen;
  box.addEventListener("toggle", () => { latexOpen = box.open; });
  return box;
}

const texNumber = x => show(x, 6).replace("inf", "\\infty").replace("nan", "\\mathrm{nan}").replace(/e([+-])0*(\d+)/, (_, sign, digits) => ` \\times 10^{${sign === "-" ? "-" : ""}${digits}}`).replace(/^(-.*)$/, "($1)");

function zeroReason(step, edge) {
  if (size(step.contribution) !== 0) return "";
  const why = size(step.upstream) === 0 ? "nothing came from above" : `the local derivative ${edge.symbols} is 0 where ${nameOf(edge.tail)} = ${show(data[edge.tail])}`;
  return h("p", { class: "dead" }, `✕ The gradient dies on this edge: ${why}.`);
}

const left = step => h("span", { class: "left" }, ` ${step.uses_left} more to come`);
const done = () => h("span", { class: "tick" }, " ✓ complete");

function total(step) {
  const name = nameOf(step.target);
  const whole = isArray(step.after);
  if (whole && step.before === undefined) return h("p", { class: "total" }, partial(name), " is this contribution", step.uses_left ? left(step) : done());
  const sum = step.before === undefined ? [h("span", { class: "slot" }, "empty"), " + "] : [long(step.before), " + "];
  return h("div", { class: "total" }, partial(name), " = ", ...sum, h("span", { class: "contribution" }, long(step.contribution)), " = ", h("b", {}, long(step.after)), step.uses_left ? left(step) : done());
}

function adjoint(step, edge) {
  const g = `d${inside(nameOf(step.node))}`;
  const right = !edge.isNumber ? edge.symbols.replace(/\bg\b/g, g) : edge.symbols === "1" ? g : /^[\w.[\],]+$/.test(edge.symbols) ? `${g} * ${edge.symbols}` : `${g} * (${edge.symbols})`;
  return h("p", { class: "adjoint" }, h("span", { class: "word" }, "as code "), h("code", {}, `d${inside(nameOf(step.target))} += ${right}`));
}

// Why is this number what it is: the contributions that it is the sum of, each a link to its step.
function ledger(node, upto = Infinity) {
  const rows = partsOf(node).filter(step => step.i <= upto).map(step => h("li", {}, link(`from ${nameOf(step.node)}`, () => goToBase(step.i)), " ", h("span", { class: "contribution" }, show(step.contribution, 6))));
  return h("ul", { class: "ledger" }, ...rows);
}

function groupBody(view) {
  const close = h("button", { onclick: () => stepIn() }, "step in");
  if (view.first < turn) return [h("p", {}, groupSentence(view)), ...rounds.has(view.group) ? neuronBody(view) : [], close];
  const coming = receivedBy(view), more = coming.length - 6;
  const received = coming.slice(0, 6).map(node => h("li", {}, partial(nameOf(node)), " = ", h("span", { class: "upstream" }, show(grads[node], 6))));
  const sent = sentBy(view), shown = sent.slice(0, 12);
  const slope = coming.length === 1 && typeof grads[coming[0]] === "number" && grads[coming[0]] !== 0 ? grads[coming[0]] : null;
  const local = s => slope === null ? "" : h("td", { class: "local" }, show(s.contribution / slope, 6));
  const rows = shown.map(s => h("tr", {}, h("td", {}, nameOf(s.target)), local(s), h("td", { class: "contribution" }, show(s.contribution, 6)), h("td", {}, show(s.after, 6))));
  return [
    h("p", { class: "aside" }, "A folded group goes back as one vector-Jacobian product: the gradients of its outputs come in, those of its inputs go out."),
    h("h3", { class: "aside" }, "comes in"), h("ul", { class: "ledger" }, ...received, more > 0 ? h("li", { class: "word" }, `and ${more} more`) : ""), h("h3", { class: "aside" }, "goes out"),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "to"), slope === null ? "" : h("th", {}, "local"), h("th", {}, "contribution"), h("th", {}, "total"))), h("tbody", {}, ...rows)),
    rounds.has(view.group) && flatness(view.group) ? h("p", { class: "dead" }, `✕ ${flatness(view.group)}.`) : "",
    sent.length > shown.length ? small(`and ${sent.length - shown.length} more, together of size ${show(Math.hypot(...sent.map(s => size(s.contribution))))}`) : "", close,
  ];
}

// A node that was chosen: its numbers and where its gradient comes from.
function showChosen(node) {
  const box = $("chosen"), { activeElement } = document;
  box.hidden = node === null;
  if (node === null) return;
  const v = vertices[node], picks = traceable && isArray(data[node]);
  box.replaceChildren(
    h("h3", {}, v.name), h("p", {}, h("code", {}, v.equation), " = ", picks ? picker(node) : long(data[node]), ...(v.now === undefined ? [] : [" as recorded; it holds ", long(v.now), " now"])), traceable && !quiz.on ? trace(node) : "",
    v.shape ? small(`shape (${v.shape.join(", ")})`) : "",
    ...gradientSoFar(node), !lacking && isLeaf(v) && !quiz.on && !picks && views[at].first >= turn ? difference(node) : "", v.source ? sourceLine(v.source) : "",
    h("button", { onclick: () => nextChange() }, "next change (n)"), " ",
    h("button", { onclick: () => toggleBreak(node), "aria-pressed": String(breaks.has(node)) }, breaks.has(node) ? "● breakpoint is set (b)" : "○ breakpoint (b)"),
  );
  if (box.contains(activeElement)) activeElement.focus({ preventScroll: true });
}

// The gradient of a node as it is at the step: none in the forward pass, then the sum of what has come.
function gradientSoFar(node) {
  if (quiz.on) return [h("p", {}, partial(nameOf(node)), " = ?")];
  const { totals, left } = stateAt(views[at].last), total = totals.get(node), more = left.get(node) || 0;
  if (total === undefined) return [h("p", { class: "word" }, at === views.length - 1 ? "no gradient comes here" : "its gradient comes in the backward pass")];
  if (node === root) return [h("p", {}, partial(nameOf(node)), ` = ${show(grads[root])}, the seed`)];
  return [h("p", {}, partial(nameOf(node)), " = ", h("b", {}, long(total)), more ? `, so far, with ${more} more to come, the sum of` : ", the sum of"), ledger(node, views[at].last)];
}

// The derivative by nudging a leaf, or its k-th entry, both ways: an independent check of its gradient.
function difference(node, k = 0) {
  const x = entryOf(data[node], k), step = 1e-5 * Math.max(1, Math.abs(x)), grad = entryOf(grads[node] ?? 0, k);
  const at = y => { const d = data.slice(); d[node] = withEntry(d[node], k, y); computeForward(d); return loss(d); };
  const slope = (at(x + step) - at(x - step)) / (2 * step) * (isArray(grads[root]) ? 1 : grads[root]);
  const good = Math.abs(slope - grad) <= 1e-5 * Math.max(1, Math.abs(grad));
  return small(`nudged by ±${show(step)}: ${show(slope, 8)} `, good ? h("span", { class: "tick" }, "✓ agrees") : "(differs: a kink, or too steep)");
}

const NEAR = 150;

function showList(views, at, all) {
  if ($("list").hidden && !all) return;
  const from = all ? 0 : Math.max(0, at - NEAR);
  const rows = views.slice(from, all ? undefined : at + NEAR).map((view, k) => [view, from + k]).map(([view, i]) => h("tr", { class: i === at ? "now" : undefined, "aria-current": i === at ? "step" : undefined },
    h("td", {}, link(String(i), () => goTo(i))),
    h("td", {}, view.first < turn ? "forward" : "backward"), h("td", {}, quiz.on && view.first >= turn ? "hidden in the quiz" : sentence(view))));
  $("rows").replaceChildren(...rows);
  const row = $("rows").children[at - from];
  if (!all && row) $("list").scrollTop = row.offsetTop - 100;
}
