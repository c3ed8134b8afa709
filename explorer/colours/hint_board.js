// hint_board.js: a grey picture on which patches get their colour back, by hand, finger or keys. linviz/clips/
// colour_spots.py has the text in which spots travel, and what a chosen colour is on a grey value.

import {h, write} from "../../linviz/patch_view/look.js";
import {between} from "../../linviz/patch_view/fields.js";
import {onMoveKeys, patchUnder} from "../shared/frames_page.js";

const luma = [.299, .587, .114];                                 // as in linviz/clips/sources.py
const greyOf = (d, n) => luma[0] * d[n] + luma[1] * d[n + 1] + luma[2] * d[n + 2];
const digits = n => n.toString(36).padStart(2, "0");
const SETTLED = 350;                                             // ms without a key before spots are sent

export function readSpots(text) {                                // patch number -> "" (its own colour), or six digits
  const spots = new Map(), [own, ...groups] = text.split("_");
  const take = (colour, numbers) => {
    for (let n = 0; n < numbers.length; n += 2) spots.set(parseInt(numbers.slice(n, n + 2), 36), colour);
  };
  take("", own);
  for (const group of groups) take(group.slice(0, 6), group.slice(6));
  return spots;
}

export function writeSpots(spots) {
  const groups = new Map([["", ""]]), order = (a, b) => a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : a[0] - b[0];
  for (const [n, colour] of [...spots].sort(order)) groups.set(colour, (groups.get(colour) ?? "") + digits(n));
  return [...groups].map(([colour, numbers]) => colour + numbers).join("_") || "_";
}

export class HintBoard {
  constructor(changed) {                                         // changed(): a stroke, or what keys did, has ended
    Object.assign(this, {changed, spots: new Map(), brush: "own", at: 0, past: [], waiting: 0, stroke: false});
    this.canvas = h("canvas", {ariaHidden: "true"});
    this.box = h("div", {className: "stage board", tabIndex: 0, role: "application"}, this.canvas);
    this.colour = h("input", {type: "color", value: "#ff8800", ariaLabel: "chosen colour"});
    const brush = (name, words) => {
      const b = h("button", {className: "button", textContent: words});
      b.dataset.brush = name;
      b.addEventListener("click", () => this.take(name));
      return b;
    };
    this.brushes = [brush("own", "photo's colour"), brush("chosen", "colour:"), brush("erase", "erase")];
    this.colour.addEventListener("input", () => this.take("chosen"));
    const seg = h("div", {className: "seg", role: "group", ariaLabel: "brush"}, this.brushes[0], this.brushes[1],
      this.colour, this.brushes[2]);
    this.undo = h("button", {className: "button", textContent: "undo"});
    this.clear = h("button", {className: "button", textContent: "clear"});
    this.undo.addEventListener("click", () => this.goBack());
    this.clear.addEventListener("click", () => { this.remember(); this.spots.clear(); this.tell(); });
    this.count = h("span");
    this.where = h("p", {className: "note"});
    this.el = h("section", {className: "hints"}, h("div", {className: "head"}, this.count), this.box,
      h("div", {className: "tools"}, seg, this.undo, this.clear), this.where);
    this.hand();
    this.take("own");
  }

  take(brush) {
    this.brush = brush;
    for (const b of this.brushes) b.ariaPressed = b.dataset.brush === brush;
  }

  async show({grid, grey, photo, alt}) {                         // another picture
    this.grid = grid;
    this.alt = alt;
    this.greyOnly = photo === null;
    const decode = x => x && createImageBitmap(new Blob([x.data], {type: "image/jpeg"}));
    [this.grey, this.photo] = await Promise.all([decode(grey), decode(photo ?? grey)]);
    Object.assign(this.canvas, {width: this.grey.width, height: this.grey.height});
    const sheet = new OffscreenCanvas(this.grey.width, this.grey.height).getContext("2d");
    sheet.drawImage(this.grey, 0, 0);
    this.pixels = sheet.getImageData(0, 0, this.grey.width, this.grey.height);
    this.draw();
  }

  set(text) { this.spots = readSpots(text); this.draw(); }

  get busy() { return this.stroke || this.waiting > 0; }         // the hand is ahead of what was told

  cell(n) {                                                      // of a patch, in pixels of the canvas
    const [, y, x] = this.grid.place(n), edge = k => Math.round(k * this.canvas.width / this.grid.X);
    return [edge(x), edge(y), edge(x + 1) - edge(x), edge(y + 1) - edge(y)];
  }

