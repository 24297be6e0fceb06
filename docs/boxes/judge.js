// The verdict on an answer: {right, words, made}. `right` is null for what cannot be read; `made` is what a code counts:
// 1 for right, 2 for a wrong answer that is not known, from 3 on the place of the known mistake.

const RIGHT = 1, OTHER = 2, SLIP = 3;
const CLOSE = 2e-3;  // relative: three digits of a number are enough
const EMPTY = "not answered yet.";

const alike = (x, wanted) => Math.abs(x - wanted) <= 1e-9 + CLOSE * Math.abs(wanted);
const allAlike = (given, wanted) => given.length === wanted.length && given.every((x, i) => alike(x, wanted[i]));
const unread = words => ({ right: null, words, made: 0 });

function judge(exercise, answers) {
  if (!answers.every(text => text.trim())) return unread(EMPTY);
  try {
    return JUDGES[exercise.kind](exercise, answers);
  } catch (error) {
    if (error instanceof AnswerError || error instanceof FormulaError) return unread(`not yet: ${error.message}`);
    throw error;
  }
}

const JUDGES = {
  number: (exercise, [text]) => {
    const given = readNumbers(text, exercise.right.length);
    return told(exercise, allAlike(given, exercise.right), slip => allAlike(given, slip));
  },
  name: (exercise, [text]) => {
    const given = readName(text, exercise.names);
    return told(exercise, given === exercise.right, slip => given === slip);
  },
  choice: (exercise, [letter]) => told(exercise, letter === exercise.right, slip => letter === slip),
  formulas: (exercise, texts) => {
    const gives = exercise.rows.map(([values]) => texts.map((text, i) => ofField(exercise, i, () => valueOfFormula(text, values))));
    const wrong = exercise.rows.findIndex(([, wanted], i) => !allAlike(gives[i], wanted));
    return told(exercise, wrong < 0, slip => gives.every((given, i) => allAlike(given, slip[i])), () => shownCase(exercise.rows[wrong], gives[wrong]));
  },
  report: (exercise, [text]) => judgedReport(exercise, text),
};

function told(exercise, isRight, isSlip, shown = () => "") {
  if (isRight) return { right: true, words: exercise.why ? `right: ${exercise.why}` : "right.", made: RIGHT };
  const place = exercise.slips.findIndex(([slip, words]) => words && isSlip(slip));
  if (place >= 0) return { right: false, words: `not yet: ${exercise.slips[place][1]}`, made: SLIP + place };
  return { right: false, words: `not yet: ${shown()}${exercise.hint}`, made: OTHER };
}

// A mistake in one of several fields says in which.
function ofField(exercise, i, compute) {
  try {
    return compute();
  } catch (error) {
    if (error instanceof FormulaError && exercise.asked.length > 1) error.message = `${exercise.asked[i]}: ${error.message}`;
    throw error;
  }
}

const shortNumber = x => Number.isFinite(x) ? String(+x.toPrecision(6)) : String(x).replace("Infinity", "inf").replace("NaN", "nan");
const listed = numbers => numbers.map(shortNumber).join(" and ");

function shownCase([values, wanted], given) {
  const at = Object.entries(values).map(([name, x]) => `${name} = ${shortNumber(x)}`).join(", ");
  return `for ${at} it gives ${listed(given)}, where ${listed(wanted)} is right. `;
}

// Reports --------------------------------------------------------------------------------------------------------------

// What `check` printed, alone or in a notebook that was saved; and for an engine the report of `autograd-mini grade`.
function judgedReport(exercise, text) {
  const number = exercise.name.replace(".", "\\."), line = [...text.matchAll(new RegExp(`(?<![0-9.])${number} (right|not yet): ([^"\\\\\\n]*)`, "g"))].at(-1);
  if (line) return { right: line[1] === "right", words: `${line[1]}: ${line[2].trim()}`, made: line[1] === "right" ? RIGHT : OTHER };
  const graded = exercise.of === "grade" && (gradedJson(text, exercise.built) || gradedText(text, exercise.built));
  if (!graded) return unread(`not yet: ${exercise.of === "grade" ? "that is no report of autograd-mini grade." : `that is no line that check printed for ${exercise.name}.`}`);
  return told({ ...exercise, hint: "" }, graded === "right", slip => slip === graded);
}

function gradedJson(text, built) {
  let report;
  try {
    [report] = JSON.parse(text);
  } catch {
    return "";
  }
  if (!Array.isArray(report?.checks)) return "";
  if (report.broken || report.faults.length) return "a fault";
  return report.checks.some(check => check.name === built && check.status === "passed") ? "right" : "missing";
}

function gradedText(text, built) {
  const plain = text.replace(/\u001b\[\d+m/g, "");
  if (/The file cannot be imported|^Fault 1: /m.test(plain)) return "a fault";
  if (!/^(?:All )?\d+ (?:of \d+ )?checks passed/m.test(plain)) return "";
  return new RegExp(`^ +[✓+] ${built}\\b`, "m").test(plain) ? "right" : "missing";
}
