// reach.js: the frames of a clip with what one patch has heard of, layer by layer, under one scheme or several.
// Last in the module, as a Streamlit component. Which patch is reached when comes from Python; nothing here reasons.
// Layers are told apart three ways: by lightness, by hue, and by pattern (full, stripes, dots).

const layers = [{base: "#ffe45c"}, {base: "#35bfa9", mark: "#a5ecdf"}, {base: "#9d8bea", mark: "#e6e0ff"}], unseen = "#2a2f36";

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

function cover(pen, cells, w, h, n, size) {                      // the cells of layer n; the photograph is multiplied by it
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

class Film {                                                     // all frames of the clip under one scheme
  constructor(grid, alt) {
    this.grid = grid;
    this.title = h("h3");
    this.note = h("p", {className: "note"});
    this.frames = Array.from({length: grid.T}, (_, t) => this.frame(t));
    this.rows = layers.map((_, n) => this.row(n));
    this.el = h("section", {className: "film"}, this.title,
      h("div", {className: "frames", role: "img"}, ...this.frames.map(f => f.el)),
      h("div", {className: "legend"}, this.heads(), ...this.rows.map(r => r.el)), this.note);
  }

  frame(t) {
    const photo = h("img", {className: "photo", alt: "", draggable: false}), canvas = h("canvas");
    const ring = h("div", {className: "ring", hidden: true}), hand = h("div", {className: "hand", hidden: true});
    const box = h("div", {className: "frame"}, photo, canvas, hand, ring);
    return {t, photo, canvas, ring, hand, box, el: h("figure", {}, box, h("figcaption", {}, `frame ${t + 1}`))};
  }

  heads() {
    const head = ["", "", "patches", "share", "operations"].map((text, n) => h("span", {className: n > 1 ? "share" : ""}, text));
    return h("div", {className: "row titles"}, ...head);
  }

  row(n) {
    const swatch = h("canvas", {className: "swatch", width: 44, height: 32}), words = ["layers", "tokens", "share", "work"];
    const cells = words.map(className => h("span", {className})), pen = swatch.getContext("2d");
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
    const w = canvas.width = Math.round(canvas.clientWidth * scale), H = canvas.height = Math.round(canvas.clientHeight * scale);
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
    if (at === null) return;
    mark.style.left = `${(at[2] + .5) / this.grid.X * 100}%`;
    mark.style.top = `${(at[1] + .5) / this.grid.Y * 100}%`;
  }

  hover(i) {
    const at = i === null ? [-1] : this.grid.place(i);
    for (const f of this.frames) this.place(f.hand, f.t === at[0] ? at : null);
  }
}

function reachView(host, onPin) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"});
  const shelf = h("div", {className: "films"}), where = h("p", {className: "where"});
  const live = h("div", {className: "sr", role: "status", ariaLive: "polite"});
  const depths = [1, 2, 3].map(n => h("button", {className: "button", textContent: `${n}`, ariaLabel: `show ${n} ${n > 1 ? "layers" : "layer"}`}));
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

  function tell(i) {                                             // where a patch lies, and when it is heard of
    const [t, y, x] = grid.place(i), place = `frame ${t + 1}, row ${y + 1}, column ${x + 1}`;
    if (i === state.query) return `query: ${place}`;
    const when = film => film.levels[i] ? `in layer ${film.levels[i]}` : "not in three layers";
    return `${place}: heard of ${[...new Set(films.map(when))].length > 1 ? films.map(when).join(" | ") : when(films[0])}`;
  }

  function pin(i) {                                              // the ring goes at once, what is reached follows
    if (i === state.query) return;
    state.query = i;
    draw();
    clearTimeout(told);
    told = setTimeout(() => onPin(i), 60);                       // a key held down asks once
  }

  function hand({t, box}) {
    const cell = (v, n) => between(Math.floor(v * n), 0, n - 1);
    const at = e => {
      const b = box.getBoundingClientRect();
      return grid.number(t, cell((e.clientY - b.top) / b.height, grid.Y), cell((e.clientX - b.left) / b.width, grid.X));
    };
    const move = i => { state.hover = i; films.forEach(film => film.hover(i)); write(where, tell(i ?? state.query)); };
    box.addEventListener("pointermove", e => e.pointerType === "mouse" && move(at(e)));
    box.addEventListener("pointerleave", () => move(null));
    box.addEventListener("click", e => { move(null); pin(at(e)); });
  }

  face.addEventListener("keydown", e => {
    const n = e.shiftKey ? 4 : 1, moves = {ArrowLeft: [0, 0, -n], ArrowRight: [0, 0, n], ArrowUp: [0, -n, 0],
      ArrowDown: [0, n, 0], PageUp: [-1, 0, 0], PageDown: [1, 0, 0]}[e.key];
    if (e.target !== face || !grid || !moves || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    const sizes = [grid.T, grid.Y, grid.X];
    pin(grid.number(...grid.place(state.query).map((v, n) => between(v + moves[n], 0, sizes[n] - 1))));
  });
  depths.forEach((b, n) => b.addEventListener("click", () => { state.depth = n + 1; draw(); }));
  const view = {update, draw, get state() { return {...state}; }, get model() { return model; },
    destroy() { look.disconnect(); clearTimeout(told); clearTimeout(speaking); pictures.forEach(URL.revokeObjectURL); root.replaceChildren(); }};
  host.reachView = view;                                         // for tests and for the console
  return view;
}

const reachCss = `
.films { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 18px 26px; }
.film { min-width: 0; }
h3 { margin: 0 0 8px; font-size: 1.02em; font-weight: 600; }
.frames { display: grid; grid-template-columns: repeat(var(--across), minmax(0, 1fr)); gap: 6px; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 11px; color: var(--soft); margin-top: 1px; font-variant-numeric: tabular-nums; }
.frame { position: relative; aspect-ratio: var(--aspect); overflow: hidden; border-radius: 4px; background: #000;
  cursor: crosshair; touch-action: manipulation; user-select: none; -webkit-user-select: none; }
.frame canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.frame .photo { filter: grayscale(1) contrast(.92) brightness(1.12); }
.frame canvas { mix-blend-mode: multiply; }
.frame { isolation: isolate; }
.ring { width: max(16px, 100% / var(--x) * 1.5); z-index: 1; }
.hand { position: absolute; pointer-events: none; width: calc(100% / var(--x)); aspect-ratio: 1;
  transform: translate(-50%, -50%); box-shadow: 0 0 0 1.5px #fff, 0 0 0 2.7px #000a; }
.legend { margin: 9px 0 7px; display: grid; grid-template-columns: auto 1fr auto auto auto; font-variant-numeric: tabular-nums; }
.row { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; align-items: center; gap: 0 10px; padding: 2px 0; }
.row.later { opacity: .38; }
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

const homes = new WeakMap();

export default function ({data, parentElement, setStateValue}) {
  let home = homes.get(parentElement);
  if (!home) {
    const place = parentElement.appendChild(document.createElement("div"));
    home = {place, n: 0};
    home.view = reachView(place, query => home.send("query", {query, n: ++home.n}));
    homes.set(parentElement, home);
  }
  home.send = setStateValue;
  home.view.update(data);
  return () => { homes.delete(parentElement); home.view.destroy(); home.place.remove(); };
}
