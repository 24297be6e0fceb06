// Where the reader is: the step, the open groups, the chosen node; keys, buttons and the address.

let start_;  // the places that a record came with
let open_, views, at = 0, chosen = null, playing = 0;
const breaks = new Set();
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function say(text) {
  $("said").textContent = text;
}

// Moving --------------------------------------------------------------------------------------------------------------

function refresh() {
  const view = views[at];
  const state = quiz.on ? { ...stateAt(base.length), left: new Map(), sent: new Map(), flows: -1 } : stateAt(view.last);
  paint(quiz.on ? views[0] : view, state, open_, hiddenInQuiz);
  const picked = chosen !== null && cardOf(chosen, open_);
  for (const [id, card] of cards) {
    wear(card, { chosen: id === picked, break: id[0] === "n" && breaks.has(+id.slice(1)) });
  }
  showStep(view);
  showChosen(chosen);
  showMistake(view);
  showQuiz();
  showList(views, at);
  $("scrubber").max = views.length - 1;
  $("scrubber").value = at;
  $("scrubber").setAttribute("aria-valuetext", `step ${at} of ${views.length - 1}`);
  $("count").textContent = `${at} / ${views.length - 1}`;
  $("pass").style.setProperty("--turn", String(views.findIndex(v => v.first >= turn) / (views.length - 1)));
}

function goTo(step, quiet) {
  if (quiz.on && !quiet) return say("end the quiz to walk through the steps");
  at = Math.min(views.length - 1, Math.max(0, Math.round(step)));
  refresh();
  const now = activeCards(views[at], open_);
  const start = base[views[at].first].kind === "start";
  projecting ? project([...[...now.to].slice(0, 1), now.from || cardOf(0, open_)]) : bringIntoView(start ? [cardOf(0, open_)] : [...now.to].slice(0, 1).concat(now.from));
  writeHash();
  if (quiet) return still();
  move(views[at]);
  say(`step ${at} of ${views.length - 1}: ${sentence(views[at])}`);
}

const next = () => { stop(); goTo(at + 1); };
const previous = () => { stop(); goTo(at - 1); };
const goToBase = step => goTo(views.findIndex(view => view.first <= step && step <= view.last));

function play() {
  if (playing) return stop();
  if (at === views.length - 1) goTo(0);
  $("play").textContent = "❚❚";
  $("play").setAttribute("aria-label", "pause");
  const tick = () => {
    goTo(at + 1);
    if (at === views.length - 1 || stopsHere(views[at])) return stop();
    playing = setTimeout(tick, +$("speed").value);
  };
  playing = setTimeout(tick, +$("speed").value);
}

function stop() {
  clearTimeout(playing);
  playing = 0;
  $("play").textContent = "▶";
  $("play").setAttribute("aria-label", "play");
}

// The vertices that a step computes or whose gradient it changes.
function touched(view) {
  const found = new Set();
  for (const step of base.slice(view.first, view.last + 1)) {
    if (step.kind === "compute" || step.kind === "seed") found.add(step.node);
    if (step.kind === "contribute") found.add(step.target);
  }
  return found;
}

function stopsHere(view) {
  const hit = [...touched(view)].find(node => breaks.has(node));
  if (hit !== undefined) say(`stopped at the breakpoint on ${nameOf(hit)}: ${sentence(view)}`);
  return hit !== undefined;
}

function nextChange() {
  if (chosen === null) return say("choose a node first");
  const later = views.findIndex((view, i) => i > at && view.first >= turn && touched(view).has(chosen));
  if (later < 0) return say(`the gradient of ${nameOf(chosen)} does not change any more`);
  goTo(later);
}

const otherPass = () => goTo(views[at].first < turn ? views.findIndex(view => view.first >= turn) : 0);

// Folding -------------------------------------------------------------------------------------------------------------

const LIMIT = 1500, LEGIBLE = 0.92;  // of the points of a card, whose letters are 12

function setOpen(open, step) {
  const seen = new Set(vertices.map(v => cardOf(v.id, open)));
  if (seen.size > Math.max(LIMIT, places.seen.size)) return say(`that would show ${seen.size} nodes, more than ${LIMIT}: close another group first`);
  open_ = open;
  views = plan(open_);
  layout(open_);
  goTo(Math.max(0, views.findIndex(view => view.first <= step && step <= view.last)), true);
}

function toggle(id) {
  const open = new Set(open_);
  if (isOpen(id, open)) open.delete(id); else unfolded(id, open);
  setOpen(open, stepOf(views[at]));
  if (places.frames.has(id)) showFrame(places.frames.get(id));
  say(`${foldTitle(id)} is ${open_.has(id) ? "open" : "closed"}`);
}

