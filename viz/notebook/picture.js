// A picture of a network: a curve or a circle that is chosen gets a slider, which sets the number in Python.
const NUMBER = /^(?:W\[(\d+)\]\[(\d+),(\d+)\]|[^]*^b\[(\d+)\]\[(\d+)\]) = (\S+)/m;

function render({ model, el }) {
  const picture = document.createElement("div"), told = document.createElement("label"), said = document.createElement("span");
  const slider = Object.assign(document.createElement("input"), { type: "range", step: "any" });
  told.style.cssText = "display:flex;gap:1em;align-items:center;font:13px system-ui,sans-serif";
  slider.style.width = "20em";
  told.append(said, slider);
  let place = null;
  const show = () => { picture.innerHTML = model.get("picture"); };
  const say = x => { said.textContent = place ? `${place.length === 3 ? "W" : "b"}[${place[0]}][${place.slice(1)}] = ${(+x).toPrecision(4)}` : "choose a curve or a circle to change its number"; };
  const choose = ({ target }) => {
    const title = target.closest("path,g")?.querySelector(":scope > title")?.textContent, found = title && NUMBER.exec(title);
    if (!found || !model.get("changes")) return;
    place = (found[1] === undefined ? [found[4], found[5]] : found.slice(1, 4)).map(Number);
    const x = Number(found[6].replace("−", "-")) || 0, reach = Math.max(1, 2 * Math.abs(x));
    Object.assign(slider, { min: x - reach, max: x + reach, disabled: false });
    slider.value = x;
    slider.setAttribute("aria-label", said.textContent);
    say(x);
  };
  slider.disabled = true;
  slider.addEventListener("input", () => { say(slider.value); model.set("wish", { place, to: +slider.value }); model.save_changes(); });
  picture.addEventListener("click", choose);
  model.on("change:picture", show);
  told.hidden = !model.get("changes");
  if (told.hidden) told.style.display = "none";
  show();
  say();
  el.append(picture, told);
  return () => model.off("change:picture", show);
}

export default { render };
