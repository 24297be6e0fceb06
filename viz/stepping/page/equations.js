// Matrix products as true equations: both factors beside their product, as they are multiplied; an entry of the product
// lights up the row and the column that it is the sum of. Only in pages of records with arrays.

const MOST_TERMS = 8;

// Two axes: of one axis a row, or a column; turned on request.
const asRow = x => x.shape.length > 1 ? x : { shape: [1, x.shape[0]], data: x.data };
const asColumn = x => x.shape.length > 1 ? x : { shape: [x.shape[0], 1], data: x.data };

function turned({ shape: [n, m], data }) {
  return { shape: [m, n], data: Array.from({ length: n * m }, (_, k) => data[(k % n) * m + Math.floor(k / n)]) };
}

// The factors of a product as [name, matrix], with a number for each column that is added; null where it is none of two
// matrices.
function factorsForward(node) {
  const { op } = nodes[node], args = argsOf(nodes[node], data), names = nodes[node].inputs.map(i => i < 0 ? "constant" : nameOf(i));
  if (!["matmul", "affine"].includes(op) || !args.slice(0, 2).every(x => isArray(x) && 0 < x.shape.length && x.shape.length < 3)) return null;
  if (op === "matmul") return { left: [names[0], asRow(args[0])], right: [names[1], asColumn(args[1])] };
  return { left: [names[0], asRow(args[0])], right: [`${names[1]}ᵀ`, turned(args[1])], added: isArray(args[2]) ? args[2].data : undefined, addedName: names[2] };
}

function factorsBack(edge, upstream) {
  const found = factorsForward(edge.head);
  if (!found || !isArray(upstream)) return null;
  const { left: [x, X], right: [y, Y] } = found, g = `∂${inside(title)}/∂${inside(nameOf(edge.head))}`;
  const G = { shape: [X.shape[0], Y.shape[1]], data: upstream.data }, back = (name, M) => [name.endsWith("ᵀ") ? name.slice(0, -1) : `${name}ᵀ`, turned(M)];
  if (edge.place === 2) return { left: ["1ᵀ", { shape: [1, G.shape[0]], data: Array(G.shape[0]).fill(1) }], right: [g, G] };
  if (edge.place === 0) return { left: [g, G], right: back(y, Y) };
  return nodes[edge.head].op === "affine" ? { left: [`(${g})ᵀ`, turned(G)], right: [x, X] } : { left: back(x, X), right: [g, G] };
}

// The equation, with the sum of the entry that is chosen below it.
function productElement(factors, name, result, kind) {
  const [, inner] = factors.left[1].shape, wide = factors.right[1].shape[1];
  const sum = h("p", { class: "sum", role: "status" }, "Choose an entry: its row and its column light up, with the sum that it is.");
  const left = factorTable(factors.left, k => Math.floor(k / inner)), right = factorTable(factors.right, k => k % wide);
  const choose = k => {
    const row = Math.floor(k / wide), column = k % wide;
    left.light(row);
    right.light(column);
    sum.textContent = `${name}${placeOf(result, k)} = ${sumOf(factors, row, column)} = ${show(entryOf(result, k))}`;
  };
  const out = entriesElement(result, factors.left[1].shape[0], wide, name, choose);
  const parts = [left.element, h("span", { class: "sign" }, "·"), right.element];
  if (factors.added) parts.push(h("span", { class: "sign" }, "+"), h("span", { class: "added" }, factors.addedName));
  return [sum, h("div", { class: "product equation" }, ...parts, h("span", { class: "sign" }, "="), captioned(name, out, kind))];
}

function sumOf({ left: [, L], right: [, R], added }, row, column) {
  const [, inner] = L.shape, wide = R.shape[1], term = i => `${bracketed(L.data[row * inner + i])}·${bracketed(R.data[i * wide + column])}`;
  const terms = Array.from({ length: Math.min(inner, MOST_TERMS) }, (_, i) => term(i));
  if (inner > MOST_TERMS) terms.splice(-1, 1, `${inner - MOST_TERMS + 1} more`);
  return [...terms, ...added ? [bracketed(added[column])] : []].join(" + ");
}

const captioned = (name, element, kind) => h("figure", { class: `term ${kind}` }, h("figcaption", { class: "symbols" }, name), element);

// A factor, in which a row or a column can be lit: `line` is the one in which an entry stands.
function factorTable([name, x], line) {
  if (!isGrid(x)) return { element: captioned(`${name}, ${x.shape.join(" × ")}`, heat(x), "local"), light() {} };
  const cells = [], element = table(x, (td, k) => { cells.push(td); td.textContent = show(x.data[k], 3); td.title = show(x.data[k], 17); });
  return { element: captioned(name, element, "local"), light: wanted => cells.forEach((td, k) => td.classList.toggle("lit", line(k) === wanted)) };
}

function entriesElement(x, down, across, name, choose) {
  const whole = { shape: [down, across], data: x.data };
  if (!isGrid(whole)) return picture(whole, choose);
  const buttons = [];
  const press = k => { buttons.forEach((button, i) => { button.setAttribute("aria-pressed", String(i === k)); button.tabIndex = i === k ? 0 : -1; }); choose(k); };
  const element = table(whole, (td, k) => {
    buttons.push(h("button", { type: "button", class: "entry", tabindex: k ? -1 : 0, "aria-pressed": "false", "aria-label": `${name}${placeOf(x, k)} = ${show(x.data[k], 6)}`, onclick: () => press(k) }, show(x.data[k], 3)));
    td.append(buttons[k]);
  });
  element.addEventListener("keydown", event => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    event.stopPropagation();
    const to = neighbour(whole, buttons.indexOf(event.target), event.key);
    press(to);
    buttons[to].focus();
  });
  return element;
}

// In the panel they take the place of symbols: forward below the equation, back instead of upstream and factor.
const bodyOfNumbers = { compute: BODIES.compute, contribute: contributeBody };

BODIES.compute = step => {
  const factors = factorsForward(step.node);
  if (!factors || !isArray(data[step.node])) return bodyOfNumbers.compute(step);
  return [formula(h("code", {}, vertices[step.node].equation)), ...productElement(factors, nameOf(step.node), data[step.node], "")];
};

contributeBody = function (step) {
  const edge = edges[step.edge], factors = edge.carries && !nodes[edge.head].sent && factorsBack(edge, step.upstream);
  if (!factors || !isArray(step.contribution)) return bodyOfNumbers.contribute(step);
  const head = formula(partial(nameOf(step.target)), step.before === undefined ? " = " : " += ", h("code", {}, `${factors.left[0]} · ${factors.right[0]}`));
  return [head, ...productElement(factors, "contribution", step.contribution, "contribution"), zeroReason(step, edge), total(step), adjoint(step, edge), latexOf(step, edge)];
};
