// Only in pages that cannot compute: the numbers of the record, which stay as they are.

// Of arrays the record of a step has what is sent, and what that comes to if norms are all there is; the rest follows.
function readNumbers() {
  grads = [];
  for (const step of base) {
    for (const name of NUMBERS) step[name] = num(step[name]);
    if (step.kind === "contribute") {
      step.local ??= edges[step.edge].local;
      step.upstream ??= grads[step.node];
      step.before ??= grads[step.target];
      step.after ??= step.before === undefined ? step.contribution : plus(step.before, step.contribution);
    }
    if (step.kind === "seed" || step.kind === "contribute") grads[step.target ?? step.node] = step.after;
  }
}

function tellWhy() {
  $("live").replaceChildren(h("p", { class: "note" }, `These are the numbers of the record. The page cannot compute this graph anew: ${WHY}.`));
}

function recordedMistake(key) {
  const { recorded, told } = record.mistakes[key];
  return recorded && { g: recorded.map(x => num(x)), text: told };
}
