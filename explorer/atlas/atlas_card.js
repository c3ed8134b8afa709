// atlas_card.js: one mechanism as a card: its map on the picture, and what its class and its page say of it.

import {measures, roadOf} from "../../linviz/patch_view/rows.js";
import {h, hues, three, write} from "../../linviz/patch_view/look.js";
import {paint, stage} from "../../linviz/patch_view/light.js";
import {putOn} from "../shared/frames_page.js";

export class AtlasCard {
  constructor(grid, content, {pick, open, formulaOf}) {
    const {title, family, year, idea, formula, facts, tags, note, link, wire, name, scans, change} = content;
    this.grid = grid;
    this.name = name;
    this.shares = content.shares;
    this.signed = content.signed;
    this.wire = wire;
    this.picture = stage(grid.T, grid.Y, grid.X, 5);
    this.ring = h("div", {className: "ring"});
    this.level = h("i");
    this.bits = h("span", {className: "bits"});
    this.pick = h("button", {className: "button", textContent: "compare", ariaLabel: `compare ${title}`});
    this.picture.box.append(this.ring);
    this.picture.box.classList.toggle("blank", !wire);
    const fact = ([name, value, more]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value, more && h("span", {className: "more"}, more)));
    // MathML is laid out when it is first asked for
    this.formula = folded("formulas", `formulas of ${title}`, () => h("div", {innerHTML: formula}));
    this.change = change && folded(`what changed since ${change.title}`, `what ${title} changed since ${change.title}`,
      () => changeTable(change, title, formulaOf(change.name), formula));
    if (this.change) this.change.classList.add("changed");
    const meter = h("div", {className: "meter"}, h("div", {className: "bar"}, this.level), this.bits);
    const words = "open in Concentrate", ariaLabel = `${words}: ${title}`;
    const concentrate = h("a", {href: link, className: "open", ariaLabel}, words);
    const heading = h("button", {className: "name", textContent: title});
    this.el = h("article", {className: "card", ariaLabel: title, style: `--hue:${hues[family] ?? "#888888"}`},
      h("div", {className: "top"},
        h("div", {}, this.picture.box, meter),
        h("div", {className: "right"},
          h("h3", {}, heading), h("p", {className: "kind"}, [family, year].filter(Boolean).join(", ")),
          h("p", {className: "idea"}, idea), h("dl", {}, ...facts.map(fact)))),
      h("div", {className: "scans", hidden: !scans.length, role: "group", ariaLabel: "orders of the tokens"},
        ...scans.map(([scan, innerHTML]) => h("span", {}, h("span", {innerHTML}), scan))),
      this.formula, ...(this.change ? [this.change] : []), h("p", {className: "note", hidden: !note}, note),
      h("div", {className: "foot"}, ...tags.map(tag => h("span", {className: "tag"}, tag)), concentrate, this.pick));
    this.pick.addEventListener("click", () => pick(name));
    heading.addEventListener("click", () => open(this));
    this.drawn = "";
  }

  get road() {                                                   // made when the card is first seen
    if (this.made === undefined) try { this.made = this.wire ? roadOf(this.wire) : null; } catch { this.made = null; }
    return this.made;
  }

  draw(query, pictures, {full, light}) {                         // whether there was anything new to draw
    const at = this.grid.place(query), picture = pictures[at[0]], drawn = `${query} ${this.picture.longest}`;
    if (!picture.bitmap || drawn === this.drawn || !this.road) return false;
    this.drawn = drawn;
    this.row ??= new Float64Array(this.road.S);
    const {size, bits, trouble, negative, under, peak} = measures(this.road.row(query, this.row), this.shares);
    const most = this.shares ? full / this.row.length : largestBeside(this.row, query) || size || 1;
    const gain = trouble === "dead" ? 0 : 1 / most;
    paint(this.picture, this.row, 0, {gain, light, heat: false, signed: this.signed});
    this.picture.box.classList.toggle("signed", this.signed);
    this.picture.put(at[0], this.signed ? null : picture, light);
    putOn(this.ring, this.grid, at);
    this.level.style.transform = `scaleX(${trouble ? 0 : bits / Math.log2(this.row.length)})`;
    write(this.bits, trouble === "dead" ? "a dead row" : trouble ? `${three(100 * negative)} % neg.` : `${three(bits)} bits`);
    this.bits.title = trouble && trouble !== "dead" ? `no entropy: ${three(100 * negative)} % of the weights are negative, `
      + `their sum is ${three(-under)} below 0, the largest weight times N is ${three(peak)}` : "";
    return true;
  }
}

function largestBeside(row, query) {                              // a memory's own token would outshine all others
  let most = 0;
  for (let j = 0; j < row.length; j++) if (j !== query) most = Math.max(most, Math.abs(row[j]));
  return most;
}

function folded(words, ariaLabel, make) {                        // made when it is first opened
  const el = h("details", {className: "formula"}, h("summary", {ariaLabel}, words));
  el.addEventListener("toggle", () => el.append(make()), {once: true});
  return el;
}

function changeTable({title: before, rows, same}, title, formulaBefore, formula) {
  const both = [before, title], heads = both.map(text => h("th", {scope: "col"}, text));
  const cell = (props, n) => h("td", {...props, "data-of": both[n]});
  const row = (fact, cells) => h("tr", {}, h("th", {scope: "row"}, fact), ...cells.map(cell));
  const body = rows.map(([fact, ...two]) => row(fact, two.map(textContent => ({textContent}))));
  const formulas = row("formula", [formulaBefore, formula].map(innerHTML => ({innerHTML})));
  return h("div", {className: "change", tabIndex: 0, role: "group", ariaLabel: `${before} and ${title}`},
    h("table", {}, h("thead", {}, h("tr", {}, h("td"), ...heads)), h("tbody", {}, formulas, ...body)),
    h("p", {className: "same", hidden: !same.length}, `the same: ${same.join(", ")}`));
}
