// atlas_card.js: one mechanism as a card: its map on the picture, and what its class and its page say of it.

import {measures, roadOf} from "../../linviz/patch_view/rows.js";
import {h, hues, three, write} from "../../linviz/patch_view/look.js";
import {paint, stage} from "../../linviz/patch_view/light.js";
import {putOn} from "../shared/frames_page.js";

export class AtlasCard {
  constructor(grid, content, act) {
    const {title, family, year, idea, formula, facts, tags, note, link, wire, name, scans} = content;
    this.grid = grid;
    this.name = name;
    this.shares = content.shares;
    this.wire = wire;
    this.picture = stage(grid.T, grid.Y, grid.X, 5, 320);
    this.ring = h("div", {className: "ring"});
    this.level = h("i");
    this.bits = h("span", {className: "bits"});
    this.pick = h("button", {className: "button", textContent: "compare", ariaLabel: `compare ${title}`});
    this.picture.box.append(this.ring);
    this.picture.box.classList.toggle("blank", !wire);
    const fact = ([name, value, more]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value, more && h("span", {className: "more"}, more)));
    this.formula = h("details", {className: "formula"}, h("summary", {ariaLabel: `formulas of ${title}`}, "formulas"));
    this.formula.addEventListener("toggle", () => {               // MathML is laid out when it is first asked for
      this.formula.append(h("div", {innerHTML: formula}));
    }, {once: true});
    const meter = h("div", {className: "meter"}, h("div", {className: "bar"}, this.level), this.bits);
    const words = "open in Concentrate", ariaLabel = `${words}: ${title}`;
    const open = h("a", {href: link, className: "open", ariaLabel}, words);
    this.el = h("article", {className: "card", ariaLabel: title, style: `--hue:${hues[family] ?? "#888888"}`},
      h("div", {className: "top"},
        h("div", {}, this.picture.box, meter),
        h("div", {className: "right"},
          h("h3", {}, title), h("p", {className: "kind"}, [family, year].filter(Boolean).join(", ")),
          h("p", {className: "idea"}, idea), h("dl", {}, ...facts.map(fact)))),
      h("div", {className: "scans", hidden: !scans.length, role: "group", ariaLabel: "orders of the tokens"},
        ...scans.map(([scan, innerHTML]) => h("span", {}, h("span", {innerHTML}), scan))),
      this.formula, h("p", {className: "note", hidden: !note}, note),
      h("div", {className: "foot"}, ...tags.map(tag => h("span", {className: "tag"}, tag)), open, this.pick));
    this.pick.addEventListener("click", () => act(name));
    this.drawn = "";
  }

  get road() {                                                   // made when the card is first seen
    if (this.made === undefined) try { this.made = this.wire ? roadOf(this.wire) : null; } catch { this.made = null; }
    return this.made;
  }

  draw(query, pictures, {full, light}) {
    const at = this.grid.place(query), picture = pictures[at[0]], drawn = `${query} ${Boolean(picture.bitmap)}`;
    if (drawn === this.drawn || !this.road) return;
    this.drawn = drawn;
    this.row ??= new Float64Array(this.road.S);
    const {size, bits, trouble, negative, under, peak} = measures(this.road.row(query, this.row), this.shares);
    this.signed ||= trouble === "signed";
    const gain = trouble === "dead" ? 0 : this.shares ? this.row.length / full : 1 / (size || 1);
    paint(this.picture, this.row, 0, {gain, light, heat: false, signed: this.signed});
    this.picture.box.classList.toggle("signed", this.signed);
    this.picture.put(at[0], this.signed ? null : picture, light);
    putOn(this.ring, this.grid, at);
    this.level.style.transform = `scaleX(${trouble ? 0 : bits / Math.log2(this.row.length)})`;
    write(this.bits, trouble === "dead" ? "a dead row" : trouble ? `${three(100 * negative)} % neg.` : `${three(bits)} bits`);
    this.bits.title = trouble && trouble !== "dead" ? `no entropy: ${three(100 * negative)} % of the weights are negative, `
      + `their sum is ${three(-under)} below 0, the largest weight times N is ${three(peak)}` : "";
  }
}
