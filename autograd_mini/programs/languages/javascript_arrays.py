"""JavaScript on arrays: what the names of the table's rows mean where an array is {shape: [2, 3], data: [...]}.

`data` holds the entries row by row, and what has shape () is a plain number. What acts entry by entry is the definition
for numbers, lifted to arrays; all else is told by the places of entries, a stride for each axis.
"""

from __future__ import annotations

import json
from functools import cache

from ...data import Array
from .javascript import on_numbers
from .prelude import Definitions, pieces


def array_literal(array: Array) -> str:
    """Return an array as JavaScript makes it.

    >>> import numpy as np
    >>> array_literal(np.array([[1.0, np.nan]])), array_literal(np.zeros((0, 3)))
    ('array([[1.0, NaN]])', '{shape: [0, 3], data: []}')
    """
    return f"array({json.dumps(array.tolist())})" if array.size else f"{{shape: {list(array.shape)}, data: []}}"


# Rows that are not there: decompositions of matrices, which take more than places of entries.
LACKING = frozenset("inv det cofactors logabsdet solve pinv cholesky eigvalsh eigh_vectors svdvals svd_vectors".split())


@cache
def on_arrays() -> Definitions:
    """Return what each name means on arrays: the definitions for numbers, lifted, and those of whole arrays."""
    numbers = on_numbers()
    lifted = {name: text.replace(" = ", " = lift(", 1)[:-1] + ");" for name, text in numbers.items()}
    return {**lifted, **{name: numbers[name] for name in ("inf", "nan")}, **ARRAYS}


