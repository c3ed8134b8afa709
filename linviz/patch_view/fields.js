// fields.js: the fields of a look, as Python declares them in linviz/views/state.py. No limit is typed here.

export const between = (x, least, most) => Math.max(least, Math.min(most, x));

export function allowed({kind, low, high, words}, value) {       // the value as a view takes it, or undefined
  if (kind === "word") return words.includes(value) ? value : undefined;
  if (kind === "switch") return typeof value === "boolean" ? value : undefined;
  if (!Number.isFinite(value)) return undefined;
  return between(kind === "whole" ? Math.round(value) : value, low ?? -Infinity, high ?? Infinity);
}
