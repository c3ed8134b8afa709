// guided_steps.js: a strip above the view that leads a first visitor through it, step by step, or shows the one step of
// a guided tour. Last in the module, as a Streamlit component. It reads the live view beside it; the sentences come from
// Python, which is told only that somebody goes on in a tour.

import {unpack} from "../../linviz/patch_view/rows.js";
import {css, h, three, write} from "../../linviz/patch_view/look.js";

const TICK = 200, REST = 3500;                                   // milliseconds: between two looks; from done to next
const ALIKE = 1.05, MOVED = .2;                                  // how many times as many; how far on the slider
const SEEN = "linviz guided steps";                              // in the browser: "over", or in this tab the step

const kept = (store, value) => {                                 // a browser may refuse to keep anything
  try { return value === undefined ? store().getItem(SEEN) : store().setItem(SEEN, value); } catch { return null; }
};
const tab = () => sessionStorage, browser = () => localStorage;

function patchViewIn(node) {                                     // the live view, in whatever shadow it stands
  if (node?.patchView) return node;
  for (const child of node ? [...node.children, ...(node.shadowRoot?.children ?? [])] : []) {
    const found = patchViewIn(child);
    if (found) return found;
  }
}

function guidedSteps(host) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"});
  const button = (textContent, click, className = "button") => {
    const made = h("button", {textContent, className});
    made.addEventListener("click", click);
    return made;
  };
  const count = h("span", {className: "count"}), say = h("span"), act = h("b");
  const live = h("div", {className: "sr", role: "status"});
  const next = button("Next", () => tour ? go(1) : open(at + 1)), skip = button("Skip", () => tour ? leave() : close());
  const back = button("Back", () => go(-1));
  const strip = h("section", {className: "strip-of-steps", ariaLabel: "Guided steps", tabIndex: -1}, count,
    h("p", {}, say, act), h("div", {className: "tools"}, next, back, skip), live);
  const again = button("Guided steps", () => { open(0); strip.focus(); }, "again");
  const pace = {rest: REST};
  let steps = [], at = -1, start = null, last = null, done = 0, place, clock, tour = null, send = () => {};
  root.replaceChildren(h("style", {textContent: css + guidedCss}), strip, again);
  strip.addEventListener("keydown", e => { if (e.key === "Escape") skip.click(); });

  function update(data) {
    const found = unpack(data), name = steps[at]?.name, before = tour;
    ({steps, tour} = found);
    if (tour) return follow(name);
    if (before) at = -1;                                         // a tour has ended
    if (name === undefined && !clock) begin(found.bare);
    else if (at >= 0) {                                          // other panels may allow other steps
      const there = steps.findIndex(step => step.name === name);
      at = there < 0 ? Math.min(at, steps.length - 1) : there;
    }
    draw();
  }

  function follow(name) {                                        // a tour has one step at a time, and Python has the others
    at = 0;
    clock ??= setInterval(look, TICK);
    if (name !== steps[0].name) start = last = null;
    done = 0;
    draw();
    if (!steps[0].say.includes("{")) write(live, `${count.textContent}. ${say.textContent} ${act.textContent}`);
  }

  function go(by) {
    const {name, at: here, count: all, after} = tour;
    send(here + by < all ? {name, at: here + by} : {name: after, at: 0});
  }

  function leave() { send({name: "", at: 0}); }

  function begin(bare) {                                         // a reload goes on where it was
    const there = kept(tab);
    clock = setInterval(look, TICK);
    if (there !== null) open(+there); else if (bare && kept(browser) !== "over") open(0); else draw();
  }

  function open(n) {
    if (n >= steps.length) return close();
    kept(tab, n);
    at = n;
    start = last = null;
    done = 0;
    look();
    draw();
  }

  function close() {
    const inside = root.activeElement;
    at = -1;
    kept(browser, "over");
    try { sessionStorage.removeItem(SEEN); } catch { /* nothing was kept */ }
    draw();
    if (inside) again.focus();
  }

  function look() {                                              // what a person has done since the step began
    const step = steps[at], view = liveView();
    if (!step || !view || view.state.gliding) return;
    const {query, strength} = view.state, numbers = view.measures.map(m => m.effective);
    if (!start) {                                                // a screen reader hears the step once
      start = {query, strength, numbers, pins: 0};
      draw();
      write(live, `${count.textContent}. ${say.textContent} ${act.textContent}`);
    }
    if (last && (last.query !== query || last.strength !== strength)) {
      if (last.query !== query) start.pins++;
      if (done) done = performance.now();                        // who is still at it is given time
    }
    last = {query, strength};
    if (!done && reached(step, numbers, query, strength)) done = performance.now();
    if (done && performance.now() - done > pace.rest) open(at + 1);
    draw();
  }

  function liveView() {
    if (!place?.isConnected || !place.patchView) place = patchViewIn(
      document.querySelector("[class*='st-key-view'], .st-key-trained_view"));
    return place?.patchView.model && place.patchView.measures.every(Boolean) ? place.patchView : null;   // it has drawn
  }

  function reached({until, panel}, numbers, query, strength) {
    const pinned = liveView().state.hover === null || liveView().state.hover === query;
    const [now, then] = [numbers[panel], start.numbers[panel]];
    if (until === "query") return query !== start.query;
    if (until === "pins") return start.pins > 1;
    if (until === "strength") return Math.abs(strength - start.strength) >= MOVED;
    if (until !== "more" || !pinned || query === start.query) return false;
    return upwards(then) ? now > then * ALIKE : now * ALIKE < then;
  }

  const upwards = patches => patches < Math.sqrt(total());
  const total = () => liveView()?.model.grid.reduce((a, b) => a * b, 1) ?? 0;

  function fill(text, step) {                                    // what stands in braces, from the live view
    const view = liveView(), own = view?.measures[step.panel], other = view?.measures[step.other];
    const number = x => x === undefined || Number.isNaN(x) ? "none" : three(x);
    const [before, otherBefore] = [step.panel, step.other].map(n => start?.numbers[n]);
    const words = {title: step.title, of: total(), patches: number(own?.effective), top: `${number(100 * own?.top)} %`,
      other: number(other?.effective), before: number(before), otherBefore: number(otherBefore),
      strength: view?.state.strength.toFixed(2), more: upwards(before) ? "more" : "fewer",
      shine: view?.state.mode === "difference" ? "light up once you choose light" : "light up"};
    return text.replace(/\{(\w+)\}/g, (_, name) => words[name]);
  }

  function draw() {
    const step = steps[at], view = liveView(), empty = step && view?.measures[step.panel]?.trouble;
    strip.hidden = !step;
    again.hidden = Boolean(step) || !steps.length;
    host.getRootNode().host?.toggleAttribute("data-steps-open", Boolean(step));   // on a telephone it stays in sight
    host.classList.toggle("projector", Boolean(view?.state.projector));
    if (!step) return;
    write(count, tour ? `${tour.title}: step ${tour.at + 1} of ${tour.count}` : `Step ${at + 1} of ${steps.length}`);
    write(say, fill(empty ? step.empty : step.say, step));
    const over = !tour && at === steps.length - 1, ends = tour?.at === tour?.count - 1;
    back.hidden = !tour?.at;
    write(skip, tour ? "Leave" : "Skip");
    write(act, done ? `✓ ${fill(step.done, step)}${over ? " Now play freely." : ""}` : fill(step.do, step));
    write(next, over ? "Finish" : tour && ends ? `Next tour: ${tour.afterTitle}` : "Next");
    skip.hidden = over;
    strip.classList.toggle("done", Boolean(done));
  }

  host.guidedSteps = {update, look, pace, get at() { return at; }, set send(to) { send = to; },   // for tests, and the host
    destroy() { clearInterval(clock); root.replaceChildren(); }};
  return host.guidedSteps;
}

