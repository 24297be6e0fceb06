// A formula that is typed becomes the record. The language is that of the command: its grammar is that of expression.py,
// Python's operators with Python's precedences, read with two stacks; LANGUAGE is printed from there.

const LONGEST_FORMULA = 100000, DEEPEST = 200;
const TOKEN = /([ \t\r\n]+)|((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|([A-Za-z][A-Za-z0-9_]*)|(\*\*|\/\/|[-+*/%(),])/y;
const GIVEN = /\s+([A-Za-z][A-Za-z0-9_]*)=(\S+)$/;
const BINARY = { "+": [1, "add"], "-": [1, "sub"], "*": [2, "mul"], "/": [2, "div"], "//": [2, "floordiv"], "%": [2, "mod"], "**": [4, "power"] };
const SIGNS = { "+": "", "-": "neg" };
const FIRST_VALUES = [0.5, -1, 2, 1.5, -0.5, 3];

class FormulaError extends Error {
  constructor(message, column) {
    super(column ? `column ${column}: ${message}` : message);
    this.column = column;
  }
}

const escapedCode = c => c < 256 ? `\\x${c.toString(16).padStart(2, "0")}` : `\\u${c.toString(16).padStart(4, "0")}`;
const quote = text => text.includes("'") && !text.includes('"') ? '"' : "'";
const ascii = text => `${quote(text)}${[...text].map(c => /[ -~]/.test(c) ? c.replace("\\", "\\\\") : { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[c] ?? escapedCode(c.codePointAt(0))).join("")}${quote(text)}`;
const briefly = text => ascii(text.length <= 40 ? text : `${text.slice(0, 37)}...`);
const isFunction = name => Object.hasOwn(ROWS, name) && Boolean(ROWS[name].n);

function* tokensOf(text) {
  if (text.length > LONGEST_FORMULA) throw new FormulaError(`the expression has ${text.length.toLocaleString("en")} characters, more than ${LONGEST_FORMULA.toLocaleString("en")}`);
  for (let at = 0, next; at < text.length; at = next) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw new FormulaError(foreign(String.fromCodePoint(text.codePointAt(at))), at + 1);
    const kind = ["", "space", "number", "name", "mark"][match.findIndex((part, k) => k && part !== undefined)];
    next = at + match[0].length;
    if (kind !== "space") yield { kind, text: match[0], column: at + 1 };
  }
  yield { kind: "end", text: "", column: text.length + 1 };
}

function foreign(c) {
  const letter = /\p{L}/u.test(c) ? `${ascii(c)} (names are written in a to z)` : ascii(c);
  return `${letter} is not part of the language${Object.hasOwn(LANGUAGE.instead, c) ? `: ${LANGUAGE.instead[c]}` : ""}`;
}

// Read a formula: {ops, root, names}. An operand is a number, {name} or {op}: the place of an op among `ops`, each of
// which is [row, operands].
function parse(text, known = new Set()) {
  const operands = [], waiting = [], ops = [], names = new Set();
  let call = null, operandNext = true;
  const fail = (message, token) => { throw new FormulaError(message, token.column); };
  const push = pending => waiting.length < DEEPEST ? waiting.push(pending) : fail(`the expression is nested more than ${DEEPEST} deep`, pending.token);

  function apply({ op, arity }) {
    const args = operands.splice(operands.length - arity);
    if (!op) return operands.push(...args);
    const given = [...args, ...(ROWS[op].defaults || []).slice(args.length - ROWS[op].n).map(read)].slice(0, ROWS[op].n);
    operands.push(given.every(x => typeof x === "number") ? MEANING[op](...given) : { op: ops.push([op, given]) - 1 });
  }

  function finish(level) {
    while (waiting.length && waiting.at(-1).level >= level) apply(waiting.pop());
  }

  function operand(token) {
    if (call) return openCall(token);
    if (token.kind === "number") return number(token);
    if (token.kind === "name") return name(token);
    if (Object.hasOwn(SIGNS, token.text)) push({ token, level: 3, op: SIGNS[token.text], arity: 1 });
    else if (token.text === "(") push({ token, level: 0 });
    else fail(token.kind !== "end" ? `a number, a name or '(' is expected before '${token.text}'` : token.column === 1 ? "the expression is empty" : "the expression ends too early", token);
    return true;
  }

  function number(token) {
    if (!Number.isFinite(+token.text)) fail("the number is too large for a float (the largest is about 1.8e308)", token);
    operands.push(+token.text);
    return false;
  }

  function name(token) {
    if (isFunction(token.text)) { call = token; return true; }
    const rest = text.slice(token.column - 1 + token.text.length).trimStart();
    if (!Object.hasOwn(LANGUAGE.constants, token.text)) {
      if (rest[0] === "(" && !known.has(token.text)) fail(noFunction(token.text), token);
      names.add(token.text);
    }
    operands.push(names.has(token.text) ? { name: token.text } : LANGUAGE.constants[token.text]);
    return false;
  }

  function openCall(token) {
    if (token.text !== "(") fail(`${call.text} is a function: write its arguments in brackets`, token);
    push({ token: call, level: 0, op: call.text, arity: 1 });
    call = null;
    return true;
  }

  function operator(token) {
    if (Object.hasOwn(BINARY, token.text)) {
      const [level, op] = BINARY[token.text];
      finish(level + (token.text === "**"));  // a power waits for the power to its right
      push({ token, level, op, arity: 2 });
      return true;
    }
    finish(1);
    if (token.text === ",") {
      if (!waiting.at(-1)?.op) fail("a comma belongs between the arguments of a function", token);
      waiting.at(-1).arity++;
      return true;
    }
    if (token.text === ")") close(token);
    else if (token.kind !== "end") fail(`an operator is missing before ${briefly(token.text)}`, token);
    else if (waiting.length) fail("'(' is never closed", waiting.at(-1).token);
    return false;
  }

  function close(token) {
    if (!waiting.length) fail("')' closes nothing", token);
    const opened = waiting.pop();
    if (!opened.op) return;
    const { n: most, defaults = [] } = ROWS[opened.op], least = most - defaults.length;
    if (opened.arity < least || opened.arity > most) fail(`${opened.op} takes ${least === most ? most : `${least} to ${most}`} argument${most > 1 ? "s" : ""}, got ${opened.arity}`, opened.token);
    apply(opened);
  }

  for (const token of tokensOf(text)) operandNext = operandNext ? operand(token) : operator(token);
  return { ops, root: operands[0], names: [...names] };
}

function noFunction(name) {
  const meant = Object.hasOwn(LANGUAGE.synonyms, name.toLowerCase()) && LANGUAGE.synonyms[name.toLowerCase()];
  return `${briefly(name)} is no function here${meant ? `: did you mean ${meant}?` : "; a product is *"}`;
}

// School notation becomes the language, as notation.py has it: 2x^2, 3·x, ln, π, σ(z), and a decimal comma outside of arguments.
function asExpression(text) {
  const calls = [], amongArguments = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") calls.push(/[A-Za-z_σ][A-Za-z0-9_]*[ ]*$/.test(text.slice(Math.max(0, i - 40), i)));
    else if (text[i] === ")") calls.pop();
    amongArguments.push(calls.at(-1) ?? false);
  }
  const pointed = text.replace(/(?<![A-Za-z0-9_.,])[0-9]+,[0-9]+(?![0-9.,])/g, (found, at) => amongArguments[at] ? found : found.replace(",", "."));
  return LANGUAGE.school.reduce((made, [pattern, put]) => made.replace(new RegExp(pattern, "g"), put), pointed);
}

