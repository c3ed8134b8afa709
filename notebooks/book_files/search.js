// search.js: the words of all sections, searched while a reader types. The sections are loaded with the first word.

const MOST = 20;
let sections;                                                    // a promise of [page, address, chapter, heading, words]

function sectionsOf() {
  sections ??= new Promise((done, failed) => {
    window.bookSections = done;
    document.head.append(Object.assign(document.createElement("script"), {src: "sections.js", onerror: failed}));
  });
  return sections;
}

const plain = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export function ranked(all, asked) {                             // sections that have every word; headings count more
  const words = plain(asked).split(/\s+/).filter(Boolean), found = [];
  for (const section of all) {
    const heading = plain(section[3]), text = plain(section[4]);
    if (!words.length || !words.every(w => heading.includes(w) || text.includes(w))) continue;
    const score = words.reduce((sum, w) => sum + 20 * heading.includes(w) + Math.min(9, text.split(w).length - 1), 0);
    found.push([score, section]);
  }
  return found.sort((a, b) => b[0] - a[0]).map(([, section]) => section);
}

function excerpt(text, asked) {                                  // the words around the first one, which is marked
  const word = plain(asked).split(/\s+/).find(w => plain(text).includes(w));
  if (!word) return [text.slice(0, 140)];
  const at = plain(text).indexOf(word), from = Math.max(0, at - 60);
  const mark = Object.assign(document.createElement("mark"), {textContent: text.slice(at, at + word.length)});
  return [from ? "…" : "", text.slice(from, at), mark, text.slice(at + word.length, at + 90), "…"];
}

function entry([page, address, chapter, heading, text], asked) {
  const link = Object.assign(document.createElement("a"), {href: `${page}#${address}`, textContent: heading});
  const below = document.createElement("p");
  below.append(`${chapter}. `, ...excerpt(text, asked));
  const item = document.createElement("li");
  item.append(link, below);
  return item;
}

export function offerSearch(field, count, list) {
  const panel = list.parentElement;
  const close = () => { panel.hidden = true; };
  const show = async () => {
    const asked = field.value.trim();
    if (!asked) { close(); return; }
    const found = ranked(await sectionsOf(), asked);
    if (asked !== field.value.trim()) return;
    count.textContent = found.length ? `${found.length} section${found.length > 1 ? "s" : ""}` : "nothing found";
    list.replaceChildren(...found.slice(0, MOST).map(section => entry(section, asked)));
    panel.hidden = false;
  };
  field.addEventListener("input", show);
  field.addEventListener("focus", show);
  list.addEventListener("click", close);
  document.addEventListener("keydown", e => {
    const typing = /^(INPUT|TEXTAREA)$/.test(e.target.tagName) || e.target.shadowRoot;
    if (e.key === "Escape" && !panel.hidden) { close(); field.focus(); close(); }
    if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey) { e.preventDefault(); field.focus(); }
  });
  document.addEventListener("pointerdown", e => { if (!panel.parentElement.contains(e.target)) close(); });
}
