// reach_film.js: the frames of a clip under one scheme, with what is reached marked on them.
// Layers are told apart three ways: by lightness, by hue, and by pattern (full, stripes, dots).

import {h, write} from "../../linviz/patch_view/look.js";
import {putOn} from "../shared/frames_page.js";

const layers = [{base: "#ffe45c"}, {base: "#35bfa9", mark: "#a5ecdf"}, {base: "#9d8bea", mark: "#e6e0ff"}];
const unseen = "#363d46";

function stripes(pen, w, h, step) {                              // diagonals across the whole frame
  pen.beginPath();
  for (let x = -h; x < w; x += step) { pen.moveTo(x, h); pen.lineTo(x + h, 0); }
  pen.stroke();
}

function dots(pen, cells, size) {
  pen.beginPath();
  for (const [x, y, dx, dy] of cells) {
    pen.moveTo(x + dx / 2, y + dy / 2);
    pen.arc(x + dx / 2, y + dy / 2, Math.max(.9, size * .23), 0, 7);
  }
  pen.fill();
}

function shade(photo, print) {                                   // a pale grey print in black of 1 - its lightness:
  print.width = photo.naturalWidth;                              // over a colour, it multiplies it in every browser
  print.height = photo.naturalHeight;
  const pen = print.getContext("2d");
  pen.drawImage(photo, 0, 0);
  const image = pen.getImageData(0, 0, print.width, print.height), d = image.data;
  for (let n = 0; n < d.length; n += 4) {
    d[n + 3] = .64 * (255 - .213 * d[n] - .715 * d[n + 1] - .072 * d[n + 2]);
    d[n] = d[n + 1] = d[n + 2] = 0;
  }
  pen.putImageData(image, 0, 0);
}

function cover(pen, cells, w, h, n, size) {                      // the cells of layer n
  const {base, mark} = layers[n], area = new Path2D();
  for (const [x, y, dx, dy] of cells) area.rect(x, y, dx, dy);
  pen.save();
  pen.clip(area);
  pen.fillStyle = base;
  pen.fillRect(0, 0, w, h);
  pen.strokeStyle = pen.fillStyle = mark;
  pen.lineWidth = Math.max(1, size * .16);
  if (n === 1) stripes(pen, w, h, Math.max(4, size * .7));
  if (n === 2) dots(pen, cells, size);
  pen.restore();
}

export class Film {                                              // all frames of the clip under one scheme
  constructor(grid) {
    this.grid = grid;
    this.title = h("h2");
    this.note = h("p", {className: "note"});
    this.frames = Array.from({length: grid.T}, (_, t) => this.frame(t));
    this.rows = layers.map((_, n) => this.row(n));
    this.el = h("section", {className: "film"}, this.title,
      h("div", {className: "frames", role: "img"}, ...this.frames.map(f => f.el)),
      h("div", {className: "legend"}, this.heads(), ...this.rows.map(r => r.el)), this.note);
  }

  frame(t) {
    const photo = new Image(), canvas = h("canvas", {className: "marks"}), print = h("canvas");
    const ring = h("div", {className: "ring", hidden: true}), hand = h("div", {className: "hand", hidden: true});
    const box = h("div", {className: "frame"}, canvas, print, hand, ring);
    photo.addEventListener("load", () => shade(photo, print));
    return {t, photo, canvas, ring, hand, box, el: h("figure", {}, box, h("figcaption", {}, `frame ${t + 1}`))};
  }

  heads() {
    const head = ["", "", "patches", "share", "operations"];
    return h("div", {className: "row titles"}, ...head.map(text => h("span", {className: text && "share"}, text)));
  }

  row(n) {
    const swatch = h("canvas", {className: "swatch", width: 44, height: 32}), pen = swatch.getContext("2d");
    const words = ["layers", "tokens", "share", "work"], cells = words.map(className => h("span", {className}));
    cover(pen, [[0, 0, 22, 32], [22, 0, 22, 32]], 44, 32, n, 22);
    return {cells, words, el: h("div", {className: "row"}, swatch, ...cells)};
  }

  fill({title, note, levels, rows}, pictures, alt) {
    this.levels = levels.data;
    write(this.title, title);
    write(this.note, note);
    this.el.ariaLabel = title;
    this.el.querySelector(".frames").ariaLabel = alt;
    this.frames.forEach((f, t) => { if (f.photo.src !== pictures[t]) f.photo.src = pictures[t]; });
    this.rows.forEach((r, n) => r.words.forEach((word, c) => write(r.cells[c], rows[n][word])));
  }

  draw(query, depth) {
    const at = this.grid.place(query);
    for (const f of this.frames) this.paint(f, depth);
    for (const f of this.frames) this.place(f.ring, f.t === at[0] ? at : null);
    this.rows.forEach((r, n) => r.el.classList.toggle("later", n >= depth));
  }

  paint({t, canvas}, depth) {
    const {X, Y} = this.grid, scale = devicePixelRatio || 1, pen = canvas.getContext("2d");
    const w = canvas.width = Math.round(canvas.clientWidth * scale);
    const H = canvas.height = Math.round(canvas.clientHeight * scale);
    const cells = [[], [], [], []], edge = (n, of, size) => Math.round(n * size / of);
    for (let n = 0; n < X * Y; n++) {
      const y = Math.floor(n / X), x = n % X, level = this.levels[t * X * Y + n];
      const [left, top] = [edge(x, X, w), edge(y, Y, H)];
      cells[level > depth ? 0 : level].push([left, top, edge(x + 1, X, w) - left, edge(y + 1, Y, H) - top]);
    }
    pen.fillStyle = unseen;
    for (const cell of cells[0]) pen.fillRect(...cell);
    for (let n = 0; n < 3; n++) if (cells[n + 1].length) cover(pen, cells[n + 1], w, H, n, w / X);
  }

  place(mark, at) {
    mark.hidden = at === null;
    if (at) putOn(mark, this.grid, at);
  }

  hover(i) {
    const at = i === null ? [-1] : this.grid.place(i);
    for (const f of this.frames) this.place(f.hand, f.t === at[0] ? at : null);
  }
}