// A value is a number, with a point or a comma, or a quotient of two; else undefined.
function numberGiven(text) {
  const parts = text.replace(",", ".").split("/");
  const legal = part => /^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|nan)$/.test(part);
  if (parts.length > 2 || !parts.every(legal)) return undefined;
  const [top, bottom = 1] = parts.map(part => Number(read(part.replace("+inf", "inf"))));
  return bottom === 0 ? undefined : top / bottom;
}

// The values that stand behind a formula, as in a command line: `tanh(w*x) w=2 x=-1`.
function split(text) {
  const values = {};
  let rest = text.trim();
  for (let found; (found = GIVEN.exec(rest));) {
    const [, name, number] = found, x = numberGiven(number);
    if (x === undefined) throw new FormulaError(`the value of ${briefly(name)} is not a number: ${briefly(number)}`);
    if (isFunction(name) || Object.hasOwn(LANGUAGE.constants, name)) throw new FormulaError(`${briefly(name)} is a name of the language, call the value something else`);
    if (Object.hasOwn(values, name)) throw new FormulaError(`${briefly(name)} is given twice`);
    values[name] = x;
    rest = rest.slice(0, found.index);
  }
  return [rest, Object.fromEntries(Object.entries(values).reverse())];
}

const shortName = name => name.length <= 40 ? name : `${name.slice(0, 37)}...`;

// A record of what a formula says, with the values that are given, else known, else some to begin with.
function recordOf(text, known = {}) {
  const [expression, given] = split(text), { ops, root, names } = parse(expression, new Set([...Object.keys(given), ...Object.keys(known)]));
  const leaves = [...Object.keys(given).filter(name => names.includes(name)), ...names.filter(name => !Object.hasOwn(given, name))];
  const first = (name, i) => Object.hasOwn(given, name) ? given[name] : Object.hasOwn(known, name) ? known[name] : FIRST_VALUES[i % FIRST_VALUES.length];
  const place = x => x.name !== undefined ? leaves.indexOf(x.name) : leaves.length + x.op, arg = x => typeof x === "number" ? [x] : place(x);
  const rows = [...new Set(ops.map(([op]) => op))], taken = new Set(leaves), title = root.name ?? (taken.has("L") ? null : "L");
  let count = 0;
  const fresh = () => { do count++; while (taken.has(`v${count}`)); return `v${count}`; };
  const named = ops.map((_, i) => i === ops.length - 1 && title || fresh());
  const nodes = [...leaves.map((name, i) => [-1, first(name, i), shortName(name)]), ...ops.map(([op, args], i) => [rows.indexOf(op), args.map(arg), named[i]])];
  if (typeof root === "number") nodes.push([-1, root, "L"]);
  return { title: nodes.at(-1)[2], rows, nodes, formula: text };
}

// The field in the head -------------------------------------------------------------------------------------------------

function startFormula() {
  $("formula").value = RECORD.formula || "";
  $("formula-form").addEventListener("submit", event => { event.preventDefault(); enterFormula($("formula").value); });
}

function enterFormula(text) {
  const known = Object.fromEntries(vertices.flatMap(({ id, name }) => isLeaf(vertices[id]) && !isArray(data[id]) ? [[name, data[id]]] : []));
  let plain = text.trim();
  try {
    const [formula] = split(plain);
    plain = asExpression(formula) + plain.slice(formula.length);
    enter(recordOf(plain, known));
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    $("formula").setAttribute("aria-invalid", "true");
    $("formula-error").textContent = error.message;
    return;
  }
  $("formula").removeAttribute("aria-invalid");
  $("formula-error").textContent = "";
  $("formula").value = typed = plain;  // which shows how it was read
  writeHash();
  say(`${title}: ${vertices.length} nodes. ${sentence(views[at])}`);
}

let typed = "";
