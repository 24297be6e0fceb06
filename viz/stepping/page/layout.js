// Places that the page finds itself: of a group that is opened, and of a graph that was typed. The method is that of
// Sugiyama, Tagawa and Toda (1981), as in layered.py: layers by the longest path, an order in each by the mean place of
// the neighbours, then places as near to them as the boxes allow. Nothing is random.

const SWEEPS = 8, GAP = 18, STRIDE = 26;
const FAR = 12, PASSED = 2000; // layers that an arrow passes before a lane is shorter; that all pass before there are lanes
const LEAST_WIDE = 122, PAD = 10;

// The width of a text in the letters of the cards.
const ruler = document.createElement("canvas").getContext("2d");
function measured(text, font = "bold 12px Arial, 'Liberation Sans', Helvetica, sans-serif") {
  ruler.font = font;
  return ruler.measureText(text).width;
}

const ROUND = 36, PITCH = 42;
const heightOf = id => rounds.has(id) ? ROUND : high;

function widthOf(id) {
  if (rounds.has(id)) return ROUND;
  if (!(id in widths)) widths[id] = Math.round(10 * Math.max(LEAST_WIDE, ...ownWidths(id))) / 10;
  return widths[id];
}

function ownWidths(id) {
  if (foldOf.has(id)) return [measured(foldTitle(id)) + 2 * PAD];
  const vertex = vertices[+id.slice(1)], head = measured(vertex.name) + measured(vertex.op) + 14 + 2 * PAD;
  return vertex.shape ? [head, 100 + PAD * 1.5 + Math.max(measured("norm 1.234e-05"), measured(shapeText(vertex.shape)))] : [head];
}

// The width of an edge's chip: one size for numbers, more for what an array needs.
function chipWide(edge) {
  if (!hasArrays || !ofArrays(edge)) return CHIP[0];
  return Math.max(CHIP[0], Math.round(measured(`✕ ${labelOf(edge)}`, "bold 12px Arial, 'Liberation Sans', Helvetica, sans-serif") + 8));
}

// What lies in a group, or with "" in none: its nodes and its groups, each closed, and the curves between them.
function ownScope(scope) {
  const depth = pathTo(scope).length, cards = [], joins = new Map(), seen = new Set();
  const inside = path => !scope || path[depth - 1] === scope;
  const cardIn = (vertex, path) => path[depth] || `n${vertex}`;
  const within = scope ? members.get(scope) : vertices;
  for (const { id } of within) {
    const card = cardIn(id, pathOf(vertices[id]));
    if (!seen.has(card)) { seen.add(card); cards.push(card); }
  }
  for (const edge of edges) {
    const tailPath = pathOf(vertices[edge.tail]), headPath = pathOf(vertices[edge.head]);
    if (!inside(tailPath) || !inside(headPath)) continue;
    const tail = cardIn(edge.tail, tailPath), head = cardIn(edge.head, headPath);
    if (tail !== head) joins.set(curveKey(edge, tail, head), { tail, head, edge });
  }
  return laidOut(cards, [...joins]);
}

const pathTo = id => { const path = []; for (let at = id; at; at = foldOf.get(at).parent || "") path.unshift(at); return path; };
const curveKey = (edge, tail, head) => tail[0] === "n" && head[0] === "n" ? `e${edge.id}` : `${tail}-${head}`;

// Cards and curves with their places, as a record has those of the start.
function laidOut(cards, joins) {
  const order = sorted(cards, joins.map(([, join]) => join)), at = new Map(order.map((card, i) => [card, i]));
  const chips = joins.map(([key, { edge }]) => key[0] === "e" && joins.length <= 150 ? [chipWide(edge), CHIP[1]] : [0, 0]);
  const found = oriented(order.map(card => [widthOf(card), rounds.has(card) ? PITCH - GAP : high]), joins.map(([, { tail, head }]) => [at.get(tail), at.get(head)]), chips);
  joins.forEach(([key], i) => { if (chips[i][0] > CHIP[0]) widths[key] = chips[i][0]; });
  const curves = joins.map(([key, { tail, head }], i) => [key, { tail, head, points: leaning(found.arrows[i]), chip: chips[i][0] ? found.chips[i] : null }]);
  return { size: found.extent, cards: Object.fromEntries(order.map((card, i) => [card, found.boxes[i]])), frames: {}, curves: Object.fromEntries(curves) };
}

