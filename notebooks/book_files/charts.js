// charts.js: figures drawn by plotly, which is loaded once the first of them comes into view; and sliders over them.

import {isDark} from "./appearance.js";
import {textOf} from "./unpacked.js";

const CONFIG = {displayModeBar: false, responsive: true};
const touched = matchMedia("(pointer: coarse)");                 // there a finger on a figure scrolls the page
let plotly;                                                      // a promise of the library

export function libraryOf() {
  plotly ??= new Promise((done, failed) => {
    window.bookLibrary = text => textOf(text).then(run).then(() => done(window.Plotly), failed);
    document.head.append(Object.assign(document.createElement("script"), {src: "plotly.js", onerror: failed}));
  });
  return plotly;
}

function run(textContent) { document.head.append(Object.assign(document.createElement("script"), {textContent})); }

export function dressed(figure, colours, dark) {                 // the same figure in the colours of a dark page
  if (!dark) return figure;
  const swap = (text, names) => names.reduce((t, name) => t.replaceAll(colours.light[name], colours.dark[name]), text);
  const {data, layout, ...rest} = figure, {coloraxis, template, ...own} = layout;
  const inked = x => JSON.parse(swap(JSON.stringify(x ?? {}), ["ink", "soft", "line"]));
  const papered = x => JSON.parse(swap(JSON.stringify(x ?? {}), ["paper"]));
  const paper = ({colorscale, ...look}) => ({...papered(inked(look)), colorscale});
  return {...rest, data: inked(data), layout: {...papered(inked(own)), ...(coloraxis && {coloraxis: inked(coloraxis)}),
    template: {...template, layout: paper(template?.layout ?? {})}}};
}

export class Chart {
  constructor(place, figure, colours) {
    Object.assign(this, {place, figure, colours});
  }

  async draw(figure = this.figure) {                             // the newest wins, however fast a slider moves
    this.figure = figure;
    const library = await libraryOf();
    if (figure !== this.figure) return;
    const {data, layout, config} = structuredClone(dressed(figure, this.colours, isDark()));
    if (touched.matches) layout.dragmode = false;
    await library.react(this.place, data, layout, {...CONFIG, ...config});
  }
}

const SAME = ["="];

export function applied(old, [kind, ...rest]) {                  // what linviz/course/json_changes.py has compared
  if (kind === "=") return rest.length ? rest[0] : old;
  if (kind === "[") return old.map((x, n) => applied(x, rest[0][n] ?? SAME));
  const [changes, gone] = rest, made = {};
  for (const [key, x] of Object.entries(old)) if (!gone.includes(key)) made[key] = applied(x, changes[key] ?? SAME);
  for (const [key, change] of Object.entries(changes)) if (!(key in old)) made[key] = change[1];
  return made;
}

export function offerSlider(element, {values, figure, changes, words}, chart) {
  const [range, shown] = element.querySelectorAll("input, output");
  const told = element.querySelector(".linviz-words span");
  range.addEventListener("input", () => {
    const n = Number(range.value);
    shown.textContent = range.ariaValueText = values[n];
    chart.place.ariaLabel = told.textContent = words[n];
    chart.draw(applied(figure, changes[n]));
  });
}
