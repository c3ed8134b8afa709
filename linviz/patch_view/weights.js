// weights.js: how the weight of one patch for the query comes about, step by step: a small table in every panel.

import {h, write} from "./look.js";

const raised = n => [...String(n)].map(c => "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[c] ?? "\u207b").join("");

export function fourDigits(x) {                                      // four digits, however small
  if (x === 0 || Number.isInteger(x) && Math.abs(x) < 1e5) return String(x).replace("-", "\u2212");
  const size = Math.abs(x), plain = size >= .001 && size < 1e5, [front, power] = x.toExponential(3).split("e");
  const text = plain ? String(+x.toPrecision(4)) : `${front} \u00d7 10${raised(+power)}`;
  return text.replace("-", "\u2212");
}

export class WeightTable {
  constructor() {
    this.caption = h("caption");
    this.body = h("tbody");
    this.el = h("table", {className: "weight", hidden: true}, this.caption, this.body);
  }

  show(steps, where, signed, own) {                              // nothing to show: null
    this.el.hidden = !steps;
    this.steps = steps;
    if (!steps) return;
    const weight = steps.at(-1)[1], more = [[own, null]];
    if (signed) more.push([weight < 0 ? "signed: this weight subtracts" : "signed: this weight adds", null]);
    write(this.caption, where);
    const line = ([words, x]) => h("tr", {}, h("th", {scope: "row", textContent: words, colSpan: x === null ? 2 : 1}),
      ...x === null ? [] : [h("td", {textContent: fourDigits(x)})]);
    this.body.replaceChildren(...[...steps, ...more].map(line));
  }
}
