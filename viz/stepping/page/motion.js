// Motion: on the way back a number travels along its curve, meets the local derivative, is multiplied, and drops into the
// sum, which shows its parts. It lies over the picture, which shows the step at once: nothing waits for it. There is none
// where motion is not wanted, in a hurry, and in the quiz.

const TRAVEL = 1100, LINGER = 900, HURRY = 650;  // milliseconds; steps that follow sooner are taken in a hurry
const FLOCK = 32;  // curves of a group along which something travels
let moving = 0, steppedAt = -Infinity;

function move(view) {
  const now = performance.now(), hurried = now - steppedAt < HURRY;
  steppedAt = now;
  still();
  if (hurried || calm.matches || quiz.on || view.first <= turn) return;
  const joins = [...edgesOfCards].filter(([, join]) => view.group ? join.head === view.group : join.ids.includes(base[view.first].edge));
  const step = base[view.first], along = joins.slice(0, FLOCK).map(([key]) => edgeElements.get(key).firstChild);
  if (view.group) return along.length && animate(along.map(path => [path, draw("circle", { r: 5, class: "drop" })]), () => {});
  if (step.kind !== "contribute" || !edges[step.edge].carries || !along.length) return;
  const token = tokenElement(brief(step.upstream));
  animate([[along[0], token]], t => setToken(token, t < 0.45 || !edges[step.edge].isNumber ? brief(step.upstream) : t < 0.75 ? `${brief(step.upstream)} × ${chipText(step.local)}` : brief(step.contribution)), () => sumUp(step));
}

function still() {
  cancelAnimationFrame(moving);
  clearTimeout(moving);
  moving = 0;
  layer("motion")?.remove();
}

function tokenElement(text) {
  const token = draw("g", { class: "token" }, draw("rect", { y: -11, height: 22, rx: 11 }), draw("text", { y: 4 }));
  setToken(token, text);
  return token;
}

function setToken(token, text) {
  const [box, words] = token.children;
  if (words.textContent === text) return;
  words.textContent = text;
  const wide = measured(text) + 18;
  box.setAttribute("x", -wide / 2);
  box.setAttribute("width", wide);
}

// Each thing goes back along its curve; in the middle, where the local derivative stands, it rests.
function animate(things, tell, then = still) {
  const started = performance.now();
  scene.append(draw("g", { class: "motion", "aria-hidden": "true" }, ...things.map(([, thing]) => thing)));
  const frame = now => {
    const t = Math.min(1, (now - started) / TRAVEL), way = t < 0.4 ? t / 0.8 : t < 0.75 ? 0.5 : 0.5 + (t - 0.75) * 2;
    for (const [path, thing] of things) {
      const { x, y } = path.getPointAtLength(path.getTotalLength() * (1 - way));
      thing.setAttribute("transform", `translate(${round(x)} ${round(y)})`);
    }
    tell(t);
    if (t < 1) moving = requestAnimationFrame(frame); else then();
  };
  moving = requestAnimationFrame(frame);
}

// At the card that it goes to: what was there, plus what has come.
function sumUp(step) {
  still();
  const id = cardOf(step.target, open_), at_ = places.seen.get(id);
  if (!at_) return;
  const before = step.before === undefined ? "" : `${brief(step.before)} + `, after = step.before === undefined ? "" : ` = ${brief(step.after)}`;
  const token = tokenElement(`${before}${brief(step.contribution)}${after}`);
  token.setAttribute("transform", `translate(${at_[0]} ${at_[1] + heightOf(id) / 2 + 6})`);
  scene.append(draw("g", { class: "motion", "aria-hidden": "true" }, token));
  moving = setTimeout(still, LINGER);
}
