// Right beside wrong, and the quiz: both compare numbers with the sweep of the record.

let contributions, senders, edgesInto, completed;

// Take the sweep of a record that was taken in: `completed` has the vertices in the order in which their gradients are.
function takeLessons() {
  contributions = base.filter(step => step.kind === "contribute" && edges[step.edge].carries);
  senders = [...new Set(contributions.map(step => step.node))];
  edgesInto = vertices.map(() => []);
  for (const edge of edges) if (edge.carries) edgesInto[edge.head].push(edge);
  const last = new Map(base.filter(step => step.kind === "contribute").map(step => [step.target, step.i]));
  completed = [root, ...[...last].sort((a, b) => a[1] - b[1]).map(([node]) => node)];
  withdrawOwn();
  if (quiz.on) leaveQuiz();
}

// Wrong sweeps ---------------------------------------------------------------------------------------------------------

function wrongSweep(key) {
  const held = key === "zero_grad" ? grads.map((g, node) => isLeaf(vertices[node]) && node !== root ? g : undefined) : [];
  const sweep = newSweep(nodes, data, seed, edgesInto, held);
  WRONG[key](sweep, senders);
  return sweep;
}

// The first contribution that is wrong, and the right one along its edge: another amount, sent again, or added to something else.
function firstDifference(wrong) {
  const right = new Map(contributions.map((step, j) => [step.edge, j])), seen = new Set();
  let alike = true;
  for (let i = 0; i < wrong.length; i++) {
    const made = wrong[i], j = right.get(made.edge), due = contributions[j];
    alike = alike && i === j;
    if (!close(made.contribution, due.contribution) || seen.has(made.edge) || alike && !close(made.after, due.after)) return { made, due, again: seen.has(made.edge) };
    seen.add(made.edge);
  }
  return null;
}

function differenceSentence(key, { made, due, again }) {
  const edge = edges[made.edge];
  const words = {
    user: nameOf(edge.head), target: nameOf(edge.tail), upstream: show(made.upstream, 6), amount: show(made.contribution, 6),
    before: made.before === undefined ? "nothing" : show(made.before, 6), after: show(made.after, 6), right: show(due.after, 6),
    right_amount: show(due.contribution, 6), complete: show(due.upstream, 6), again: again ? "for the second time" : "before all of it had come",
  };
  return MISTAKES[key].sentence.replace(/\{(\w+)\}/g, (_, name) => words[name]);
}

// The gradients of a wrong sweep and a sentence about the first wrong number; null where a row is not known here.
function compared(key) {
  if (lacking) return null;
  if (key === "own") return ownCompared();
  const sweep = wrongSweep(key), found = firstDifference(sweep.sent);
  return { g: sweep.g, text: found && differenceSentence(key, found), step: found && found.due.i };
}

// The sweep of somebody's own engine, where it came with the record: names, what is written to their gradients, and
// whether a right sweep writes that.
function ownCompared() {
  const first = own.findIndex(([, , fits]) => !fits), grads_ = new Map(own.map(([name, g]) => [name, typeof g === "number" ? g : NaN]));
  const g = vertices.map(v => grads_.get(v.name));
  if (first < 0) return { g, text: "Every number that it writes is right; what it leaves out is marked.", step: null };
  const [name, written] = own[first], before = own.slice(0, first).filter(write => write[0] === name).length;
  const due = base.filter(step => step.kind === "contribute" && vertices[step.target].name === name), next = due[Math.min(before, due.length - 1)];
  const wanted = next ? ` Due from ${nameOf(next.node)} is ${show(next.upstream, 6)} · ${show(next.local, 6)} = ${show(next.contribution, 6)}, which makes it ${show(next.after, 6)}.` : "";
  return { g, text: `Its write ${first + 1}, ${name}.grad = ${told_(written)}, fits no right sweep.${wanted}`, step: next ? next.i : null };
}

const told_ = x => typeof x === "number" ? show(x, 6) : x;

