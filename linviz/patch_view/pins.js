// pins.js: up to three pinned queries: which they are, and a small picture of the row of each in every panel.

import {measures} from "./rows.js";
import {h, three, write} from "./look.js";
import {stage} from "./light.js";

const SMALL = 240;                                               // pixels of a small picture, in light

export function pinnedTokens(places, query, grid, most) {        // the pins with the query among them; none where it is alone
  const there = places.filter(([t, y, x]) => t < grid.T && y < grid.Y && x < grid.X).map(at => grid.number(...at));
  const tokens = [...new Set([...there, query])].slice(-most);
  return tokens.length > 1 ? tokens : [];
}

export function pinOrUnpin(tokens, query, at, most) {            // a click on patch `at`: {query, tokens}
  const now = tokens.length ? tokens : [query], left = now.filter(n => n !== at);
  if (!left.length) return {query, tokens: []};                  // a view always has a query
  if (left.length < now.length) return {query: at === query ? left.at(-1) : query, tokens: left};
  const oldest = (now.indexOf(query) + 1) % most;                // every new pin took the place after the last one
  return {query: at, tokens: now.length < most ? [...now, at] : now.map((n, slot) => slot === oldest ? at : n)};
}

export function ringOf(slot, colours) {                          // the ring of a pin, numbered: never told by colour alone
  const ring = h("div", {className: "ring mine", style: `--pin:${colours[slot]}`});
  ring.dataset.n = slot + 1;
  return ring;
}

export class QueryPins {                                            // under a panel: its row for every pin, side by side
  constructor(choose) {
    this.choose = choose;
    this.el = h("div", {className: "pinned", role: "group", ariaLabel: "pinned patches", hidden: true});
    this.cells = [];
    this.drawn = "";
  }

  cell(panel, slot, colours) {
    const {T, Y, X} = panel.keys, s = stage(T, Y, X, 5, SMALL);
    s.ring = ringOf(slot, colours);
    s.box.append(s.ring);
    s.words = h("span");
    s.unit = h("span", {className: "more"});
    s.button = h("button", {style: `--pin:${colours[slot]}`}, s.box, h("b", {textContent: slot + 1}), s.words, s.unit);
    s.button.addEventListener("click", () => this.choose(s.token));
    s.row = new Float64Array(panel.row.length);
    s.edge = s.held = () => {};
    return s;
  }

  show(panel, tokens, query, look, model, base) {
    const asked = JSON.stringify([tokens, query, look.frame, look.mode, look.own, look.tone, model.light, panel.content,
      panel.turned, base.content, base.turned, Boolean(panel.pictures?.[look.frame].bitmap)]);
    if (asked === this.drawn) return;
    this.drawn = asked;
    this.el.hidden = !tokens.length;
    const fits = this.cells.length === tokens.length && this.cells.every(s => s.row.length === panel.row.length);
    if (!fits) this.cells = tokens.map((_, slot) => this.cell(panel, slot, model.colours.pins));
    if (!fits) this.el.replaceChildren(...this.cells.map(s => s.button));
    this.cells.forEach((s, slot) => this.draw(s, panel, tokens[slot], query, look, model, base));
  }

  draw(s, panel, token, query, look, model, base) {
    const row = panel.road ? panel.road.row(token, s.row) : s.row.fill(0);
    const found = panel.road ? measures(row, panel.shares) : {trouble: "unknown", size: 0};
    const less = panel.lessOf(base, found, look, token), at = panel.grid.place(token), picture = panel.pictures[look.frame];
    s.token = token;
    panel.light(s, row, found, less, look, model);
    if (s.photo.src !== picture.src) s.photo.src = picture.src;
    panel.show(s, look.frame);
    panel.mark(s.ring, at);
    s.ring.classList.toggle("away", at?.[0] !== look.frame);
    s.button.ariaPressed = token === query;
    const trouble = found.trouble === "unequal" ? "unnormalised" : found.trouble, number = trouble ? "" : three(found.effective);
    write(s.words, ` ${number}`);
    write(s.unit, trouble || " patches");
    s.button.title = at ? `row ${at[1] + 1}, column ${at[2] + 1}${panel.grid.T > 1 ? `, frame ${at[0] + 1}` : ""}` : "";
    s.button.ariaLabel = `pin ${s.ring.dataset.n}, ${s.button.title}: ${s.words.textContent}${s.unit.textContent}`;
  }
}
