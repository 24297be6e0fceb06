// Answers as people type them: `1/2`, `0,5`, `-3`, `dL/dx = 4`, lists with or without brackets; as answers.py reads them.

const LONGEST_ANSWER = 200;
const ONE_NUMBER = /^[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,3})?$/;

class AnswerError extends Error {}

function readNumbers(text, count) {
  if (text.length > LONGEST_ANSWER) throw new AnswerError(`an answer is short; that has ${text.length.toLocaleString("en")} characters.`);
  const bare = text.slice(text.lastIndexOf("=") + 1).replaceAll("−", "-").replace(/[\][(){}]/g, " ").trim();
  const found = partsOf(bare, count).map(oneNumber);
  if (found.length !== count) throw new AnswerError(`the answer has ${count} number${count > 1 ? "s" : ""}, that has ${found.length}.`);
  return found;
}

function partsOf(text, count) {
  if (count === 1) return [text.replace(/,$/, "").trim()];
  if (text.includes(";")) return text.split(";");
  if (/,\s|\s,/.test(text) || text.includes(",") && !/\s/.test(text)) return text.split(",").filter(part => part.trim());
  return text.split(/\s+/).filter(Boolean);
}

function oneNumber(text) {
  const slash = text.indexOf("/"), parts = (slash < 0 ? [text] : [text.slice(0, slash), text.slice(slash + 1)]).map(part => part.trim());
  if (!parts.every(part => ONE_NUMBER.test(part))) throw new AnswerError(`numbers are asked for, such as -3, 0.5 or 1/2; that is ${ascii(text.slice(0, 40))}.`);
  const [top, bottom = 1] = parts.map(part => Number(part.replace(",", ".")));
  if (!Number.isFinite(top / bottom)) throw new AnswerError(`${text.slice(0, 40)} is no number.`);
  return top / bottom;
}

function readName(text, names) {
  const given = text.split("=")[0].trim().replace(/^dL\/d/, "").replace(/^['" ]+|['" ]+$/g, "");
  if (!names.includes(given)) throw new AnswerError(`answer with one of ${names.join(", ")}; that is ${ascii(given.slice(0, 40))}.`);
  return given;
}

// What a typed formula gives for values of its names.
function valueOfFormula(text, values) {
  const { ops, root, names } = parse(asExpression(text), new Set(Object.keys(values)));
  const foreign = names.find(name => !Object.hasOwn(values, name));
  if (foreign) throw new FormulaError(`${ascii(foreign)} is no name here: there are ${Object.keys(values).join(", ")}.`);
  const done = [], value = x => typeof x === "number" ? x : x.name === undefined ? done[x.op] : values[x.name];
  for (const [op, args] of ops) done.push(MEANING[op](...args.map(value)));
  return value(root);
}