function offerOwn() {
  if (!own) return;
  $("mistake").options[0].after(h("option", { value: "own" }, OWN.title));
  $("mistake").value = mistake = "own";
  $("tab-mistakes").click();
}

// It is of the record that it came with, and of no other.
function withdrawOwn() {
  $("mistake").querySelector("[value=own]")?.remove();
  if (mistake === "own") $("mistake").value = mistake = "";
}

// Both sweeps side by side, each in its own order.
function bothSweeps() {
  const first = own.findIndex(([, , fits]) => !fits), right = [base[turn], ...contributions];
  const rows = Array.from({ length: Math.max(own.length, right.length) }, (_, i) => h("tr", { class: i === first ? "wrong first" : undefined }, h("td", {}, String(i + 1)),
    h("td", {}, right[i] ? link(i ? `${nameOf(right[i].node)} sends ${show(right[i].contribution, 6)} to ${nameOf(right[i].target)}` : `${nameOf(root)} begins with ${show(seed, 6)}`, () => goToBase(right[i].i)) : ""),
    h("td", {}, own[i] ? `${own[i][0]}.grad = ${told_(own[i][1])}` : "", i === first ? " ← first" : "")));
  return h("table", {}, h("thead", {}, h("tr", {}, ...["", "right sweep", "this engine"].map(word => h("th", {}, word)))), h("tbody", {}, ...rows));
}

const OWN = { title: "the sweep of this engine", idea: "What the engine that was graded leaves in each gradient, beside the right numbers." };
let mistake = "";

function startMistakes() {
  const options = Object.entries(MISTAKES).map(([key, known]) => h("option", { value: key }, known.title));
  $("mistake").append(h("option", { value: "" }, "none"), ...options);
  $("mistake").addEventListener("change", () => { mistake = $("mistake").value; refresh(); });
}

function showMistake(view) {
  for (const card of cards.values()) card.classList.remove("wrong", "first-wrong");
  if (!mistake || quiz.on) return $("wrong").replaceChildren(quiz.on ? h("p", { class: "note" }, "The quiz hides the gradients.") : "");
  const found = compared(mistake);
  if (!found) return $("wrong").replaceChildren(h("p", { class: "note" }, `${why}, so the page cannot sweep this graph wrongly.`));
  const differs = completed.filter(node => !close(found.g[node] ?? 0, grads[node]));
  const first = found.step === undefined || found.step === null ? differs[0] : base[found.step].target;
  for (const node of differs) mark(node, "wrong");
  if (differs.length) mark(first, "first-wrong");
  const row = node => h("tr", { class: [differs.includes(node) && "wrong", differs.length && node === first && "first", node === base[view.first].target && "now"].filter(Boolean).join(" ") || undefined },
    h("td", {}, link(nameOf(node), () => choose(node))), h("td", {}, told(grads[node])),
    h("td", {}, told(found.g[node] ?? 0)), h("td", {}, differs.length && node === first ? "← first" : differs.includes(node) ? "≠" : ""));
  const result = differs.length ? `${differs.length} of ${completed.length} gradients are wrong.` : "On this graph the mistake does not show: every gradient is right.";
  const jump = found.text ? h("button", { type: "button", onclick: () => goToBase(found.step) }, "go to that step") : "";
  const elsewhere = differs.length ? "" : h("p", {}, h("button", { type: "button", onclick: showElsewhere }, "show a graph on which it does"));
  $("wrong").replaceChildren(
    verdict(differs.length ? "bad" : "good", result), found.text ? h("p", {}, found.text, " ", jump) : "", elsewhere,
    h("p", { class: "lead" }, (MISTAKES[mistake] ?? OWN).idea),
    h("table", {}, h("thead", {}, h("tr", {}, ...["node", "right", "wrong", ""].map(word => h("th", {}, word)))), h("tbody", {}, ...completed.slice(0, 400).map(row))),
    mistake === "own" ? bothSweeps() : "");
}

