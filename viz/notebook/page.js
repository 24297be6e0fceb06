// A page in a frame of its own, and the numbers that it and Python share. The code of pages is in a model that they share.
const STYLE = "display:block;box-sizing:border-box;width:100%;height:680px;border:1px solid #8a96a3;border-radius:8px";

async function render({ model, el }) {
  const shared = await model.widget_manager.get_model(model.get("code"));
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-downloads");
  frame.title = model.get("title");
  frame.style.cssText = STYLE;
  let own = false;  // whether it is this page that changes the numbers now
  const give = () => { if (!own) frame.contentWindow?.postMessage({ numbers: model.get("numbers") }, "*"); };
  const hear = ({ source, data }) => {
    if (source !== frame.contentWindow || !data) return;
    if (data.ready) give();
    if (!data.numbers) return;
    own = true;
    model.set("numbers", data.numbers);
    own = false;
    model.save_changes();
  };
  addEventListener("message", hear);
  model.on("change:numbers", give);
  frame.srcdoc = model.get("page").join(shared.get("script"));
  el.append(frame);
  return () => { removeEventListener("message", hear); model.off("change:numbers", give); };
}

export default { render };
