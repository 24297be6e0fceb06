// Two passes of one sample, down to one multiplication; a neuron's steps are the engine's. Nothing here touches the page.

// What a sample makes of a network, and what comes back: copies of z, a, dz, da for each layer, the target, the loss.
function passesOf(net, theta, x, y) {
  pass(net, theta, x);
  const loss = lossOf(net, y), n = net.layers.length, last = net.a[n];
  back(net, theta, y, new Float64Array(net.size), 0);
  const da = net.da.map(v => Array.from(v));
  if (net.loss !== "half") da[n] = y.map((t, k) => net.loss === "softmax" ? -t / last[k] : (last[k] - t) / (last[k] * (1 - last[k])));
  return { net, theta, x, y, loss, da, z: net.z.map(v => Array.from(v)), a: net.a.map(v => Array.from(v)), dz: net.dz.map(v => Array.from(v)) };
}

const weightOf = ({ net, theta }, l, k, j) => theta[net.layers[l - 1].w + k * net.layers[l - 1].n_in + j];
const biasOf = ({ net, theta }, l, k) => theta[net.layers[l - 1].b + k];
const joined = (seen, l) => seen.net.layers[l - 1].g === "softmax";

// The steps of a sample: forward neuron by neuron, the loss, and back.
function sampleSteps(net) {
  const neurons = net.layers.flatMap(({ n_out }, i) => Array.from({ length: n_out }, (_, k) => ({ pass: "forward", l: i + 1, k })));
  const layers = neurons.map(at => ({ ...at, pass: "backward" })).sort((p, q) => q.l - p.l || p.k - q.k);
  return [{ pass: "start" }, ...neurons, { pass: "loss" }, ...layers];
}

const sumText = terms => terms.length > 6 ? `${terms.slice(0, 3).join(" + ")} + ... + ${terms[terms.length - 1]}` : terms.join(" + ");
const bracketed = (x, digits) => x < 0 ? `(${show(x, digits)})` : show(x, digits);

function sentenceOf(seen, step, inputs) {
  const { l, k } = step, n = seen.net.layers.length;
  if (step.pass === "start") return `Forward pass: the inputs are ${inputs.map((name, i) => `${name} = ${show(seen.x[i])}`).join(", ")}.`;
  if (step.pass === "loss") return `The loss of this sample is L = ${show(seen.loss)}; now back: dL/da[${n}] = ${seen.da[n].map(x => show(x)).join(", ")}.`;
  const g = seen.net.layers[l - 1].g;
  if (step.pass === "forward") {
    const terms = [bracketed(biasOf(seen, l, k)), ...seen.a[l - 1].map((a, j) => `${bracketed(weightOf(seen, l, k, j))}·${bracketed(a)}`)];
    const after = joined(seen, l) ? `softmax joins the layer: a[${l}][${k}] = ${show(seen.a[l][k])}` : `a[${l}][${k}] = ${g}(z) = ${show(seen.a[l][k])}`;
    return `z[${l}][${k}] = b + w·a = ${sumText(terms)} = ${show(seen.z[l][k])}; ${after}.`;
  }
  const sum = l === n ? `dL/da[${l}][${k}] = ${show(seen.da[l][k])}` : `${seen.dz[l + 1].length > 1 ? `${seen.dz[l + 1].length} contributions add up to ` : ""}dL/da[${l}][${k}] = ${show(seen.da[l][k])}`;
  const through = joined(seen, l) ? "through the Jacobian of softmax" : `times ${g}'(z) = ${show(slopeOf(g, seen.a[l][k], seen.z[l][k]))}`;
  return `${sum}, ${through} gives dL/dz[${l}][${k}] = ${show(seen.dz[l][k])}. It goes along each curve: times a into dL/dW[${l}], times w into ${l > 1 ? `dL/da[${l - 1}]` : "dL/dx"}.`;
}

// The record of a neuron, as the engine takes it: b, w_j, a_j, their products, the sum, the activation. `sweep` has what
// the engine found: data, gradients, and for each edge upstream, local, contribution.
function neuronOf(seen, l, k) {
  const { n_in, g } = seen.net.layers[l - 1], nodes = [], names = [], data = [];
  const add = (name, op, inputs, constants, x) => { nodes.push({ op, inputs, constants, settings: 0 }); names.push(name); data.push(x); return nodes.length - 1; };
  const b = add(`b[${l}][${k}]`, "", [], [], biasOf(seen, l, k));
  const products = Array.from({ length: n_in }, (_, j) => {
    const w = add(`W[${l}][${k},${j}]`, "", [], [], weightOf(seen, l, k, j)), a = add(`a[${l - 1}][${j}]`, "", [], [], seen.a[l - 1][j]);
    return { w, a, j, product: add(`w·a ${j}`, "mul", [w, a], []) };
  });
  const z = add(`z[${l}][${k}]`, "add_n", [b, ...products.map(p => p.product)], []);
  const more = MORE[g] || [], out = g === "identity" || joined(seen, l) ? z : add(`a[${l}][${k}]`, g, [z, ...more.map(() => -1)], [undefined, ...more]);
  forward(nodes, data);
  const edges = edgesOf(nodes), upstream = backward(nodes, data, joined(seen, l) ? seen.dz[l][k] : seen.da[l][k], edges);
  const swept = edges.map(edge => ({ ...edge, isNumber: true, upstream: upstream[edge.head], local: pull(nodes, edge, data, 1), contribution: pull(nodes, edge, data, upstream[edge.head]) }));
  const through = swept.find(edge => edge.head === out && edge.tail === z);
  const symbols = through && symbolsOf(nodes, through, i => i === out ? "a" : "z", SHORT);
  const sent = products.map(p => ({ ...p, toWeight: swept.find(e => e.tail === p.w), toInput: swept.find(e => e.tail === p.a) }));
  return { nodes, names, data, grads: upstream, b, z, out, products: sent, through, symbols };
}

// One multiplication: the product, and the two that it is in on the way back, with the sums that these go into.
function timesOf(seen, l, k, j) {
  const w = weightOf(seen, l, k, j), a = seen.a[l - 1][j], upstream = seen.dz[l][k];
  const terms = seen.dz[l].map((dz, i) => ({ k: i, w: weightOf(seen, l, i, j), dz, c: dz * weightOf(seen, l, i, j) }));
  return { w, a, product: w * a, upstream, toWeight: upstream * a, toInput: upstream * w, terms, sum: terms.reduce((s, t) => s + t.c, 0) };
}
