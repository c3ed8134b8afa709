// look.js: colours, elements, and what the view looks like. Nothing here computes a weight.

// ------------------------------------------------------------------------------------------------ colour

function ramp(...stops) {                                        // 256 colours between the stops, three bytes each
  const table = new Uint8ClampedArray(768), rgb = stops.map(s => [1, 3, 5].map(n => parseInt(s.slice(n, n + 2), 16)));
  for (let n = 0; n < 256; n++) {
    const at = n / 255 * (stops.length - 1), from = Math.min(at | 0, stops.length - 2), part = at - from;
    for (let c = 0; c < 3; c++) table[3 * n + c] = rgb[from][c] + part * (rgb[from + 1][c] - rgb[from][c]);
  }
  return table;
}
export let hues = {};
export const ramps = {};

export function setColours(colours) {                            // as linviz/palette.py has them, once for all hosts
  hues = colours.hues;
  ramps.sequential = ramp(...colours.sequential);
  ramps.diverging = ramp(...colours.diverging);                  // negative, nothing, positive
}

// ------------------------------------------------------------------------------------------------ elements

export function h(tag, props = {}, ...kids) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in e && name !== "style") e[name] = value; else e.setAttribute(name, value);
  }
  e.append(...kids);
  return e;
}

export function write(e, text) { if (e.textContent !== text) e.textContent = text; }

export function three(x) {                                       // three digits, never 1.5e+3
  return x >= 999.5 ? String(+x.toPrecision(3)) : x >= 99.95 ? x.toFixed(0) : x >= 9.995 ? x.toFixed(1) : x.toFixed(2);
}

// ------------------------------------------------------------------------------------------------ style

