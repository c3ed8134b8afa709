// reach.js: the frames of a clip with what one patch reaches, layer by layer, under one scheme or several.
// Last in the module, as a Streamlit component. Which patch is reached when comes from Python; nothing here reasons.

import {unpack} from "../../linviz/patch_view/rows.js";
import {css, h, write} from "../../linviz/patch_view/look.js";
import {gridOf} from "../../linviz/patch_view/panel.js";
import {inStreamlit, onMoveKeys, patchUnder} from "../shared/frames_page.js";
import {Film} from "./reach_film.js";

function reachView(host, send) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"});
  const shelf = h("div", {className: "films"}), where = h("p", {className: "where"});
  const live = h("div", {className: "sr", role: "status", ariaLive: "polite"});
  const depths = [1, 2, 3].map(n => h("button", {className: "button", textContent: `${n}`,
    ariaLabel: `show ${n} ${n > 1 ? "layers" : "layer"}`}));
  const tools = h("div", {className: "tools"}, "layers shown",
    h("div", {className: "seg", role: "group", ariaLabel: "layers shown"}, ...depths), where);
  const face = h("div", {className: "view", tabIndex: 0, role: "application"}, shelf, tools, live);
  const state = {query: 0, depth: 3, hover: null};
  let grid, films = [], model, pictures = [], told = 0, speaking = 0;
  root.replaceChildren(h("style", {textContent: css + reachCss}), face);
  const look = new ResizeObserver(() => draw());
  look.observe(shelf);

  function update(bytes) {
    model = unpack(bytes);
    const next = gridOf(...model.grid, 0);
    if (next.name !== grid?.name || films.length !== model.panels.length) build(next);
    develop(model.frames);
    films.forEach((film, n) => film.fill(model.panels[n], pictures, model.alt));
    state.query = model.set.query;
    face.ariaLabel = `${model.alt} Arrow keys move the query, Page Up and Page Down change its frame.`;
    draw();
    speaking = setTimeout(() => write(live, tell(state.query)), 400);
  }

  function build(next) {
    grid = next;
    films = model.panels.map(() => new Film(grid));
    face.style.setProperty("--x", grid.X);
    face.style.setProperty("--aspect", `${grid.X}/${grid.Y}`);
    face.style.setProperty("--across", grid.T > 6 || grid.T === 4 ? 4 : Math.min(3, grid.T));
    face.style.setProperty("--few", grid.T > 6 ? 4 : Math.min(3, grid.T));
    shelf.replaceChildren(...films.map(film => film.el));
    for (const film of films) for (const f of film.frames) hand(f);
  }

  function develop(frames) {                                     // pictures as addresses; what stays keeps its own
    const old = pictures;
    pictures = frames.map(({data}, n) => {
      const same = develop.before?.[n];
      return same && same.length === data.length && data.every((v, i) => v === same[i]) ? old[n]
        : URL.createObjectURL(new Blob([data], {type: "image/jpeg"}));
    });
    develop.before = frames.map(({data}) => data);
    setTimeout(() => old.filter(p => !pictures.includes(p)).forEach(p => URL.revokeObjectURL(p)), 2000);
  }

  function draw() {
    if (!grid) return;
    clearTimeout(speaking);
    films.forEach(film => film.draw(state.query, state.depth));
    films.forEach(film => film.hover(state.hover));
    depths.forEach((b, n) => { b.ariaPressed = n + 1 === state.depth; });
    write(where, tell(state.hover ?? state.query));
  }

  function tell(i) {                                             // where a patch lies, and in which layer it is reached
    const [t, y, x] = grid.place(i), place = `frame ${t + 1}, row ${y + 1}, column ${x + 1}`;
    if (i === state.query) return `query: ${place}`;
    const when = film => film.levels[i] ? `in layer ${film.levels[i]}` : "not in three layers";
    return `${place}: reached ${[...new Set([...films.map(when)])].join(" | ")}`;
  }

  function pin(i) {                                              // the ring goes at once, what is reached follows
    if (i === state.query) return;
    state.query = i;
    draw();
    clearTimeout(told);
    told = setTimeout(() => send({query: i}), 60);                       // a key held down asks once
  }

  function hand({t, box}) {
    const at = e => patchUnder(e, box, grid, t);
    const move = i => { state.hover = i; films.forEach(film => film.hover(i)); write(where, tell(i ?? state.query)); };
    box.addEventListener("pointermove", e => e.pointerType === "mouse" && move(at(e)));
    box.addEventListener("pointerleave", () => move(null));
    box.addEventListener("click", e => { move(null); pin(at(e)); });
  }

  onMoveKeys(face, () => ({grid, query: state.query}), pin);
  depths.forEach((b, n) => b.addEventListener("click", () => { state.depth = n + 1; draw(); }));
  const view = {update, draw, get state() { return {...state}; }, get model() { return model; },
    destroy() {
      look.disconnect();
      [told, speaking].forEach(clearTimeout);
      pictures.forEach(URL.revokeObjectURL);
      root.replaceChildren();
    }};
  host.reachView = view;                                         // for tests and for the console
  return view;
}

const reachCss = `
.films { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 18px 26px; }
.film { min-width: 0; }
h2 { margin: 0 0 8px; font-size: 1.02em; font-weight: 600; }
.frames { display: grid; grid-template-columns: repeat(var(--across), minmax(0, 1fr)); gap: 6px; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 11px; color: var(--soft); margin-top: 1px; font-variant-numeric: tabular-nums; }
.frame { position: relative; aspect-ratio: var(--aspect); overflow: hidden; border-radius: 4px; background: #fff;
  cursor: crosshair; touch-action: manipulation; user-select: none; -webkit-user-select: none; }
.frame canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.ring { width: max(16px, 100% / var(--x) * 1.5); z-index: 1; }
.hand { position: absolute; pointer-events: none; width: calc(100% / var(--x)); aspect-ratio: 1;
  transform: translate(-50%, -50%); box-shadow: 0 0 0 1.5px #fff, 0 0 0 2.7px #000a; }
.legend { margin: 9px 0 7px; display: grid; grid-template-columns: auto 1fr auto auto auto;
  font-variant-numeric: tabular-nums; }
.row { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; align-items: center; gap: 0 10px;
  padding: 2px 0; }
.row.later { opacity: .55; }
.swatch { width: 22px; height: 16px; border-radius: 3px; }
.tokens, .share, .work { text-align: right; padding-left: 1.1em; }
.tokens { font-weight: 600; }
.titles { color: var(--soft); font-size: .87em; font-weight: 400; }
.titles > * { font-weight: 400; }
.note { font-size: .9em; }
.where { margin: 0 0 0 auto; }
.view:focus-visible { outline: 2px solid var(--st-primary-color, #0072b2); outline-offset: 6px; border-radius: 4px; }
@container (max-width: 620px) { .where { flex-basis: 100%; margin: 0; } }
`;

export default inStreamlit(reachView, "query");
