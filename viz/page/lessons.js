// Right beside wrong, and the quiz: both compare numbers with the sweep of the record.

const sendersFirst = [...new Set(base.filter(s => s.kind === "contribute").map(s => s.node))];
const edgesInto = vertices.map(v => edges.filter(edge => edge.head === v.id));
const RECURSION = 20000;

// Wrong sweeps --------------------------------------------------------------------------------------------------------

function wrongSweep(senders, put) {
  const g = [];
  g[root] = 1;
  for (const node of senders)
    for (const edge of edgesInto[node]) if (edge.carries) put(g, edge.tail, pull(edge.id, data, g[node] ?? 0));
  return g;
}

const add = (g, node, c) => { g[node] = (g[node] ?? 0) + c; };

const MISTAKES = {
  overwrite: {
    name: "= in place of +=",
    why: "Each contribution replaces the one before, so a node with several uses keeps only the last. Gradients add up over all paths (the sum in the chain rule of several variables).",
    sweep: () => wrongSweep(sendersFirst, (g, node, c) => { g[node] = c; }),
  },
  creation: {
    name: "in order of creation, oldest first",
    why: "The oldest nodes send first, before anything has reached them. A node may send only once its own gradient is complete: the sweep needs the reverse of the topological order.",
    sweep: () => wrongSweep([...sendersFirst].reverse(), add),
  },
  recursion: {
    name: "plain recursion from the root",
    why: "Each visit sends on at once, whatever has come so far. A node that is reached along two paths sends twice, the second time including what it sent before.",
    sweep: recursiveSweep,
  },
  zero: {
    name: "zero_grad() was forgotten",
    why: "The sweep before this one left its gradients in the leaves, and the new ones are added to them: everything is twice as large.",
    sweep: () => grads.map((g, node) => isLeaf(vertices[node]) ? 2 * g : g),
  },
};

function recursiveSweep() {
  const g = [];
  g[root] = 1;
  const stack = [[root, 0]];
  for (let visits = 0; stack.length && visits < RECURSION; visits++) {
    const top = stack[stack.length - 1], edge = edgesInto[top[0]][top[1]++];
    if (!edge) stack.pop();
    else if (edge.carries) {
      add(g, edge.tail, pull(edge.id, data, g[top[0]]));
      stack.push([edge.tail, 0]);
    }
  }
  return g;
}

// The vertices in the order in which their gradients become complete.
const completed = [root, ...[...new Set(base.filter(s => s.kind === "contribute").map(s => s.target).reverse())].reverse()];
let mistake = "";

function startMistakes() {
  const options = Object.entries(MISTAKES).map(([key, { name }]) => h("option", { value: key }, name));
  $("mistake").append(h("option", { value: "" }, "none"), ...options);
  $("mistake").disabled = !LIVE;
  $("mistake").addEventListener("change", () => { mistake = $("mistake").value; refresh(); });
  if (!LIVE) $("wrong").replaceChildren(h("p", { class: "note" }, "Wrong sweeps are recomputed for graphs of scalars; this one has arrays."));
}

function showMistake(view) {
  for (const card of cards.values()) card.classList.remove("wrong", "first-wrong");
  if (!mistake || !LIVE) return mistake || !LIVE ? undefined : $("wrong").replaceChildren();
  const wrong = MISTAKES[mistake].sweep();
  const differs = completed.filter(node => !close(wrong[node] ?? 0, grads[node]));
  for (const node of differs) mark(node, "wrong");
  if (differs.length) mark(differs[0], "first-wrong");
  const now = base[view.first].target;
  const rows = completed.map(node => h("tr", { class: [differs.includes(node) ? "wrong" : "", node === differs[0] ? "first" : "", node === now ? "now" : ""].join(" ").trim() || undefined },
    h("td", {}, h("button", { class: "link", onclick: () => choose(node) }, vertices[node].name)), h("td", {}, show(grads[node], 6)),
    h("td", {}, show(wrong[node] ?? 0, 6)), h("td", {}, node === differs[0] ? "← first difference" : differs.includes(node) ? "≠" : "")));
  $("wrong").replaceChildren(
    h("p", {}, MISTAKES[mistake].why),
    h("p", { class: differs.length ? "verdict bad" : "verdict good" }, differs.length ? `${differs.length} of ${completed.length} gradients are wrong, ${vertices[differs[0]].name} first.` : "On this graph the mistake does not show: every gradient is right."),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "node"), h("th", {}, "right"), h("th", {}, "wrong"), h("th", {}, ""))), h("tbody", {}, ...rows)));
}

function mark(node, name) {
  const card = cards.get(cardOf(node, open_));
  if (card) card.classList.add(name);
}

// The quiz ------------------------------------------------------------------------------------------------------------

const quiz = { on: false, answered: new Map(), asked: null, tries: 0, right: 0, last: NaN };
const asks = completed.slice(1).filter(node => !vertices[node].shape);
const hiddenInQuiz = node => quiz.on && node !== root && !quiz.answered.has(node);

