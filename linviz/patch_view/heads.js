// heads.js: all heads of a model, each as a picture tinted by the row of one query. The model is a tree as `unpack` gives it.
// A head has a wire, from which any row is computed here, or the row of the model's query.
import {roadOf} from "./rows.js";
import {h, ramps, setColours, three, write} from "./look.js";
import {paint} from "./light.js";

const headStyle = `.bar { display: flex; flex-wrap: wrap; gap: .4em 1.4em; margin: 0 0 1em; }
.heads { display: grid; grid-template-columns: repeat(var(--columns), minmax(64px, 200px)); gap: 14px 10px; }
.heads figure { margin: 0; font-size: .8rem; line-height: 1.35; } .heads figcaption { overflow-wrap: anywhere; }
.heads figcaption > * { display: block; } .heads a { color: inherit; }
.heads canvas { display: block; width: 100%; cursor: crosshair; touch-action: none; }
.heads:focus-visible { outline: 2px solid; outline-offset: 6px; } .bar select, .bar input { font: inherit; }`;
const headKeys = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
const headSteps = 8;                                             // pixels of a canvas per patch

class Head {
  constructor(content, onOpen) {
    this.canvas = h("canvas");
    this.words = h("span");
    this.name = h(content.link ? "a" : "span");
    this.name.addEventListener("click", event => {
      if (!onOpen || !content.link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      onOpen(this.content);
    });
    this.el = h("figure", {}, this.canvas, h("figcaption", {}, this.name, this.words));
    this.take(content);
  }

  take(content) {                                                // another row, other numbers
    this.content = content;
    this.road = content.wire && roadOf(content.wire);
    this.row = content.wire ? new Float64Array(this.road.S) : content.row.data;
    write(this.name, `${content.layer} · head ${content.head}`);
    this.name.title = content.name ?? "";
    if (content.link) this.name.href = content.link;
  }

  draw(model, shown, bitmap) {
    const {prefix, statistics, wire} = this.content, [, Y, X] = model.grid, pen = this.canvas.getContext("2d");
    if (this.road) this.road.row(shown.query + prefix, this.row);
    let top = 0;
    for (const weight of this.row) top = Math.max(top, Math.abs(weight));
    const image = new ImageData(X, Y), small = h("canvas", {width: X, height: Y}), wide = X * headSteps, high = Y * headSteps;
    Object.assign(this.canvas, {width: wide, height: high});
    const signed = !this.content.stochastic && (!wire || wire.kind === "rows");
    paint({image, lamp: new ImageData(X, Y)}, this.row, prefix + shown.frame * X * Y,
      {gain: 1 / (top || 1), light: model.light, heat: true, signed});
    small.getContext("2d").putImageData(image, 0, 0);
    pen.fillStyle = "#777";
    pen.fillRect(0, 0, wide, high);
    if (bitmap) {
      pen.filter = "grayscale(1) brightness(.6)";
      pen.drawImage(bitmap, 0, 0, wide, high);
      pen.filter = "none";
    }
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, wide, high);
    if (Math.floor(shown.query / (X * Y)) === shown.frame) ring(pen, shown.query % (X * Y), X);
    const by = shown.by || model.statistics[0].name, value = statistics[by];
    const {title, unit} = model.statistics.find(s => s.name === by);
    write(this.words, `${title} ${value === null ? "none" : three(value)} ${unit}`.trim());
  }
}

function ring(pen, n, X) {
  const x = n % X * headSteps, y = Math.floor(n / X) * headSteps;
  pen.lineWidth = 2;
  pen.strokeStyle = "#000";
  pen.strokeRect(x - 1, y - 1, headSteps + 2, headSteps + 2);
  pen.strokeStyle = "#fff";
  pen.strokeRect(x + 1, y + 1, headSteps - 2, headSteps - 2);
}