  draw() {
    if (!this.grey) return;
    const pen = this.canvas.getContext("2d");
    pen.drawImage(this.grey, 0, 0);
    for (const [n, colour] of this.spots) {
      const cell = this.cell(n);
      if (colour) pen.putImageData(this.tinted(cell, colour), cell[0], cell[1]);
      else pen.drawImage(this.photo, ...cell, ...cell);
    }
    pen.lineWidth = Math.max(1, this.canvas.width / 480);
    for (const n of this.spots.keys()) this.outline(pen, this.cell(n), "#ffffffb0", "#00000070");
    if (this.held) this.outline(pen, this.cell(this.at), "#ffffff", "#000000");
    const count = this.spots.size;
    write(this.count, count === 1 ? "1 hint" : `${count} hints`);
    this.undo.disabled = !this.past.length;
    this.clear.disabled = !count;
    this.box.ariaLabel = `${this.alt} Grey, with ${count} patches in colour. Arrow keys move the brush, space paints or `
      + "takes away, delete takes away.";
  }

  outline(pen, [x, y, w, e], light, dark) {
    pen.strokeStyle = dark;
    pen.strokeRect(x - .5, y - .5, w + 1, e + 1);
    pen.strokeStyle = light;
    pen.strokeRect(x + .5, y + .5, w - 1, e - 1);
  }

  tinted([left, top, w, e], colour) {                            // the patch in a chosen colour, at its grey values
    const rgb = [0, 2, 4].map(n => parseInt(colour.slice(n, n + 2), 16)), own = greyOf(rgb, 0), out = new ImageData(w, e);
    for (let y = 0; y < e; y++) {
      for (let x = 0; x < w; x++) {
        const at = 4 * ((top + y) * this.pixels.width + left + x), to = 4 * (y * w + x);
        const grey = greyOf(this.pixels.data, at);
        for (let c = 0; c < 3; c++) out.data[to + c] = grey + rgb[c] - own;
        out.data[to + 3] = 255;
      }
    }
    return out;
  }

  touch(n) {                                                     // the brush is on a patch
    if (this.brush === "erase") this.spots.delete(n);
    else this.spots.set(n, this.brush === "chosen" ? this.colour.value.slice(1) : "");
  }

  line(from, to) {                                               // no patch is left out by a quick hand
    const [, y0, x0] = this.grid.place(from), [, y1, x1] = this.grid.place(to);
    const steps = Math.max(1, Math.abs(y1 - y0), Math.abs(x1 - x0)), go = (a, b, n) => Math.round(a + (b - a) * n / steps);
    for (let n = 0; n <= steps; n++) this.touch(this.grid.number(0, go(y0, y1, n), go(x0, x1, n)));
  }

  remember() { this.past = [...this.past.slice(-31), new Map(this.spots)]; }

  goBack() {
    if (!this.past.length) return;
    this.spots = this.past.pop();
    this.tell();
  }

  tell(later = 0) {
    this.draw();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => { this.waiting = 0; this.changed(); }, later);
  }

  hand() {
    let last = null;
    const at = e => patchUnder(e, this.box, this.grid, 0);
    this.box.addEventListener("pointerdown", e => {
      if (e.button || !this.grid) return;
      this.box.setPointerCapture(e.pointerId);
      this.remember();
      clearTimeout(this.waiting);
      this.stroke = true;
      last = this.at = at(e);
      this.touch(last);
      this.draw();
    });
    this.box.addEventListener("pointermove", e => {
      if (last === null) return;
      const now = at(e);
      this.line(last, now);
      last = this.at = now;
      this.draw();
    });
    const end = () => { if (last !== null) { last = null; this.stroke = false; this.tell(); } };
    for (const name of ["pointerup", "pointercancel"]) this.box.addEventListener(name, end);
    this.box.addEventListener("focus", () => { this.held = this.box.matches(":focus-visible"); this.draw(); });
    this.box.addEventListener("blur", () => { this.held = false; this.draw(); });
    onMoveKeys(this.box, () => ({grid: this.grid, query: this.at}), n => {
      this.at = between(n, 0, this.grid.size - 1);
      this.held = true;
      this.draw();
      const [, y, x] = this.grid.place(this.at), spot = this.spots.get(this.at);
      write(this.where, `brush on row ${y + 1}, column ${x + 1}${spot === undefined ? "" : ", a hint"}`);
    });
    this.box.addEventListener("keydown", e => {
      const paints = [" ", "Enter"].includes(e.key), takes = ["Delete", "Backspace"].includes(e.key);
      if (e.target !== this.box || !(paints || takes) || !this.grid) return;
      e.preventDefault();
      this.remember();
      if (takes || this.spots.has(this.at) && this.brush !== "chosen") this.spots.delete(this.at);
      else this.touch(this.at);
      this.tell(SETTLED);
    });
  }

  close() {
    clearTimeout(this.waiting);
    for (const bitmap of [this.grey, this.photo]) bitmap?.close();
  }
}
