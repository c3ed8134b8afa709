// controls.js: what stands under the panels: the gates' strength, the replay of a fit, play, and how to draw.

import {h, write} from "./look.js";
import {Scale} from "./scale.js";

export class Controls {                                          // act: what the view does when one of them is used
  constructor(on, act) {
    const button = (textContent, click, value) => {
      const b = h("button", {textContent, className: "button"});
      if (value) b.dataset.value = value;
      on(b, "click", click);
      return b;
    };
    const group = (ariaLabel, kids) => h("div", {className: "seg", role: "group", ariaLabel}, ...kids);
    this.choose = (name, words) => words.map(word => button(word, () => act.set({[name]: word}, true), word));
    this.mode = this.tone = [];
    this.follow = button("follow the motion", () => act.set({follow: this.follow.ariaPressed !== "true"}, true));
    this.share = h("input", {type: "range", step: .05, ariaLabel: "share of the attention to encircle"});
    this.held = h("b");
    this.own = [button("one exposure", () => act.set({own: false}, true), "one"),
                button("each its own", () => act.set({own: true}, true), "own")];
    this.replay = button("", act.replay);
    this.play = button("", act.play);
    this.sliders = Object.fromEntries(Object.entries({
      strength: ["gate strength", "0: no gate, every feature counts alike; 1: the gate itself"],
      fading: ["fading", "how strongly memories fade: 0 not at all, 1 as the mechanism does, 2 in half the time"],
      erasing: ["erasing", "how much of a key's old value is taken off before it is written again: 0 nothing, 1 all"],
    }).map(([name, words]) => [name, this.slider(on, act, name, ...words)]));
    this.step = h("span");
    this.sign = h("span", {className: "sign"});
    this.scale = new Scale();
    this.where = h("span", {className: "where"});
    this.projector = button("projector", () => act.set({projector: this.projector.ariaPressed !== "true"}, true));
    this.projector.title = "for a room: bright pictures, large type, no sidebar";
    this.asks = button("ask about a weight", act.asks);
    this.asks.title = "then click a patch: how its weight for the query comes about. Alt+click asks at once, without it";
    this.one = button("keep one pin", act.one);
    this.live = h("div", {className: "sr", role: "status", ariaLive: "polite"});
    this.modes = group("how attention is drawn", []);
    this.tones = group("brightness, of the attention", []);
    this.fit = h("div", {className: "fit"}, this.replay, this.step);
    this.fixed = h("p", {className: "fixed"});
    this.gate = h("div", {className: "tools"}, this.sliders.strength.el, this.fit, this.fixed);
    this.memory = h("div", {className: "tools"}, this.sliders.fading.el, this.sliders.erasing.el);
    this.rest = h("div", {className: "tools"}, this.play, this.modes,
      group("exposure", this.own), this.scale.el, this.sign, this.where, this.one, this.asks, this.projector);
    this.ways = h("details", {className: "ways"}, h("summary", {}, "More ways to look"), h("div", {className: "tools"},
      h("span", {className: "named"}, "brightness", this.tones),
      h("label", {title: "a line around the fewest patches that hold this share"}, "encircle", this.share, this.held),
      this.follow));
    on(this.share, "input", () => act.set({share: +this.share.value}));
    on(this.share, "change", act.tell);
  }

  slider(on, act, name, ariaLabel, title) {                      // of a field that changes weights
    const range = h("input", {type: "range", step: .01, ariaLabel}), value = h("b");
    on(range, "input", () => act.slide({[name]: +range.value}));
    on(range, "change", act.tell);
    return {range, value, el: h("label", {className: "strength", title}, ariaLabel, range, value)};
  }

  offer(fields) {                                                // words and limits, as Python declares them
    const {mode, tone, share} = fields;
    if (this.mode.length) return;
    this.modes.replaceChildren(...this.mode = this.choose("mode", mode.words));
    this.tones.replaceChildren(...this.tone = this.choose("tone", tone.words));
    Object.assign(this.share, {min: share.low, max: share.high, value: share.default});
    for (const [name, {range}] of Object.entries(this.sliders)) {
      Object.assign(range, {min: fields[name].low, max: fields[name].high, value: fields[name].default});
    }
  }

  show(state, query, grid, panels, progress, model, tokens, asking) {           // what follows the query and the controls
    const {mode, own, share, tone, follow, projector} = state, at = grid.place(query);
    this.scale.show(state, model);
    write(this.where, at === null ? `query: token ${query + 1} of the ${grid.first} before the picture`
      : `query: row ${at[1] + 1}, column ${at[2] + 1}` + (grid.T > 1 ? `, frame ${at[0] + 1}` : ""));
    for (const [name, {range, value}] of Object.entries(this.sliders)) {
      write(value, state[name].toFixed(2));
      range.style.setProperty("--fill", `${100 * state[name] / range.max}%`);
      if (+range.value !== state[name]) range.value = state[name];
    }
    for (const b of this.mode) b.ariaPressed = b.dataset.value === mode;
    const less = mode === "difference" && panels.length > 1;
    write(this.sign, less ? `orange: more than ${panels[0].title}, blue: less` : "");
    for (const b of this.tone) b.ariaPressed = b.dataset.value === tone;
    this.follow.ariaPressed = follow;
    this.asks.ariaPressed = asking;
    this.one.hidden = !tokens.length;
    this.projector.ariaPressed = projector;
    write(this.held, share ? `${Math.round(100 * share)} %` : "nothing");
    this.share.style.setProperty("--fill", `${share / this.share.max * 100}%`);
    if (+this.share.value !== share) this.share.value = share;
    for (const b of this.own) b.ariaPressed = (b.dataset.value === "own") === own;
    const fits = panels.filter(p => p.fit).map(p => p.stepped(progress));
    const steps = [...new Set(fits.map(f => f[0]))].join(" | "), kl = fits.map(f => f[1]).join(" | ");
    write(this.step, fits.length ? `step ${steps}, KL ${kl} bits` : "");
  }

  label(panels, moving, playing, calm, tracked) {                // what follows the content
    const gated = panels.filter(p => p.road?.gated), fit = gated.find(p => p.fit)?.fit;
    const still = panels.filter(p => p.gated && !p.road?.gated).map(p => p.title).join(" and ");
    this.gate.hidden = !gated.length && !still;
    this.sliders.strength.el.hidden = !gated.length;
    write(this.fixed, still && `${still}: always at full strength here, since its map is sent with the gate multiplied in.`);
    for (const [name, follows] of [["fading", "fades"], ["erasing", "erases"]]) {
      const panel = panels.find(p => p.road?.[follows]);
      this.sliders[name].el.hidden = !panel;
      if (panel) this.sliders[name].el.style.setProperty("--accent", panel.hue);
    }
    this.memory.hidden = !panels.some(p => p.road?.fades || p.road?.erases);
    this.fit.hidden = !fit;
    this.fit.title = `${fit?.label ?? "fitted to a map"}; KL is the mean divergence from that map`;
    write(this.replay, calm ? "next step of the fit" : "replay the fit");
    this.play.hidden = !moving;
    this.follow.hidden = !tracked;
    for (const b of this.mode) b.hidden = b.dataset.value === "difference" && panels.length < 2;
    write(this.play, calm ? "next frame" : playing ? "❚❚ pause" : "▶ play");
  }

  speak(panels) {                                                // aloud, and as the words of each picture
    write(this.live, [this.where.textContent, ...panels.map(p => p.spoken)].join(". "));
    for (const p of panels) p.main.mask.ariaLabel = p.spoken;
  }
}
