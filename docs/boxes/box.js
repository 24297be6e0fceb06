// A box: fields for an answer, a button, and a line that says how it is.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

let boxes = 0;

// The box of an exercise; `answered(verdict)` is called for each answer that is another than the last, and may return a note.
function box(exercise, answered) {
  const id = `box-${++boxes}`, fields = FIELDS[exercise.kind] || FIELDS.number, { element, values } = fields(exercise, id);
  const said = make("p", { class: "said", role: "status", id: `${id}-said` }), button = make("button", { type: "submit" }, "Check");
  const form = make("form", { class: "box", novalidate: "" }, element, button, said);
  let last = "";
  form.addEventListener("keydown", event => event.stopPropagation());  // in a deck a key would turn the slide
  form.addEventListener("submit", event => {
    event.preventDefault();
    const answers = values(), verdict = judge(exercise, answers), again = JSON.stringify(answers) === last;
    if (verdict.right !== null) last = JSON.stringify(answers);
    tell(said, exercise, verdict, again || verdict.right === null ? "" : answered(verdict));
  });
  return Object.assign(form, { say: (words, state) => speak(said, words, state) });
}

function tell(said, exercise, verdict, note) {
  const state = verdict.right === null ? "" : verdict.right ? "right" : "wrong";
  speak(said, `${exercise.name ? `${exercise.name} ` : ""}${verdict.words}`, state);
  if (note) said.append(" ", make("small", {}, note));
}

function speak(said, words, state) {
  said.className = `said ${state}`;
  said.replaceChildren(...words.split("`").map((part, i) => i % 2 ? make("code", {}, part) : part));
}

const FIELDS = {
  number: (exercise, id) => {
    const field = textField(id, exercise.asked || "answer", exercise.right?.length > 1 && Array.isArray(exercise.right));
    return { element: field.element, values: () => [field.input.value] };
  },
  formulas: (exercise, id) => {
    const fields = exercise.asked.map((asked, i) => textField(`${id}-${i}`, asked, true));
    const note = make("p", { class: "note" }, `A formula in ${exercise.names}, such as 2*x or x^2.`.replace("2*x or x^2", exampleIn(exercise)));
    return { element: make("div", {}, note, ...fields.map(field => field.element)), values: () => fields.map(field => field.input.value) };
  },
  choice: (exercise, id) => {
    const group = make("fieldset", {}, make("legend", {}, "Your answer"), ...exercise.letters.map(letter =>
      make("label", { for: `${id}-${letter}` }, make("input", { type: "radio", name: id, value: letter, id: `${id}-${letter}` }), ` ${letter}`)));
    return { element: group, values: () => [group.querySelector("input:checked")?.value ?? ""] };
  },
  report: reportField,
};

function textField(id, asked, wide) {
  const input = make("input", { id, type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 1000, class: wide ? "wide" : undefined });
  return { input, element: make("p", { class: "field" }, make("label", { for: id }, `${asked} =`), " ", input) };
}

// Two names of the exercise in a formula, which shows how one is written.
function exampleIn(exercise) {
  const [x, y = x] = Object.keys(exercise.rows[0][0]);
  return `2*${x} or ${y}^2`;
}

// As editors write it, and as a PowerShell writes what a command says.
const decoded = bytes => new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "utf-8").decode(bytes);

// A file: it is dropped, chosen or pasted, and read in this page alone.
function reportField(exercise, id) {
  const how = exercise.of === "grade" ? "the report of autograd-mini grade" : "the notebook that you have run, or the line that check printed";
  const text = make("textarea", { id, rows: 3, spellcheck: "false", autocomplete: "off" });
  const file = make("input", { id: `${id}-file`, type: "file" });
  const take = async chosen => {
    if (!chosen) return;
    text.value = decoded(new Uint8Array(await chosen.arrayBuffer()));
    text.form.requestSubmit();
  };
  file.addEventListener("change", () => take(file.files[0]));
  const element = make("div", { class: "drop" },
    make("p", {}, make("label", { for: id }, `Drop here, or paste, ${how}:`)), text,
    make("p", {}, make("label", { for: `${id}-file` }, "Or choose the file:"), " ", file));
  element.addEventListener("dragover", event => event.preventDefault());
  element.addEventListener("drop", event => { event.preventDefault(); take(event.dataTransfer.files[0]); });
  return { element, values: () => [text.value] };
}