// Open a group, what it is in, and of a network its layers too, down to its circles.
function unfolded(id, open) {
  for (const group of pathTo(id)) open.add(group);
  for (const { id: group, kind, parent } of folds) if (kind === "layer" && open.has(parent) && pathTo(group).includes(id)) open.add(group);
}

function stepIn() {
  const { group, first } = views[at];
  if (!group) return next();
  if (rounds.has(group)) return openRound(group);
  setOpen(new Set(open_).add(group), first);
  say(`inside ${foldTitle(group)}: ${sentence(views[at])}`);
}

function stepOut() {
  const path = pathOf(base[views[at].first]).filter(group => open_.has(group));
  if (!path.length) return say("this step is in no open group");
  const open = new Set(open_);
  open.delete(path[path.length - 1]);
  setOpen(open, views[at].first);
  say(sentence(views[at]));
}

// Choosing and finding ------------------------------------------------------------------------------------------------

function choose(node) {
  chosen = chosen === node ? null : node;
  if (quiz.on && asks.includes(node)) { ask(node); chosen = null; }
  refresh();
  if (chosen !== null) { bringIntoView([cardOf(node, open_)]); say(describe(node)); }
}

const toldOf = total => total === undefined ? "not there yet" : show(total);

function describe(node) {
  return `${vertices[node].equation} = ${show(data[node])}, gradient ${hiddenInQuiz(node) ? "hidden" : toldOf(stateAt(views[at].last).totals.get(node))}`;
}

function find() {
  const wanted = $("find").value.toLowerCase().trim();
  if (!wanted) return;
  const names = [...vertices.map(v => [v.name, `n${v.id}`]), ...folds.map(f => [foldTitle(f.id), f.id])];
  const hits = names.filter(([name]) => name.toLowerCase().includes(wanted));
  if (!hits.length) return say(`nothing is called ${wanted}`);
  const hit = hits[(hits.findIndex(([, id]) => id === `n${chosen}`) + 1) % hits.length];
  if (hit[1][0] !== "n" || foldOf.has(hit[1])) { bringIntoView([shutIn([hit[1]], open_) || hit[1]]); return say(`${hits.length} found: ${hit[0]}`); }
  chosen = null;
  const node = +hit[1].slice(1), around = pathOf(vertices[node]);
  if (around.some(group => !open_.has(group))) setOpen(new Set([...open_, ...around]), views[at].first);
  choose(node);
}

function toggleBreak(node = chosen ?? base[views[at].first].target ?? base[views[at].first].node) {
  breaks.has(node) ? breaks.delete(node) : breaks.add(node);
  refresh();
  say(`breakpoint on ${nameOf(node)} ${breaks.has(node) ? "set" : "removed"}`);
}

// What a card that was made does when it is pressed.
function dress(id, card) {
  const act = () => rounds.has(id) ? openRound(id) : foldOf.has(id) ? toggle(id) : choose(+id.slice(1));
  card.setAttribute("role", "button");
  card.setAttribute("tabindex", "-1");
  card.setAttribute("aria-label", foldOf.has(id) ? `open ${foldTitle(id)}` : nameOf(+id.slice(1)));
  card.addEventListener("click", act);
  card.addEventListener("focus", () => { roving(card); bringIntoView([id]); if (!foldOf.has(id)) say(describe(+id.slice(1))); });
  card.addEventListener("keydown", event => cardKey(event, id, act));
}

function roving(card) {
  for (const other of cards.values()) other.setAttribute("tabindex", other === card ? "0" : "-1");
}