function startQuiz() {
  $("quiz-start").addEventListener("click", () => { quiz.on ? leaveQuiz() : enterQuiz(); });
  $("quiz-form").addEventListener("submit", event => { event.preventDefault(); checkAnswer(); });
  $("why-wrong").addEventListener("click", () => explainAnswer());
  $("reveal").addEventListener("click", revealAnswer);
}

function enterQuiz() {
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
  if (quiz.asked !== null) $("question").replaceChildren("What is ", partial(vertices[quiz.asked].name), "?");
  else $("hint").replaceChildren(h("p", { class: "verdict good" }, "All gradients are found."));
}

function checkAnswer() {
  const given = Number($("answer").value.replace(",", ".")), right = grads[quiz.asked];
  if ($("answer").value.trim() === "" || Number.isNaN(given)) return hint([h("p", { class: "verdict bad" }, "An answer is a number, such as -1.5.")]);
  quiz.last = given;
  if (agrees(given, right)) return accept(given);
  quiz.tries += 1;
  $("why-wrong").hidden = false;
  hint([h("p", { class: "verdict bad" }, `✗ ${show(given)} is not it.`), ...hints(quiz.asked, quiz.tries)]);
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
  hint([h("p", { class: "verdict good" }, done)]);
}

function revealAnswer() {
  quiz.tries += 1;
  const node = quiz.asked;
  accept(grads[node]);
  hint([h("p", {}, `∂${title}/∂${vertices[node].name} = ${show(grads[node])}, the sum of`), ledger(node)]);
}

function hint(children) {
  $("hint").replaceChildren(...children);
}

const partsOf = node => base.filter(step => step.kind === "contribute" && step.target === node);

// First the rules, then the numbers.
function hints(node, tries) {
  const parts = partsOf(node);
  const several = parts.length > 1 ? `${vertices[node].name} is used ${parts.length} times: add up what comes from each use. ` : "";
  const rules = parts.map(step => h("li", {}, ruleText(step), tries > 1 ? `: ${show(step.upstream)} × ${show(localOf(edges[step.edge]))}` : ""));
  return [h("p", {}, `${several}${parts.length > 1 ? "The rules" : "The rule"}:`), h("ul", {}, ...rules)];
}

function ruleText(step) {
  const edge = edges[step.edge], { name, op } = vertices[step.node];
  return `${op} sends ∂${title}/∂${name} × (${edge.symbols})`;
}

function explainAnswer() {
  clearMarks();
  const { text, missing } = diagnose(quiz.asked, quiz.last);
  for (const step of missing) (edgeElements.get(`e${step.edge}`) || { classList: { add() {} } }).classList.add("missing");
  const list = missing.map(step => h("li", {}, `${vertices[step.node].name} → ${vertices[step.target].name}: ${ruleText(step)} = ${show(step.contribution)}`));
  hint([h("p", { class: "verdict" }, text), list.length ? h("ul", {}, ...list) : "", ...hints(quiz.asked, Math.max(quiz.tries, 2))]);
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
    return { text: "That is the last contribution alone, as if each new one replaced the others (= in place of +=). Missing:", missing: parts.filter(step => !part.includes(step)) };
  if (part) return { text: `A path is missing: ${vertices[node].name} reaches ${title} along ${parts.length} edges, and this is the sum of ${part.length}. Missing:`, missing: parts.filter(step => !part.includes(step)) };
  if (same(-right)) return { text: "Only the sign is wrong: look at each local derivative's sign.", missing: [] };
  if (same(sum(parts, step => localOf(edges[step.edge])))) return { text: "That is the local derivative alone: multiply it by the upstream gradient.", missing: [] };
  if (same(sum(parts, step => step.upstream))) return { text: "That is the upstream gradient, passed on as it is: multiply it by the local derivative.", missing: [] };
  if (same(sum(parts, step => step.upstream * data[node]))) return { text: `That is the upstream gradient times ${vertices[node].name} itself: the local derivative of a product is the other factor.`, missing: [] };
  const sweep = Object.values(MISTAKES).find(({ sweep }) => LIVE && same(sweep()[node] ?? 0));
  if (sweep) return { text: `That is what a sweep finds with this mistake: ${sweep.name}. ${sweep.why}`, missing: [] };
  const other = completed.find(v => v !== node && same(grads[v]));
  if (other !== undefined) return { text: `That is the gradient of ${vertices[other].name}.`, missing: [] };
  return { text: "Go step by step: for each use, upstream times local; then add.", missing: [] };
}

function subsets(parts) {
  if (parts.length < 2 || parts.length > 8) return [];
  const masks = Array.from({ length: 2 ** parts.length - 2 }, (_, i) => i + 1);
  return [1 << (parts.length - 1), ...masks].map(mask => parts.filter((_, i) => mask >> i & 1));
}
