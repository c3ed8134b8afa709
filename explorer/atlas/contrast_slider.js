// contrast_slider.js: one line for four, live: a slider of contrast under the picture, with four names at their places
// for the patch that asks. Last in the module, as a Streamlit component. What a row is stands in linviz.

import {unpack} from "../../linviz/patch_view/rows.js";
import {css, h, setColours, three, write} from "../../linviz/patch_view/look.js";
import {Picture, paint, stage} from "../../linviz/patch_view/light.js";
import {gridOf} from "../../linviz/patch_view/panel.js";
import {ContrastLine, contrastNumbers} from "./contrast.js";
import {inStreamlit, onMoveKeys, patchUnder, putOn} from "../shared/frames_page.js";

const STEPS = 400;                                               // of the slider

function contrastView(host) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"});
  const range = h("input", {type: "range", min: 0, max: STEPS, step: 1, ariaLabel: "contrast c"});
  const marks = h("div", {className: "marks"}), where = h("p", {className: "where"});
  const facts = h("dl", {className: "facts"}), frame = h("div"), ring = h("div", {className: "ring"});
  const live = h("div", {className: "sr", role: "status", ariaLive: "polite"});
  const scale = h("p", {className: "note"});
  const face = h("div", {className: "view", tabIndex: 0, role: "application"}, frame);
  const side = h("div", {className: "beside"}, h("label", {}, "contrast c", range), marks, facts, where, scale);
  root.replaceChildren(h("style", {textContent: css + contrastCss}), h("div", {className: "line"}, face, side), live);
  const state = {query: 0, hover: null, held: "mala", c: 1};     // held: the name that c follows from patch to patch
  let grid, model, line, picture, pictures = [], row, most = 1, queued = 0, buttons = {};

  function update(bytes) {
    const next = unpack(bytes);
    if (next.id === model?.id) return;
    model = next;
    setColours(next.colours);
    grid = gridOf(...next.grid, 0);
    line = new ContrastLine(next.line);
    row = new Float64Array(line.linear.S);
    most = Math.ceil(line.places.mala.data.reduce((a, b) => Math.max(a, b), 1));
    state.query = next.set.query;
    pictures.forEach(p => p.close());
    pictures = next.frames.map(data => new Picture({type: "image/jpeg", data}, schedule));
    picture = stage(grid.T, grid.Y, grid.X, 5, 320);
    picture.box.classList.add("signed");
    picture.box.append(ring);
    face.style.setProperty("--x", grid.X);
    face.style.setProperty("--aspect", `${grid.X}/${grid.Y}`);
    face.ariaLabel = `${next.alt} The row of the patch that asks, at the chosen contrast. Arrow keys move the patch.`;
    frame.replaceChildren(picture.box);
    buttons = Object.fromEntries(next.titles.map(([name, title]) => {
      const b = h("button", {className: "button mark", textContent: title});
      b.addEventListener("click", () => { state.held = name; schedule(); speak(); });
      return [name, b];
    }));
    write(scale, `orange: weights above 0; blue: below 0; full colour: ${next.full}/N`);
    marks.replaceChildren(...Object.values(buttons));
    const at = e => patchUnder(e, picture.box, grid, grid.place(state.query)[0]);
    const hover = query => { state.hover = query; schedule(); };
    picture.box.addEventListener("pointermove", e => e.pointerType === "mouse" && hover(at(e)));
    picture.box.addEventListener("pointerleave", () => hover(null));
    picture.box.addEventListener("click", e => pin(at(e)));
    schedule();
  }

  const schedule = () => { queued ||= requestAnimationFrame(draw); };

  function draw() {
    queued = 0;
    const query = state.hover ?? state.query, at = grid.place(query);
    if (state.held) state.c = line.place(state.held, query);
    line.row(query, state.c, row);
    paint(picture, row, 0, {gain: row.length / model.full, light: model.light, heat: false, signed: true});
    const {src} = pictures[at[0]];
    if (picture.photo.src !== src) picture.photo.src = src;
    picture.put(at[0], null, model.light);
    putOn(ring, grid, at);
    range.value = state.c / most * STEPS;
    range.style.setProperty("--fill", `${state.c / most * 100}%`);
    for (const [name, b] of Object.entries(buttons)) {
      b.style.setProperty("--at", `${line.place(name, query) / most * 100}%`);
      b.ariaPressed = Math.abs(line.place(name, query) - state.c) < .5 * most / STEPS;
    }
    const {largest, below, negative} = contrastNumbers(row);
    range.ariaValueText = `c = ${three(state.c)}`;
    tell([["contrast c", three(state.c)], ["z, length of the query", three(line.place("inline", query))],
      ["largest weight × N", three(largest)], ["weights below 0", `${Math.round(100 * below)} %`],
      ["their sum", negative ? `−${three(-negative)}` : "0"]]);
    const frame = grid.T > 1 ? `, frame ${at[0] + 1}` : "";
    write(where, `the patch that asks: row ${at[1] + 1}, column ${at[2] + 1}${frame}`);
  }

  function tell(said) {
    if (facts.children.length !== said.length) {
      facts.replaceChildren(...said.map(([name]) => h("div", {}, h("dt", {}, name), h("dd"))));
    }
    said.forEach(([, value], n) => write(facts.children[n].lastChild, value));
  }

  const speak = () => setTimeout(() => write(live, [...facts.children].map(e => e.innerText).join(", ")), 350);
  function pin(query) {
    state.query = query;
    state.hover = null;
    schedule();
    speak();
  }

  range.addEventListener("input", () => { state.held = null; state.c = range.value / STEPS * most; schedule(); });
  range.addEventListener("change", speak);
  onMoveKeys(face, () => ({grid, query: state.query}), pin);
  const view = {update,
    get state() { return {...state, most}; },
    get atRest() { return Boolean(model) && queued === 0; },
    row: (query, c) => line.row(query, c, new Float64Array(row.length)),
    destroy() {
      cancelAnimationFrame(queued);
      pictures.forEach(p => p.close());
      root.replaceChildren();
    }};
  host.contrastView = view;                                      // for tests and for the console
  return view;
}

const contrastCss = `
.line { display: grid; grid-template-columns: minmax(0, 420px) minmax(0, 1fr); gap: 20px 34px; align-items: start; }
.view:focus-visible { outline: 2px solid var(--st-primary-color, #0072b2); outline-offset: 6px; border-radius: 4px; }
.beside { --accent: var(--st-primary-color, #0072b2); display: grid; gap: 6px; min-width: 0; }
label { display: grid; font-weight: 600; }
.marks { position: relative; height: 76px; margin: 0 9px; }
.mark { position: absolute; left: var(--at); top: 18px; translate: -50% 0; padding: 2px 7px; font-size: .87em; }
.mark:nth-child(even) { top: 50px; }
.mark:first-child { translate: -9px 0; }
.mark::before { content: ""; position: absolute; left: 50%; bottom: 100%; width: 1px; height: 17px;
  background: var(--line); }
.mark:nth-child(even)::before { height: 49px; }
.mark:first-child::before { left: 9px; }
.facts { grid-template-columns: repeat(auto-fit, minmax(112px, 1fr)); margin-top: 6px; }
.where { margin: 8px 0 0; color: var(--soft); }
@container view (max-width: 720px) { .line { grid-template-columns: minmax(0, 1fr); } }
`;

export default inStreamlit(contrastView, "contrast");