export const css = `
:host {
  display: block; container: view / inline-size;
  --ink: var(--st-text-color, var(--jp-ui-font-color1, light-dark(#1d232b, #e9ecef)));
  --paper: var(--st-background-color, var(--jp-layout-color0, light-dark(#ffffff, #0f1216)));
  --soft: color-mix(in srgb, var(--ink) 72%, var(--paper));
  --line: color-mix(in srgb, var(--ink) 17%, transparent);
  font: 14px/1.35 var(--st-font, var(--jp-ui-font-family, system-ui, sans-serif)); color: var(--ink);
}
*, ::before { box-sizing: border-box; }
[hidden] { display: none !important; }
.view { display: grid; gap: 16px; outline: none; }
.view.projector { font-size: 1.5em; }
.panels { display: grid; grid-template-columns: repeat(var(--n), minmax(0, 600px)); gap: 16px; }
.panel { min-width: 0; container-type: inline-size; }
.head { display: flex; align-items: baseline; gap: 7px; margin-bottom: 7px; font-weight: 600; white-space: nowrap; }
.head span { overflow: hidden; text-overflow: ellipsis; }
.head .less { font-weight: 400; color: var(--soft); }
.head:has(.less:not(:empty)) { flex-wrap: wrap; row-gap: 0; }
.head::before { content: ""; flex: none; width: 9px; height: 9px; border-radius: 50%; background: var(--hue); }

.stage { position: relative; overflow: hidden; border-radius: 7px; background: #000; aspect-ratio: var(--aspect);
  cursor: crosshair; touch-action: pan-y; user-select: none; -webkit-user-select: none; }
.stage canvas, .photo { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.stage.heat .photo { filter: grayscale(.9) brightness(.42); }
.stage.signed .photo { filter: grayscale(1); }
.stage.night .photo { filter: grayscale(1) brightness(.38); }
.ring, .pin { position: absolute; pointer-events: none; border-radius: 50%; transform: translate(-50%, -50%); }
.ring { width: calc(1.42 * 100% / var(--x) + 7px); aspect-ratio: 1; border: 1.5px solid #fff;    /* around the patch */
  box-shadow: 0 0 0 1px #000b, inset 0 0 0 1px #000b; }
.ring.away { border-style: dashed; opacity: .6; }
.ring.mine { border: 2px solid var(--pin); }
.ring.mine::after { content: attr(data-n); position: absolute; left: 100%; top: 0; transform: translate(-30%, -60%);
  padding: 0 4px; border-radius: 8px; background: var(--pin); color: #111; font: 600 11px/14px system-ui, sans-serif; }
.ring.mine.active { border-width: 3px; }
.asked { position: absolute; pointer-events: none; transform: translate(-50%, -50%); width: calc(100% / var(--x) + 4px);
  aspect-ratio: 1; border: 1.5px dashed #fff; box-shadow: 0 0 0 1px #000b, inset 0 0 0 1px #000b; }
.asking .main { cursor: help; }
.edge { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; fill: none; }
.edge path { vector-effect: non-scaling-stroke; stroke: #000a; stroke-width: 3.5px; }
.edge path + path { stroke: #fff; stroke-width: 1.3px; }
.edge.held path + path { stroke: #ffd84d; stroke-dasharray: 4 2.5; }
.strip .edge path { stroke-width: 2px; }
.strip .edge path + path { stroke-width: 1px; }
.pin { width: 7px; height: 7px; background: #fff; box-shadow: 0 0 0 1.5px #000c; }
.main::after { content: ""; position: absolute; inset: 0; border-radius: inherit; pointer-events: none; }
.view:focus-visible .main::after { box-shadow: inset 0 0 0 2.5px var(--accent); }

.strip { display: grid; grid-template-columns: repeat(var(--t), minmax(0, 1fr)); gap: 5px; margin-top: 8px; }
.strip button { all: unset; display: block; min-width: 0; cursor: pointer; text-align: center; white-space: nowrap;
  font-size: .79em; color: var(--soft); font-variant-numeric: tabular-nums; }
.strip .stage { border-radius: 3px; cursor: pointer; margin-bottom: 2px; }
.strip .share { display: block; height: 3px; background: var(--line); margin: 0 0 1px; }
.strip .share i { display: block; height: 100%; background: var(--hue); transform-origin: 0 0; }
.strip [aria-pressed=true] { color: var(--ink); font-weight: 600; }
.strip [aria-pressed=true] .stage { outline: 2px solid var(--ink); outline-offset: 1px; }
.strip.long [aria-pressed=false] .unit { display: none; }
.strip button:focus-visible .stage { outline: 2.5px solid var(--accent); }

.pinned { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 6px; margin-top: 8px; }
.pinned button { all: unset; display: block; min-width: 0; cursor: pointer; overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis; font-size: .79em; color: var(--soft); font-variant-numeric: tabular-nums; }
.pinned .stage { border-radius: 4px; cursor: pointer; margin: 3px 3px 4px; }
.pinned b { display: inline-block; margin-left: 3px; padding: 0 5px; border-radius: 8px; background: var(--pin); color: #111; }
.pinned .ring.mine::after { content: none; }
.pinned [aria-pressed=true] { color: var(--ink); font-weight: 600; }
.pinned [aria-pressed=true] .stage { outline: 2px solid var(--ink); outline-offset: 1px; }
.pinned button:focus-visible .stage { outline: 2.5px solid var(--accent); }

.bar { height: 3px; margin: 9px 0 7px; border-radius: 2px; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; border-radius: 2px; background: var(--hue); transform-origin: 0 0; }
.under { display: grid; }
.under > * { grid-area: 1 / 1; }
.facts { display: grid; grid-template-columns: 1fr 1fr auto; gap: 8px; margin: 0; font-variant-numeric: tabular-nums; }
.facts div { display: flex; flex-direction: column-reverse; }
.facts dd { margin: 0; font-size: 1.14em; font-weight: 600; white-space: nowrap; }
.facts dt, .note { color: var(--soft); font-size: .87em; }
.note { margin: 0; }
.troubled:not(.apart) .facts { visibility: hidden; }
.apart .note { grid-area: 2 / 1; margin-top: 3px; }

.weight { width: 100%; margin-top: 8px; border-collapse: collapse; font-size: .87em; font-variant-numeric: tabular-nums; }
.weight caption { text-align: left; font-weight: 600; padding-bottom: 2px; }
.weight :is(th, td) { padding: 2px 0; border-top: 1px solid var(--line); font-weight: 400; text-align: left; }
.weight th { color: var(--soft); }
.weight td { text-align: right; white-space: nowrap; padding-left: 8px; }

.ways summary { cursor: pointer; width: max-content; line-height: 24px; color: var(--soft); }
.ways summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.ways .tools { margin-top: 10px; }
.ways :is(label, .named) { display: flex; align-items: center; gap: 10px; }
.ways b { color: var(--ink); min-width: 3em; font-variant-numeric: tabular-nums; }
.fixed { flex-basis: 100%; margin: 0; font-size: .93em; }
.fixed:empty { display: none; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 20px; min-height: 33px; color: var(--soft); }
.strength { display: flex; align-items: center; gap: 10px; flex: 1 1 260px; }
.strength input { flex: 1; min-width: 90px; }
.strength b { color: var(--ink); min-width: 2.6em; font-variant-numeric: tabular-nums; }
.fit { display: flex; flex-wrap: wrap; align-items: center; gap: 10px; font-variant-numeric: tabular-nums; }
.fit span { min-width: 12.5em; }
.sign:empty { display: none; }
.scale { display: inline-flex; align-items: center; gap: 7px; font-size: .87em; white-space: nowrap; }
.scale canvas { width: 96px; height: 10px; border-radius: 3px; box-shadow: 0 0 0 1px var(--line); }
.where { margin-left: auto; font-variant-numeric: tabular-nums; }
input[type=range] { appearance: none; height: 24px; margin: 0; cursor: pointer; outline: none; background:
  linear-gradient(90deg, var(--accent) var(--fill, 100%), var(--line) 0) 0 50% / 100% 4px no-repeat; }
input[type=range]::-webkit-slider-thumb { appearance: none; width: 18px; height: 18px; border-radius: 50%;
  background: var(--accent); border: 3px solid var(--paper); box-shadow: 0 0 0 1px var(--line); }
input[type=range]::-moz-range-thumb { width: 13px; height: 13px; border-radius: 50%;
  background: var(--accent); border: 3px solid var(--paper); }
input[type=range]:focus-visible::-webkit-slider-thumb {
  box-shadow: 0 0 0 3px color-mix(in srgb, var(--accent) 50%, transparent); }
.seg { display: inline-flex; border: 1px solid var(--line); border-radius: 7px; overflow: hidden; }
.button { all: unset; cursor: pointer; padding: 5px 12px; white-space: nowrap; border-radius: 7px;
  border: 1px solid var(--line); color: var(--ink); }
.seg .button { border: 0; border-radius: 0; color: var(--soft); }
.button[aria-pressed=true] { background: color-mix(in srgb, var(--ink) 11%, transparent); color: var(--ink); }
.button:hover { color: var(--ink); background: color-mix(in srgb, var(--ink) 6%, transparent); }
.button:focus-visible { box-shadow: inset 0 0 0 2px var(--accent); }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }

@container (max-width: 420px) { .strip.long .unit { display: none; } }
@container (max-width: 285px) {
  .more, .strip [aria-pressed=false] .unit { display: none; }
}
@container (max-width: 260px) {
  .facts { font-size: .87em; gap: 4px; }
  .strip { grid-template-columns: repeat(var(--few), minmax(0, 1fr)); gap: 4px; }
}
@container view (max-width: 620px) {
  .panels { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px 12px; }
  :where(.panel:first-child:not(:nth-last-child(4)), .panel:nth-child(2):last-child) { grid-column: 1 / -1;
    display: grid; grid-template-columns: max(272px, 62%) minmax(0, 1fr); column-gap: 12px;    /* its numbers beside */
    & > * { grid-column: 1; }                              /* the picture: every panel on one screen */
    .head, .strip, .pinned, .weight { grid-column: 1 / -1; }
    .main { grid-row: 2; }
    .under { grid-area: 2 / 2; }
    .facts { grid-template-columns: minmax(0, 1fr); align-content: end; gap: 12px; }
    .more { display: none; }
  }
  .tools { gap: 10px 14px; }
  .strength, .where { flex-basis: 100%; margin: 0; }
}
@container style(--panels: in-a-row) {                           /* where a page has little height all panels are seen */
  .panels:has(> :nth-child(2)) { grid-template-columns: repeat(min(var(--n), 4), minmax(0, 1fr)); gap: 8px;
    align-items: end;
    .panel { grid-column: auto; display: block; }
    .head { white-space: normal; font-size: .87em; line-height: 1.2; }
    .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
    .facts div { flex-flow: row-reverse; justify-content: flex-end; align-items: baseline; gap: 4px; }
    :is(.more, .strip) { display: none; }
  }
}
@media (pointer: coarse) {
  input[type=range] { height: 36px; }
  .button { padding: 10px 14px; }
  .ways summary { line-height: 40px; }
}`;
