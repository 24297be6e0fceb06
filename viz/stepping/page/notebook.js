// In a notebook: the leaves that somebody moves here are told to the page around this frame, which sets them in Python,
// and those that were assigned there are set here. A formula that was typed is nobody's but the page's.

const moved = new Set();
let linked = false, waiting = 0;

function startNotebook() {
  if (parent === window) return;
  addEventListener("message", ({ source, data: told }) => {
    if (source !== parent || !told?.numbers) return;
    linked = true;
    const pairs = Object.entries(told.numbers).map(([id, x]) => [+id, taken(x)]).filter(([id]) => leaves.includes(id));
    if (!typed && pairs.length) player.setLeaves(pairs);
  });
  parent.postMessage({ ready: true }, "*");
}

const taken = x => Array.isArray(x) ? x.map(taken) : read(x);

function tell(ids) {
  if (!linked || typed) return;
  for (const id of ids) moved.add(id);
  waiting ||= requestAnimationFrame(() => {
    waiting = 0;
    parent.postMessage({ numbers: Object.fromEntries([...moved].map(id => [id, plain(data[id])])) }, "*");
  });
}
