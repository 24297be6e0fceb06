// The textbook's recipe: every line of both passes of a sample with its matrices, and of each entry the multiplications that
// it is made of. Vectors are columns. The lines, their words and their numbers are those of nn.backprop_recipe.

const matrix = (name, rows, cols, data) => ({ name, rows, cols, data: Array.from(data) });
const column = (name, data) => matrix(name, data.length, 1, data);
const transposed = (name, m) => matrix(name, m.cols, m.rows, Array.from({ length: m.cols * m.rows }, (_, i) => m.data[(i % m.rows) * m.cols + Math.floor(i / m.rows)]));

// A line: name = formula, its operands, its value, what of the picture it computes ({layer, curves}), and how its entry i
// comes about: {terms, lit}, a term being factors [[operand, entry], ...] or words; lit adds operands without a factor.
function recipeOf(seen) {
  const { net, z, a, y } = seen, n = net.layers.length, lines = [];
  const add = (name, formula, operands, value, lights, entry) => lines.push({ name, formula, operands, value: { ...value, name }, lights, entry });
  const W = net.layers.map(({ n_in, n_out, w, b }, i) => matrix(`W[${i + 1}]`, n_out, n_in, seen.theta.subarray(w, b)));
  const b = net.layers.map(({ n_out, b }, i) => column(`b[${i + 1}]`, seen.theta.subarray(b, b + n_out)));
  const A = a.map((v, i) => column(`a[${i}]`, v)), Z = z.map((v, i) => column(`z[${i}]`, v)), Y = column("y", y);
  net.layers.forEach(({ g, n_in }, i) => {
    const l = i + 1, all = Array.from({ length: n_in }, (_, j) => j);
    add(`z[${l}]`, `W[${l}] a[${i}] + b[${l}]`, [W[i], A[i], b[i]], Z[l], { layer: l, curves: true },
      k => ({ terms: [...all.map(j => [[0, k * n_in + j], [1, j]]), [[2, k]]] }));
    add(`a[${l}]`, g === "identity" ? `z[${l}]` : `${g}(z[${l}])`, [Z[l]], A[l], { layer: l },
      k => ({ terms: [g === "identity" ? [[0, k]] : g === "softmax" ? `exp(${show(z[l][k])}) / (${sumText(z[l].map(x => `exp(${show(x)})`))})` : `${g}(${show(z[l][k])})`], lit: [[0, g === "softmax" ? z[l].map((_, i) => i) : [k]]] }));
  });
  const N = `a[${n}]`, told = {
    softmax: [`-sum y * log ${N}`, `-y / ${N}`, k => `-${show(y[k])} / ${show(a[n][k])}`, k => `-${show(y[k])}·log ${show(a[n][k])}`],
    sigmoid: [`-sum (y * log ${N} + (1 - y) * log (1 - ${N}))`, `(${N} - y) / (${N} * (1 - ${N}))`, k => `(${show(a[n][k])} - ${show(y[k])}) / (${show(a[n][k])}·${show(1 - a[n][k])})`, k => `-(${show(y[k])}·log ${show(a[n][k])} + ${show(1 - y[k])}·log ${show(1 - a[n][k])})`],
    half: [`1/2 sum (${N} - y)^2`, `${N} - y`, k => `${show(a[n][k])} - ${bracketed(y[k])}`, k => `½(${show(a[n][k])} - ${bracketed(y[k])})²`],
  }[net.loss];
  const every = y.map((_, k) => k), both = is => [[0, is], [1, is]];
  add("L", told[0], [A[n], Y], matrix("L", 1, 1, [seen.loss]), { layer: n }, () => ({ terms: every.map(told[3]), lit: both(every) }));
  add(`dL/da[${n}]`, told[1], [A[n], Y], column("", seen.da[n]), { layer: n }, k => ({ terms: [told[2](k)], lit: both([k]) }));
  for (let l = n; l > 0; l--) {
    const g = net.layers[l - 1].g, DA = column(`dL/da[${l}]`, seen.da[l]), DZ = column(`dL/dz[${l}]`, seen.dz[l]), wide = DZ.rows, high = net.layers[l - 1].n_in;
    if (g === "softmax") {
      const J = matrix("J", wide, wide, a[l].flatMap((p, i) => a[l].map((q, j) => (i === j ? p : 0) - p * q)));
      add("J", `diag(${A[l].name}) - ${A[l].name} ${A[l].name}^T`, [A[l]], J, { layer: l }, at => {
        const [i, j] = [Math.floor(at / wide), at % wide];
        return { terms: [`${i === j ? show(a[l][i]) : 0} - ${show(a[l][i])}·${show(a[l][j])}`], lit: [[0, [i, j]]] };
      });
      add(DZ.name, `J^T dL/da[${l}]`, [transposed("J^T", J), DA], DZ, { layer: l }, k => ({ terms: every.map(j => [[0, k * wide + j], [1, j]]) }));
    } else if (g === "identity") add(DZ.name, DA.name, [DA, Z[l]], DZ, { layer: l }, k => ({ terms: [[[0, k]]] }));
    else add(DZ.name, `${DA.name} * ${g}'(z[${l}])`, [DA, Z[l]], DZ, { layer: l }, k => ({ terms: [`${bracketed(seen.da[l][k])}·${g}'(${show(z[l][k])}) = ${bracketed(seen.da[l][k])}·${bracketed(slopeOf(g, a[l][k], z[l][k]))}`], lit: both([k]) }));
    if (l === n && net.loss !== "half") add(DZ.name, `${N} - y`, [A[n], Y], DZ, { layer: l }, k => ({ terms: [`${show(a[n][k])} - ${show(y[k])}`], lit: both([k]) }));
    const row = transposed(`a[${l - 1}]^T`, A[l - 1]), outer = seen.dz[l].flatMap(d => a[l - 1].map(x => d * x));
    add(`dL/dW[${l}]`, `${DZ.name} ${row.name}`, [DZ, row], matrix("", wide, high, outer), { layer: l, curves: true }, at => ({ terms: [[[0, Math.floor(at / high)], [1, at % high]]] }));
    add(`dL/db[${l}]`, DZ.name, [DZ], DZ, { layer: l }, k => ({ terms: [[[0, k]]] }));
    add(`dL/da[${l - 1}]`, `W[${l}]^T ${DZ.name}`, [transposed(`W[${l}]^T`, W[l - 1]), DZ], column("", seen.da[l - 1]), { layer: l - 1, from: l, curves: true },
      j => ({ terms: seen.dz[l].map((_, k) => [[0, j * wide + k], [1, k]]) }));
  }
  return lines;
}

// How entry i of a line comes about: the text of its sum, and the entries of each operand that it is made of.
function entryOf(line, i) {
  const { terms, lit = [] } = line.entry(i), at = ([operand, k]) => line.operands[operand].data[k];
  const lights = line.operands.map(() => new Set());
  for (const [operand, entries] of lit) for (const k of entries) lights[operand].add(k);
  for (const term of terms) if (typeof term !== "string") for (const [operand, k] of term) lights[operand].add(k);
  const texts = terms.map(term => typeof term === "string" ? term : term.map(factor => bracketed(at(factor))).join("·"));
  return { lights, terms: texts, text: texts.join(" + "), value: line.value.data[i] };
}
