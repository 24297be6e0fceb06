// What the theme leaves to us: its captions and drawers by level and name, and what scrolls within reach of the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.setAttribute("aria-level", 2);
  for (const [drawer, name] of [[".sidebar-drawer", "all pages"], [".toc-drawer", "this page"]]) document.querySelector(drawer)?.setAttribute("aria-label", name);
  for (const list of document.querySelectorAll("dt.sig dl")) list.setAttribute("role", "none");
  for (const box of document.querySelectorAll("pre, .table-wrapper, .autograd-explanation")) if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
});