// From left to right, or upright from top to bottom: then what is along and what is across change places.
let upright = false;
const swapped = ([x, y]) => [y, x];
const leaning = path => upright ? bent(path.map(swapped)).map(swapped) : bent(path);

function oriented(sizes, arrows, chips) {
  if (!upright) return layered(sizes, arrows, chips);
  const found = layered(sizes.map(swapped), arrows, chips.map(swapped));
  return { boxes: found.boxes.map(swapped), chips: found.chips.map(swapped), arrows: found.arrows.map(path => path.map(swapped)), extent: swapped(found.extent) };
}

// The cards, each after all that it uses.
function sorted(cards, joins) {
  const uses = new Map(cards.map(card => [card, 0])), users = new Map(cards.map(card => [card, []])), order = [];
  for (const { tail, head } of joins) { uses.set(head, uses.get(head) + 1); users.get(tail).push(head); }
  const ready = cards.filter(card => !uses.get(card));
  for (let i = 0; i < ready.length; i++) {
    order.push(ready[i]);
    for (const user of users.get(ready[i])) { uses.set(user, uses.get(user) - 1); if (!uses.get(user)) ready.push(user); }
  }
  return order;
}

// A path as curves that leave and arrive along the layers.
function bent([first, ...rest]) {
  const points = [first];
  let [x, y] = first;
  for (const [u, v] of rest) if (u !== x || v !== y) { points.push([(x + u) / 2, y], [(x + u) / 2, v], [u, v]); [x, y] = [u, v]; }
  return points;
}

// Boxes of given sizes, oldest first, and arrows with chips: the middles of both, the points of each arrow, the extent.
function layered(sizes, arrows, chips) {
  const level = layersOf(sizes.length, arrows), size = [...sizes], far = farOf(level, arrows), aside = [];
  const chains = arrows.map(([tail, head], i) => {
    const chain = [tail], first = far[i] ? level[head] - 1 : level[tail] + 1;
    for (let l = first; l < level[head]; l++) { chain.push(size.length); size.push(l === first ? chips[i] : [0, 0]); level.push(l); }
    return [...chain, head];
  });
  const near = [size.map(() => []), size.map(() => [])], { lanes, room } = lanesOf(level, arrows.filter((_, i) => far[i]));
  chains.forEach((chain, i) => {
    if (far[i]) { near[1][chain[1]].push(chain[2]); aside[chain[1]] = GAP + size[chain[1]][1]; }
    else for (let k = 1; k < chain.length; k++) { near[0][chain[k]].push(chain[k - 1]); near[1][chain[k - 1]].push(chain[k]); }
  });
  const layers = ordered(level, near), across = acrossOf(layers, size.map(s => s[1]), near, aside).map(y => y + room), ends = endsOf(layers, size.map(s => s[0]));
  const middle = i => [(ends[level[i]][0] + ends[level[i]][1]) / 2, across[i]];
  const tall = Math.max(0, ...size.map((s, i) => across[i] + s[1] / 2));
  const paths = chains.map((chain, i) => {
    const stops = chain.map(k => [middle(k), size[k][0], ends[level[k]]]), [tail, head] = arrows[i];
    if (far[i]) stops.splice(1, 0, [[0, lanes.get(tail)], 0, [ends[level[tail]][1] + STRIDE, ends[level[head] - 1][0] - STRIDE]]);
    return pathThrough(stops);
  });
  return { boxes: sizes.map((_, i) => middle(i)), chips: chains.map(chain => middle(chain[1])), arrows: paths, extent: [ends.at(-1)[1], tall] };
}

// Which arrows pass by the layers in lanes above all boxes: long ones, where all together pass too many layers.
function farOf(level, arrows) {
  const passed = arrows.map(([tail, head]) => level[head] - level[tail]), many = passed.reduce((a, b) => a + b, 0) > PASSED;
  return passed.map(layers => many && layers > FAR);
}

