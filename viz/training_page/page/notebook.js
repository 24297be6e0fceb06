// In a notebook: the weights that the page has learned are told to the page around this frame, which sets them in Python,
// as long as the network has the form that Python gave it; weights that were assigned there begin a training here.

let linked = false, waiting = 0, quiet = false, told;

function startNotebook() {
  if (parent === window) return;
  addEventListener("message", ({ source, data }) => {
    if (source !== parent || !data?.numbers) return;
    linked = true;
    const given = data.numbers;
    if (!RECORD.layers || !Object.keys(given).length) return;
    RECORD.layers.forEach((layer, i) => { layer.W = given[`W${i}`] ?? layer.W; layer.b = given[`b${i}`] ?? layer.b; });
    settings = { ...started(), ...Object.fromEntries(["optimizer", "rate", "batch"].map(name => [name, settings[name]])) };
    quiet = true;  // what Python has just given
    begin();
    quiet = false;
  });
  parent.postMessage({ ready: true }, "*");
}

function tell(net, theta) {
  if (!linked || quiet || !isGiven(net.widths, net.layers.map(layer => layer.g))) return;
  told = { net, theta };
  waiting ||= setTimeout(() => { waiting = 0; parent.postMessage({ numbers: numbersOf(told) }, "*"); }, 100);
}

// W and b of each layer, rows of numbers.
function numbersOf({ net: { widths }, theta }) {
  const found = {};
  let at = 0;
  const take = n => Array.from(theta.subarray(at, at += n));
  RECORD.layers.forEach((_, i) => {
    found[`W${i}`] = Array.from({ length: widths[i + 1] }, () => take(widths[i]));
    found[`b${i}`] = take(widths[i + 1]);
  });
  return found;
}