function cardKey(event, id, act) {
  const seen = [...places.seen.keys()], i = seen.indexOf(id);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Enter") act();
  else if (step) cards.get(seen.at((i + step) % seen.length)).focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// Keys ----------------------------------------------------------------------------------------------------------------

const KEYS = {
  ArrowRight: next, j: next, ArrowLeft: previous, k: previous,
  Home: () => { stop(); goTo(0); }, End: () => { stop(); goTo(views.length - 1); }, " ": play,
  g: () => openDialog("go"), "/": () => $("find").focus(), b: () => toggleBreak(), n: nextChange,
  i: stepIn, o: stepOut, p: () => toggleProjector(), f: otherPass, "?": () => openDialog("help"), "+": () => zoom(1.25), "-": () => zoom(0.8), "0": () => fit(),
  Escape: () => back(),
};

function startKeys() {
  document.addEventListener("keydown", event => {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input:not([type=range]):not([type=checkbox]),select,textarea") || target.closest("dialog")) return;
    if (target.matches("input") && event.key.startsWith("Arrow")) return;
    if (target.matches("button,summary,[role=tab],a") && [" ", "Enter"].includes(event.key)) return;
    const act = KEYS[event.key];
    if (act) { event.preventDefault(); act(); }
  });
}

function openDialog(id) {
  $(id).showModal();
}

// For a projector: one equation, large letters, no frames, and the view follows the step --------------------------------

const LARGE = 2;
let projecting = false;

function toggleProjector(on = !projecting) {
  projecting = on;
  document.body.classList.toggle("projector", on);
  fit(LEGIBLE);
  goTo(at, true);
}

function project(ids) {
  const [xs, ys] = [0, 1].map(axis => ids.map(id => places.seen.get(id)[axis])), [x, y] = [xs, ys].map(of => of.reduce((a, b) => a + b) / of.length);
  measure();
  const [wide, tall] = [screen_.width / LARGE, screen_.height / LARGE], [w, h_] = places.size;
  Object.assign(window_, { scale: LARGE, x: onPicture(x - wide / 2, w, wide), y: onPicture(y - tall / 2, h_, tall) });
  bringIntoView(ids.slice(0, 1));
}

// Where a window of some length begins that shows nothing beside a picture; one that is longer has it in the middle.
const onPicture = (from, whole, room) => whole + 2 * EDGE <= room ? (whole - room) / 2 : Math.min(Math.max(from, -EDGE), whole + EDGE - room);

// The address ---------------------------------------------------------------------------------------------------------

let writing = 0;

// Soon: a browser takes longer to change its address than the page to take a step.
function writeHash() {
  clearTimeout(writing);
  writing = setTimeout(writeAddress, 100);
}

function writeAddress() {
  const words = [`step=${at}`];
  if (folds.length) words.push(`open=${folds.filter(fold => open_.has(fold.id)).map(fold => fold.id).join(",")}`);
  if (typed) words.push(`formula=${encodeURIComponent(typed)}`);
  if (traceable && tracedName()) words.push(`entry=${encodeURIComponent(tracedName())}`);
  try { history.replaceState(null, "", `#${words.join("&")}`); } catch { /* a frame in a notebook has no address */ }
}

function readHash(hash = location.hash) {
  const words = new URLSearchParams(hash.slice(1)), formula = words.get("formula");
  if (formula && formula !== typed) { $("formula").value = formula; enterFormula(formula); }
  if (words.has("open")) setOpen(new Set(words.get("open").split(",").filter(id => foldOf.has(id))), 0);
  if (traceable) readEntry(words.get("entry") || "");
  goTo(Number(words.get("step")) || 0, true);
}

// Export --------------------------------------------------------------------------------------------------------------

function save(name, text) {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "image/svg+xml" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function frameSvg() {
  const copy = scene.cloneNode(true), [w, h_] = places.size;
  for (const element of copy.querySelectorAll(".away,.motion,.reach")) element.remove();
  for (const element of copy.querySelectorAll("[tabindex],[role=button]")) { element.removeAttribute("tabindex"); element.removeAttribute("role"); }
  for (const text of copy.querySelectorAll(".handle > text")) text.textContent = text.textContent.slice(2);
  copy.setAttribute("viewBox", `${-EDGE} ${-EDGE} ${w + 2 * EDGE} ${h_ + 2 * EDGE}`);
  copy.setAttribute("width", w + 2 * EDGE);
  copy.setAttribute("height", h_ + 2 * EDGE);
  return new XMLSerializer().serializeToString(copy);
}

// Every step as a picture with its sentence, one after the other; without motion the last one stands.
const ANIMATED = 200, SECONDS = 1.4;

function animationSvg() {
  if (views.length > ANIMATED) return say(`an animation of ${views.length} steps, more than ${ANIMATED}, is too long to watch: close groups first`);
  const now = at, [w, h_] = places.size, wide = Math.max(w + 2 * EDGE, 480), box = `${-EDGE} ${-EDGE} ${wide} ${h_ + 2 * EDGE + 32}`;
  const frames = views.map((view, i) => {
    goTo(i, true);
    const picture = frameSvg().replace(/<(style|defs)>[^]*?<\/\1>/g, "");
    return `<g class="film" style="animation-delay:${round(i * SECONDS)}s">${picture}${new XMLSerializer().serializeToString(draw("text", { x: wide / 2 - EDGE, y: h_ + EDGE + 18, "text-anchor": "middle" }, sentence(view)))}</g>`;
  });
  goTo(now, true);
  const film = `.film{opacity:0;animation:film ${round(views.length * SECONDS)}s steps(1) infinite}@keyframes film{0%{opacity:1}${100 / views.length}%{opacity:0}}`;
  const still = "@media (prefers-reduced-motion:reduce){.film{animation:none}.film:last-child{opacity:1}}";
  const [own] = /<style>[^]*?<\/style>/.exec(frameSvg()), [defs] = /<defs>[^]*?<\/defs>/.exec(frameSvg());
  return `<svg xmlns="${SVG}" class="scene" viewBox="${box}" width="${wide}">${own}<style>${film}${still} .film>svg{x:${-EDGE}px;y:${-EDGE}px;overflow:visible}</style>${defs}${frames.join("")}</svg>`;
}

// Start ---------------------------------------------------------------------------------------------------------------

function startTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const turnTo = tab => {
    for (const other of tabs) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
      $(other.getAttribute("aria-controls")).hidden = other !== tab;
    }
    refresh();
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => turnTo(tab));
    tab.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const other = tabs.at((i + step) % tabs.length);
      turnTo(other);
      other.focus();
      event.stopPropagation();
      event.preventDefault();
    });
  });
}

