// panel.js: one panel, a picture under the attention of one map, with its strip of frames and its measures.

import {fewest, measures, roadOf} from "./rows.js";
import {h, hues, three, write} from "./look.js";
import {paint, stage} from "./light.js";
import {edge, outlines} from "./outline.js";
import {QueryPins, ringOf} from "./pins.js";
import {WeightTable} from "./weights.js";

export function gridOf(T, Y, X, first) {                         // token number <-> frame, row, column, as linviz.Grid
  return {T, Y, X, first, size: first + T * Y * X, name: String([T, Y, X, first]),
    number: (t, y, x) => first + (t * Y + y) * X + x,
    place: i => i < first ? null : [(i - first) / (X * Y), (i - first) / X % Y, (i - first) % X].map(Math.floor)};
}

let fills = 0;                                                   // how often a panel was given a map
const THUMB = 96;                                                // pixels of a frame in the strip, in light
const facts = {                                                  // what they mean, and their names; [left out where narrow]
  shares: [
    ["Shannon entropy of this row of attention", "bits", [" of entropy"]],
    ["over how many patches it is spread: 2 to the entropy", ["effective "], "patches"],
    ["share of the attention on the ten most attended patches", "in top 10"]],
  signs: [
    ["share of negative weights among the weights of this row that are not zero", "negative", [" weights"]],
    ["sum of the negative weights of this row", "their sum"],
    ["the largest weight of this row by size, times the number of keys: 1 is the equal share", "largest × N"]],
};
const troubles = {
  dead: () => "dead: this query gives weight to no key",
  signed: () => "signed: no entropy (orange adds, blue subtracts)",
  unequal: m => `this row sums to ${three(m.sum)}, not to one: no entropy`,
  unknown: (m, p) => p.why,
};

export class Panel {
  constructor(grid, keys, pickFrame, pickQuery) {                           // elements only; the content comes with fill
    const {T, X, Y} = grid, shown = [keys.T, keys.Y, keys.X];
    this.grid = grid;
    this.keys = keys;
    this.main = stage(...shown, 5);
    this.main.box.classList.add("main");
    Object.assign(this.main.mask, {role: "img", ariaHidden: null});
    this.ring = h("div", {className: "ring"});
    this.pin = h("div", {className: "pin"});
    this.main.edge = edge(this.main.box, grid);
    this.main.held = edge(this.main.box, keys, "edge held");
    this.rings = h("div");
    this.target = h("div", {className: "asked", hidden: true});
    this.main.box.append(this.rings, this.pin, this.ring, this.target);
    this.pins = new QueryPins(pickQuery);
    this.weight = new WeightTable();
    this.thumbs = Array.from({length: T > 1 ? T : 0}, (_, t) => this.thumb(t, stage(...shown, 1, THUMB), pickFrame));
    this.name = h("span");
    this.less = h("span", {className: "less"});
    this.level = h("i");
    this.bar = h("div", {className: "bar"}, this.level);
    this.note = h("p", {className: "note"});
    const sizes = `--x:${X};--aspect:${X}/${Y};--t:${Math.min(T, 16)};--few:${Math.min(T, 8)}`;
    this.el = h("section", {className: "panel", style: sizes},
      h("div", {className: "head"}, this.name, this.less), this.main.box,
      h("div", {className: "strip" + (T > 8 ? " long" : ""), hidden: T === 1}, ...this.thumbs.map(s => s.button)),
      this.pins.el, this.bar, h("div", {className: "under"}, this.list(), this.note), this.weight.el);
    this.nameFacts("shares");
  }

  list() {                                                       // three numbers, each under its name
    this.facts = [h("dd"), h("dd"), h("dd")];
    return h("dl", {className: "facts"}, ...this.facts.map(dd => h("div", {}, h("dt"), dd)));
  }

  nameFacts(kind) {                                              // what each of them is, in full under the pointer
    if (kind === this.kind) return;
    this.kind = kind;
    facts[kind].forEach(([title, ...words], n) => {
      const {parentElement: fact} = this.facts[n], more = text => h("span", {className: "more"}, ...text);
      fact.title = title;
      fact.firstChild.replaceChildren(...words.map(word => Array.isArray(word) ? more(word) : word));
    });
  }

