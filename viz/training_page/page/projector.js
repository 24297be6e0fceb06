// For a projector (key p, ?projector): the network, one sentence in large letters, and the view follows the step.

const LARGE = 2.4;  // at least so many pixels for a point of the network, whose letters are 11 and 12
let projecting = false;

function project(on = !projecting) {
  projecting = on;
  document.body.classList.toggle("projector", on);
  if (on) look = { ...look, tab: "sample" };
  buildNetwork(view);
  render();
}

// The neuron of the step in the middle of what is seen.
function follow() {
  if (!projecting) return;
  const [key] = look.neuron ? [look.neuron] : [...view.lit?.neurons || []];
  const { x, y } = circles.get(key) || circles.get("1.0"), box = $("stage").parentElement, [left, top] = places.box, zoom = zoomOf();
  box.scrollTo({ left: (x - left) * zoom - box.clientWidth / 2, top: (y - top) * zoom - box.clientHeight / 2 });
}

function startProjector() {
  document.addEventListener("keydown", event => {
    if (event.key !== "p" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=range]),select,textarea")) return;
    event.preventDefault();
    project();
  });
  if (new URLSearchParams(location.search).has("projector")) project(true);
}
