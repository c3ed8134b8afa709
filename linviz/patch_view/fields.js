// fields.js: the fields of a look, as Python declares them in linviz/views/state.py. No limit is typed here.

export const between = (x, least, most) => Math.max(least, Math.min(most, x));

export function allowed({kind, low, high, words, longest, most}, value) {    // the value, or undefined
  if (kind === "word") return words.includes(value) ? value : undefined;
  if (kind === "switch") return typeof value === "boolean" ? value : undefined;
  if (kind === "text") return typeof value === "string" && value.length <= longest ? value : undefined;
  if (kind === "pins") {                                         // places: frame, row, column from 0
    const placed = at => Array.isArray(at) && at.length === 3 && at.every(n => Number.isInteger(n) && n >= 0);
    return Array.isArray(value) && value.length <= most && value.every(placed) ? value : undefined;
  }
  if (kind === "words") {
    const good = Array.isArray(value) && value.length <= most && value.every(word => words.includes(word));
    return good ? [...new Set(value)] : undefined;
  }
  if (!Number.isFinite(value)) return undefined;
  return between(kind === "whole" ? Math.round(value) : value, low ?? -Infinity, high ?? Infinity);
}
