// Arrays: {shape, data} with the entries row by row. Only in pages of records with arrays.

const WRITTEN = 64, DRAWN = 20000, PIXELS = 160;

const count = x => isArray(x) ? x.data.length : 1;
const dot = (x, y) => times(x, y).data.reduce((a, b) => a + b, 0);

// Every step asks for the norms of all that is seen; an array does not change, another takes its place.
const norms = new WeakMap();

function norm(x) {
  if (!norms.has(x)) norms.set(x, Math.sqrt(x.data.reduce((sum, e) => sum + e * e, 0)));
  return norms.get(x);
}

function closeArrays(x, y) {
  return (isArray(x) ? x : y).data.every((_, k) => close(entryOf(x, k), entryOf(y, k)));
}

// Text --------------------------------------------------------------------------------------------------------------

function showArray(x) {
  if (x.data.length > 6) return `norm ${show(norm(x))}`;
  const text = e => Array.isArray(e) ? `[${e.map(text).join(", ")}]` : show(e);
  return text(MEANING.nested(x));
}

function indexOf(x, k) {
  const index = [];
  for (let axis = x.shape.length - 1; axis >= 0; axis--) { index.unshift(k % x.shape[axis]); k = Math.floor(k / x.shape[axis]); }
  return index;
}

// The place of an entry as it is written: z[0,1]; a number has none.
const placeOf = (x, k) => isArray(x) ? `[${indexOf(x, k).join(",")}]` : "";

// Which entry an index means; undefined where there is none.
function entryAt(x, index) {
  if (!isArray(x) || index.length !== x.shape.length || index.some((i, axis) => !(Number.isInteger(i) && 0 <= i && i < x.shape[axis]))) return undefined;
  return index.reduce((k, i, axis) => k * x.shape[axis] + i, 0);
}

// Pictures: blue below zero, orange above, the number beside the colour, or where the pointer is -------------------------

const most = x => x.data.reduce((a, e) => Math.max(a, Number.isFinite(e) ? Math.abs(e) : 0), 1e-300);
const hue = (e, all) => `rgba(${e < 0 ? "0,114,178" : "230,159,0"},${e && Number.isFinite(e) ? (0.06 + 0.5 * Math.abs(e) / all).toFixed(3) : 0})`;
const isDrawn = (x, limit) => 0 < x.data.length && x.data.length <= limit;
const isGrid = x => isDrawn(x, WRITTEN);
// Of more than two axes the slices stand one below the other, each of `high` rows.
function rowsOf({ shape, data }) {
  const [high, across] = shape.length > 1 ? shape.slice(-2) : [1, shape[0]];
  return { across, down: data.length / across, high };
}

function heat(x) {
  if (!isGrid(x)) return picture(x);
  return table(x, (td, k) => { td.textContent = show(x.data[k], 3); td.title = show(x.data[k], 17); });
}

const smallHeat = x => isGrid(x) ? heat(x) : show(x);

function table(x, write) {
  const { across, down, high } = rowsOf(x), all = most(x);
  const cell = k => {
    const td = h("td");
    td.style.backgroundColor = hue(x.data[k], all);
    write(td, k);
    return td;
  };
  const row = i => h("tr", { class: i && i % high === 0 ? "slice" : undefined }, ...Array.from({ length: across }, (_, j) => cell(i * across + j)));
  return h("table", { class: "heat" }, h("tbody", {}, ...Array.from({ length: down }, (_, i) => row(i))));
}

// A large array: a pixel for each entry, and in words the one under the pointer or where the keys have led; of a very
// large one the norm.
function picture(x, pick) {
  if (!isDrawn(x, DRAWN)) return show(x);
  const { across, down } = rowsOf(x), words = `${show(x)}, entries from ${show(extreme(x, Math.min), 3)} to ${show(extreme(x, Math.max), 3)}`;
  const canvas = h("canvas", { width: across, height: down, role: "img", tabindex: 0, "aria-label": `${x.shape.join(" × ")} entries, ${words}` });
  const said = h("span", { class: "word" }, words), tell = k => { said.textContent = `${placeOf(x, k)} = ${show(x.data[k], 6)}`; };
  paintPixels(canvas, x);
  const under = event => Math.min(down - 1, Math.floor(event.offsetY / canvas.clientHeight * down)) * across + Math.min(across - 1, Math.floor(event.offsetX / canvas.clientWidth * across));
  canvas.addEventListener("pointermove", event => tell(under(event)));
  canvas.addEventListener("pointerleave", () => { said.textContent = words; });
  if (pick) canvas.addEventListener("click", event => pick(under(event)));
  let at = 0;
  canvas.addEventListener("keydown", event => {
    if (event.key === "Enter" && pick) pick(at);
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    event.stopPropagation();
    at = neighbour(x, at, event.key);
    tell(at);
    say(said.textContent);
  });
  return h("span", { class: "thumbnail" }, canvas, said);
}

const extreme = (x, f) => x.data.filter(Number.isFinite).reduce((a, b) => f(a, b), -f(-Infinity, Infinity));

function paintPixels(canvas, x) {
  const { across, down } = rowsOf(x), all = most(x), pen = canvas.getContext("2d"), wide = Math.max(1, PIXELS / Math.max(across, down));
  x.data.forEach((e, k) => { pen.fillStyle = hue(e, all); pen.fillRect(k % across, Math.floor(k / across), 1, 1); });
  canvas.style.width = `${across * wide}px`;
  canvas.style.height = `${Math.max(down * wide, 10)}px`;
}

// The entry that an arrow key leads to, the same one at the rim.
function neighbour(x, k, key) {
  const { across } = rowsOf(x), column = k % across;
  const to = { ArrowRight: column + 1 < across ? k + 1 : k, ArrowLeft: column ? k - 1 : k, ArrowDown: k + across, ArrowUp: k - across }[key];
  return 0 <= to && to < x.data.length ? to : k;
}

const plainArray = x => MEANING.nested({ ...x, data: x.data.map(plain) });