// A graph on which every mistake shows: a node and a leaf are used twice, and one of the uses is of the other's making.
const TWICE = { title: "L", rows: ["mul", "sin", "add"], nodes: [[-1, 1.5, "x"], [-1, -2, "y"], [0, [0, 1], "a"], [1, [2]], [2, [3, 0]], [0, [4, 2], "L"]] };

function showElsewhere() {
  $("formula").value = "(sin(a) + x) * a, a = x * y";
  enter(TWICE);
  say(`${title}: a is used twice`);
}

const told = x => isArray(x) ? smallHeat(x) : show(x, 6);

function mark(node, name) {
  const card = cards.get(cardOf(node, open_));
  if (card) card.classList.add(name);
}

// The quiz ------------------------------------------------------------------------------------------------------------

const quiz = { on: false, answered: new Map(), asked: null, tries: 0, right: 0, last: NaN };
// The nodes that are seen, each after all that it depends on.
let asks = [];
const hiddenInQuiz = node => quiz.on && node !== root && !quiz.answered.has(node);

function startQuiz() {
  $("quiz-start").addEventListener("click", () => { quiz.on ? leaveQuiz() : enterQuiz(); });
  $("quiz-form").addEventListener("submit", event => { event.preventDefault(); checkAnswer(); });
  $("why-wrong").addEventListener("click", () => explainAnswer());
  $("reveal").addEventListener("click", revealAnswer);
}

function enterQuiz() {
  asks = completed.slice(1).filter(node => !vertices[node].shape && places.seen.has(`n${node}`));
  Object.assign(quiz, { on: true, answered: new Map(), tries: 0, right: 0 });
  ask(asks[0] ?? null);
  refresh();
  $("answer").focus();
}

function leaveQuiz() {
  quiz.on = false;
  clearMarks();
  refresh();
}

function ask(node) {
  Object.assign(quiz, { asked: node, tries: 0, last: NaN });
  $("answer").value = "";
  $("hint").replaceChildren();
  $("why-wrong").hidden = true;
  clearMarks();
}

function showQuiz() {
  $("quiz-start").textContent = quiz.on ? "end the quiz" : "start the quiz";
  $("quiz-form").hidden = !quiz.on || quiz.asked === null;
  document.body.classList.toggle("in-quiz", quiz.on);
  if (!quiz.on) return;
  for (const [id, card] of cards) card.classList.toggle("asked", id === `n${quiz.asked}`);
  $("score").textContent = `${quiz.right} right at first try, ${quiz.answered.size} of ${asks.length} answered`;
  if (quiz.asked !== null) $("question").replaceChildren("What is ", partial(nameOf(quiz.asked)), "?");
  else $("hint").replaceChildren(verdict("good", "All gradients are found."));
}

function checkAnswer() {
  const given = numberIn($("answer").value.replace(",", ".")), right = grads[quiz.asked];
  if ($("answer").value.trim() === "" || Number.isNaN(given)) return hint([verdict("bad", "An answer is a number, such as -1.5 or -3/2.")]);
  quiz.last = given;
  if (agrees(given, right)) return accept(given);
  quiz.tries += 1;
  $("why-wrong").hidden = false;
  hint([verdict("bad", `✗ ${show(given)} is not it.`), ...hints(quiz.asked, quiz.tries)]);
}

// A number, or one divided by another.
function numberIn(text) {
  const [over, under, more] = text.split("/").map(part => part.trim() === "" ? NaN : Number(part));
  return more !== undefined ? NaN : under === undefined ? over : over / under;
}

// Right to the digits that are shown.
const agrees = (given, right) => close(given, right) || Math.abs(given - right) <= 5e-4 * Math.abs(right) || show(given, 3) === show(right, 3);

function accept(given) {
  const { name } = vertices[quiz.asked];
  quiz.answered.set(quiz.asked, given);
  quiz.right += quiz.tries === 0;
  const next = asks.find(node => !quiz.answered.has(node)) ?? null;
  const done = `✓ ${show(grads[quiz.asked])} is right for ${name}.`;
  ask(next);
  refresh();
  hint([verdict("good", done)]);
}