  thumb(t, s, pickFrame) {
    s.edge = edge(s.box, this.grid);
    s.held = edge(s.box, this.keys, "edge held");
    s.share = h("span");
    s.level = h("i");                                            // the whole width: all attention; bars sum to it
    s.button = h("button", {ariaLabel: `frame ${t + 1}`}, s.box, h("span", {className: "share"}, s.level), s.share,
      h("span", {className: "unit"}, " %"));
    s.button.addEventListener("click", () => pickFrame(t));
    return s;
  }

  fill({title, family, shares, wire}) {                          // a map; one that cannot be drawn says why
    const hue = hues[family] ?? "#888888";
    Object.assign(this, {title, shares, hue, gated: Boolean(wire.gate), road: null, why: "", turned: ""});
    try { this.road = roadOf(wire); } catch (error) { this.why = error.message; }
    this.row = new Float64Array(this.road?.S ?? this.keys.size);
    this.content = fills++;
    this.el.style.setProperty("--hue", this.hue);
    this.el.ariaLabel = this.main.mask.ariaLabel = title;
    write(this.name, title);
    this.bar.title = `entropy, of at most ${three(Math.log2(this.row.length))} bits`;
    const probes = this.road ? [.03, .21, .43, .64, .86].map(x => Math.floor(x * this.road.N)) : [];
    this.signed = probes.some(i => this.weigh(i).trouble === "signed");
  }

  paper(pictures, frame) {                                       // the photographs under the attention
    const put = (s, picture) => { if (s.photo.src !== picture.src) s.photo.src = picture.src; };
    this.pictures = pictures;
    put(this.main, pictures[frame]);
    this.thumbs.forEach((s, t) => put(s, pictures[t]));
    pictures.forEach((picture, t) => t !== frame && picture.forget(this.main.longest));     // one large one is kept
  }

  outline(marks) { this.edges = outlines(marks, this.grid); }    // the object's patches, if they are known

  stops(yes) { for (const s of this.thumbs) s.button.tabIndex = yes ? 0 : -1; }

  get fit() { return this.road?.fit; }

  shot(progress = 1) {                                           // which snapshot lies at 0..1 of the fit
    return Math.round(progress * ((this.fit?.steps.length ?? 1) - 1));
  }

  stepped(progress) {                                            // the step and its divergence, in words
    const {steps, kl} = this.fit, n = this.shot(progress);
    return [String(steps[n]), kl[n] === null ? "infinite" : three(kl[n])];
  }

  turn(look, progress) {
    const asked = [look.strength, look.fading, look.erasing, this.shot(progress)].join(" ");
    if (asked !== this.turned) this.road?.turn?.(look, this.shot(progress));
    this.turned = asked;
  }

  weigh(i) {                                                     // row i of the map, into this.row, and its measures
    this.measures = this.road ? measures(this.road.row(i, this.row), this.shares) : {trouble: "unknown", size: 0};
    return this.measures;
  }

  draw(query, pinned, look, model, base, tokens) {               // tokens: the pins, the query pinned last among them
    const found = this.weigh(query), {frame} = look;
    this.signed ||= found.trouble === "signed";
    const less = this.lessOf(base, found, look, query);
    this.light(this.main, this.row, found, less, look, model);
    this.circled = outlines(found.trouble ? null : {data: fewest(this.row, look.share)}, this.keys);
    write(this.less, less ? `minus ${base.title}` : "");
    this.show(this.main, frame);
    this.thumbs.forEach((s, t) => this.strip(s, t, frame));
    const at = this.grid.place(query), away = at !== null && at[0] !== frame, hovered = pinned !== query;
    this.mark(this.ring, tokens.length && !hovered ? null : at);
    this.ring.classList.toggle("away", away);
    const dot = hovered && !tokens.length && this.grid.place(pinned)?.[0] === frame;
    this.mark(this.pin, dot ? this.grid.place(pinned) : null);
    this.encircle(tokens, pinned, frame, model.colours.pins);
    this.pins.show(this, tokens, pinned, look, model, base);
    this.tell();
  }

  light(s, row, {size, trouble}, less, {mode, own, tone}, {full, light}) {     // a row into a stage
    const heat = mode === "heat", signed = this.signed || less !== null;
    const gain = trouble === "dead" ? 0 : own && !less ? 1 / (size || 1) : row.length / full;
    paint(s, less ? row.map((a, j) => a - less[j]) : row, this.keys.first, {gain, light, heat, signed, tone});
    this.tinted = signed;
    this.lit = !heat && !signed && light;
    this.heated = heat && !signed;
  }

