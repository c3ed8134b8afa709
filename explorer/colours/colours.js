// colours.js: hints by hand, what the arms paint, and who lends each patch its colour. Last in the module, as a
// Streamlit component. Rows are computed here, from what Python sent; Python paints when a stroke has ended.

import {unpack} from "../../linviz/patch_view/rows.js";
import {css, h, setColours, write} from "../../linviz/patch_view/look.js";
import {Picture} from "../../linviz/patch_view/light.js";
import {Scale} from "../../linviz/patch_view/scale.js";
import {gridOf} from "../../linviz/patch_view/panel.js";
import {inStreamlit, onMoveKeys, patchUnder} from "../shared/frames_page.js";
import {HintBoard, writeSpots} from "./hint_board.js";
import {ArmFigure, PictureFigure, PinRow} from "./painted_arms.js";

const MOST = 6;                                                  // pins at once, as in explorer/colours/colour_kinds.py

function colourView(host, send) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"});
  const state = {query: 392, hover: null, asked: false, pins: [], tick: 0, projector: false, head: null};
  const board = new HintBoard(() => tell()), gone = new AbortController();
  const shelf = h("div", {className: "paintings"}), maps = h("div", {className: "maps"});
  const asks = h("div", {className: "asks", tabIndex: 0, role: "application"}, shelf);
  const where = h("p", {className: "where"}), live = h("div", {className: "sr", role: "status", ariaLive: "polite"});
  const projector = h("button", {className: "button", textContent: "projector"});
  projector.title = "for a room: large type, no sidebar";
  const unpin = h("button", {className: "button", textContent: "unpin all"});
  const title = h("h2", {textContent: "Whom the pinned patches ask"}), note = h("p", {className: "note"});
  const card = h("div", {className: "card"}, where, unpin, projector);
  const scale = new Scale(), over = h("div", {className: "over"}, title, scale.el);
  const face = h("div", {className: "view"}, h("div", {className: "top"}, board.el, asks), over, note, maps);
  root.replaceChildren(h("style", {textContent: css + colourCss}), face, live);
  let model, wish, grid, hinted, truth, figures = [], pinRows = [], addresses = [], queued = 0, said = 0, drawn = "", shown = "";

  function update(bytes) {
    const next = unpack(bytes), {set} = next;
    wish = set;
    if (next.id !== model?.id) take(next);
    state.head = set.head;
    if (set.tick >= state.tick && !board.busy) {                 // else the hand has gone on since
      Object.assign(state, {pins: set.pins, projector: set.projector, tick: set.tick});
      board.set(set.hints);
    }
    face.classList.toggle("projector", state.projector);
    projector.ariaPressed = state.projector;
    schedule();
  }

  function take(next) {
    const first = next.photoKey !== model?.photoKey;
    model = next;
    setColours(next.colours);
    grid = gridOf(...next.grid, 0);
    face.style.cssText = `--x:${grid.X};--aspect:1;--arms:${next.arms.length}`;
    addresses.forEach(URL.revokeObjectURL);
    const address = x => URL.createObjectURL(new Blob([x.data], {type: "image/jpeg"}));
    addresses = [next.photo, ...next.arms.map(arm => arm.picture)].map(address);
    hinted?.close();
    hinted = new Picture({type: "image/jpeg", data: next.hinted.data}, schedule);
    if (first) board.show({grid, grey: next.grey, photo: next.photo, alt: next.alt});
    const arms = JSON.stringify([next.grid, next.arms.map(arm => [arm.title, arm.family])]);
    if (arms !== shown) makeFigures(next);
    shown = arms;
    truth.picture(addresses[0], next.alt);
    write(truth.note, next.truth);
    figures.forEach((figure, n) => {
      figure.take(next.arms[n]);
      figure.picture(addresses[n + 1], next.arms[n].alt);
    });
    asks.ariaLabel = `${next.alt} Painted by ${next.arms.map(arm => arm.title).join(", ")}. Arrow keys move the patch that `
      + "asks, Enter pins or unpins, Escape shows the paintings.";
    write(note, next.mapNote);
    clearTimeout(said);
    said = setTimeout(() => write(live, next.arms.map(arm => `${arm.title} ${arm.score}`).join(", ")), 350);
  }

  function makeFigures({arms}) {                                 // other arms than before
    truth = new PictureFigure(grid, "true colours", "");
    figures = arms.map(arm => new ArmFigure(grid, arm));
    for (const one of [truth, ...figures]) hand(one.stage.box);
    shelf.replaceChildren(truth.el, ...figures.map(f => f.el), card);
    pinRows = figures.map(figure => new PinRow(grid, figure));
    maps.replaceChildren(...pinRows.map(row => row.el));
  }

  const schedule = () => { queued ||= requestAnimationFrame(draw); };
  const asking = () => state.hover ?? (state.asked ? state.query : null);

  function draw() {
    queued = 0;
    const query = asking(), with_ = {head: state.head, hints: board.spots, hinted, model, pinColours: model.pinColours};
    truth.ask(query);
    truth.pin(state.pins, model.pinColours);
    for (const figure of figures) figure.ask(query, with_);
    const pinned = JSON.stringify([model.id, state.pins, state.head, Boolean(hinted.bitmap), writeSpots(board.spots)]);
    if (pinned !== drawn) for (const row of pinRows) row.draw(state.pins, with_);
    drawn = pinned;
    const at = query === null ? null : grid.place(query);
    write(where, at ? `the patch that asks: row ${at[1] + 1}, column ${at[2] + 1}` : "Move over a picture: who lends "
      + "this patch its colour? Click to pin it.");
    unpin.disabled = !state.pins.length;
    over.hidden = note.hidden = !state.pins.length;
    scale.show({mode: "light", own: false, tone: "root"}, model);
  }

  function tell() {
    state.tick++;
    schedule();
    send({hints: writeSpots(board.spots), painted: wish.painted || writeSpots(board.spots) !== wish.hints,
      pins: state.pins, projector: state.projector, tick: state.tick});
  }

  function pin(query) {                                          // again: unpin; the oldest makes room
    const there = state.pins.includes(query);
    state.pins = there ? state.pins.filter(n => n !== query) : [...state.pins, query].slice(-MOST);
    const [, y, x] = grid.place(query);
    write(live, `row ${y + 1}, column ${x + 1} ${there ? "unpinned" : "pinned"}`);
    tell();
  }

  function hand(box) {
    const at = e => patchUnder(e, box, grid, 0), over = query => { state.hover = query; schedule(); };
    box.addEventListener("pointermove", e => e.pointerType === "mouse" && over(at(e)));
    box.addEventListener("pointerleave", () => over(null));
    box.addEventListener("click", e => { state.query = at(e); pin(state.query); });
  }

  const on = (e, name, act) => e.addEventListener(name, act, {signal: gone.signal});
  onMoveKeys(asks, () => ({grid, query: state.query}), query => {
    Object.assign(state, {query, asked: true, hover: null});
    schedule();
    clearTimeout(said);
    said = setTimeout(() => { if (!queued) write(live, [where.textContent, ...figures.map(f => `${f.arm.title}: `
      + f.note.textContent)].join(". ")); }, 350);
  });
  on(asks, "keydown", e => {
    if (e.target !== asks || !["Enter", " ", "Escape"].includes(e.key)) return;
    e.preventDefault();
    state.asked = e.key !== "Escape";
    if (state.asked) pin(state.query);
    schedule();
  });
  on(asks, "focus", () => { state.asked = asks.matches(":focus-visible"); schedule(); });
  on(asks, "blur", () => { state.asked = false; schedule(); });
  on(unpin, "click", () => { state.pins = []; tell(); });
  on(projector, "click", () => { state.projector = !state.projector; tell(); });
  const view = {update, draw,
    get state() { return {...state, hints: writeSpots(board.spots), asking: asking()}; },
    get model() { return model && {...model, heard: wish.hints}; },
    get atRest() { return Boolean(model) && queued === 0; },
    row: (arm, query, head = state.head) => figures[arm].rows.row(query, head, new Float64Array(grid.size)),
    destroy() {
      gone.abort();
      clearTimeout(said);
      cancelAnimationFrame(queued);
      board.close();
      hinted?.close();
      addresses.forEach(URL.revokeObjectURL);
      root.replaceChildren();
    }};
  host.colourView = view;                                        // for tests and for the console
  return view;
}

