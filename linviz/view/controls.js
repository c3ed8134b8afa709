// controls.js: what stands under the panels: the gates' strength, the replay of a fit, play, and how to draw.

class Controls {                                                 // act: what the view does when one of them is used
  constructor(on, act) {
    const button = (textContent, click, value) => {
      const b = h("button", {textContent, className: "button"});
      if (value) b.dataset.value = value;
      on(b, "click", click);
      return b;
    };
    const group = (ariaLabel, kids) => h("div", {className: "seg", role: "group", ariaLabel}, ...kids);
    this.mode = ["light", "heat"].map(mode => button(mode, () => act.set({mode}, true), mode));
    this.own = [button("one exposure", () => act.set({own: false}, true), "one"),
                button("each its own", () => act.set({own: true}, true), "own")];
    this.replay = button("", act.replay);
    this.play = button("", act.play);
    this.range = h("input", {type: "range", min: 0, max: 1, step: .01, ariaLabel: "gate strength"});
    this.value = h("b");
    this.step = h("span");
    this.where = h("span", {className: "where"});
    this.live = h("div", {className: "sr", role: "status", ariaLive: "polite"});
    this.fit = h("div", {className: "fit"}, this.replay, this.step);
    const title = "0: no gate, every feature counts alike; 1: the gate itself";
    this.gate = h("div", {className: "tools"},
      h("label", {className: "strength", title}, "gate strength", this.range, this.value), this.fit);
    this.rest = h("div", {className: "tools"}, this.play, group("how attention is drawn", this.mode),
      group("exposure", this.own), this.where);
    on(this.range, "input", () => act.slide(+this.range.value));
    on(this.range, "change", act.tell);
  }

  show({strength, mode, own}, query, grid, panels, progress) {   // what follows the query and the slider
    const at = grid.place(query);
    write(this.where, at === null ? `query: token ${query + 1} of the ${grid.first} before the picture`
      : `query: row ${at[1] + 1}, column ${at[2] + 1}` + (grid.T > 1 ? `, frame ${at[0] + 1}` : ""));
    write(this.value, strength.toFixed(2));
    this.range.style.setProperty("--fill", `${100 * strength}%`);
    if (+this.range.value !== strength) this.range.value = strength;
    for (const b of this.mode) b.ariaPressed = b.dataset.value === mode;
    for (const b of this.own) b.ariaPressed = (b.dataset.value === "own") === own;
    const fits = panels.filter(p => p.fit).map(p => p.stepped(progress));
    const steps = [...new Set(fits.map(f => f[0]))].join(" | "), kl = fits.map(f => f[1]).join(" | ");
    write(this.step, fits.length ? `step ${steps}, KL ${kl} bits` : "");
  }

  label(panels, moving, playing, calm) {                         // what follows the content
    const gated = panels.filter(p => p.road?.turn), fit = gated.find(p => p.fit)?.fit;
    this.gate.hidden = !gated.length;
    this.fit.hidden = !fit;
    this.fit.title = `${fit?.label ?? "fitted to a map"}; KL is the mean divergence from that map`;
    write(this.replay, calm ? "next step of the fit" : "replay the fit");
    this.play.hidden = !moving;
    write(this.play, calm ? "next frame" : playing ? "❚❚ pause" : "▶ play");
  }

  speak(panels) { write(this.live, [this.where.textContent, ...panels.map(p => p.spoken)].join(". ")); }
}