// host.ask(query): a person asks for another query, and the host sends its rows. Without it they are computed here, and the
// bar has the choice of order and frame. host.open(content): the name of a head was clicked.
export function mountHeads(root, first, host = {}) {
  const shown = {query: 0, frame: 0, by: ""}, bitmaps = [], known = new Map();
  let model, heads = [], queued = 0, pictures;
  const shelf = h("div", {className: "heads", tabIndex: 0, role: "group",
    ariaLabel: "All heads: point at a picture, or use the arrow keys, to choose the query"});
  const place = h("output"), bar = h("div", {className: "bar"});

  function draw() {                                              // a few heads at a time, so that the page stays awake
    let n = 0;
    const part = () => {
      const end = performance.now() + 12;
      while (n < heads.length && performance.now() < end) heads[n++].draw(model, shown, bitmaps[shown.frame]);
      queued = n < heads.length ? requestAnimationFrame(part) : 0;
    };
    cancelAnimationFrame(queued);
    queued = requestAnimationFrame(part);
    const [T, Y, X] = model.grid, at = shown.query % (Y * X), frame = Math.floor(shown.query / (Y * X)) + 1;
    write(place, `The query: row ${Math.floor(at / X) + 1}, column ${at % X + 1}${T > 1 ? `, frame ${frame}` : ""}`);
  }

  function order() {
    const value = head => head.content.statistics[shown.by];
    const least = (a, b) => (value(a) ?? Infinity) - (value(b) ?? Infinity), most = (a, b) => (value(b) ?? -Infinity) - (value(a) ?? -Infinity);
    const by = host.ask ? model.sort : shown.by && "largest", sorted = by === "largest" ? [...heads].sort(most) : by === "smallest" ? [...heads].sort(least) : heads;
    shelf.replaceChildren(...sorted.map(head => head.el));
    const across = Math.max(...heads.map(head => head.content.head));      // a row of heads is a layer
    shelf.style.setProperty("--columns", sorted === heads ? across : "auto-fill");
  }

  function ask(query) {
    if (query === shown.query) return;
    shown.query = query;
    draw();
    host.ask?.(query);
  }

  function fill() {                                              // the controls of a page without a host
    const sort = h("select", {ariaLabel: "Sort the heads by"}, h("option", {value: "", textContent: "layer and head"}),
      ...model.statistics.map(({name, title}) => h("option", {value: name, textContent: `${title}, largest first`})));
    const frame = h("input", {type: "range", min: 0, max: model.grid[0] - 1, value: shown.frame, ariaLabel: "Frame"});
    sort.addEventListener("change", () => { shown.by = sort.value; order(); draw(); });
    frame.addEventListener("input", () => {
      shown.frame = +frame.value;
      shown.query = shown.frame * model.grid[1] * model.grid[2] + shown.query % (model.grid[1] * model.grid[2]);
      draw();
    });
    bar.replaceChildren(h("label", {}, "Sorted by ", sort), ...model.grid[0] > 1 ? [h("label", {}, "Frame ", frame)] : []);
  }

  function update(next) {
    model = next;
    setColours(model.colours);
    const fresh = pictures !== model.pictures || !pictures;
    pictures = model.pictures;
    shown.query = model.query;
    shown.frame = Math.floor(model.query / (model.grid[1] * model.grid[2]));
    if (host.ask) shown.by = model.by;
    heads = model.heads.map(content => {
      const key = `${content.number} ${content.head} ${content.link ? 1 : 0}`, old = known.get(key);
      if (old) old.take(content);
      else known.set(key, new Head(content, host.open));
      return known.get(key);
    });
    if (fresh) {
      bitmaps.length = 0;
      model.frames.forEach(({type, data}, n) => createImageBitmap(new Blob([data.data], {type})).then(bitmap => {
        bitmaps[n] = bitmap;
        draw();
      }));
    }
    order();
    draw();
  }

  const asked = event => {
    if (event.target.tagName !== "CANVAS") return;
    const [, Y, X] = model.grid, box = event.target.getBoundingClientRect();
    const at = (low, size, count) => Math.max(0, Math.min(count - 1, Math.floor((low / size) * count)));
    ask((shown.frame * Y + at(event.clientY - box.top, box.height, Y)) * X + at(event.clientX - box.left, box.width, X));
  };
  shelf.addEventListener(host.ask ? "click" : "pointermove", asked);
  shelf.addEventListener("keydown", event => {
    const step = headKeys[event.key], [, Y, X] = model.grid, n = shown.query % (Y * X);
    if (!step) return;
    event.preventDefault();
    const y = Math.max(0, Math.min(Y - 1, Math.floor(n / X) + step[0])), x = Math.max(0, Math.min(X - 1, n % X + step[1]));
    ask((shown.frame * Y + y) * X + x);
  });
  update(first);
  if (!host.ask) fill();
  root.replaceChildren(h("style", {textContent: headStyle}), h("div", {className: "bar"}, bar, place), shelf);
  return {shown, ask, update, tables: ramps, row: n => Array.from(heads[n].road.row(shown.query + heads[n].content.prefix,
    new Float64Array(heads[n].road.S))), order: () => [...shelf.children].map(el => heads.findIndex(head => head.el === el))};
}
