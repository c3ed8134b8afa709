// lit_frames.js: the frames of a clip, lit by one row of weights. A page says which row, and what a click does.

import {h, write} from "../../linviz/patch_view/look.js";
import {paint, stage} from "../../linviz/patch_view/light.js";
import {patchUnder, putOn} from "./frames_page.js";

export class LitFilm {
  constructor(grid, {hover = () => {}, pin = () => {}}) {
    this.grid = grid;
    this.title = h("h3");
    this.note = h("p", {className: "note"});
    this.frames = Array.from({length: grid.T}, (_, t) => this.frame(t, hover, pin));
    this.shelf = h("div", {className: "frames", role: "img"}, ...this.frames.map(f => f.el));
    this.el = h("section", {className: "film"}, this.title, this.shelf, this.note);
    this.el.style.cssText = `--x:${grid.X};--aspect:${grid.X}/${grid.Y};--across:${Math.min(3, grid.T)}`;
  }

  frame(t, hover, pin) {
    const s = stage(this.grid.T, this.grid.Y, this.grid.X, 5, 480), ring = h("div", {className: "ring", hidden: true});
    const caption = h("figcaption"), at = e => patchUnder(e, s.box, this.grid, t);
    s.box.append(ring);
    s.box.addEventListener("pointermove", e => e.pointerType === "mouse" && hover(at(e)));
    s.box.addEventListener("pointerleave", () => hover(null));
    s.box.addEventListener("click", e => pin(at(e)));
    return {s, ring, caption, el: h("figure", {}, s.box, caption)};
  }

  fill({title, note, captions}, alt) {
    write(this.title, title);
    write(this.note, note);
    this.shelf.ariaLabel = alt;
    this.frames.forEach((f, t) => write(f.caption, captions[t]));
  }

  draw(row, pictures, {full, light}) {                           // a row sums to one: `full` times its equal share is day
    const {s: all} = this.frames[0];
    paint(all, row, 0, {gain: row.length / full, light, heat: false, signed: false});
    this.frames.forEach(({s}, t) => {
      if (s.photo.src !== pictures[t].src) s.photo.src = pictures[t].src;
      s.put(t, pictures[t], light, all);
    });
  }

  ask(query) {                                                   // the ring around the query; null: it lies elsewhere
    const at = query === null ? [-1] : this.grid.place(query);
    this.frames.forEach(({ring}, t) => {
      ring.hidden = t !== at[0];
      if (t === at[0]) putOn(ring, this.grid, at);
    });
  }
}

export const litCss = `
h3 { margin: 0 0 6px; font-size: 1.02em; font-weight: 600; }
.film { min-width: 0; }
.frames { display: grid; grid-template-columns: repeat(var(--across), minmax(0, 1fr)); gap: 6px; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 11px; color: var(--soft); margin-top: 1px; font-variant-numeric: tabular-nums; }
.stage { cursor: crosshair; }
.note { font-size: .9em; margin: 6px 0 0; }
.view:focus-visible { outline: 2px solid var(--st-primary-color, #0072b2); outline-offset: 6px; border-radius: 4px; }
`;
