// patch_view.js: a picture lit by the attention of the patch under the pointer.
//   const view = mount(element, bytes, {onChange})       bytes: a Uint8Array written by linviz.patch_view.pack
//   view.update(bytes)   view.set({query, frame, strength, mode, own})   view.row(panel, query)   view.destroy()
// The view holds what each panel's map sends and computes the row of the query itself: no N x N table travels.
// onChange(state, pinned) tells of what a person did: a query pinned, or a frame, strength or mode once let go.

import {allowed, between} from "./fields.js";
import {unpack} from "./rows.js";
import {css, h, setColours} from "./look.js";
import {Picture} from "./light.js";
import {pinnedTokens, pinOrUnpin} from "./pins.js";
import {gridOf, Panel} from "./panel.js";
import {Controls} from "./controls.js";

const reduced = matchMedia("(prefers-reduced-motion: reduce)");
const CLICK = 700;                                               // milliseconds after a tap in which its click may come
const LEAP = 200;                                                // milliseconds: the most of a glide in one frame

export function mount(host, bytes, {onChange} = {}) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"}), gone = new AbortController();
  const on = (target, name, act, more) => target.addEventListener(name, act, {signal: gone.signal, ...more});
  const state = {query: 0, frame: 0, pins: []};                  // and every field of the look, as the model declares it
  let model, grid, wished = {}, panels = [], pictures = [], hover = null;
  let held = false, asking = false, apart = false, asked = null, lifted = -Infinity;    // held: the query is a pin, set by a person
  let queued = 0, gliding = 0, target = null, progress, playing = 0, said = 0, opened = false;
  const controls = new Controls(on, {set, replay, tell, play: () => play(!playing), slide,
    asks: () => { asking = !asking; asked = hover = null; schedule(); }, one: () => set({pins: []}, true)});
  const shelf = h("div", {className: "panels"});
  const parts = [shelf, controls.gate, controls.memory, controls.rest, controls.ways, controls.live];
  const face = h("div", {className: "view", tabIndex: 0, role: "application"}, ...parts);
  root.replaceChildren(h("style", {textContent: css}), face);

  // ---------------------------------------------------------------------------------------------- what is shown

  function update(bytes) {
    let next;
    try { next = unpack(bytes); } catch (error) { fail(error); return; }
    if (next.id !== model?.id) take(next);
    obey(next.set);
  }

  function take(next) {                                          // another picture or other maps: what still fits stays
    settle();
    const size = gridOf(...next.grid, next.prefix);
    if (size.name !== grid?.name) { clear(); grid = size; }
    develop(next.frames, model?.frames ?? []);
    model = next;
    for (const [name, field] of Object.entries(model.fields)) state[name] ??= field.default;
    setColours(model.colours);
    controls.offer(model.fields);
    while (panels.length > model.panels.length) panels.pop().el.remove();
    panels = model.panels.map((content, n) => fitting(panels[n], gridOf(...content.keys)));
    panels.forEach((p, n) => { p.fill(model.panels[n]); p.outline(next.outline); p.paper(pictures, state.frame); });
    panels.forEach((p, n) => p.stops(n === 0));
    shelf.style.setProperty("--n", panels.length);
    turn();
    label();
  }

  function develop(frames, before) {                             // a frame that stays keeps its picture
    const alike = (a, b) => a.length === b?.length && a.every((v, n) => v === b[n]), old = pictures;
    pictures = frames.map((frame, n) => alike(frame.data.data, before[n]?.data.data) ? old[n]
      : new Picture(frame, schedule));
    const drop = () => old.filter(p => !pictures.includes(p)).forEach(p => p.close());
    setTimeout(drop, 2000);                                      // an old picture stays until the new one has come
  }

  function fitting(panel, keys) {                                // the same elements where they can: nothing flickers
    if (panel?.keys.name === keys.name) return panel;
    const fresh = new Panel(grid, keys, t => set({frame: t}, true), query => set({query, pins: state.pins}, true));
    if (panel) panel.el.replaceWith(fresh.el); else shelf.append(fresh.el);
    pointer(fresh.main.box);
    return fresh;
  }

  function clear() {
    play(false);
    wished = {};
    hover = asked = null;
    held = false;
    panels = [];
    shelf.replaceChildren();
  }

  function fail(error) {
    clear();
    model = grid = undefined;
    shelf.replaceChildren(h("p", {role: "alert", textContent: error.message}));
  }

  function obey(wish) {                                          // what Python asks, where it differs from last time
    const again = wish.tick !== wished.tick;
    const changed = Object.entries(wish).filter(([k, v]) => v !== null && (again || String(v) !== String(wished[k])));
    wished = wish;
    if (changed.some(([name]) => name === "query")) held = false;    // what Python shows is no pin of a person's
    set(Object.fromEntries(changed));
    if (wish.intro && !opened && panels.some(p => p.road?.gated) && !reduced.matches) intro();
  }

  function set(change, person) {
    if (!grid) return;
    if (change.strength !== undefined && !person) settle();
    const old = {...state}, {query, frame} = change;
    for (const [name, field] of Object.entries(model.fields)) {
      if (name !== "frame") state[name] = allowed(field, change[name]) ?? state[name];
    }
    if (Number.isFinite(query)) state.query = between(Math.round(query), 0, grid.size - 1);
    if (Number.isFinite(frame)) state.frame = between(Math.round(frame), 0, grid.T - 1);
    else if (state.query !== old.query) state.frame = grid.place(state.query)?.[0] ?? state.frame;
    if (state.follow && state.query === old.query && state.frame !== old.frame) walk();
    if (state.frame !== old.frame) panels.forEach(p => p.paper(pictures, state.frame));
    turn();
    schedule();
    if (person && Object.keys(state).some(k => String(old[k]) !== String(state[k]))) onChange?.({...state}, state.query !== old.query);
  }

  function walk() {                                              // pins go where the motion takes their patches
    const follow = token => {
      const to = model.tracks?.data[token * grid.T + state.frame] ?? -1;
      return to >= 0 ? to : token;
    };
    const moved = tokens().map(follow);
    state.query = follow(state.query);
    state.pins = placesOf(moved);
  }

  const tokens = () => grid ? pinnedTokens(state.pins, state.query, grid, model.fields.pins?.most ?? 1) : [];
  const placesOf = pins => new Set(pins).size > 1 ? [...new Set(pins)].map(grid.place).filter(Boolean) : [];

  function pin(at) {                                             // a person pins a patch, or unpins a pinned one
    const most = model.fields.pins?.most ?? 1, now = tokens();
    const next = held || now.length ? pinOrUnpin(now, state.query, at, most) : {query: at, tokens: []};
    held = true;
    set({query: next.query, pins: placesOf(next.tokens)}, true);
  }

  function move(query) {                                         // the query's own pin goes with it
    const pins = placesOf(tokens().map(token => token === state.query ? query : token));
    held = true;
    set({query, pins}, true);
  }

  function ask(at) {
    asked = grid.place(at);
    schedule();
  }

  function label() {
    const names = panels.map(p => p.title).join(", "), moving = grid?.T > 1;
    controls.label(panels, moving, playing, reduced.matches, Boolean(model?.tracks));
    face.style.setProperty("--accent", panels.find(p => p.road?.gated)?.hue ?? model?.colours.hues.kernel);
    face.ariaLabel = `${model?.title ?? ""}: attention of one patch under ${names}. ${model?.alt ?? ""} `
      + `Arrow keys move the query${moving ? ", Page Up and Page Down change the frame" : ""}. `
      + "Enter keeps this patch pinned and moves on, Delete unpins it, Escape keeps one pin, W asks about a weight.";
  }

  function tell() { onChange?.({...state}, false); }
  const turn = () => panels.forEach(p => p.turn(state, progress));
  const schedule = () => { queued ||= requestAnimationFrame(draw); };   // at most once a frame, always the newest query

  function draw() {
    cancelAnimationFrame(queued);
    clearTimeout(said);
    queued = 0;
    if (!grid) return;
    const shown = {...model, light: state.projector ? model.projected : model.light};
    face.classList.toggle("projector", state.projector);
    const pins = tokens(), query = asking ? state.query : hover ?? state.query;
    face.classList.toggle("asking", asking);
    for (const p of panels) p.draw(query, state.query, state, shown, panels[0], pins);
    for (const p of panels) p.ask(state.query, asking && hover !== null ? grid.place(hover) : asked, state.frame);
    controls.show(state, query, grid, panels, progress, shown, pins, asking);
    if (hover === null) said = setTimeout(() => controls.speak(panels), 350);    // a screen reader hears where it rests
  }

  // ---------------------------------------------------------------------------------------------- motion

  function glide(ms, step) {                                     // step(0..1) on every frame, once
    let last, spent = 0;
    const tick = now => {
      spent += Math.min(now - (last ?? now), LEAP);              // a busy page glides later and jumps over nothing
      last = now;
      const part = Math.min(1, spent / ms);
      gliding = part < 1 ? requestAnimationFrame(tick) : 0;
      step(part);
      turn();
      draw();
    };
    cancelAnimationFrame(gliding);
    gliding = requestAnimationFrame(tick);
  }

  function intro() {                                             // the opening: the fog gathers once
    const ease = x => x * x * (3 - 2 * x), wait = .12, last = target = state.strength;
    opened = true;
    state.strength = 0;
    glide(2800, part => {
      state.strength = last * ease(Math.max(0, part - wait) / (1 - wait));
      if (part === 1) target = null;
    });
  }

  function begin() {                                             // a person takes over
    opened = true;
    if (target !== null) settle();
  }

  function replay() {                                            // the fit of the gates, snapshot by snapshot
    settle();
    if (state.strength !== 1) set({strength: 1}, true);
    const most = Math.max(...panels.map(p => p.fit ? p.fit.steps.length - 1 : 0));
    if (!reduced.matches) return glide(3600, part => { progress = part < 1 ? part : undefined; });
    progress = progress === undefined || progress === 1 ? 0 : Math.min(1, progress + 1 / most);
    turn();
    schedule();
  }

  function slide(change) {
    settle();
    set(change);
  }

  function settle() {                                            // end an opening or a replay where it was going
    if (target !== null) state.strength = target;
    if (gliding) { cancelAnimationFrame(gliding); progress = undefined; }
    gliding = 0;
    target = null;
    turn();
    schedule();
  }

  function play(start) {
    clearInterval(playing);
    if (playing && !start) tell();
    const next = person => set({frame: (state.frame + 1) % grid.T}, person);
    if (start && reduced.matches) next(true);
    playing = start && !reduced.matches ? setInterval(() => next(false), 250) : 0;
    label();
  }

  // ---------------------------------------------------------------------------------------------- the hand

  function pointer(box) {
    const at = e => {
      const b = box.getBoundingClientRect(), cell = (v, n) => between(Math.floor(v * n), 0, n - 1);
      const y = cell((e.clientY - b.top) / b.height, grid.Y), x = cell((e.clientX - b.left) / b.width, grid.X);
      return grid.number(state.frame, y, x);
    };
    const over = e => { const i = at(e); if (i !== hover) { hover = i; schedule(); } };
    const leave = () => { hover = null; schedule(); };
    const press = e => asking || e.altKey || e.shiftKey ? ask(at(e)) : pin(at(e));
    on(box, "pointermove", over);
    on(box, "pointerdown", over);
    on(box, "pointerup", e => {                                  // where a finger lifts is the query
      if (e.pointerType === "mouse") return;
      lifted = e.timeStamp;
      press(e);
    });
    on(box, "click", e => { if (e.timeStamp - lifted > CLICK) press(e); });     // a tap is also a click, and counts once
    on(box, "pointerleave", leave);
    on(box, "pointercancel", leave);
  }

  function key(e) {
    if (e.target !== face || !grid) return;                   // the slider and the buttons keep their own keys
    const n = e.shiftKey ? 4 : 1, moves = {
      ArrowLeft: [0, 0, -n], ArrowRight: [0, 0, n], ArrowUp: [0, -n, 0], ArrowDown: [0, n, 0],
      ...(grid.T > 1 && {PageUp: [-1, 0, 0], PageDown: [1, 0, 0]}),
    }[e.key];
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (!moves) return other(e);
    e.preventDefault();
    hover = null;
    const sizes = [grid.T, grid.Y, grid.X], start = asking && asked ? grid.number(...asked) : state.query;
    const from = grid.place(Math.max(grid.first, start));
    const to = grid.number(...from.map((v, n) => between(v + moves[n], 0, sizes[n] - 1)));
    if (asking) ask(to); else if (apart) { apart = false; pin(to); } else move(to);
  }

  function other(e) {                                            // keys that do not move
    const acts = {
      Enter: () => { held = apart = true; },                     // the next step begins at this pin and leaves it there
      Delete: () => pin(state.query), Backspace: () => pin(state.query),
      Escape: () => { asking = apart = false; asked = null; set({pins: []}, true); },
      w: () => { asking = !asking; asked = asking ? grid.place(Math.max(grid.first, state.query)) : null; },
    };
    if (!acts[e.key]) return;
    e.preventDefault();
    hover = null;
    acts[e.key]();
    schedule();
  }

  function destroy() {
    gone.abort();
    clearInterval(playing);
    clearTimeout(said);
    cancelAnimationFrame(queued);
    cancelAnimationFrame(gliding);
    pictures.forEach(p => p.close());
    root.replaceChildren();
    delete host.patchView;
  }

  const view = {update, set, draw, destroy,
    steps: (n, i, j) => panels[n].road.steps(i, j),
    row: (n, i) => panels[n].road.row(i, new Float64Array(panels[n].row.length)),
    get state() { return {...state, hover, progress, playing: Boolean(playing), gliding: Boolean(gliding)}; },
    get decoded() { return Promise.all(pictures.map(p => p.decoded)); },
    get measures() { return panels.map(p => p.measures); },
    get model() { return model; }};
  on(face, "keydown", key);
  for (const touch of ["pointerdown", "keydown"]) on(face, touch, begin, {capture: true});
  on(reduced, "change", () => { play(false); settle(); });
  update(bytes);
  host.patchView = view;                                         // for tests and for the console
  return view;
}