  lessOf(base, {trouble}, {mode}, query) {                       // the row that is subtracted from this one's; or null
    if (mode !== "difference" || base === this || base.keys.name !== this.keys.name || trouble) return null;
    const row = base.road.row(query, new Float64Array(base.row.length));
    return measures(row, base.shares).trouble ? null : row;
  }

  encircle(tokens, query, frame, colours) {                      // a ring of its own around every pin
    if (this.rings.childElementCount !== tokens.length) {
      this.rings.replaceChildren(...tokens.map((_, slot) => ringOf(slot, colours)));
    }
    tokens.forEach((token, slot) => {
      const ring = this.rings.children[slot], at = this.grid.place(token);
      this.mark(ring, at);
      ring.classList.toggle("away", at?.[0] !== frame);
      ring.classList.toggle("active", token === query);
    });
  }

  ask(query, place, frame) {                                     // a patch whose weight for the query is explained; or null
    const {T, Y, X} = this.grid, [t, y, x] = place ?? [], {keys} = this;
    const own = place && [this.key(t), Math.floor(y * keys.Y / Y), Math.floor(x * keys.X / X)];
    this.mark(this.target, t === frame ? place : null);
    const steps = own && this.road ? this.road.steps(query, keys.number(...own)) : null;
    const where = own && `how much the query looks at row ${y + 1}, column ${x + 1}${T > 1 ? `, frame ${t + 1}` : ""}`;
    const equal = steps && `${three(Math.abs(steps.at(-1)[1]) * this.row.length)} times the equal share`;
    this.weight.show(steps, where, this.signed, equal);
  }

  key(t) { return Math.floor(t * this.keys.T / this.grid.T); }   // keys may lie on fewer frames than queries

  show(s, t) {
    s.put(this.key(t), this.lit ? this.pictures[t] : null, this.lit, this.main);
    s.edge(this.edges[t]);
    s.held(this.circled[this.key(t)]);
    s.box.classList.toggle("heat", this.heated);
    s.box.classList.toggle("signed", this.tinted);
  }

  strip(s, t, frame) {                                           // a thumb: this frame's attention and its share of all
    const each = this.keys.X * this.keys.Y, from = this.keys.first + this.key(t) * each;
    let share = 0;
    for (let j = from; j < from + each; j++) share += this.row[j];
    const known = !this.measures.trouble;
    this.show(s, t);
    write(s.share, known ? `${Math.round(100 * share)}` : "–");
    s.button.ariaLabel = `frame ${t + 1}` + (known ? `, ${s.share.textContent} %` : "");
    s.level.style.transform = `scaleX(${known ? share / this.measures.sum : 0})`;
    s.button.ariaPressed = t === frame;
    s.button.title = `frame ${t + 1}` + (known ? `: ${three(100 * share)} % of the attention` : "");
  }

  mark(dot, at) {
    dot.hidden = at === null;
    if (at === null) return;
    dot.style.left = `${(at[2] + .5) / this.grid.X * 100}%`;
    dot.style.top = `${(at[1] + .5) / this.grid.Y * 100}%`;
  }

  tell() {                                                       // the measures and a bar, or why there are none
    const {bits, effective, top, trouble} = this.measures;
    this.el.classList.toggle("troubled", trouble !== "");
    write(this.note, trouble && troubles[trouble](this.measures, this));
    this.level.style.transform = `scaleX(${trouble ? 0 : bits / Math.log2(this.row.length) || 0})`;
    this.nameFacts(this.apart ? "signs" : "shares");
    this.el.classList.toggle("apart", this.apart);
    const texts = this.apart ? this.signs : trouble ? [] : [three(bits), three(effective), `${three(100 * top)} %`];
    texts.forEach((text, n) => write(this.facts[n], text));
  }

  get apart() { return ["signed", "unequal"].includes(this.measures.trouble); }    // other numbers than of shares

  get signs() {
    const {negative, under, peak} = this.measures;
    return [`${three(100 * negative)} %`, under > -.005 ? under < 0 ? "about 0" : "0" : `−${three(-under)}`, three(peak)];
  }

  get spoken() {
    const {bits, effective, trouble} = this.measures, [negative, under, peak] = this.apart ? this.signs : [];
    const said = this.apart ? `${negative} of the weights negative, their sum ${under}, largest weight × N ${peak}`
      : trouble ? this.note.textContent : `${three(bits)} bits, ${three(effective)} effective patches`;
    return `${this.title}: ${said}`;
  }
}