function startButtons() {
  const acts = {
    first: () => { stop(); goTo(0); }, previous, play, next, last: () => { stop(); goTo(views.length - 1); }, in: stepIn, out: stepOut,
    "other-pass": otherPass, closer: () => zoom(1.25), further: () => zoom(0.8), fit: () => fit(), "save-frame": () => save("frame.svg", frameSvg()),
    "save-animation": () => { const film = animationSvg(); if (film) save("steps.svg", film); }, "help-button": () => openDialog("help"), count: () => openDialog("go"),
  };
  for (const [id, act] of Object.entries(acts)) $(id)?.addEventListener("click", act);
  $("scrubber").addEventListener("input", () => { stop(); goTo(+$("scrubber").value); });
  $("find").addEventListener("keydown", event => { if (event.key === "Enter") find(); if (event.key === "Escape") $("find").blur(); });
  $("go").addEventListener("close", () => { const step = $("go-to").value; if ($("go").returnValue === "go" && step !== "") goTo(+step); });
}

function start() {
  document.documentElement.classList.add("scripted");
  scene.setAttribute("role", "group");
  startTabs();
  startButtons();
  startKeys();
  startPanning();
  startOver();
  $("sample").addEventListener("input", pickSample);
  startLive();
  startMistakes();
  startQuiz();
  startFormula();
  const { hash } = location;
  enter(RECORD);
  readHash(hash);
  if (window.name === "projector" || new URLSearchParams(location.search).has("projector")) toggleProjector(true);
  addEventListener("hashchange", event => readHash(new URL(event.newURL).hash));  // the page may have written its own meanwhile
  addEventListener("pagehide", writeAddress);
  addEventListener("beforeprint", () => { fit(); showList(views, at, true); });
  addEventListener("resize", () => { orient(start_); layout(open_); fit(LEGIBLE); goTo(at, true); });
}

// Let another record take the place of the one that is here.
function enter(record) {
  stop();
  take(record);
  const { places: given = {} } = record;
  widths = given.widths || {};
  start_ = given.scope;
  open_ = new Set(given.opened || []);
  orient(start_);
  views = plan(open_);
  [at, chosen] = [0, null];
  breaks.clear();
  cards.clear();
  layer("cards").replaceChildren();
  for (const id of ["in", "out"]) $(id).hidden = !folds.length;
  $("title").textContent = title;
  if (hasArrays) takeEntries();
  document.body.classList.toggle("with-arrays", hasArrays);
  takeLessons();
  takeNetwork();
  layout(open_);
  takeLeaves();
  roving(cards.get(places.seen.keys().next().value));
  fit(LEGIBLE);
  goTo(0, true);
  offerOwn();
}

// For other scripts and for tests: the numbers as they are now, and what the buttons do.
globalThis.player = {
  numbers: () => ({ data: data.map(plain), grads: vertices.map(v => plain(grads[v.id])) }),
  totals: () => { const { totals } = stateAt(views[at].last); return vertices.filter(isLeaf).map(v => plain(totals.get(v.id))); },
  setLeaves: pairs => { for (const [id, x] of pairs) data[id] = isArray(data[id]) ? MEANING.array(x) : +x; recompute(); showLeaves(); refresh(); },
  steps: () => base.map(step => NUMBERS_OF.map(name => plain(step[name]))),
  toggle, goTo, openRound, back, over: key => overText(edgesOfCards.get(key)), frameSvg, animationSvg, enterFormula,
  trace: (node, k) => traceOf(node, k),
};
const plain = x => typeof x === "number" && !Number.isFinite(x) ? String(x) : isArray(x) ? plainArray(x) : x;

start();
startNotebook();
