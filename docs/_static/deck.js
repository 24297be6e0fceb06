// A deck is light, as its pictures have to be then; it may be zoomed, and is a page with a main part, not an application.
document.addEventListener("DOMContentLoaded", () => {
  document.body.dataset.theme = "light";
  document.querySelectorAll("meta[name=viewport]").forEach(meta => { meta.content = "width=device-width, initial-scale=1.0"; });
  const mend = () => {
    document.querySelector(".slides").removeAttribute("role");
    document.querySelector(".reveal").setAttribute("role", "main");
    document.querySelector("aside.controls").setAttribute("role", "none");
  };
  if (Reveal.isReady()) mend(); else Reveal.on("ready", mend);
});
