// divergence.js: how much two maps differ at each patch, as colours over the picture. Last in the module, as a
// Streamlit component. The numbers come from Python; a click or a key says which patch is to be the query.

import {unpack} from "../../linviz/patch_view/rows.js";
import {css, h, ramps, setColours, write} from "../../linviz/patch_view/look.js";
import {gridOf} from "../../linviz/patch_view/panel.js";
import {inStreamlit, onMoveKeys, patchUnder, putOn} from "../shared/frames_page.js";

const CELL = 10;                                                 // pixels of the canvas for a patch

class DivergenceFrame {                                          // one frame, its patches in colour, and marks
  constructor(grid, t) {
    Object.assign(this, {grid, t, photo: h("img", {alt: "", draggable: false, className: "photo"})});
    this.canvas = h("canvas", {width: grid.X * CELL, height: grid.Y * CELL, ariaHidden: "true"});
    this.ring = h("div", {className: "ring", hidden: true});
    this.most = h("div", {className: "most", hidden: true});
    this.box = h("div", {className: "stage heat"}, this.photo, this.canvas, this.most, this.ring);
    this.el = h("figure", {}, this.box, ...(grid.T > 1 ? [h("figcaption", {}, `frame ${t + 1}`)] : []));
  }

  paint(values, top) {                                           // below zero: none, which is hatched
    const {X, Y} = this.grid, pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, X * CELL, Y * CELL);
    for (let n = 0; n < X * Y; n++) {
      const value = values[this.t * X * Y + n], left = n % X * CELL, down = Math.floor(n / X) * CELL;
      const c = 3 * Math.round(255 * Math.min(1, value / top));
      if (value < 0) { hatch(pen, left, down); continue; }
      pen.fillStyle = `rgb(${ramps.sequential.slice(c, c + 3)})`;
      pen.fillRect(left, down, CELL, CELL);
    }
  }

  mark(name, at) {
    this[name].hidden = at?.[0] !== this.t;
    if (!this[name].hidden) putOn(this[name], this.grid, at);
  }
}

function hatch(pen, left, down) {
  pen.strokeStyle = "#fff";
  pen.beginPath();
  for (const [a, b] of [[0, CELL], [CELL / 2, CELL / 2]]) {
    pen.moveTo(left + a, down);
    pen.lineTo(left, down + a);
    pen.moveTo(left + CELL, down + CELL - b);
    pen.lineTo(left + CELL - b, down + CELL);
  }
  pen.stroke();
}

function divergenceMap(host, send) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"});
  const shelf = h("div", {className: "frames", role: "img"}), where = h("span", {className: "where"});
  const [low, high, bar] = ["span", "span", "b"].map(tag => h(tag));
  const none = h("span", {className: "none"}, h("i"), "none");
  const scale = h("span", {className: "scale", role: "img"}, low, h("i", {}, bar), high);
  const face = h("div", {className: "view", tabIndex: 0, role: "application"}, shelf,
    h("div", {className: "tools"}, scale, none, where));
  const state = {query: 0, hover: null};
  let model, grid, frames = [], addresses = [], waiting = 0;
  root.replaceChildren(h("style", {textContent: css + divergenceCss}), face);

  function update(bytes) {
    const next = unpack(bytes);
    if (next.id !== model?.id) take(next);
    state.query = next.set.query;
    face.classList.toggle("projector", next.set.projector);
    draw();
  }

  function take(next) {
    model = next;
    grid = gridOf(...next.grid, next.prefix);
    setColours(next.colours);
    addresses.forEach(URL.revokeObjectURL);
    addresses = next.frames.map(({data}) => URL.createObjectURL(new Blob([data], {type: "image/jpeg"})));
    frames = Array.from({length: grid.T}, (_, t) => new DivergenceFrame(grid, t));
    frames.forEach((frame, t) => {
      frame.photo.src = addresses[t];
      frame.paint(next.values.data, next.top);
      hand(frame);
    });
    shelf.replaceChildren(...frames.map(frame => frame.el));
    shelf.ariaLabel = next.alt;
    face.ariaLabel = `${next.alt} Arrow keys move the query.`;
    face.style.cssText = `--x:${grid.X};--aspect:${grid.X}/${grid.Y};--across:${Math.min(4, grid.T)}`;
    bar.style.background = `linear-gradient(90deg, ${next.colours.sequential})`;
    write(low, "0");
    write(high, next.high);
    scale.ariaLabel = `scale: from 0 to ${next.high}`;
    none.hidden = !next.values.data.some(value => value < 0);
  }

  function draw() {
    const most = model.largest === null ? null : grid.place(model.largest), shown = state.hover ?? state.query;
    for (const frame of frames) { frame.mark("ring", grid.place(state.query)); frame.mark("most", most); }
    const at = grid.place(shown), value = model.values.data[shown - grid.first];
    const place = at && `row ${at[1] + 1}, column ${at[2] + 1}${grid.T > 1 ? `, frame ${at[0] + 1}` : ""}`;
    const words = value < 0 ? "none" : `${value?.toFixed(2)} ${model.unit}`;
    write(where, at ? `${state.hover === null ? "query: " : ""}${place}: ${words}` : "");
  }

  function pin(query) {
    if (query === state.query) return;
    state.query = query;
    draw();
    clearTimeout(waiting);
    waiting = setTimeout(() => send({query}), 60);               // a key that is held down asks once
  }

  function hand(frame) {
    const at = e => patchUnder(e, frame.box, grid, frame.t), over = i => { state.hover = i; draw(); };
    frame.box.addEventListener("pointermove", e => e.pointerType === "mouse" && over(at(e)));
    frame.box.addEventListener("pointerleave", () => over(null));
    frame.box.addEventListener("click", e => { state.hover = null; pin(at(e)); });
  }

  onMoveKeys(face, () => ({grid, query: Math.max(grid.first, state.query)}), pin);
  host.divergenceMap = {update, get state() { return {...state}; }, get model() { return model; },   // for tests
    destroy() { clearTimeout(waiting); addresses.forEach(URL.revokeObjectURL); root.replaceChildren(); }};
  return host.divergenceMap;
}

const divergenceCss = `
.view { gap: 8px; max-width: calc(var(--across) * 26rem); }
.view:focus-visible { outline: 2px solid var(--st-primary-color, #0072b2); outline-offset: 4px; border-radius: 4px; }
.frames { display: grid; grid-template-columns: repeat(var(--across), minmax(0, 1fr)); gap: 8px; }
figure { margin: 0; }
figcaption { font-size: .8em; color: var(--soft); }
.stage canvas { opacity: .72; image-rendering: pixelated; }
.stage.heat .photo { filter: grayscale(.9) brightness(.6); }
.most { position: absolute; pointer-events: none; width: calc(100% / var(--x)); aspect-ratio: 1;
  border: 1.5px solid #fff; box-shadow: 0 0 0 1.5px #000; transform: translate(-50%, -50%); }
.scale i { display: inline-block; width: 110px; height: 11px; border-radius: 3px; background: #4d4d4d;
  overflow: hidden; }
.scale i b { display: block; height: 100%; opacity: .72; }
.none { display: inline-flex; gap: 6px; align-items: center; font-size: .87em; }
.none i { width: 11px; height: 11px; background: repeating-linear-gradient(-45deg, #555 0 3px, #fff 3px 4.5px); }
@container (max-width: 620px) { .frames { grid-template-columns: repeat(min(var(--across), 2), minmax(0, 1fr)); } }
`;

export default inStreamlit(divergenceMap, "query");
