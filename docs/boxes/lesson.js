// A lesson's page: a box for each exercise, three questions that come back, what one can do now, and the code to hand in.

const lessonHere = Number(document.getElementById("hand-in")?.dataset.lesson);
const tryNote = name => `(try ${triesOf(name).length})`;

function startLesson() {
  for (const place of document.querySelectorAll("[data-exercise]")) place.replaceChildren(lessonBox(place.dataset.exercise));
  comeBack(document.getElementById("come-back"), lessonHere);
  if (lessonHere) showEnd();
}

function lessonBox(name) {
  const made = box(EXERCISES[name], verdict => {
    const counted = !isDone(name);
    count(name, verdict.made, Date.now());
    if (lessonHere) showEnd();
    return counted ? tryNote(name) : "";
  });
  made.setAttribute("aria-label", `exercise ${name}`);
  if (isDone(name)) made.say(`${name} was answered here, right at try ${triesOf(name).length}.`, "right");
  return made;
}

// Questions that come back ---------------------------------------------------------------------------------------------

function comeBack(place, lesson) {
  const due = place ? dueBefore(lesson, Date.now()) : [];
  if (!due.length) return;
  const questions = due.map(name => {
    const question = make("div", { class: "again" });
    question.innerHTML = EXERCISES[name].prompt;  // ours, made from the lesson when the site was built
    question.append(againBox(name));
    return question;
  });
  place.replaceChildren(make("h2", {}, "Do you still know?"), make("p", {}, "From earlier lessons, a day later or more. What is right rests longer, what is wrong comes back tomorrow."), ...questions);
}

function againBox(name) {
  let first = true;
  const made = box(EXERCISES[name], verdict => {
    if (first) countAgain(name, verdict.right, Date.now());
    first = false;
    return "";
  });
  made.setAttribute("aria-label", `exercise ${name}, again`);
  return made;
}

// The end --------------------------------------------------------------------------------------------------------------

function showEnd() {
  const { names } = LESSONS[lessonHere], done = names.filter(isDone).length;
  for (const item of document.querySelectorAll(".can-do li")) {
    const can = isDone(item.querySelector("strong")?.textContent);
    item.classList.toggle("done", can);
    if (can && !item.querySelector(".tick")) (item.querySelector("p") ?? item).prepend(make("span", { class: "tick", role: "img", "aria-label": "done" }, "✓"), " ");
    if (!can) item.querySelector(".tick")?.remove();
  }
  endLine().count.textContent = `${done} of ${names.length} exercises of this lesson are right.`;
  endLine().code.value = names.some(name => triesOf(name).length) ? codeOf(lessonHere, triesOf) : "";
}

let end;

function endLine() {
  if (end) return end;
  const count = make("p"), code = make("input", { id: "code", type: "text", readonly: "", size: 30 }), copied = make("span", { role: "status" });
  const copy = make("button", { type: "button" }, "Copy"), clear = make("button", { type: "button" }, "Forget my answers to this lesson");
  copy.addEventListener("click", () => copyCode(code, copied));
  clear.addEventListener("click", () => { forget(LESSONS[lessonHere].names); location.reload(); });
  document.getElementById("hand-in").replaceChildren(
    count, make("p", { class: "field" }, make("label", { for: "code" }, "To hand in:"), " ", code, " ", copy, " ", copied),
    make("p", { class: "note" }, "The code says which exercise was right at which try, and which known mistakes came before; it has no name and no text. Your answers are kept in this browser alone, and nothing is sent."), clear);
  end = { count, code };
  return end;
}

async function copyCode(code, copied) {
  code.select();
  try {
    await navigator.clipboard.writeText(code.value);
    copied.textContent = "copied";
  } catch {
    copied.textContent = "press Ctrl-C";
  }
}