function revealAnswer() {
  quiz.tries += 1;
  const node = quiz.asked;
  accept(grads[node]);
  hint([h("p", {}, `∂${inside(title)}/∂${inside(nameOf(node))} = ${show(grads[node])}, the sum of`), ledger(node)]);
}

function hint(children) {
  $("hint").replaceChildren(...children);
}

const partsOf = node => parts[node] ?? [];

// First the rules, then the numbers.
function hints(node, tries) {
  const parts = partsOf(node);
  const several = parts.length > 1 ? `${nameOf(node)} is used ${parts.length} times: add up what comes from each use. ` : "";
  const rules = parts.map(step => h("li", {}, ruleText(step), tries > 1 && step.local !== undefined ? `: ${show(step.upstream)} × ${show(step.local)}` : ""));
  return [h("p", {}, `${several}${parts.length > 1 ? "The rules" : "The rule"}:`), h("ul", {}, ...rules)];
}

function ruleText(step) {
  const edge = edges[step.edge], { name, op } = vertices[step.node];
  const g = `∂${inside(title)}/∂${inside(name)}`;
  return !edge.isNumber ? `${op} sends ${edge.symbols}, g = ${g}` : `${op} sends ${g} × (${edge.symbols})`;
}

function explainAnswer() {
  clearMarks();
  const { text, missing } = diagnose(quiz.asked, quiz.last);
  for (const step of missing) (edgeElements.get(`e${step.edge}`) || { classList: { add() {} } }).classList.add("missing");
  const list = missing.map(step => h("li", {}, `${nameOf(step.node)} → ${nameOf(step.target)}: ${ruleText(step)} = ${show(step.contribution)}`));
  hint([verdict("", text), list.length ? h("ul", {}, ...list) : "", ...hints(quiz.asked, Math.max(quiz.tries, 2))]);
}

function clearMarks() {
  for (const element of edgeElements.values()) element.classList.remove("missing");
}

// What an answer that is wrong was the right answer to.
function diagnose(node, given) {
  const parts = partsOf(node), right = grads[node], same = x => x !== undefined && agrees(given, x);
  const sum = (steps, f) => steps.reduce((total, step) => total + f(step), 0);
  const part = subsets(parts).find(some => same(sum(some, step => step.contribution)));
  if (part && part.length === 1 && part[0] === parts[parts.length - 1])
    return { text: "That is the last contribution alone, as with = in place of +=. Missing:", missing: parts.filter(step => !part.includes(step)) };
  if (part) return { text: `A path is missing: ${nameOf(node)} reaches ${title} along ${parts.length} edges, and this is the sum of ${part.length}. Missing:`, missing: parts.filter(step => !part.includes(step)) };
  if (same(-right)) return { text: "Only the sign is wrong.", missing: [] };
  if (same(sum(parts, step => step.local))) return { text: "That is the local derivative alone: multiply it by the upstream gradient.", missing: [] };
  if (same(sum(parts, step => step.upstream))) return { text: "That is the upstream gradient: multiply it by the local derivative.", missing: [] };
  if (same(sum(parts, step => step.upstream * data[node]))) return { text: `That is the upstream gradient times ${nameOf(node)} itself: a product's local derivative is the other factor.`, missing: [] };
  const made = Object.keys(MISTAKES).find(key => same(compared(key)?.g[node] ?? 0));
  if (made) return { text: `That is what a sweep finds with the mistake "${MISTAKES[made].title}". ${MISTAKES[made].idea}`, missing: [] };
  const other = completed.find(v => v !== node && same(grads[v]));
  if (other !== undefined) return { text: `That is the gradient of ${nameOf(other)}.`, missing: [] };
  return { text: "Go step by step: upstream times local for each use; then add.", missing: [] };
}

function subsets(parts) {
  if (parts.length < 2 || parts.length > 8) return [];
  const masks = Array.from({ length: 2 ** parts.length - 2 }, (_, i) => i + 1);
  return [1 << (parts.length - 1), ...masks].map(mask => parts.filter((_, i) => mask >> i & 1));
}
