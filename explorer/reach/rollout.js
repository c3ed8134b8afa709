// rollout.js: the frames of a clip three times, lit by what three rules say that a patch has from where. Last in the
// module, as a Streamlit component. The shares come from Python; a click or a key says which patch asks.

import {unpack} from "../../linviz/patch_view/rows.js";
import {css, h, setColours, write} from "../../linviz/patch_view/look.js";
import {gridOf} from "../../linviz/patch_view/panel.js";
import {Picture} from "../../linviz/patch_view/light.js";
import {Scale} from "../../linviz/patch_view/scale.js";
import {inStreamlit, onMoveKeys} from "../shared/frames_page.js";
import {LitFilm, litCss} from "../shared/lit_frames.js";

function rolloutView(host, send) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"});
  const shelf = h("div", {className: "films"}), where = h("p", {className: "where"}), scale = new Scale();
  const face = h("div", {className: "view", tabIndex: 0, role: "application"}, shelf,
    h("div", {className: "tools"}, scale.el, where));
  const state = {query: 0, hover: null};
  let model, grid, films = [], pictures = [], waiting = 0;
  root.replaceChildren(h("style", {textContent: css + litCss + rolloutCss}), face);

  function update(bytes) {
    const next = unpack(bytes), fresh = next.clip !== model?.clip;
    model = next;
    setColours(next.colours);
    if (fresh) build();
    films.forEach((film, n) => film.fill(next.panels[n], next.alt));
    state.query = next.set.query;
    face.ariaLabel = `${next.alt} Arrow keys move the query, Page Up and Page Down change its frame.`;
    scale.show({mode: "light", own: false, tone: "root"}, next);
    draw();
  }

  function build() {                                             // another clip, or another grid
    grid = gridOf(...model.grid, 0);
    pictures.forEach(picture => picture.close());
    pictures = model.frames.map(data => new Picture({type: "image/jpeg", data}, draw));
    films = model.panels.map(() => new LitFilm(grid, {hover: i => { state.hover = i; tell(); }, pin}));
    shelf.replaceChildren(...films.map(film => film.el));
  }

  function draw() {
    films.forEach((film, n) => { film.draw(model.panels[n].row.data, pictures, model); film.ask(state.query); });
    tell();
  }

  function tell() {
    const i = state.hover ?? state.query, [t, y, x] = grid.place(i);
    const shares = model.panels.map(({row}) => `${(100 * row.data[i]).toPrecision(2)} %`).join(" | ");
    write(where, `${i === state.query ? "query: " : ""}frame ${t + 1}, row ${y + 1}, column ${x + 1}: ${shares}`);
  }

  function pin(i) {                                              // the ring goes at once, the shares follow
    if (i === state.query) return;
    Object.assign(state, {query: i, hover: null});
    films.forEach(film => film.ask(i));
    clearTimeout(waiting);
    waiting = setTimeout(() => send({query: i}), 60);            // a key that is held down asks once
  }

  onMoveKeys(face, () => ({grid, query: state.query}), pin);
  host.rolloutView = {update, get state() { return {...state}; }, get model() { return model; },   // for tests
    destroy() { clearTimeout(waiting); pictures.forEach(picture => picture.close()); root.replaceChildren(); }};
  return host.rolloutView;
}

const rolloutCss = `
.films { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: 18px 22px; }
.where { margin: 0 0 0 auto; }
`;

export default inStreamlit(rolloutView, "query");