ARRAYS = {
    "float32": "const float32 = lift(Math.fround);",
    **pieces(
        """
function add_n(...xs) {
  return xs.reduce((x, y) => add(x, y));
}

function array(rows) {  // [[1, 2], [3, 4]] as {shape: [2, 2], data: [1, 2, 3, 4]}; a number stays one
  if (typeof rows === "number" || typeof rows === "boolean") return Number(rows);
  if (rows?.shape && rows.data?.length === size(rows.shape)) return rows;
  if (!Array.isArray(rows) && !ArrayBuffer.isView(rows)) throw new Error(`numbers or lists of them, not ${rows}`);
  const parts = Array.from(rows, part => array(part)), shape = parts.length ? shapeOf(parts[0]) : [];
  if (parts.some(part => String(shapeOf(part)) !== String(shape))) throw new Error("lists of one length, not ragged");
  return {shape: [parts.length, ...shape], data: parts.flatMap(entries)};
}

function nested(x) {  // array objects as lists of lists
  if (typeof x !== "object") return x;
  const [n, ...rest] = x.shape, length = size(rest);
  return Array.from({length: n}, (_, i) => nested(made(rest, entries(x).slice(i * length, (i + 1) * length))));
}

function given(name, x, shape) {  // an input, in the shape that it had in the record
  const a = array(x), found = shapeOf(a), empty = !size(shape) && !size(found);
  if (empty || String(found) === String(shape)) return empty ? {shape, data: []} : a;
  throw new Error(`${name} has shape [${found}], and had [${shape}] when this was recorded: record again`);
}

function differs(x, y) {  // whether any entry of x is another than that of y, by broadcasting
  return entries(lift((a, b) => Number(a) !== Number(b))(x, y)).some(Boolean);
}

function shapeOf(x) {
  return typeof x === "object" ? x.shape : [];
}

function entries(x) {
  return typeof x !== "object" ? [x] : Array.isArray(x.data) ? x.data : Array.from(x.data);
}

function made(shape, data) {  // shape [] is a number
  return shape.length ? {shape, data} : data[0];
}

function size(shape) {
  return shape.reduce((m, n) => m * n, 1);
}

function strides(shape) {  // how far apart neighbours along each axis are, row by row
  return shape.map((_, axis) => size(shape.slice(axis + 1)));
}

function reach(shape, wide) {  // strides of one that is read as one of a wider shape: 0 along an axis that repeats
  const own = strides(shape), lead = wide.length - shape.length;
  return wide.map((_, axis) => axis < lead || shape[axis - lead] === 1 ? 0 : own[axis - lead]);
}

function places(shape, apart, start = 0) {  // start + index . apart for each index into the shape, row by row
  return shape.reduce((found, n, axis) => {
    const more = [];
    for (const place of found) for (let i = 0; i < n; i++) more.push(place + i * apart[axis]);
    return more;
  }, [start]);
}

function gather(x, shape, apart, start) {
  const data = entries(x);
  return made(shape, places(shape, apart, start).map(place => data[place]));
}

function joint(shapes) {  // the shape to which all of them broadcast
  const rank = Math.max(...shapes.map(shape => shape.length));
  return Array.from({length: rank}, (_, axis) => {
    const lengths = shapes.map(shape => shape[shape.length - rank + axis] ?? 1), n = lengths.find(m => m !== 1) ?? 1;
    if (lengths.every(m => m === 1 || m === n)) return n;
    throw new Error(`shapes [${shapes.join("] and [")}] do not fit: from the last axis on, lengths are alike or 1`);
  });
}

function lift(f) {  // f of numbers as a function of arrays, entry by entry
  return (...xs) => {
    if (xs.every(x => typeof x !== "object")) return f(...xs);
    const shape = joint(xs.map(shapeOf)), [x, y, z] = xs.map(a => broadcast_to(a, shape).data);
    const entry = [i => f(x[i]), i => f(x[i], y[i]), i => f(x[i], y[i], z[i])][xs.length - 1];
    return {shape, data: Array.from({length: size(shape)}, (_, i) => entry(i))};
  };
}

function axesOf(axis, rank) {
  return axis === null ? Array.from({length: rank}, (_, i) => i) : [].concat(axis).map(a => a < 0 ? a + rank : a);
}

function groups(shape, axis) {  // the starts of the groups of a reduction, and how far their members are from there
  const axes = axesOf(axis, shape.length), own = strides(shape), kept = shape.map((n, i) => axes.includes(i) ? 1 : n);
  const members = places(shape.map((n, i) => axes.includes(i) ? n : 1), own);
  return {kept, rest: shape.filter((_, i) => !axes.includes(i)), starts: places(kept, own), members};
}

function fold(x, axis, keepdims, f) {  // f(entries, which) of each group
  const data = entries(x), {kept, rest, starts, members} = groups(shapeOf(x), axis);
  return made(keepdims ? kept : rest, starts.map((start, k) => f(members.map(m => data[start + m]), k)));
}

function scan(x, axis, f) {  // f(entries) of each group in its place
  const data = entries(x), {starts, members} = groups(shapeOf(x), axis), found = [...data];
  for (const start of starts) f(members.map(m => data[start + m])).forEach((v, k) => found[start + members[k]] = v);
  return made(shapeOf(x), found);
}

function total(xs) {
  return xs.reduce((a, b) => a + b, 0);
}

function highest(xs) {
  return xs.reduce((a, b) => maximum(a, b), -Infinity);
}

function peak(xs) {
  return Number.isFinite(highest(xs)) ? highest(xs) : 0;
}

function sum(x, axis = null, keepdims = false) {
  return fold(x, axis, keepdims, total);
}

function mean(x, axis = null, keepdims = false) {
  return fold(x, axis, keepdims, middle);
}

function middle(xs) {
  return Number.isFinite(total(xs)) ? total(xs) / xs.length : total(xs.map(v => v / xs.length));
}

function variance(x, axis = null, ddof = 0, keepdims = false) {
  return fold(x, axis, keepdims, xs => {
    const m = middle(xs);
    return total(xs.map(v => (v - m) ** 2)) / Math.max(xs.length - ddof, 0);
  });
}

function std(x, axis = null, ddof = 0, keepdims = false) {
  return fold(x, axis, keepdims, xs => {
    const m = middle(xs);
    return magnitude(xs.map(v => v - m)) / Math.sqrt(Math.max(xs.length - ddof, 0));
  });
}

function norm(x, axis = null, keepdims = false) {
  return fold(x, axis, keepdims, magnitude);
}

function magnitude(xs) {
  const top = highest(xs.map(Math.abs)), scale = top > 0 && top < Infinity ? top : 1;
  return scale * Math.sqrt(total(xs.map(v => (v / scale) ** 2)));
}

function prod(x, axis = null, keepdims = false) {
  return fold(x, axis, keepdims, xs => xs.reduce((a, b) => a * b, 1));
}

function max(x, axis = null, keepdims = false) {
  return fold(x, axis, keepdims, xs => xs.reduce((a, b) => maximum(a, b)));
}

function min(x, axis = null, keepdims = false) {
  return fold(x, axis, keepdims, xs => xs.reduce((a, b) => minimum(a, b)));
}

function logsumexp(x, axis = null, keepdims = false) {
  return fold(x, axis, keepdims, logTotal);
}

function logTotal(xs) {
  const m = peak(xs);
  return Math.log(total(xs.map(v => Math.exp(v - m)))) + m;
}

function softmax(x, axis = -1) {
  return scan(x, axis, xs => {
    const m = highest(xs), parts = xs.map(v => Math.exp(v - m)), all = total(parts);
    return parts.map(v => v / all);
  });
}

function log_softmax(x, axis = -1) {
  return scan(x, axis, xs => {
    const m = highest(xs), all = Math.log(total(xs.map(v => Math.exp(v - m))));
    return xs.map(v => v - m - all);
  });
}

function cumsum(x, axis = null) {
  return axis === null ? cumsum(reshape(x, [-1]), 0) : scan(x, axis, xs => {
    let running = 0;
    return xs.map(v => running += v);
  });
}

function sort(x, axis = -1) {
  return axis === null ? sort(reshape(x, [-1])) : scan(x, axis, xs => bySize(xs).map(i => xs[i]));
}

function bySize(xs) {  // the places of the entries from the smallest to the largest, those of NaN at the end
  return xs.map((_, i) => i).sort((i, j) => isNaN(xs[i]) - isNaN(xs[j]) || xs[i] - xs[j] || 0);
}

function inOrder(x, keys, axis, back) {  // x in the order of the keys, or back from there; equal keys share
  const data = entries(x), by = entries(keys), found = [...data], {starts, members} = groups(shapeOf(keys), axis);
  for (const start of starts) {
    const at = members.map(m => start + m), key = at.map(place => by[place]), order = bySize(key);
    for (let i = 0, j; i < order.length; i = j) {
      for (j = i + 1; j < order.length && key[order[j]] === key[order[i]];) j++;
      const own = order.slice(i, j).map(k => at[k]), sorted = at.slice(i, j);
      const mean = total((back ? sorted : own).map(place => data[place])) / (j - i);
      for (const place of back ? own : sorted) found[place] = mean;
    }
  }
  return made(axis === null && !back ? [data.length] : shapeOf(keys), found);
}

function resort(x, keys, axis) {
  return inOrder(x, keys, axis, false);
}

function unsort(x, keys, axis) {
  return inOrder(x, keys, axis, true);
}

function sinc(x) {
  return lift(v => v === 0 ? 1 : Math.sin(Math.PI * v) / (Math.PI * v))(x);
}

function sinc_slope(x, order) {  // its series near 0, Leibniz' rule further out
  return lift(v => Math.abs(v) < 1 + order / Math.PI ? nearSlope(v, order) : farSlope(v, order))(x);
}

function nearSlope(v, order) {
  let slope = 0;
  for (let k = order + 1 >> 1, term; k < (order >> 1) + 30; k++) {
    term = (-1) ** k * Math.PI ** order / (2 * k + 1);
    for (let m = 1; m <= 2 * k - order; m++) term *= Math.PI * v / m;
    slope += term;
  }
  return slope;
}

function farSlope(v, order) {
  let slope = Math.sin(Math.PI * v) / (Math.PI * v);
  for (let n = 1; n <= order; n++) {
    slope = (Math.PI ** (n - 1) * Math.sin(Math.PI * v + n * Math.PI / 2) - n * slope) / v;
  }
  return slope;
}

function prod_others(x, axis) {
  return scan(x, axis, xs => {
    const after = [];
    xs.reduceRight((p, v, k) => (after[k] = p) * v, 1);
    let before = 1;
    return xs.map((v, k) => [before * after[k], before *= v][0]);
  });
}

function spread(x, shape, axis) {
  return broadcast_to(typeof x === "object" ? reshape(x, groups(shape, axis).kept) : x, shape);
}

function sum_to(x, shape) {
  const found = shapeOf(x), lead = found.length - shape.length;
  const axes = found.flatMap((n, i) => i < lead || shape[i - lead] === 1 && n !== 1 ? [i] : []);
  const sums = sum(x, axes, true);
  return broadcast_to(lead > 0 ? reshape(sums, shapeOf(sums).slice(lead)) : sums, shape);
}

function cast(x, dtype) {
  return dtype === "float32" ? float32(x) : x;
}

function matmul(x, y) {
  const i = shapeOf(x).length > 1 ? "i" : "", k = shapeOf(y).length > 1 ? "k" : "";
  return einsum(`${i && "..."}${i}j,${k && "..."}j${k}->...${i}${k}`, x, y);
}

function affine(x, W, b) {
  return add(matmul(x, transpose(W)), b);
}

function einsum(spec, ...xs) {
  const {inputs, output} = letters(spec, xs.map(shapeOf)), length = {};
  const measure = (c, n) => length[c] = n === 1 ? length[c] ?? 1 : n;
  inputs.forEach((own, i) => own.forEach((c, axis) => measure(c, shapeOf(xs[i])[axis])));
  const summed = Object.keys(length).filter(c => !output.includes(c)), read = cs => cs.map(c => length[c]);
  const parts = xs.map((x, i) => {
    const own = reach(shapeOf(x), shapeOf(x));
    const apart = cs => cs.map(c => total(own.filter((_, axis) => inputs[i][axis] === c)));
    return {data: entries(x), outer: places(read(output), apart(output)), inner: places(read(summed), apart(summed))};
  });
  return made(read(output), parts[0].outer.map((_, o) => summedProducts(parts, o)));
}

function summedProducts(parts, o) {
  let sums = 0;
  for (let s = 0; s < parts[0].inner.length; s++) {
    let product = 1;
    for (let i = 0; i < parts.length; i++) product *= parts[i].data[parts[i].outer[o] + parts[i].inner[s]];
    sums += product;
  }
  return sums;
}

function letters(spec, shapes) {  // the axes of each operand and of the result by name; "..." are ".2", ".1"
  const [left, right] = spec.replace(/ /g, "").split("->"), texts = left.split(",");
  const extra = texts.map((t, i) => t.includes("...") ? shapes[i].length - t.length + 3 : 0);
  const dots = n => Array.from({length: n}, (_, i) => `.${n - i}`);
  const named = (t, n) => t.split("...").flatMap((part, i) => [...(i ? dots(n) : []), ...part]);
  const once = [...left].filter(c => !".,".includes(c) && left.indexOf(c) === left.lastIndexOf(c)).sort().join("");
  const result = right ?? (left.includes(".") ? "..." : "") + once;
  return {inputs: texts.map((t, i) => named(t, extra[i])), output: named(result, Math.max(...extra))};
}

function reshape(x, shape) {
  const data = entries(x), lengths = [].concat(shape), known = size(lengths.filter(n => n >= 0));
  return made(lengths.map(n => n < 0 ? data.length / known : n), data);
}

function transpose(x, axes = null) {
  const shape = shapeOf(x), own = strides(shape);
  const order = axes ? axesOf(axes, shape.length) : axesOf(null, shape.length).reverse();
  return gather(x, order.map(a => shape[a]), order.map(a => own[a]));
}

function broadcast_to(x, shape) {
  const wide = [].concat(shape), own = shapeOf(x);
  return String(own) === String(wide) ? x : gather(x, wide, reach(own, wide));
}

function flip(x, axis = null) {
  const shape = shapeOf(x), own = strides(shape), axes = axesOf(axis, shape.length);
  const start = total(axes.map(a => (shape[a] - 1) * own[a]));
  return gather(x, shape, own.map((n, a) => axes.includes(a) ? -n : n), start);
}

function pad(x, width, value = 0) {
  const shape = shapeOf(x), pairs = nested(broadcast_to(array(width), [shape.length, 2]));
  const wide = shape.map((n, a) => pairs[a][0] + n + pairs[a][1]), own = strides(wide), inside = entries(x);
  const start = total(pairs.map(([before], a) => before * own[a])), data = Array(size(wide)).fill(value);
  places(shape, own, start).forEach((place, k) => data[place] = inside[k]);
  return made(wide, data);
}

function slice(start = null, stop = null, by = 1) {
  return {start, stop, by};
}

function cut(n, {start, stop, by}) {  // the first entry that it takes, how many, and how far apart
  const low = by > 0 ? 0 : -1, high = low + n;
  const inside = end => Math.min(Math.max(end < 0 ? end + n : end, low), high);
  const from = start === null ? (by > 0 ? low : high) : inside(start);
  const to = stop === null ? (by > 0 ? high : low) : inside(stop);
  return [from, Math.max(0, Math.ceil((to - from) / by)), by];
}

function taken(shape, index) {  // the places that an index takes, in their shape; what is no list is just that
  if (!Array.isArray(index)) return index;
  const own = strides(shape), found = [], apart = [];
  let axis = 0, start = 0;
  for (const part of written(index, shape.length)) {
    if (part === null) found.push(1), apart.push(0);
    else {
      const [from, n, by] = typeof part === "number" ? [part < 0 ? part + shape[axis] : part] : cut(shape[axis], part);
      if (n !== undefined) found.push(n), apart.push(by * own[axis]);
      start += from * own[axis++];
    }
  }
  return {shape: found, data: places(found, apart, start)};
}

function written(index, rank) {  // [1, slice(0, 2), null, "..."] with whole slices in place of "..."
  const at = index.indexOf("..."), rest = index.filter(part => part !== null && part !== "...").length;
  const all = Array.from({length: rank - rest}, () => slice());
  return at < 0 ? [...index, ...all] : [...index.slice(0, at), ...all, ...index.slice(at + 1)];
}

function getitem(x, index) {
  const data = entries(x), from = taken(shapeOf(x), index);
  return made(from.shape, from.data.map(place => data[place]));
}

function scatter(x, index, shape) {  // what is taken from one place twice, is added there twice
  const to = taken(shape, index), data = Array(size(shape)).fill(0), parts = entries(broadcast_to(x, to.shape));
  to.data.forEach((place, k) => data[place] += parts[k]);
  return made(shape, data);
}

function windowed(shape, size, stride, dilation) {  // the shape of all windows, and how far apart their entries are
  const n = size.length, lead = shape.slice(0, -n), own = strides(shape);
  const each = v => Array(n).fill(v).flat().slice(0, n);
  const steps = each(stride), wide = each(dilation), last = own.slice(-n);
  const count = size.map((k, i) => Math.floor((shape[lead.length + i] - wide[i] * (k - 1) - 1) / steps[i]) + 1);
  const apart = [...own.slice(0, -n), ...last.map((v, i) => v * steps[i]), ...last.map((v, i) => v * wide[i])];
  return [[...lead, ...count, ...size], apart];
}

function windows(x, size, stride = 1, dilation = 1) {
  return gather(x, ...windowed(shapeOf(x), size, stride, dilation));
}

function overlap_add(x, shape, stride, dilation) {  // the entries of overlapping windows are added
  const data = Array(size(shape)).fill(0), parts = entries(x);
  const [, ...apart] = windowed(shape, shapeOf(x).slice(shape.length), stride, dilation);
  places(shapeOf(x), ...apart).forEach((place, k) => data[place] += parts[k]);
  return made(shape, data);
}

function concatenate(axis, ...xs) {
  const shape = shapeOf(xs[0]), [at] = axesOf(axis, shape.length);
  const order = [at, ...axesOf(null, shape.length).filter(a => a !== at)], back = order.map((_, a) => order.indexOf(a));
  const fronts = xs.map(x => transpose(x, order)), n = total(fronts.map(x => x.shape[0]));
  return transpose({shape: [n, ...fronts[0].shape.slice(1)], data: fronts.flatMap(entries)}, back);
}

function stack(axis, ...xs) {
  const shape = shapeOf(xs[0]), [at] = axesOf(axis, shape.length + 1);
  return concatenate(at, ...xs.map(x => reshape(x, [...shape.slice(0, at), 1, ...shape.slice(at)])));
}

function cross_entropy(logits, labels) {
  const chosen = entries(labels);
  return fold(logits, -1, false, (xs, k) => {
    const m = peak(xs);
    return Math.log(total(xs.map(v => Math.exp(v - m)))) - (xs[chosen[k]] - m);
  });
}

function softmax_loss(x, y) {
  const m = fold(x, -1, true, peak);
  return add(log(sum(exp(sub(x, m)), -1, true)), sub(m, sum(mul(y, x), -1, true)));
}

function l2_penalty(alpha, ...ws) {
  return 0.5 * alpha * total(ws.map(w => sum(square(w))));
}
""",
        "function ",
    ),
}