const guidedCss = `
:host(.projector) { font-size: 21px; }
.strip-of-steps { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px; padding: 8px 8px 8px 14px;
  outline: none; border-radius: 7px; border-left: 4px solid var(--st-primary-color, #0072b2);
  background: color-mix(in srgb, var(--ink) 6%, var(--paper)); }
.strip-of-steps:focus-visible { box-shadow: 0 0 0 2px var(--st-primary-color, #0072b2); }
.count { color: var(--soft); white-space: nowrap; font-size: .87em; }
p { margin: 0; flex: 1 1 24em; font-variant-numeric: tabular-nums; }
b { display: block; font-weight: 600; }
.tools { gap: 6px; min-height: 0; flex-wrap: nowrap; margin-left: auto; }
.done .tools .button:first-child { background: color-mix(in srgb, var(--ink) 11%, transparent); }
.again { all: unset; cursor: pointer; display: block; margin: 0 0 0 auto; width: max-content; line-height: 24px;
  color: var(--soft); text-decoration: underline; text-underline-offset: 3px; }
.again:focus-visible { outline: 2px solid var(--st-primary-color, #0072b2); outline-offset: 2px; border-radius: 3px; }
@container (min-width: 621px) { .again { position: var(--steps-link, absolute); right: 0; bottom: 24px; } }
@container (max-width: 620px) {
  .strip-of-steps { padding: 7px 7px 7px 10px; }
  .strip-of-steps .button { padding: 6px 12px; }
  .again { margin-bottom: -14px; }
  p { flex-basis: 100%; order: -1; }
}
`;

export default function ({data, parentElement, setStateValue}) {
  const home = parentElement.guidedHome ??= parentElement.appendChild(document.createElement("div"));
  const view = home.guidedSteps ?? guidedSteps(home);
  view.send = step => setStateValue("tour", {...step, n: performance.now()});
  view.update(data);
  return () => { view.destroy(); home.remove(); parentElement.guidedHome = undefined; };
}
