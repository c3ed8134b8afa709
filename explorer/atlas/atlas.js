// atlas.js: cards of mechanisms, all drawn on one picture; the patch under the hand asks, and every card answers.
// Last in the module, as a Streamlit component. Cards, their order and their words come from Python.

import {unpack} from "../../linviz/patch_view/rows.js";
import {css, h, hues, setColours, write} from "../../linviz/patch_view/look.js";
import {Picture} from "../../linviz/patch_view/light.js";
import {gridOf} from "../../linviz/patch_view/panel.js";
import {inStreamlit, onMoveKeys, patchUnder} from "../shared/frames_page.js";
import {AtlasCard} from "./atlas_card.js";

function atlasView(host, tell) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"});
  const shelf = h("div", {className: "shelf"});
  const none = h("p", {className: "none", textContent: "No mechanism fits all of these filters."});
  const where = h("span", {className: "where"}), picks = h("span", {className: "picks"});
  const side = h("button", {className: "button strong", textContent: "show side by side"});
  const clear = h("button", {className: "button", textContent: "clear"});
  const tray = h("div", {className: "tray", role: "region", ariaLabel: "picked to compare"}, picks, side, clear);
  const live = h("div", {className: "sr", role: "status", ariaLive: "polite"});
  const frames = h("div", {className: "seg", role: "group", ariaLabel: "frame"});
  const tools = h("div", {className: "tools"}, frames, where);   // which frame of a clip, and which patch asks
  const face = h("div", {className: "view", tabIndex: 0, role: "application"}, tools, shelf);
  root.replaceChildren(h("style", {textContent: css + atlasCss}), face, none, tray, live);
  let grid, model, key, pictures = [], cards = new Map(), picked = [], queued = 0, pinned = 0, hover = null;
  const seen = new Set();
  let order = [], most = 4, filled = "";
  const watch = new IntersectionObserver(all => {
    for (const {target, isIntersecting} of all) seen[isIntersecting ? "add" : "delete"](target);
    schedule();
  }, {rootMargin: "200px"});

  function update(bytes) {
    const next = unpack(bytes);
    setColours(next.colours);
    if (next.id !== key) take(next);
    ({order, picked, most} = next.set);
    fill(next.set.sections);
    none.hidden = order.length > 0;
    mark();
    schedule();
  }

  function fill(sections) {                                      // each heading, and as many cards as it counts
    const said = JSON.stringify([key, sections, order]);
    if (said === filled) return;
    filled = said;
    let from = 0;
    shelf.replaceChildren(...sections.map(({family, title, count, size}) => {
      const names = order.slice(from, from += size), head = h("h2", {}, title, h("span", {className: "count"}, count));
      const grid = h("div", {className: "cards"}, ...names.map(name => cards.get(name).el));
      return h("section", {className: family && "family", style: `--hue:${hues[family] ?? "transparent"}`}, head, grid);
    }));
  }

  function take(next) {                                          // another picture, or other words on a card
    const size = gridOf(...next.grid, 0);
    if (size.name !== grid?.name || model?.title !== next.title) pinned = next.set.query;
    grid = size;
    model = next;
    key = next.id;
    const old = pictures;
    pictures = next.frames.map(data => new Picture({type: "image/jpeg", data}, schedule));
    setTimeout(() => old.forEach(p => p.close()), 2000);
    watch.disconnect();
    seen.clear();
    cards = new Map(next.cards.map(content => [content.name, new AtlasCard(grid, content, toggle)]));
    for (const card of cards.values()) { hand(card); watch.observe(card.el); }
    face.style.setProperty("--x", grid.X);
    face.style.setProperty("--fonts", model.fonts);
    face.style.setProperty("--aspect", `${grid.X}/${grid.Y}`);
    face.ariaLabel = `${next.alt} Every mechanism drawn on it. Arrow keys move the patch that asks.`;
    frames.hidden = grid.T === 1;
    frames.replaceChildren(...pictures.map((_, t) => {
      const textContent = t ? `${t + 1}` : "frame 1";
      const b = h("button", {className: "button", textContent, ariaLabel: `frame ${t + 1}`});
      b.addEventListener("click", () => pin(grid.number(t, ...grid.place(pinned).slice(1))));
      return b;
    }));
    paper();
  }

  function paper() {                                             // the photograph under every card: the query's frame
    const {src} = pictures[grid.place(pinned)[0]];
    for (const {picture} of cards.values()) if (picture.photo.src !== src) picture.photo.src = src;
    [...frames.children].forEach((b, t) => { b.ariaPressed = t === grid.place(pinned)[0]; });
  }

  const schedule = () => { queued ||= requestAnimationFrame(draw); };

  function draw() {
    queued = 0;
    const query = hover ?? pinned;
    for (const card of cards.values()) if (seen.has(card.el)) card.draw(query, pictures, model);
    const [t, y, x] = grid.place(query);
    write(where, `the patch that asks: row ${y + 1}, column ${x + 1}` + (grid.T > 1 ? `, frame ${t + 1}` : ""));
  }

  function pin(query) {
    pinned = query;
    hover = null;
    paper();
    schedule();
    setTimeout(() => write(live, where.textContent), 350);
  }

  function hand({picture: {box}}) {
    const at = e => patchUnder(e, box, grid, grid.place(pinned)[0]);
    box.addEventListener("pointermove", e => { if (e.pointerType === "mouse") { hover = at(e); schedule(); } });
    box.addEventListener("pointerleave", () => { hover = null; schedule(); });
    box.addEventListener("click", e => pin(at(e)));
  }

  onMoveKeys(face, () => ({grid, query: pinned}), pin);

  function toggle(name) {
    picked = picked.includes(name) ? picked.filter(p => p !== name) : [...picked, name].slice(0, most);
    mark();
    tell({picked, side: false});
  }

  function mark() {
    for (const card of cards.values()) {
      const on = picked.includes(card.name);
      card.pick.ariaPressed = on;
      card.pick.disabled = !on && picked.length >= most;
      card.el.classList.toggle("picked", on);
    }
    tray.hidden = picked.length === 0;
    write(picks, picked.map(name => model.cards.find(c => c.name === name).title).join(" · "));
    side.disabled = picked.length < 2;
    write(side, picked.length < 2 ? "pick one more" : "show side by side");
  }
  side.addEventListener("click", () => tell({picked, side: true}));
  clear.addEventListener("click", () => { picked = []; mark(); tell({picked, side: false}); });
  const state = () => ({query: pinned, hover, picked, order, grid: model?.grid});
  const atRest = () => queued === 0 && seen.size > 0 && pictures.every(p => p.bitmap);
  const view = {update, get state() { return state(); }, get atRest() { return atRest(); }, row: (name, i) => {
    const {road} = cards.get(name);
    return road && road.row(i, new Float64Array(road.S));
  }, destroy() {
    watch.disconnect();
    cancelAnimationFrame(queued);
    pictures.forEach(p => p.close());
    root.replaceChildren();
  }};
  host.atlasView = view;                                         // for tests and for the console
  return view;
}