const colourCss = `
.view { --accent: var(--st-primary-color, #0072b2); gap: 10px; }
.top { display: grid; grid-template-columns: minmax(0, 4.4fr) minmax(0, 8.6fr); gap: 12px 24px; align-items: start; }
.hints, .asks { min-width: 0; }
.board { touch-action: none; cursor: crosshair; aspect-ratio: 1; }
.board:focus-visible, .asks:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 7px; }
.hints .tools { margin-top: 8px; gap: 8px; }
.seg input[type=color] { width: 34px; height: 30px; padding: 2px; border: 0; background: none; cursor: pointer; }
.seg input[type=color]:focus-visible, .button:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.button:disabled { opacity: .45; cursor: default; }
.paintings { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 10px 14px; }
figure { margin: 0; min-width: 0; }
.paintings .head, .hints .head { margin-bottom: 5px; }
.paintings figure:first-child .head::before, .hints .head::before { display: none; }
.head .score { flex: none; margin-left: auto; font-variant-numeric: tabular-nums; }
.paintings .note { min-height: 2.7em; margin-top: 3px; }
.marks { position: absolute; inset: 0; pointer-events: none; }
.pinned { position: absolute; width: calc(100% / var(--x) + 5px); aspect-ratio: 1; transform: translate(-50%, -50%);
  border: 2px solid var(--pin); border-radius: 50%; box-shadow: 0 0 0 1px #fff, inset 0 0 0 1px #fffc; }
.pinned::after { content: attr(data-number); position: absolute; left: calc(100% + 2px); top: 50%; translate: 0 -50%;
  font: 700 11px/1 sans-serif; color: #fff; text-shadow: 0 0 2px #000, 0 0 3px #000, 0 0 4px #000; }
.pins .pinned::after { content: none; }
.card { display: grid; gap: 8px; justify-items: start; align-content: start; padding-top: 26px; min-width: 0; }
.card .where { margin: 0; min-height: 4.2em; color: var(--soft); }
h2 { font-size: 1.25em; font-weight: 600; margin: 0; }
.over { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 4px 20px;
  margin-top: 14px; }
h3 { font-size: 1em; margin: 0 0 4px; }
.maps { display: grid; gap: 12px; }
.asked { display: grid; grid-template-columns: minmax(0, 11em) minmax(0, 1fr); gap: 6px 16px; }
.asked .head { white-space: normal; margin: 0 0 3px; }
.pins { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 10px; }
.pins .stage { cursor: default; outline: 2.5px solid var(--pin); outline-offset: -2.5px; }
.pins .note { font-variant-numeric: tabular-nums; }
@container view (max-width: 720px) {
  .top { grid-template-columns: minmax(0, 1fr); }
  .paintings { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  :is(.hints .tools, .card) .button { padding: 9px 11px; }
  .asked { grid-template-columns: minmax(0, 1fr); }
}
@container view (max-width: 480px) { .pins { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px; } }
`;

export default inStreamlit(colourView, "change");
