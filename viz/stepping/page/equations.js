// Matrix products as true equations: both factors beside their product, as they are multiplied; an entry of the product
// lights up the row and the column that it is the sum of; of an einsum, the entries. Only in pages of records with arrays.

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
  const left = factorTable(factors.left), right = factorTable(factors.right);
  const choose = k => {
    const row = Math.floor(k / wide), column = k % wide;
    left.light(i => Math.floor(i / inner) === row);
    right.light(i => i % wide === column);
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

// The factors of an einsum as { name, x, axes }, and the axes of what they give, by their letters; null where there are
// none, or an axis is stretched.
function lettersForward(node) {
  if (nodes[node].op !== "einsum") return null;
  const [spec, ...xs] = argsOf(nodes[node], data), names = nodes[node].inputs.slice(1).map(i => i < 0 ? "constant" : nameOf(i));
  if (!xs.every(isArray)) return null;
  const { inputs, output } = MEANING.letters(spec, xs.map(x => x.shape)), factors = xs.map((x, i) => ({ name: names[i], x, axes: inputs[i] }));
  const length = lengthsOf(factors);
  return factors.every(({ x, axes }) => axes.every((c, a) => x.shape[a] === length[c])) ? { factors, axes: output } : null;
}

// Its rule is an einsum too: of the upstream gradient and the other factors; null where a diagonal is taken back.
function lettersBack(edge, upstream) {
  const found = lettersForward(edge.head), own = found?.factors[edge.place - 1];
  if (!found || new Set(own.axes).size < own.axes.length) return null;
  const g = { name: `∂${inside(title)}/∂${inside(nameOf(edge.head))}`, x: upstream, axes: found.axes };
  return { factors: [g, ...found.factors.filter(factor => factor !== own)], axes: own.axes };
}

const lengthsOf = factors => Object.fromEntries(factors.flatMap(({ x, axes }) => axes.map((c, a) => [c, x.shape[a]])));
const withAxes = (name, axes) => axes.length ? `${name}[${axes.map(c => c.length > 1 ? "…" : c).join(",")}]` : name;

// The equation, each factor with the letters of its axes, and below it the sum of the entry that is chosen.
function einsumElement({ factors, axes }, name, result, kind) {
  const sum = h("p", { class: "sum", role: "status" }, "Choose an entry: what it is the sum of lights up.");
  const tables = factors.map(({ name, x, axes }) => isArray(x) ? factorTable([withAxes(name, axes), x]) : { element: captioned(name, show(x), "local"), light() {} });
  const choose = k => {
    const index = isArray(result) ? indexOf(result, k) : [], fixed = Object.fromEntries(axes.map((c, a) => [c, index[a]]));
    tables.forEach((table, f) => table.light(i => meets(factors[f], indexOf(factors[f].x, i), fixed)));
    sum.textContent = `${name}${placeOf(result, k)} = ${productsOf(factors, fixed)} = ${show(entryOf(result, k))}`;
  };
  const { down, across } = isArray(result) && result.shape.length ? rowsOf(result) : { down: 1, across: 1 };
  const out = isArray(result) ? entriesElement(result, down, across, name, choose) : show(result);
  if (!isArray(result)) choose(0);
  const parts = tables.flatMap((table, f) => [...f ? [h("span", { class: "sign" }, "·")] : [], table.element]);
  return [sum, h("div", { class: "product equation" }, ...parts, h("span", { class: "sign" }, "="), captioned(withAxes(name, axes), out, kind))];
}

// Whether an entry takes part: its index is what is fixed, and the same wherever a letter stands twice.
const meets = ({ axes }, index, fixed) => axes.every((c, a) => (fixed[c] ?? index[a]) === index[a] && index[axes.indexOf(c)] === index[a]);

function productsOf(factors, fixed) {
  const length = lengthsOf(factors.filter(({ x }) => isArray(x))), summed = Object.keys(length).filter(c => !(c in fixed)), count = summed.reduce((n, c) => n * length[c], 1);
  const term = k => {
    const at = { ...fixed };
    for (const c of summed) { at[c] = k % length[c]; k = Math.floor(k / length[c]); }
    return factors.map(({ x, axes }) => bracketed(entryOf(x, isArray(x) ? entryAt(x, axes.map(c => at[c])) : 0))).join("·");
  };
  const terms = Array.from({ length: Math.min(count, MOST_TERMS) }, (_, k) => term(k));
  if (count > MOST_TERMS) terms.splice(-1, 1, `${count - MOST_TERMS + 1} more`);
  return terms.join(" + ");
}

const captioned = (name, element, kind) => h("figure", { class: `term ${kind}` }, h("figcaption", { class: "symbols" }, name), element);

// A factor, in which entries can be lit.
function factorTable([name, x]) {
  if (!isGrid(x)) return { element: captioned(`${name}, ${x.shape.join(" × ")}`, heat(x), "local"), light() {} };
  const cells = [], element = table(x, (td, k) => { cells.push(td); td.textContent = show(x.data[k], 3); td.title = show(x.data[k], 17); });
  return { element: captioned(name, element, "local"), light: lit => cells.forEach((td, k) => td.classList.toggle("lit", lit(k))) };
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
  const z = data[step.node], name = nameOf(step.node), factors = isArray(z) && factorsForward(step.node), einsum = lettersForward(step.node);
  if (!factors && !einsum) return bodyOfNumbers.compute(step);
  return [formula(h("code", {}, vertices[step.node].equation)), ...factors ? productElement(factors, name, z, "") : einsumElement(einsum, name, z, "")];
};

contributeBody = function (step) {
  const edge = edges[step.edge], true_ = edge.carries && !nodes[edge.head].sent && isArray(step.contribution);
  const factors = true_ && factorsBack(edge, step.upstream), einsum = true_ && lettersBack(edge, step.upstream);
  if (!factors && !einsum) return bodyOfNumbers.contribute(step);
  const product = factors ? [factors.left[0], factors.right[0]] : einsum.factors.map(({ name, axes }) => withAxes(name, axes));
  const head = formula(partial(nameOf(step.target)), step.before === undefined ? " = " : " += ", h("code", {}, product.join(" · ")));
  const body = factors ? productElement(factors, "contribution", step.contribution, "contribution") : einsumElement(einsum, "contribution", step.contribution, "contribution");
  return [head, ...body, zeroReason(step, edge), total(step), adjoint(step, edge), latexOf(step, edge)];
};