// The lane of each box that far arrows leave, and the room for all: boxes share one that is free again.
function lanesOf(level, far) {
  const last = new Map(), free = [], lanes = new Map();
  for (const [tail, head] of far) last.set(tail, Math.max(last.get(tail) ?? 0, level[head]));
  for (const tail of [...last.keys()].sort((a, b) => level[a] - level[b] || a - b)) {
    const found = free.findIndex(end => end <= level[tail]), lane = found < 0 ? free.length : found;
    free[lane] = last.get(tail);
    lanes.set(tail, lane * GAP / 2);
  }
  return { lanes, room: free.length * GAP / 2 };
}

// Two layers for a step of the longest path, so that chips have layers of their own.
function layersOf(count, arrows) {
  const layer = Array(count).fill(0), entered = new Set(arrows.map(([, head]) => head)), first = new Map();
  for (const [tail, head] of [...arrows].sort((a, b) => a[1] - b[1])) layer[head] = Math.max(layer[head], layer[tail] + 2);
  for (const [tail, head] of arrows) first.set(tail, Math.min(first.get(tail) ?? Infinity, layer[head]));
  for (const [tail, level] of first) if (!entered.has(tail)) layer[tail] = level - 2;
  return layer;
}

const mean = (numbers, otherwise) => numbers.length ? numbers.reduce((a, b) => a + b, 0) / numbers.length : otherwise;

function eachWay(layers, near, act) {
  for (let sweep = 0; sweep < SWEEPS; sweep++) for (const layer of sweep % 2 ? [...layers].reverse() : layers) act(layer, near[sweep % 2]);
}

function ordered(level, near) {
  const layers = Array.from({ length: Math.max(0, ...level) + 1 }, () => []), place = [];
  level.forEach((l, i) => { place[i] = layers[l].push(i) - 1; });
  eachWay(layers, near, (layer, neighbours) => {
    const wanted = new Map(layer.map(i => [i, mean(neighbours[i].map(j => place[j]), place[i])]));
    layer.sort((a, b) => wanted.get(a) - wanted.get(b)).forEach((i, k) => { place[i] = k; });
  });
  return layers;
}

function acrossOf(layers, sizes, near, aside) {
  const place = sizes.map(() => 0);
  for (const layer of layers) settle(layer, layer.map(() => 0), sizes, place);
  eachWay(layers, near, (layer, neighbours) => settle(layer, layer.map(i => mean(neighbours[i].map(j => place[j] + (aside[i] ?? 0)), place[i])), sizes, place));
  const low = Math.min(...place.map((x, i) => x - sizes[i] / 2));
  return place.map(x => x - low);
}

// Places of a layer, in order and apart, with the least sum of squares from those wanted: runs out of order share a mean.
function settle(layer, wanted, sizes, place) {
  const tight = layer.map(() => 0), runs = [];
  for (let k = 1; k < layer.length; k++) {
    const [a, b] = [sizes[layer[k - 1]], sizes[layer[k]]];
    tight[k] = tight[k - 1] + (a + b) / 2 + (a && b ? GAP : GAP / 2);
  }
  wanted.forEach((goal, k) => {
    let run = [goal - tight[k], 1];
    while (runs.length && runs.at(-1)[0] * run[1] >= run[0] * runs.at(-1)[1]) { const [more, others] = runs.pop(); run = [run[0] + more, run[1] + others]; }
    runs.push(run);
  });
  const means = runs.flatMap(([total, n]) => Array(n).fill(total / n));
  layer.forEach((i, k) => { place[i] = tight[k] + means[k]; });
}

function endsOf(layers, sizes) {
  let start = 0;
  return layers.map(layer => { const end = start + Math.max(0, ...layer.map(i => sizes[i])), found = [start, end]; start = end + STRIDE; return found; });
}

// An arrow goes straight across each layer, and curves from one to the next.
function pathThrough(stops) {
  const points = stops.flatMap(([middle, , ends]) => ends.map(x => [x, middle[1]])), [tail, wide] = stops[0], [head, long] = stops.at(-1);
  return [[tail[0] + wide / 2, tail[1]], ...points.slice(1, -1), [head[0] - long / 2, head[1]]];
}