const atlasCss = `
.view { gap: 14px; }
.view:focus-visible { outline: 2px solid var(--st-primary-color, #0072b2); outline-offset: 6px; border-radius: 4px; }
.shelf { display: grid; gap: 26px; }
h2 { display: flex; align-items: baseline; gap: 9px; margin: 0 0 11px; font-size: 1.3em; font-weight: 650; }
.family h2::before { content: ""; flex: none; width: 11px; height: 11px; border-radius: 50%; background: var(--hue); }
.count { font-size: .72em; font-weight: 400; color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 390px), 1fr)); gap: 16px; }
.cards:has(details[open]) { align-items: start; }
.top { display: grid; grid-template-columns: 150px minmax(0, 1fr); gap: 16px; }
.card { display: flex; flex-direction: column; gap: 10px; padding: 14px; border: 1px solid var(--line);
  border-top: 3px solid var(--hue); border-radius: 8px; min-width: 0; }
.card.picked { border-color: var(--hue); box-shadow: 0 0 0 1px var(--hue); }
.card .stage { border-radius: 5px; }
.card .blank { background: color-mix(in srgb, var(--ink) 12%, var(--paper)); cursor: default; }
.blank > * { visibility: hidden; }
.meter { display: flex; align-items: center; gap: 8px; margin-top: 7px; font-size: 12px; color: var(--soft);
  font-variant-numeric: tabular-nums; min-height: 16px; }
.meter .bar { flex: 1; margin: 0; }
.bits { min-width: 4.3em; text-align: right; }
.right { min-width: 0; }
h3 { margin: 0; font-size: 1.07em; font-weight: 650; }
.kind { margin: 0 0 6px; font-size: .87em; color: var(--soft); }
.idea { margin: 0 0 8px; font-size: .93em; line-height: 1.38; }
dl { margin: 0; display: grid; gap: 2px; font-size: .87em; font-variant-numeric: tabular-nums; }
dl div { display: grid; grid-template-columns: 3.9em minmax(0, 1fr); column-gap: 6px; }
dt, .card .more { color: var(--soft); }
dd { margin: 0; }
dd .more { display: inline; margin-left: .7em; white-space: nowrap; }
.formula { padding: 6px 10px; border-radius: 5px; background: color-mix(in srgb, var(--ink) 4.5%, transparent); }
.formula summary { cursor: pointer; color: var(--soft); font-size: .93em; }
.formula p { margin: 7px 0 0; overflow-x: auto; line-height: 1.5; }
.formula math { font-family: var(--fonts); }
.formula p > span { display: inline-block; max-width: 100%; margin-right: 1.6em; }
.scans { display: flex; flex-wrap: wrap; gap: 6px 14px; font-size: .8em; color: var(--soft); }
.scans > span { display: grid; justify-items: center; gap: 1px; }
.scans svg { display: block; width: 76px; height: auto; }
.foot { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-top: auto; font-size: .9em; }
.tag { font-size: .87em; padding: 1px 8px; border-radius: 99px; border: 1px solid var(--line); color: var(--soft); }
.open { color: var(--st-link-color, inherit); margin-left: auto; }
.card .button { padding: 3px 10px; }
.button[aria-pressed=true] { color: var(--ink);
  background: color-mix(in srgb, var(--hue, var(--ink)) 22%, transparent); }
.button:disabled { opacity: .45; cursor: default; }
.seg .button[aria-pressed=true] { background: color-mix(in srgb, var(--ink) 11%, transparent); }
.strong { font-weight: 600; }
.tray { position: sticky; bottom: 12px; z-index: 3; display: flex; flex-wrap: wrap; gap: 10px; align-items: center;
  margin-top: 14px; padding: 9px 12px; border-radius: 9px; background: var(--paper); border: 1px solid var(--line);
  box-shadow: 0 3px 16px #0003; }
.picks { flex: 1; font-weight: 600; }
.none { color: var(--soft); }
@container (max-width: 620px) {
  .card { padding: 11px; }
  .top { grid-template-columns: 112px minmax(0, 1fr); gap: 12px; }
}
`;

export default inStreamlit(atlasView, "picks");
