// patch_view.js: a picture lit by its own attention, under your hand.
//   const view = mount(element, bytes, {onChange})       bytes: a Uint8Array written by linviz.view.pack
//   view.update(bytes)   view.set({query, frame, strength, mode, own})   view.row(panel, query)   view.destroy()
// The view holds what each panel's map sends and computes the row of the query itself: no N x N table travels.
// onChange(state, pinned) tells of what a person did: a query pinned, or a frame, strength or mode once let go.

const reduced = matchMedia("(prefers-reduced-motion: reduce)");
const between = (x, least, most) => Math.max(least, Math.min(most, x));
const told = ["query", "frame", "strength", "mode"];

export function mount(host, bytes, {onChange} = {}) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"}), gone = new AbortController();
  const on = (target, name, act, more) => target.addEventListener(name, act, {signal: gone.signal, ...more});
  const state = {query: 0, frame: 0, strength: 1, mode: "light", own: false};
  let model, grid, wished = {}, panels = [], pictures = [], hover = null;
  let queued = 0, gliding = 0, target = null, progress, playing = 0, said = 0;
  const el = build();

  // ---------------------------------------------------------------------------------------------- what is shown

  function update(bytes) {
    let next;
    try { next = unpack(bytes); } catch (error) { fail(error); return; }
    if (next.id !== model?.id) take(next);
    obey(next.set);
  }

  function take(next) {                                          // another picture or other maps: what still fits stays
    settle();
    const size = gridOf(...next.grid, next.prefix), old = pictures;
    if (size.name !== grid?.name) { clear(); grid = size; }
    model = next;
    pictures = model.frames.map(f => URL.createObjectURL(new Blob([f.data.data], {type: f.type})));
    setTimeout(() => old.forEach(URL.revokeObjectURL), 2000);    // the old picture stays until the new one has come
    while (panels.length > model.panels.length) panels.pop().el.remove();
    panels = model.panels.map((content, n) => fitting(panels[n], gridOf(...content.keys)));
    panels.forEach((p, n) => { p.fill(model.panels[n]); p.paper(pictures, state.frame); });
    el.panels.style.setProperty("--n", panels.length);
    turn();
    label();
  }

  function fitting(panel, keys) {                                // the same elements where they can stay: nothing flickers
    if (panel?.keys.name === keys.name) return panel;
    const fresh = new Panel(grid, keys, t => set({frame: t}, true));
    if (panel) panel.el.replaceWith(fresh.el); else el.panels.append(fresh.el);
    pointer(fresh.main.box);
    return fresh;
  }

  function clear() {
    play(false);
    wished = {};
    hover = null;
    panels = [];
    el.panels.replaceChildren();
  }

  function fail(error) {
    clear();
    model = grid = undefined;
    el.panels.replaceChildren(h("p", {role: "alert", textContent: error.message}));
  }

  function obey(wish) {                                          // what Python asks for, where it differs from last time
    const again = wish.tick !== wished.tick, opening = wish.intro && wished.intro === undefined;
    const changed = Object.entries(wish).filter(([k, v]) => v !== null && (again || v !== wished[k]));
    wished = wish;
    set(Object.fromEntries(changed));
    if (opening && panels.some(p => p.road?.turn) && !reduced.matches) intro();
  }

  function set({query, frame, strength, mode, own}, person) {
    if (!grid) return;
    if (strength !== undefined && !person) settle();
    const old = {...state};
    if (Number.isFinite(query)) state.query = between(Math.round(query), 0, grid.size - 1);
    if (Number.isFinite(frame)) state.frame = between(Math.round(frame), 0, grid.T - 1);
    else if (state.query !== old.query) state.frame = grid.place(state.query)?.[0] ?? state.frame;
    if (Number.isFinite(strength)) state.strength = between(strength, 0, 1);
    if (mode === "light" || mode === "heat") state.mode = mode;
    if (own !== undefined) state.own = Boolean(own);
    if (state.frame !== old.frame) panels.forEach(p => { p.main.photo.src = pictures[state.frame]; });
    turn();
    schedule();
    if (person && told.some(k => old[k] !== state[k])) onChange?.({...state}, state.query !== old.query);
  }

  const turn = () => panels.forEach(p => p.turn(state.strength, progress));
  const schedule = () => { queued ||= requestAnimationFrame(draw); };   // at most once a frame, always the newest query

  function draw() {
    cancelAnimationFrame(queued);
    clearTimeout(said);
    queued = 0;
    if (!grid) return;
    for (const p of panels) p.draw(hover ?? state.query, state.query, state, model);
    controls();
    if (hover === null) said = setTimeout(speak, 350);           // a screen reader hears where things came to rest
  }

  function controls() {
    const query = hover ?? state.query, at = grid.place(query);
    write(el.where, at === null ? `query: token ${query + 1} of the ${grid.first} before the picture`
      : `query: row ${at[1] + 1}, column ${at[2] + 1}` + (grid.T > 1 ? `, frame ${at[0] + 1}` : ""));
    write(el.value, state.strength.toFixed(2));
    el.range.style.setProperty("--fill", `${100 * state.strength}%`);
    if (+el.range.value !== state.strength) el.range.value = state.strength;
    for (const b of el.mode) b.ariaPressed = b.dataset.value === state.mode;
    for (const b of el.own) b.ariaPressed = (b.dataset.value === "own") === state.own;
    write(el.step, panels.filter(p => p.fit).map(p => {
      const n = p.shot(progress), kl = p.fit.kl[n];
      return `step ${p.fit.steps[n]}, KL ${kl === null ? "infinite" : `${three(kl)} bits`}`;
    }).join(" | "));
  }

  const speak = () => write(el.live, [el.where.textContent, ...panels.map(p => p.spoken)].join(". "));

  // ---------------------------------------------------------------------------------------------- motion

  function glide(ms, step) {                                     // step(0..1) on every frame, once
    let start;
    const tick = now => {
      const part = Math.min(1, (now - (start ??= now)) / ms);
      gliding = part < 1 ? requestAnimationFrame(tick) : 0;
      step(part);
      turn();
      draw();
    };
    cancelAnimationFrame(gliding);
    gliding = requestAnimationFrame(tick);
  }

  function intro() {                                             // the opening: the gates close once, from open
    const ease = x => x * x * (3 - 2 * x), wait = .12, last = target = state.strength;
    state.strength = 0;
    glide(2800, part => {
      state.strength = last * ease(Math.max(0, part - wait) / (1 - wait));
      if (part === 1) target = null;
    });
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
    const next = person => set({frame: (state.frame + 1) % grid.T}, person);
    if (start && reduced.matches) next(true);
    playing = start && !reduced.matches ? setInterval(next, 250) : 0;
    label();
  }

  // ---------------------------------------------------------------------------------------------- controls

  function build() {                                             // what stays whatever the content
    const el = {panels: h("div", {className: "panels"}), where: h("span", {className: "where"}), value: h("b"),
      range: h("input", {type: "range", min: 0, max: 1, step: .01, ariaLabel: "gate strength"}), step: h("span"),
      live: h("div", {className: "sr", role: "status", ariaLive: "polite"}),
      mode: [button("light", () => set({mode: "light"}, true)), button("heat", () => set({mode: "heat"}, true))],
      own: [button("one exposure", () => set({own: false}, true)), button("each its own", () => set({own: true}, true))],
      replay: button("", replay), play: button("", () => { play(!playing); if (!playing) onChange?.({...state}, false); })};
    const group = (ariaLabel, kids) => h("div", {className: "seg", role: "group", ariaLabel}, ...kids);
    el.mode.forEach((b, n) => { b.dataset.value = ["light", "heat"][n]; });
    el.own.forEach((b, n) => { b.dataset.value = ["one", "own"][n]; });
    el.fit = h("div", {className: "fit"}, el.replay, el.step);
    el.gate = h("div", {className: "tools"}, h("label", {className: "strength"}, "gate strength", el.range, el.value), el.fit);
    el.view = h("div", {className: "view", tabIndex: 0, role: "application"}, el.panels, el.gate,
      h("div", {className: "tools"}, el.play, group("how attention is drawn", el.mode), group("exposure", el.own), el.where),
      el.live);
    on(el.range, "input", () => { settle(); set({strength: +el.range.value}); });
    on(el.range, "change", () => onChange?.({...state}, false));
    on(el.view, "keydown", key);
    for (const touch of ["pointerdown", "keydown"]) on(el.view, touch, () => { if (target !== null) settle(); }, {capture: true});
    on(reduced, "change", () => { play(false); settle(); });
    root.replaceChildren(h("style", {textContent: css}), el.view);
    return el;
  }

  function button(textContent, act) {
    const b = h("button", {textContent, className: "button"});
    on(b, "click", act);
    return b;
  }

  function label() {                                             // what depends on the content, not on the query
    const gated = panels.filter(p => p.road?.turn), fit = gated.find(p => p.fit)?.fit;
    el.view.style.setProperty("--accent", gated[0]?.hue ?? "#d55e00");
    el.gate.hidden = !gated.length;
    el.fit.hidden = !fit;
    el.fit.title = `${fit?.label ?? "fitted to a map, never trained on a task"}; KL is its mean divergence from that map`;
    write(el.replay, reduced.matches ? "next step of the fit" : "replay the fit");
    el.play.hidden = !(grid?.T > 1);
    write(el.play, reduced.matches ? "next frame" : playing ? "❚❚ pause" : "▶ play");
    el.view.ariaLabel = `${model?.title ?? ""}: attention of one patch under ${panels.map(p => p.title).join(", ")}. `
      + `${model?.alt ?? ""} Arrow keys move the query${grid?.T > 1 ? ", Page Up and Page Down change the frame" : ""}.`;
  }

  // ---------------------------------------------------------------------------------------------- the hand

  function pointer(box) {
    const at = e => {
      const b = box.getBoundingClientRect(), cell = (v, n) => between(Math.floor(v * n), 0, n - 1);
      return grid.number(state.frame, cell((e.clientY - b.top) / b.height, grid.Y), cell((e.clientX - b.left) / b.width, grid.X));
    };
    const over = e => { const i = at(e); if (i !== hover) { hover = i; schedule(); } };
    const leave = () => { hover = null; schedule(); };
    const pin = e => set({query: at(e)}, true);
    on(box, "pointermove", over);
    on(box, "pointerdown", over);
    on(box, "pointerup", e => { if (e.pointerType !== "mouse") pin(e); });     // where a finger lifts is the query
    on(box, "click", pin);
    on(box, "pointerleave", leave);
    on(box, "pointercancel", leave);
  }

  function key(e) {
    if (e.target !== el.view || !grid) return;                   // the slider and the buttons keep their own keys
    const step = e.shiftKey ? 4 : 1, moves = {ArrowLeft: [0, 0, -step], ArrowRight: [0, 0, step], ArrowUp: [0, -step, 0],
      ArrowDown: [0, step, 0], ...(grid.T > 1 && {PageUp: [-1, 0, 0], PageDown: [1, 0, 0]})}[e.key];
    if (!moves || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    hover = null;
    const sizes = [grid.T, grid.Y, grid.X], from = grid.place(Math.max(grid.first, state.query));
    set({query: grid.number(...from.map((v, n) => between(v + moves[n], 0, sizes[n] - 1)))}, true);
  }

  function destroy() {
    gone.abort();
    clearInterval(playing);
    clearTimeout(said);
    cancelAnimationFrame(queued);
    cancelAnimationFrame(gliding);
    pictures.forEach(URL.revokeObjectURL);
    root.replaceChildren();
    delete host.patchView;
  }

  const view = {update, set, draw, destroy,
    row: (n, i) => panels[n].road.row(i, new Float64Array(panels[n].row.length)),
    get state() { return {...state, hover, progress, playing: Boolean(playing), gliding: Boolean(gliding)}; },
    get measures() { return panels.map(p => p.measures); },
    get model() { return model; }};
  update(bytes);
  host.patchView = view;                                         // for tests and for the console
  return view;
}
