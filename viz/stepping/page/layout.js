// Places that the page finds itself: of a group that is opened, and of a graph that was typed. The method is that of
// Sugiyama, Tagawa and Toda (1981), as in layered.py: layers by the longest path, an order in each by the mean place of
// the neighbours, then places as near to them as the boxes allow. Nothing is random.

const SWEEPS = 8, GAP = 18, STRIDE = 26;
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
  const level = layersOf(sizes.length, arrows), size = [...sizes];
  const chains = arrows.map(([tail, head], i) => {
    const chain = [tail];
    for (let l = level[tail] + 1; l < level[head]; l++) { chain.push(size.length); size.push(l === level[tail] + 1 ? chips[i] : [0, 0]); level.push(l); }
    return [...chain, head];
  });
  const near = [size.map(() => []), size.map(() => [])];
  for (const chain of chains) for (let i = 1; i < chain.length; i++) { near[0][chain[i]].push(chain[i - 1]); near[1][chain[i - 1]].push(chain[i]); }
  const layers = ordered(level, near), across = acrossOf(layers, size.map(s => s[1]), near), ends = endsOf(layers, size.map(s => s[0]));
  const middle = i => [(ends[level[i]][0] + ends[level[i]][1]) / 2, across[i]];
  const tall = Math.max(0, ...size.map((s, i) => across[i] + s[1] / 2));
  return { boxes: sizes.map((_, i) => middle(i)), chips: chains.map(chain => middle(chain[1])), arrows: chains.map(chain => pathOfChain(chain, middle, size, i => ends[level[i]])), extent: [ends.at(-1)[1], tall] };
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

function acrossOf(layers, sizes, near) {
  const place = sizes.map(() => 0);
  for (const layer of layers) settle(layer, layer.map(() => 0), sizes, place);
  eachWay(layers, near, (layer, neighbours) => settle(layer, layer.map(i => mean(neighbours[i].map(j => place[j]), place[i])), sizes, place));
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
function pathOfChain(chain, middle, size, endsAt) {
  const points = chain.flatMap(i => endsAt(i).map(x => [x, middle(i)[1]])), [tail, head] = [chain[0], chain.at(-1)];
  return [[middle(tail)[0] + size[tail][0] / 2, middle(tail)[1]], ...points.slice(1, -1), [middle(head)[0] - size[head][0] / 2, middle(head)[1]]];
}
