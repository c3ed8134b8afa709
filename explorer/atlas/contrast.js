// contrast.js: one line for four, as linviz/contrast.py has it: A = 1/S + c (p - 1/S), and what c does to a row.

import {roadOf} from "../../linviz/patch_view/rows.js";

export class ContrastLine {
  constructor({linear, places}) {                                // p, and c of every query for each name
    this.linear = roadOf(linear);
    this.places = places;
  }

  place(name, query) { return this.places[name].data[query]; }

  row(query, c, out) {                                           // the row of a query at the contrast c
    const {S} = this.linear;
    this.linear.row(query, out);
    for (let j = 0; j < S; j++) out[j] = 1 / S + c * (out[j] - 1 / S);
    return out;
  }
}

export function contrastNumbers(row) {                           // how large, how many below zero, and what those weigh
  let largest = -Infinity, below = 0, negative = 0;
  for (const a of row) {
    if (a > largest) largest = a;
    if (a < 0) { below++; negative += a; }
  }
  return {largest: largest * row.length, below: below / row.length, negative};
}
