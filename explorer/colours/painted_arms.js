// painted_arms.js: what each arm painted, lit by the hints that a patch looked at; and the maps of all pinned patches.

import {h, hues, write} from "../../linviz/patch_view/look.js";
import {paint, stage} from "../../linviz/patch_view/light.js";
import {roadOf} from "../../linviz/patch_view/rows.js";
import {putOn} from "../shared/frames_page.js";

export class ArmRows {                                           // the rows of one arm in the layer that was sent
  constructor(wires) {
    this.roads = wires.map(roadOf);
    this.part = new Float64Array(this.roads[0].S);
  }

  row(query, head, out) {                                        // of one head from 0, or, for null, the mean of all
    if (head !== null) return this.roads[head].row(query, out);
    out.fill(0);
    for (const road of this.roads) {
      road.row(query, this.part);
      for (let j = 0; j < out.length; j++) out[j] += this.part[j] / this.roads.length;
    }
    return out;
  }
}

export const percent = x => `${x > 0 && x < .01 ? "<1" : Math.round(100 * x)}\u00a0%`;

export function hintShare(row, hints) {                          // the part of a row on hints, and the heaviest of all
  let on = 0, sum = 0, heaviest = 0;
  for (let j = 0; j < row.length; j++) {
    sum += row[j];
    if (hints.has(j)) on += row[j];
    if (row[j] > row[heaviest]) heaviest = j;
  }
  return {on: sum ? on / sum : 0, heaviest, most: sum ? row[heaviest] / sum : 0};
}

export function sharedWeight(rows) {                             // as linviz.models.painting_rows has it
  let sum = 0, pairs = 0;
  for (let i = 1; i < rows.length; i++) {
    for (let k = 0; k < i; k++, pairs++) {
      for (let j = 0; j < rows[i].length; j++) sum += Math.min(rows[i][j], rows[k][j]);
    }
  }
  return pairs ? sum / pairs : 1;
}

export class PictureFigure {                                     // a picture under its name, with rings and numbers
  constructor(grid, title, score) {
    this.grid = grid;
    this.stage = stage(grid.T, grid.Y, grid.X, 5, 560);
    this.ring = h("div", {className: "ring", hidden: true});
    this.marks = h("div", {className: "marks"});
    this.score = h("span", {className: "score", textContent: score});
    this.head = h("figcaption", {className: "head"}, h("span", {}, title), this.score);
    this.note = h("p", {className: "note"});
    this.stage.box.append(this.marks, this.ring);
    this.el = h("figure", {}, this.head, this.stage.box, this.note);
    this.stage.mask.hidden = true;
  }

  picture(src, alt) { Object.assign(this.stage.photo, {src, alt}); }

  pin(pins, colours) {                                           // on the true picture alone: paintings stay clear
    this.marks.replaceChildren(...pins.map((n, k) => pinMark(this.grid, n, k, colours)));
  }

  ask(query) {
    this.ring.hidden = query === null;
    if (query !== null) putOn(this.ring, this.grid, this.grid.place(query));
  }
}

export function pinMark(grid, n, k, colours) {                   // a ring in the colour of a pin, with its number
  const mark = h("i", {className: "pinned"});
  mark.dataset.number = k + 1;
  mark.style.setProperty("--pin", colours[k]);
  putOn(mark, grid, grid.place(n));
  return mark;
}

export class ArmFigure extends PictureFigure {
  constructor(grid, arm) {
    super(grid, arm.title, arm.score);
    this.row = new Float64Array(grid.size);
    this.take(arm);
  }

  take(arm) {                                                    // what the same arm has painted from other hints
    this.arm = arm;
    this.rows = new ArmRows(arm.wires);
    this.head.style.setProperty("--hue", hues[arm.family]);
    write(this.score, arm.score);
  }

  ask(query, {head, hints, hinted, model}) {                     // light what a patch looks at; null: the painting
    super.ask(query);
    const {stage: on} = this, asked = query !== null;
    on.mask.hidden = !asked;
    if (!asked) {
      on.box.classList.remove("night");
      return write(this.note, this.arm.note);
    }
    this.rows.row(query, head, this.row);
    paint(on, this.row, 0, {gain: this.row.length / model.full, light: model.light, heat: false, signed: false});
    on.put(0, hinted, model.light);
    const {on: share, heaviest, most} = hintShare(this.row, hints), [, y, x] = this.grid.place(heaviest);
    return write(this.note, `${percent(share)} of its weight on hints; most, ${percent(most)}, on row ${y + 1}, `
      + `column ${x + 1}`);
  }
}

export class PinRow {                                            // one arm: a small lit picture for every pin
  constructor(grid, figure) {
    Object.assign(this, {grid, figure, cells: []});
    this.title = h("h3", {className: "head"}, h("span", {}, figure.arm.title));
    this.title.style.setProperty("--hue", hues[figure.arm.family]);
    this.shared = h("p", {className: "note"});
    this.shelf = h("div", {className: "pins"});
    this.el = h("section", {className: "asked"}, h("div", {}, this.title, this.shared), this.shelf);
  }

  draw(pins, {head, hints, hinted, model, pinColours}) {
    while (this.cells.length < pins.length) this.cells.push(this.cell());
    this.cells.length = pins.length;
    const rows = pins.map(n => this.figure.rows.row(n, head, new Float64Array(this.grid.size)));
    this.cells.forEach((cell, k) => {
      const {on, mask, note, el} = cell;
      mask.box.style.setProperty("--pin", pinColours[k]);
      paint(mask, rows[k], 0, {gain: rows[k].length / model.full, light: model.light, heat: false, signed: false});
      if (mask.photo.src !== hinted.src) mask.photo.src = hinted.src;
      mask.put(0, hinted, model.light);
      on.replaceChildren(pinMark(this.grid, pins[k], k, pinColours));
      const share = percent(hintShare(rows[k], hints).on), [, y, x] = this.grid.place(pins[k]);
      write(note, `${share} on hints`);
      el.ariaLabel = `${this.figure.arm.title}, pin ${k + 1}, row ${y + 1}, column ${x + 1}: ${share} of its weight on hints`;
    });
    this.shelf.replaceChildren(...this.cells.map(cell => cell.el));
    write(this.shared, pins.length > 1 ? `Two pins place ${percent(sharedWeight(rows))} of their weight alike.` : "");
  }

  cell() {
    const mask = stage(this.grid.T, this.grid.Y, this.grid.X, 5, 200), on = h("div", {className: "marks"});
    const note = h("span", {className: "note"});
    mask.box.append(on);
    mask.box.classList.add("small");
    return {mask, on, note, el: h("div", {role: "img"}, mask.box, note)};
  }
}
