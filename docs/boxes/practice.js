// Practice: questions of a level and a sheet from the pool, with hints and explained answers, and a ladder of levels.

const UP = 3, DOWN = 2, LAST_TRY = 2;

// Where one stands after an answer: up a level after three right in a row, down after two wrong.
function rungAfter({ level, right, wrong }, isRight) {
  [right, wrong] = isRight ? [right + 1, 0] : [0, wrong + 1];
  const next = Math.min(Math.max(level + (isRight ? 1 : -1), 1), POOL.levels.length);
  return right === UP || wrong === DOWN ? { level: next, right: 0, wrong: 0 } : { level, right, wrong };
}

const questionAt = (level, sheet, number) => POOL.questions[((level - 1) * POOL.sheets + sheet) * POOL.numbers + number];

function startPractice(place) {
  const options = (count, text) => Array.from({ length: count }, (_, i) => make("option", { value: i }, text(i)));
  const level = make("select", { id: "level" }, ...options(POOL.levels.length, i => `${i + 1} ${POOL.levels[i]}`));
  const sheet = make("select", { id: "sheet" }, ...options(POOL.sheets, String));
  const start = make("form", { class: "box" }, make("p", { class: "field" }, make("label", { for: "level" }, "Level"), " ", level, " ", make("label", { for: "sheet" }, "Sheet"), " ", sheet, " ", make("button", { type: "submit" }, "Begin")));
  const desk = make("div", { id: "desk" });
  sheet.value = Math.floor(Math.random() * POOL.sheets);
  start.addEventListener("submit", event => {
    event.preventDefault();
    ask(desk, { rung: { level: +level.value + 1, right: 0, wrong: 0 }, sheet: +sheet.value, number: 0, right: 0 });
  });
  place.replaceChildren(start, desk);
}

function ask(desk, at) {
  if (at.number === POOL.numbers) return sayTally(desk, at);
  const question = questionAt(at.rung.level, at.sheet, at.number);
  const heading = make("h2", { tabindex: -1 }, `${at.number + 1}. Level ${at.rung.level}, ${POOL.levels[at.rung.level - 1]}`);
  const more = make("div", { role: "status" }), hint = make("button", { type: "button" }, "Hint"), give = make("button", { type: "button" }, "Show the answer");
  let tries = 0, hints = 0;
  const end = first => { hint.disabled = give.disabled = true; explain(desk, at, question, first, more); };
  const form = box(question, verdict => {
    if (give.disabled) return "";
    tries++;
    if (verdict.right || tries === LAST_TRY) end(verdict.right && tries === 1);
    return `(try ${tries})`;
  });
  hint.addEventListener("click", () => { more.replaceChildren(make("p", {}, `hint: ${question.hints[Math.min(hints++, question.hints.length - 1)]}`)); });
  give.addEventListener("click", () => end(false));
  form.append(make("p", {}, hint, " ", give), more);
  desk.replaceChildren(heading, make("pre", { tabindex: 0, "aria-label": "given" }, question.given), make("p", {}, question.sentence), form);
  heading.focus();
}

function explain(desk, at, question, first, more) {
  const rung = rungAfter(at.rung, first), moved = rung.level - at.rung.level;
  const next = make("button", { type: "button" }, "Next"), told = make("pre", { tabindex: 0, "aria-label": "the answer, step by step" }, question.steps);
  const words = moved ? ` ${moved > 0 ? "Up" : "Down"} to level ${rung.level}: ${POOL.levels[rung.level - 1]}.` : "";
  next.addEventListener("click", () => ask(desk, { ...at, rung, number: at.number + 1, right: at.right + first }));
  more.replaceChildren(make("p", {}, `The answer is ${question.answer}.${words}`));
  desk.append(make("p", {}, next), told);
  next.focus({ preventScroll: true });
}

function sayTally(desk, at) {
  const heading = make("h2", { tabindex: -1 }, "The end of the sheet");
  desk.replaceChildren(heading, make("p", {}, `${at.right} of ${POOL.numbers} right at the first try. Take another sheet, or begin at level ${at.rung.level}.`));
  heading.focus();
}
