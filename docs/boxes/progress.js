// What was answered, for this browser alone: {name: {tries, last, wait}}. `last` is when, `wait` for how many hours the
// question rests until it comes back. Without a store it lasts as long as the page.

const KEPT_AS = "autograd_mini lessons";
const HOUR = 3600e3, REST = 20, LONGER = 3, COME_BACK = 3;

let kept = {};

function loadProgress() {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT_AS)) || {};
    kept = Object.fromEntries(Object.entries(found).filter(([name, one]) => Object.hasOwn(EXERCISES, name) && isKept(one)));
  } catch {
    kept = {};
  }
}

const isKept = one => Array.isArray(one?.tries) && one.tries.every(made => Number.isInteger(made) && made > 0 && made < 32) && [one.last, one.wait].every(Number.isFinite);

function keepProgress() {
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(kept));
  } catch {
    // a browser that keeps nothing: the page still knows
  }
}

const triesOf = name => kept[name]?.tries ?? [];
const isDone = name => triesOf(name).includes(RIGHT);

// A try counts until the answer is right.
function count(name, made, now) {
  if (!made || isDone(name)) return;
  kept[name] = { tries: [...triesOf(name), made], last: now, wait: REST };
  keepProgress();
}

// A question that came back: right, it rests three times as long; wrong, it comes back tomorrow.
function countAgain(name, isRight, now) {
  kept[name] = { ...kept[name], last: now, wait: isRight ? kept[name].wait * LONGER : REST };
  keepProgress();
}

// The three questions of earlier lessons that come back now: those that took most tries first, then the oldest.
function dueBefore(lesson, now) {
  const rested = name => now - kept[name].last >= kept[name].wait * HOUR;
  const earlier = name => Math.floor(name) < lesson && !name.endsWith(".0") && EXERCISES[name].kind !== "report";
  const due = Object.keys(kept).filter(name => triesOf(name).length && earlier(name) && rested(name));
  return due.sort((a, b) => triesOf(b).length - triesOf(a).length || kept[a].last - kept[b].last).slice(0, COME_BACK);
}

function forget(names) {
  for (const name of names) delete kept[name];
  keepProgress();
}
