// The search of the op table: cards in which every word stands are left; the address keeps the words, ?q=sqrt.
{
const cards = [...document.querySelectorAll("section[id^=op-]")];
const field = Object.assign(document.createElement("input"), { type: "search", id: "op-search", placeholder: "search: sqrt, np.arcsin, exp(-x), tie, nan" });
field.setAttribute("aria-label", "search the op table");
const count = document.createElement("p");
count.setAttribute("role", "status");
const parts = new Set(cards.map(card => card.parentElement)), heading = document.querySelector("h1");
const around = [...heading.parentElement.children].filter(other => other !== heading && !parts.has(other));
const texts = new Map(cards.map(card => [card, card.textContent.toLowerCase()]));

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const named = card => card.querySelector("h3").firstChild.textContent.toLowerCase().includes(words[0]);
  const byName = words.length === 1 && cards.some(named);
  const left = cards.filter(card => byName ? named(card) : words.every(word => texts.get(card).includes(word)));
  for (const card of cards) card.hidden = !left.includes(card);
  for (const part of parts) part.hidden = !left.some(card => card.parentElement === part);
  for (const other of around) other.hidden = words.length > 0;
  count.textContent = words.length ? `${left.length} of ${cards.length} ops` : `${cards.length} ops`;
  try { history.replaceState(null, "", (words.length ? `?q=${encodeURIComponent(field.value)}` : location.pathname) + location.hash); } catch { /* a page from disk keeps its address */ }
}

heading.after(field, count);
field.value = new URLSearchParams(location.search).get("q") || "";
field.addEventListener("input", search);
// A link to a card that is hidden shows it.
addEventListener("hashchange", () => { if (document.querySelector(":target")?.closest("[hidden]")) { field.value = ""; search(); document.querySelector(":target").scrollIntoView(); } });
search();
}
