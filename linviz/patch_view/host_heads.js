// host_heads.js: all heads of a captured model on one page, each as a picture tinted by the row of one query.
// Last in the module; the blob lies in the page as base64. A row is computed here, from q and k.
import {roadOf, unpack} from "./rows.js";
import {h, ramps, setColours, three, write} from "./look.js";
import {paint} from "./light.js";

const coded = atob(document.getElementById("blob").textContent), raw = new Uint8Array(coded.length);
for (let n = 0; n < coded.length; n++) raw[n] = coded.charCodeAt(n);
const model = unpack(raw), [T, Y, X] = model.grid, one = Y * X;
setColours(model.colours);

const style = `#view { display: block; } .bar { display: flex; flex-wrap: wrap; gap: .4em 1.4em; margin: 0 0 1em; }
.heads { display: grid; grid-template-columns: repeat(var(--columns), minmax(64px, 200px)); gap: 14px 10px; }
figure { margin: 0; font-size: .8rem; line-height: 1.35; } figcaption { overflow-wrap: anywhere; }
figcaption span { display: block; }
canvas { display: block; width: 100%; cursor: crosshair; touch-action: none; }
.heads:focus-visible { outline: 2px solid; outline-offset: 6px; } select, input { font: inherit; }`;
const shown = {query: model.query, frame: Math.floor(model.query / one), by: "", over: null};
const bitmaps = [];

const sort = h("select", {ariaLabel: "Sort the heads by"}, ...["layer", ...model.statistics.map(s => s.name)].map((name, n) =>
  h("option", {value: n ? name : "", textContent: n ? `${model.statistics[n - 1].title}, largest first` : "layer and head"})));
const frame = h("input", {type: "range", min: 0, max: T - 1, value: shown.frame, ariaLabel: "Frame"});
const place = h("output");
const shelf = h("div", {className: "heads", tabIndex: 0, role: "group",
  ariaLabel: "All heads: move over a picture, or use the arrow keys, to choose the query"});
const bar = h("div", {className: "bar"}, h("label", {}, "Sorted by ", sort),
  ...T > 1 ? [h("label", {}, "Frame ", frame)] : [], place);

class Head {
  constructor(content) {
    this.content = content;
    this.road = roadOf(content.wire);
    this.row = new Float64Array(this.road.S);
    this.canvas = h("canvas", {width: X * 8, height: Y * 8});
    this.words = h("span");
    const name = h("span", {textContent: `${content.layer} · head ${content.head}`});
    this.el = h("figure", {}, this.canvas, h("figcaption", {}, name, this.words));
    this.small = h("canvas", {width: X, height: Y});
    this.image = new ImageData(X, Y);
  }

  draw() {
    const {prefix, statistics, wire} = this.content, pen = this.canvas.getContext("2d");
    this.road.row(shown.query + prefix, this.row);
    const gain = Math.max(...this.row.map(Math.abs)) || 1;
    paint({image: this.image, lamp: new ImageData(X, Y)}, this.row, prefix + shown.frame * one,
      {gain: 1 / gain, light: model.light, heat: true, signed: wire.kind === "rows" && !this.content.stochastic});
    this.small.getContext("2d").putImageData(this.image, 0, 0);
    pen.globalCompositeOperation = "source-over";
    pen.fillStyle = "#777";
    pen.fillRect(0, 0, X * 8, Y * 8);
    if (bitmaps[shown.frame]) {
      pen.filter = "grayscale(1) brightness(.6)";
      pen.drawImage(bitmaps[shown.frame], 0, 0, X * 8, Y * 8);
      pen.filter = "none";
    }
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.small, 0, 0, X * 8, Y * 8);
    this.ring(pen);
    const by = shown.by || model.statistics[0].name, value = statistics[by];
    const {title, unit} = model.statistics.find(s => s.name === by);
    write(this.words, `${title} ${value === null ? "none" : three(value)} ${unit}`);
  }

  ring(pen) {
    if (Math.floor(shown.query / one) !== shown.frame) return;
    const n = shown.query % one;
    pen.lineWidth = 2;
    pen.strokeStyle = "#000";
    pen.strokeRect(n % X * 8 - 1, Math.floor(n / X) * 8 - 1, 10, 10);
    pen.strokeStyle = "#fff";
    pen.strokeRect(n % X * 8 + 1, Math.floor(n / X) * 8 + 1, 6, 6);
  }
}

const heads = model.heads.map(content => new Head(content));
let queued = 0;
function draw() {                                                // a few heads at a time, so that the page stays awake
  let n = 0;
  const part = () => {
    const end = performance.now() + 12;
    while (n < heads.length && performance.now() < end) heads[n++].draw();
    queued = n < heads.length ? requestAnimationFrame(part) : 0;
  };
  cancelAnimationFrame(queued);
  queued = requestAnimationFrame(part);
  const n0 = shown.query % one;
  write(place, `The query: row ${Math.floor(n0 / X) + 1}, column ${n0 % X + 1}${T > 1 ? `, frame ${Math.floor(shown.query / one) + 1}` : ""}`);
}

function order() {
  const value = head => head.content.statistics[shown.by];
  const sorted = shown.by ? [...heads].sort((a, b) => (value(b) ?? -Infinity) - (value(a) ?? -Infinity)) : heads;
  shelf.replaceChildren(...sorted.map(head => head.el));
  const most = Math.max(...heads.map(head => head.content.head));      // a row of heads is a layer
  shelf.style.setProperty("--columns", shown.by ? "auto-fill" : most);
}

function ask(query) {
  if (query === shown.query) return;
  shown.query = query;
  draw();
}

shelf.addEventListener("pointermove", event => {
  if (event.target.tagName !== "CANVAS") return;
  const box = event.target.getBoundingClientRect();
  const at = (low, size, count) => Math.max(0, Math.min(count - 1, Math.floor((low / size) * count)));
  ask(shown.frame * one + at(event.clientY - box.top, box.height, Y) * X + at(event.clientX - box.left, box.width, X));
});
const steps = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
shelf.addEventListener("keydown", event => {
  const step = steps[event.key], n = shown.query % one;
  if (!step) return;
  event.preventDefault();
  const y = Math.max(0, Math.min(Y - 1, Math.floor(n / X) + step[0])), x = Math.max(0, Math.min(X - 1, n % X + step[1]));
  ask(shown.frame * one + y * X + x);
});
sort.addEventListener("change", () => { shown.by = sort.value; order(); draw(); });
frame.addEventListener("input", () => {
  shown.frame = +frame.value;
  shown.query = shown.frame * one + shown.query % one;
  draw();
});
document.getElementById("view").replaceChildren(h("style", {textContent: style}), bar, shelf);
order();
draw();
model.frames.forEach(({type, data}, n) => createImageBitmap(new Blob([data.data], {type})).then(bitmap => {
  bitmaps[n] = bitmap;
  draw();
}));
document.getElementById("view").heads = {shown, ask, row: n => Array.from(heads[n].road.row(shown.query + heads[n].content.prefix,
  new Float64Array(heads[n].road.S))), order: () => [...shelf.children].map(el => heads.findIndex(head => head.el === el)),
  tables: ramps};
