// scale.js: what a brightness or a colour stands for: a bar, drawn on mid grey, and the weights at its two ends.

import {h, ramps, write} from "./look.js";
import {litGrey, tones} from "./light.js";

const WIDE = 96, GREY = .5;

export class Scale {
  constructor() {
    this.low = h("span");
    this.high = h("span");
    this.bar = h("canvas", {width: WIDE, height: 1, ariaHidden: "true"});
    this.el = h("span", {className: "scale", role: "img"}, this.low, this.bar, this.high);
    this.el.title = "the weight of a patch; if all patches had the same weight, it would be the equal share";
  }

  show({mode, own, tone}, {full, light}) {
    const asked = `${mode} ${own} ${tone} ${light.day}`;
    if (asked === this.asked) return;
    this.asked = asked;
    const least = tone === "log" ? `${full / 10 ** light.decades}` : "0", equal = `${full} × equal share`;
    const ends = mode === "difference" ? [`−${full}`, `+${equal}`] : [least, own ? "each map's largest weight" : equal];
    write(this.low, ends[0]);
    write(this.high, ends[1]);
    this.el.ariaLabel = `scale of the ${mode}: from ${ends.join(" to ")}`;
    const pen = this.bar.getContext("2d"), image = new ImageData(WIDE, 1);
    for (let n = 0; n < WIDE; n++) image.data.set([...this.colour(n / (WIDE - 1), mode, light, tone), 255], 4 * n);
    pen.putImageData(image, 0, 0);
  }

  colour(u, mode, light, tone) {                                 // at u in 0..1 of the bar: three bytes
    const at = mode === "difference" ? 2 * u - 1 : u, size = Math.abs(at);
    const x = tone === "log" ? 10 ** (light.decades * (size - 1)) : size, e = tones[tone](x, light);
    if (mode === "light") return litGrey(GREY, x, light, tone);
    const signed = mode === "difference", table = signed ? ramps.diverging : ramps.sequential;
    const c = 3 * Math.round(255 * (signed ? .5 + Math.sign(at) * e / 2 : e));
    const cover = signed ? 205 / 255 : 235 / 255 * Math.min(1, 1.6 * e), under = 255 * GREY * (signed ? 1 : .42);
    return [0, 1, 2].map(n => cover * table[c + n] + (1 - cover) * under);
  }
}
