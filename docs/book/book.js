(() => {
"use strict";
// fields.js: the fields of a look, as Python declares them in linviz/views/state.py. No limit is typed here.

const between = (x, least, most) => Math.max(least, Math.min(most, x));

function allowed({kind, low, high, words, longest, most}, value) {    // the value, or undefined
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

// rows.js: from bytes to a row of attention, and what is measured on it. Nothing here draws.
// The files of the view import one another; source.py joins them to one ES module and drops their imports.

// ------------------------------------------------------------------------------------------------ the blob
// "LVIZ" | header bytes (u32) | header (JSON) | buffers. An array in the header is {$: offset, bytes, dtype, shape}.

function widen(half, scale = 1) {                                // float16 bits -> Float32Array, times a power of two
  const out = new Float32Array(half.length);
  if (globalThis.Float16Array) out.set(new Float16Array(half.buffer, half.byteOffset, half.length));
  else {
    for (let n = 0; n < half.length; n++) {
      const e = half[n] >> 10 & 31, m = half[n] & 1023, sign = half[n] >> 15 ? -1 : 1;
      out[n] = sign * (e === 0 ? m * 2 ** -24 : e === 31 ? (m ? NaN : Infinity) : (1 + m / 1024) * 2 ** (e - 15));
    }
  }
  if (scale !== 1) for (let n = 0; n < out.length; n++) out[n] *= scale;
  return out;
}

const typed = {
  float32: (buffer, at, bytes) => new Float32Array(buffer, at, bytes / 4),
  float16: (buffer, at, bytes, scale) => widen(new Uint16Array(buffer, at, bytes / 2), scale),
  int32: (buffer, at, bytes) => new Int32Array(buffer, at, bytes / 4),
  uint8: (buffer, at, bytes) => new Uint8Array(buffer, at, bytes),
};

function unpack(bytes) {
  const buffer = bytes.slice().buffer;                           // a host may hand over bytes at an odd address
  const text = (at, length) => new TextDecoder().decode(new Uint8Array(buffer, at, length));
  if (bytes.length < 8 || text(0, 4) !== "LVIZ") throw new Error("these bytes are not a linviz view");
  const head = new DataView(buffer).getUint32(4, true), seen = new Map();
  const array = x => {                                           // equal arrays were stored once and stay one
    const key = `${x.$} ${x.bytes} ${x.dtype} ${x.scale}`;       // halves of other scales may have the same bytes
    if (!seen.has(key)) seen.set(key, typed[x.dtype](buffer, 8 + head + x.$, x.bytes, x.scale));
    return {data: seen.get(key), shape: x.shape};
  };
  const walk = x => Array.isArray(x) ? x.map(walk) : !x || typeof x !== "object" ? x : "$" in x ? array(x)
    : Object.fromEntries(Object.entries(x).map(([name, value]) => [name, walk(value)]));
  return walk(JSON.parse(text(8, head)));
}

// ------------------------------------------------------------------------------------------------ roads
// A wire is what a map sends; a road computes any of its rows: {N, S, row(i, out)}, out a Float64Array of S.
// steps(i, j) says how the weight of key j for query i comes about: [words, number] in order, the weight itself last.
// A road whose weights follow a slider also has turn({strength, fading, erasing}, snapshot), and says which: gated, fades,
// erases. A gated road has fit as well, the steps and divergences of its snapshots.

const sigmoid = x => 1 / (1 + Math.exp(-x));
const logSigmoid = x => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));

function dot(a, i, b, j, length) {
  let sum = 0;
  for (let d = 0; d < length; d++) sum += a[i + d] * b[j + d];
  return sum;
}

function products(left, right, n, out) {                         // out_j = left . right_j for the first n keys
  const M = left.length;                                         // four sums at once: none waits for the one before
  for (let j = 0, at = 0; j < n; j++) {
    let s = 0, t = 0, u = 0, w = 0, m = 0;
    for (; m + 3 < M; m += 4, at += 4) {
      s += left[m] * right[at];
      t += left[m + 1] * right[at + 1];
      u += left[m + 2] * right[at + 2];
      w += left[m + 3] * right[at + 3];
    }
    for (; m < M; m++, at++) s += left[m] * right[at];
    out[j] = s + t + u + w;
  }
  return out;
}

const GREATEST = 60;                                             // as in linviz/maps/factored.py: what a gate reads

function multiplied(phi, s) {                                    // features times their exponentials
  return s ? {...phi, data: phi.data.map((x, n) => x * Math.exp(Math.min(s.data[n], GREATEST)))} : phi;
}

const roads = {
  softmax({q, k, scale, bias, causal}) {                         // softmax over j of scale q_i.k_j + bias_ij
    const [N, D] = q.shape, S = k.shape[0], left = new Float64Array(D);
    const seenBy = i => causal ? Math.min(i + 1, S) : S;
    function score(i, seen, out) {                               // the scores of a row; the largest of them
      let top = -Infinity;
      left.set(q.data.subarray(i * D, (i + 1) * D));
      products(left, k.data, seen, out);
      for (let j = 0; j < seen; j++) {
        const score = out[j] = scale * out[j] + (bias ? bias.data[i * S + j] : 0);
        if (score > top) top = score;
      }
      return top;
    }
    function row(i, out) {
      const seen = seenBy(i), top = score(i, seen, out);
      let sum = 0;
      if (top === -Infinity) return out.fill(0);                 // every key is forbidden
      for (let j = 0; j < seen; j++) sum += out[j] = Math.exp(out[j] - top);
      for (let j = 0; j < seen; j++) out[j] /= sum;
      return out.fill(0, seen);
    }
    function steps(i, j) {
      const out = new Float64Array(S), seen = seenBy(i), top = score(i, seen, out), own = out[j];
      if (j >= seen || own === -Infinity) return [["this query may not see this key", null], ["weight", 0]];
      const sum = out.reduce((sum, a, n) => n < seen ? sum + Math.exp(a - top) : sum, 0), e = Math.exp(own - top);
      const more = [...bias ? [["bias", bias.data[i * S + j]]] : [], ...bias || scale !== 1 ? [["score", own]] : []];
      return [["q\u00b7k", dot(q.data, i * D, k.data, j * D, D)], ...more, ["exp(score \u2212 largest score)", e],
        ["sum over all keys", sum], ["weight", e / sum]];
    }
    return {N, S, row, steps};
  },

  factored({left, right, mix, query_block, key_block}) {         // left_i . right_j, times a mix of blocks
    const [N, M] = left.shape, S = right.shape[0], own = new Float64Array(M);
    const mixed = (i, j) => mix.data[query_block.data[i] * mix.shape[1] + key_block.data[j]];
    function row(i, out) {
      own.set(left.data.subarray(i * M, (i + 1) * M));
      products(own, right.data, S, out);
      for (let j = 0; mix && j < S; j++) out[j] *= mixed(i, j);  // by its block's row of the mix
      return out;
    }
    function steps(i, j) {                                       // what a row is divided by is in the left factor
      const product = ["left factor\u00b7right factor", dot(left.data, i * M, right.data, j * M, M)];
      return [product, ...mix ? [["mix of the two blocks", mixed(i, j)]] : [], ...ofRow(row, i, j, S)];
    }
    return {N, S, row, steps};
  },

  kernel({phi_q, phi_k, z_q, z_k, s_q, s_k, normaliser, causal, gate, over}) {
    // sum_m phi_q g(s z_q) phi_k g(s z_k), times exp(s_q + s_k) where there are exponents, then normalised
    if (over) return overSums({phi_q, phi_k, z_q, z_k, normaliser, gate, over});
    const [N, M] = phi_q.shape, S = phi_k.shape[0], left = new Float64Array(M);
    const own = z_q && [z_q.data, z_k.data], last = gate ? gate.steps.length - 1 : 0;
    const right = own ? new Float32Array(S * M) : phi_k.data;    // the gated features of all keys
    let z = own, s = 1;
    function turn({strength}, snapshot = last) {
      z = snapshot === last ? own : logits(gate, multiplied(phi_q, s_q), multiplied(phi_k, s_k), snapshot);
      s = strength;
      for (let n = 0; n < right.length; n++) {
        right[n] = s_k ? s_k.data[n] + logSigmoid(s * z[1][n]) : phi_k.data[n] * sigmoid(s * z[1][n]);
      }
    }
    const exponents = s_k && !own ? s_k.data : right;            // of keys, where features have exponents
    function shifted(i, seen, out) {                             // a row without its largest exponent, which cancels
      let top = -Infinity;
      for (let n = 0; n < seen * M; n++) top = Math.max(top, left[n % M] + exponents[n]);
      for (let j = 0, n = 0; j < seen; j++) {
        out[j] = 0;
        for (let m = 0; m < M; m++, n++) {
          out[j] += phi_q.data[i * M + m] * phi_k.data[n] * Math.exp(left[m] + exponents[n] - top);
        }
      }
      return top;
    }
    function undivided(i, seen, out) {                           // a row before it is divided, and by what
      for (let m = 0, n = i * M; m < M; m++, n++) {
        left[m] = s_q ? s_q.data[n] + (z ? logSigmoid(s * z[0][n]) : 0) : phi_q.data[n] * (z ? sigmoid(s * z[0][n]) : 1);
      }
      const top = s_q ? shifted(i, seen, out) : 0, eps = normaliser.eps && normaliser.eps * Math.exp(-top);
      if (!s_q) products(left, right, seen, out);
      let sum = 0;
      for (let j = 0; j < seen; j++) sum += out[j];
      return {add: sum + eps, clamp: Math.max(sum, eps), none: 1}[normaliser.kind];
    }
    const seenBy = i => causal ? Math.min(i + 1, S) : S;
    function row(i, out) {
      const seen = seenBy(i), whole = undivided(i, seen, out);
      for (let j = 0; j < seen; j++) out[j] = whole === 0 ? 0 : out[j] / whole;
      return out.fill(0, seen);
    }
    function steps(i, j) {
      const out = new Float64Array(S), whole = undivided(i, seenBy(i), out);
      if (j >= seenBy(i)) return [["this query may not see this key", null], ["weight", 0]];
      return divided(out[j], whole, normaliser, [z && "with the gate", s_q && "without the largest exponential"]);
    }
    if (own) turn({strength: 1});
    return own ? {N, S, row, steps, turn, gated: true, fit: gate} : {N, S, row, steps};
  },

  blocks({parts, size, gate}) {                                  // boxes of a scope; in several: the mean row
    const turns = [], inner = [];                                // turns[i]: every place of query i
    for (const {queries, keys, wire} of parts) {
      const [boxes, L] = queries.shape, S = keys.shape[1];
      for (let b = 0; b < boxes; b++) {
        const mine = keys.data.subarray(b * S, (b + 1) * S), row = new Float64Array(S);
        const road = roadOf({...slice(wire, b), ...(gate && {gate: {...gate, v: gate.v && take(gate.v, mine)}})});
        inner.push(road);
        for (let l = 0; l < L; l++) (turns[queries.data[b * L + l]] ??= []).push({road, place: l, keys: mine, row});
      }
    }
    return {N: turns.length, S: size, ...turnedBy(inner, gate), row(i, out) {
      out.fill(0);
      for (const {road, place, keys, row} of turns[i]) {
        road.row(place, row);
        for (let j = 0; j < row.length; j++) out[keys[j]] += row[j] / turns[i].length;
      }
      return out;
    }, steps(i, j) {
      const boxes = turns[i].flatMap(one => [...one.keys].flatMap((key, n) => key === j ? [one.road.steps(one.place, n)] : []));
      if (!boxes.length) return [["outside the window of this query", null], ["weight", 0]];
      if (boxes.length === 1 && turns[i].length === 1) return boxes[0];
      const weights = boxes.map(steps => steps.at(-1)[1]), sum = weights.reduce((a, b) => a + b);
      return [...weights.map((a, n) => [`in window ${n + 1}`, a]), ["windows of this query", turns[i].length],
        ["weight", sum / turns[i].length]];
    }};
  },

  sum({parts}) {                                                 // two ways of looking, added
    const inner = parts.map(roadOf), {N, S} = inner[0], one = new Float64Array(S);
    return {N, S, ...turnedBy(inner), row(i, out) {
      out.fill(0);
      for (const road of inner) road.row(i, one).forEach((a, j) => { out[j] += a; });
      return out;
    }, steps(i, j) {
      const weights = inner.map(road => road.steps(i, j).at(-1)[1]);
      return [...weights.map((a, n) => [`part ${n + 1}`, a]), ["weight", weights.reduce((a, b) => a + b)]];
    }};
  },

  sparse({index, weights, size}) {                               // a few weights a row; a key named twice counts twice
    const [N, P] = index.shape;
    return {N, S: size, row(i, out) {
      out.fill(0);
      for (let n = i * P; n < (i + 1) * P; n++) out[index.data[n]] += weights.data[n];
      return out;
    }, steps(i, j) {
      const named = Array.from({length: P}, (_, n) => i * P + n).filter(n => index.data[n] === j && weights.data[n] !== 0);
      return [["entries of this key in the list of this query", named.length],
        ["weight", named.reduce((sum, n) => sum + weights.data[n], 0)]];
    }};
  },

  walk({q, k, decay, beta, erase, each}) {                       // the query goes back through a fading memory
    const [N, D] = q.shape, M = decay.shape[1], w = new Float64Array(D);
    let kept = decay.data, e = erase;
    function turn({fading, erasing}) {
      kept = fading === 1 ? decay.data : Float64Array.from(decay.data, g => g ** fading);
      e = erase * erasing;
    }
    function row(i, out) {
      out.fill(0);
      for (let d = 0; d < D; d++) w[d] = q.data[i * D + d];
      for (let t = Math.floor(i / each); t >= 0; t--) {          // one step: a token, or all tokens of a frame
        const end = (t + 1) * each;
        for (let j = t * each; j < end; j++) out[j] = beta.data[j] * dot(w, 0, k.data, j * D, D);
        for (let j = t * each; e && j < end; j++) {
          for (let d = 0; d < D; d++) w[d] -= e * out[j] * k.data[j * D + d];
        }
        for (let d = 0; d < D; d++) w[d] *= kept[t * M + (M > 1 ? d : 0)];
      }
      return out;
    }
    function steps(i, j) {
      const a = row(i, new Float64Array(N))[j], b = beta.data[j], at = Math.floor(j / each);
      if (at > Math.floor(i / each)) return [["this key comes after this query", null], ["weight", 0]];
      return [["q\u00b7k", dot(q.data, i * D, k.data, j * D, D)],
        ["q\u00b7k after fading and erasing", b === 0 ? 0 : a / b], ["beta, how far it is written", b], ["weight", a]];
    }
    return {N, S: N, turn, fades: decay.data.some(g => g < 1), erases: erase > 0, row, steps};
  },

  rows({rows}) {                                                 // a table, for maps that nothing shorter describes
    const [N, S] = rows.shape;
    const row = (i, out) => { out.set(rows.data.subarray(i * S, (i + 1) * S)); return out; };
    return {N, S, row, steps: (i, j) => ofRow(row, i, j, S)};
  },
};

function ofRow(row, i, j, S) {                                   // the last steps where nothing else is known of a row
  const out = row(i, new Float64Array(S));
  return [["sum of the row", out.reduce((a, b) => a + b)], ["weight", out[j]]];
}

function divided(product, whole, {kind}, how) {                  // the steps of a kernel: features, row sum, share
  const words = ["\u03c6(q)\u00b7\u03c6(k)", ...how.filter(Boolean)].join(", ");
  const sum = kind === "none" ? ["not divided by the row sum", null] : ["sum of the row, with its floor", whole];
  return [[words, product], sum, ["weight", whole === 0 ? 0 : product / whole]];
}

function roadOf(wire) {
  if (!Object.hasOwn(roads, wire.kind)) throw new Error(`a map of the kind “${wire.kind}” cannot be drawn here yet`);
  return roads[wire.kind](wire);
}

function turnedBy(roads, fit) {                                  // what several roads together follow
  const any = what => roads.some(road => road[what]);
  const turn = (...to) => roads.forEach(road => road.turn?.(...to));
  return any("turn") && {turn, gated: any("gated"), fades: any("fades"), erases: any("erases"),
    ...(any("gated") && {fit})};
}

function overSums({phi_q, phi_k, z_q, z_k, normaliser, gate, over}) {
  // one product of features, rotated by the place of a token, over the row sum of another that is not
  const [N, M] = phi_q.shape, S = phi_k.shape[0], up_q = over.up_q ?? phi_q, up_k = over.up_k ?? phi_k;
  const left = new Float64Array(M), right = new Float64Array(S * M), sums = new Float64Array(M);
  const own = z_q && [z_q.data, z_k.data], last = gate ? gate.steps.length - 1 : 0;
  let z = own, s = 1;
  const open = (side, n) => z ? sigmoid(s * z[side][n]) : 1;
  function rotate(x, from, angles, at) {                         // pairs of channels of one token, in every group
    const P = angles.shape[1];
    for (let g = 0; g < M; g += over.group) {
      for (let p = 0; p < P; p++) {
        const n = from + g + 2 * p, a = x[n], b = x[n + 1], t = angles.data[at * P + p], c = Math.cos(t), d = Math.sin(t);
        x[n] = a * c - b * d;
        x[n + 1] = a * d + b * c;
      }
    }
  }
  function turn({strength}, snapshot = last) {
    z = !own || snapshot === last ? own : logits(gate, phi_q, phi_k, snapshot);
    s = strength;
    sums.fill(0);
    for (let n = 0; n < right.length; n++) {
      right[n] = up_k.data[n] * open(1, n);
      sums[n % M] += phi_k.data[n] * open(1, n);
    }
    for (let j = 0; j < S; j++) rotate(right, j * M, over.angles_k, j);
  }
  function undivided(i, out) {                                   // a row before it is divided, and by what
    let sum = 0;
    for (let m = 0, n = i * M; m < M; m++, n++) {
      sum += phi_q.data[n] * open(0, n) * sums[m];
      left[m] = up_q.data[n] * open(0, n);
    }
    rotate(left, 0, over.angles_q, i);
    products(left, right, S, out);
    return {add: sum + normaliser.eps, clamp: Math.max(sum, normaliser.eps), none: 1}[normaliser.kind] || 1;
  }
  function row(i, out) {
    const whole = undivided(i, out);
    for (let j = 0; j < S; j++) out[j] /= whole;
    return out;
  }
  function steps(i, j) {
    const out = new Float64Array(S), whole = undivided(i, out);
    return divided(out[j], whole, normaliser, ["rotated", z && "with the gate"]);
  }
  turn({strength: 1});
  return own ? {N, S, row, steps, turn, gated: true, fit: gate} : {N, S, row, steps};
}

const isArray = x => x?.data !== undefined && Array.isArray(x.shape);

function slice(wire, box) {                                      // box `box` of every array; numbers and names stay
  if (wire.kind === "sum") return {...wire, parts: wire.parts.map(part => slice(part, box))};
  if (wire.kind === "blocks") return {...wire, parts: wire.parts.map(p => ({...p, wire: slice(p.wire, box)}))};
  const one = x => {
    if (x?.angles_q) return slice(x, box);
    if (!isArray(x)) return x;
    const size = x.data.length / x.shape[0];
    return {data: x.data.subarray(box * size, (box + 1) * size), shape: x.shape.slice(1)};
  };
  return Object.fromEntries(Object.entries(wire).map(([name, x]) => [name, one(x)]));
}

function take(x, index) {                                        // rows of x, in the order of index
  const width = x.shape[1], data = new Float32Array(index.length * width);
  index.forEach((from, to) => data.set(x.data.subarray(from * width, (from + 1) * width), to * width));
  return {data, shape: [index.length, width]};
}

function logits(gate, phi_q, phi_k, n) {                         // the gate as it was at snapshot n: z = W input + b
  const both = gate.sees === "qkv" ? [phi_q, phi_k, gate.v] : [phi_q, phi_k];
  const layer = (inputs, weight, bias) => {
    const [, M, I] = weight.shape, N = inputs[0].shape[0], z = new Float32Array(N * M);
    for (let i = 0; i < N; i++) {
      for (let m = 0; m < M; m++) {
        let sum = bias.data[n * M + m], at = (n * M + m) * I;
        for (const {data, shape: [, d]} of inputs) { sum += dot(weight.data, at, data, i * d, d); at += d; }
        z[i * M + m] = sum;
      }
    }
    return z;
  };
  return [layer(gate.sees === "self" ? [phi_q] : both, gate.q_weight, gate.q_bias),
          layer(gate.sees === "self" ? [phi_k] : both, gate.k_weight, gate.k_bias)];
}

// ------------------------------------------------------------------------------------------------ measures

const ROUNDING = 1e-6;                                           // of the largest weight, as in linviz/signed_rows.py

function measures(row, shares = true, top = 10) {         // shares: the rows of this map are meant to sum to one
  const best = new Float64Array(top);                            // the largest weights, ascending
  let alog = 0, sum = 0, least = 0, most = 0;
  for (const a of row) {
    sum += a;
    if (a < least) least = a;
    if (a > most) most = a;
    if (a > 0) alog += a * Math.log2(a);
    if (a > best[0]) {
      let t = 0;
      while (t + 1 < top && best[t + 1] < a) { best[t] = best[t + 1]; t++; }
      best[t] = a;
    }
  }
  const size = Math.max(most, -least), dead = size === 0 || shares && sum < .5;    // most of it lost to the eps
  const trouble = least < -ROUNDING * size ? "signed" : dead ? "dead" : shares ? "" : "unequal";
  if (trouble) return {trouble, sum, size, ...signs(row, ROUNDING * size), peak: size * row.length};
  const bits = Math.max(0, Math.log2(sum) - alog / sum);         // the row is taken as shares of its own sum
  return {trouble, sum, size, bits, effective: 2 ** bits, top: best.reduce((a, b) => a + b, 0) / sum};
}

function signs(row, least) {                                     // the share of negative weights, and their sum
  let below = 0, weights = 0, under = 0;
  for (const a of row) {
    if (a > least || a < -least) weights++;
    if (a < -least) below++;
    if (a < 0) under += a;
  }
  return {negative: below / weights || 0, under};
}

function fewest(row, share) {                             // 1 on the fewest keys that hold `share` of a row's sum
  const held = new Uint8Array(row.length), sum = row.reduce((a, b) => a + b, 0);
  if (!(share > 0 && sum > 0)) return held;
  let [least, alike] = lightest(row, share * sum * (1 - 1e-12));
  for (let j = 0; j < row.length; j++) held[j] = row[j] > least || row[j] === least && alike-- > 0 ? 1 : 0;
  return held;
}

const BINS = 2048, bits = new Uint32Array(1), number = new Float32Array(bits.buffer), totals = new Float64Array(BINS);

function binOf(a) {                                              // bins of positive numbers, in order: eight to an octave
  number[0] = a;
  return a > 0 ? bits[0] >>> 20 : 0;
}

function lightest(row, need) {                                   // the lightest weight held, and how many of its size
  totals.fill(0);                                                // only one bin has to be sorted
  for (const a of row) if (a > 0) totals[binOf(a)] += a;
  let bin = BINS - 1, part = 0;
  while (bin > 0 && part + totals[bin] < need) part += totals[bin--];
  const order = Float64Array.from(row.filter(a => a > 0 && binOf(a) === bin)).sort();
  let n = order.length, alike = 0;
  while (n > 0 && part < need) part += order[--n];
  for (let j = n; j < order.length && order[j] === order[n]; j++) alike++;
  return [order[n], alike];
}

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
let hues = {};
const ramps = {};

function setColours(colours) {                            // as linviz/palette.py has them, once for all hosts
  hues = colours.hues;
  ramps.sequential = ramp(...colours.sequential);
  ramps.diverging = ramp(...colours.diverging);                  // negative, nothing, positive
}

// ------------------------------------------------------------------------------------------------ elements

function h(tag, props = {}, ...kids) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in e && name !== "style") e[name] = value; else e.setAttribute(name, value);
  }
  e.append(...kids);
  return e;
}

function write(e, text) { if (e.textContent !== text) e.textContent = text; }

function three(x) {                                       // three digits, never 1.5e+3
  return x >= 999.5 ? String(+x.toPrecision(3)) : x >= 99.95 ? x.toFixed(0) : x >= 9.995 ? x.toFixed(1) : x.toFixed(2);
}

// ------------------------------------------------------------------------------------------------ style

const css = `
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

// light.js: how attention is painted over a picture. Light is the picture at night, with a lamp on what is looked at;
// heat and signed maps are colours over a grey photograph. linviz/patch_view/light.py has the rule and its numbers.


const tones = {root: (x, light) => x ** light.root, linear: x => x,
  log: (x, light) => Math.max(0, 1 + Math.log10(x) / light.decades)};

// One pixel a patch, into the two small images of a stage. Light: how far it is day, as alpha, and the lamp's colour.
// Heat and signed: a colour and how much of the photograph it covers.
function paint({image, lamp}, row, first, {gain, light, heat, signed, tone = "root"}) {
  const d = image.data, glow = lamp.data, bright = tones[tone];
  for (let n = 0, j = first; n < d.length; n += 4, j++) {
    const x = Math.min(1, Math.abs(row[j]) * gain), e = bright(x, light);
    if (signed) tint(d, n, ramps.diverging, .5 + Math.sign(row[j]) * e / 2, 205);
    else if (heat) tint(d, n, ramps.sequential, e, 235 * Math.min(1, 1.6 * e));
    else {
      d[n + 3] = 255 * e;
      for (let c = 0; c < 3; c++) glow[n + c] = 255 * light.lamp[c] * x;
      glow[n + 3] = 255;
    }
  }
}
function tint(d, n, table, x, alpha) {
  const c = 3 * Math.round(255 * x);
  d[n] = table[c]; d[n + 1] = table[c + 1]; d[n + 2] = table[c + 2]; d[n + 3] = alpha;
}

function litGrey(c, x, light, tone) {                       // a grey c under the weight x, all in 0..1: three bytes
  const t = tones[tone](x, light), [low, slope] = light.night, day = c ** light.day;
  return [0, 1, 2].map(n => {
    const out = (1 - t) * (low + slope * c) * light.tint[n] + t * day;
    return 255 * (1 - (1 - out) * (1 - light.lamp[n] * x));
  });
}

// A frame of a clip: its address for an <img>, and once it is decoded its night and its day, made at most once a size.
class Picture {
  constructor({type, data}, ready) {
    const blob = new Blob([data.data ?? data], {type});
    this.src = URL.createObjectURL(blob);
    this.sizes = new Map();
    this.decoded = createImageBitmap(blob).then(bitmap => { this.bitmap = bitmap; ready(); }, () => {});
  }

  develop(longest, light) {                                      // {night, day}, or undefined while it is not decoded
    const old = this.sizes.get(longest);
    if (!this.bitmap || old?.light === light) return old;
    this.sizes.set(longest, {light, ...nightAndDay(this.bitmap, longest, light)});
    return this.sizes.get(longest);
  }

  forget(longest) { this.sizes.delete(longest); }

  close() {
    URL.revokeObjectURL(this.src);
    this.sizes.clear();
    this.bitmap?.close();
    this.bitmap = undefined;
  }
}

function nightAndDay(bitmap, longest, {luma, night: [low, slope], tint: shades, day: power}) {
  const part = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const sheet = () => new OffscreenCanvas(Math.max(1, Math.round(part * bitmap.width)),
    Math.max(1, Math.round(part * bitmap.height)));
  const night = sheet(), day = sheet(), pen = day.getContext("2d", {willReadFrequently: true});
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, day.width, day.height);
  const bright = pen.getImageData(0, 0, day.width, day.height), dark = new ImageData(day.width, day.height);
  const powers = Uint8ClampedArray.from({length: 256}, (_, n) => 255 * (n / 255) ** power);
  for (let n = 0, b = bright.data, d = dark.data; n < b.length; n += 4) {
    const grey = 255 * low + slope * (luma[0] * b[n] + luma[1] * b[n + 1] + luma[2] * b[n + 2]);
    for (let c = 0; c < 3; c++) { d[n + c] = grey * shades[c]; b[n + c] = powers[b[n + c]]; }
    d[n + 3] = 255;
  }
  pen.putImageData(bright, 0, 0);
  night.getContext("2d").putImageData(dark, 0, 0);
  return {night, day};
}

// A photograph under a canvas. The patches are first enlarged `zoom` times (odd: a sample lies on every patch centre, so
// that a lone lit patch is fully lit), since browsers stretch coarsely. `longest`: pixels of the picture in light.
function stage(T, Y, X, zoom, longest = 720) {
  const photo = h("img", {className: "photo", alt: "", draggable: false, decoding: "sync"});
  const mask = h("canvas", {ariaHidden: "true"}), pen = mask.getContext("2d", {colorType: "float16"});
  const small = new OffscreenCanvas(X, Y).getContext("2d");
  const large = new OffscreenCanvas(X * zoom, Y * zoom).getContext("2d");
  large.imageSmoothingQuality = "low";
  large.globalCompositeOperation = "copy";
  const enlarged = (from, t) => {
    small.putImageData(from, 0, -t * Y, 0, t * Y, X, Y);
    if (zoom === 1) return small.canvas;
    large.drawImage(small.canvas, 0, 0, large.canvas.width, large.canvas.height);
    return large.canvas;
  };
  const lay = (what, how) => {
    pen.globalCompositeOperation = how;
    pen.drawImage(what, 0, 0, mask.width, mask.height);
  };
  const size = ({width, height}) => {
    if (mask.width !== width || mask.height !== height) Object.assign(mask, {width, height});
    pen.imageSmoothingQuality = "low";
  };
  const box = h("div", {className: "stage"}, photo, mask);
  const self = {photo, mask, box, longest, image: new ImageData(X, Y * T), lamp: new ImageData(X, Y * T)};
  self.put = (t, picture, light, {image, lamp} = self) => {      // a picture: light; none: colours over the photograph
    const made = picture?.develop(longest, light);
    box.classList.toggle("night", Boolean(picture));             // until it is decoded, the photograph is only dimmed
    size(made?.day ?? large.canvas);
    if (!picture) return lay(enlarged(image, t), "copy");
    if (!made) return pen.clearRect(0, 0, mask.width, mask.height);
    lay(made.day, "copy");
    lay(enlarged(image, t), "destination-in");
    lay(made.night, "destination-over");
    lay(enlarged(lamp, t), "screen");
  };
  return self;
}

// scale.js: what a brightness or a colour stands for: a bar, drawn on mid grey, and the weights at its two ends.


const WIDE = 96, GREY = .5;

class Scale {
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

// outline.js: lines around patches: those that show the object, and the fewest that hold a share of the attention.

function outlines(marks, {T, Y, X, first}) {              // one path a frame, in patches; none: empty paths
  return Array.from({length: T}, (_, t) => {
    const on = (y, x) => y >= 0 && y < Y && x >= 0 && x < X && marks?.data[first + (t * Y + y) * X + x] > 0;
    let path = "";
    for (let y = 0; y < Y; y++) {
      for (let x = 0; x < X; x++) {
        if (!on(y, x)) continue;
        if (!on(y - 1, x)) path += `M${x} ${y}h1`;
        if (!on(y + 1, x)) path += `M${x} ${y + 1}h1`;
        if (!on(y, x - 1)) path += `M${x} ${y}v1`;
        if (!on(y, x + 1)) path += `M${x + 1} ${y}v1`;
      }
    }
    return path;
  });
}

function edge(box, {Y, X}, kind = "edge") {               // over a picture; dark under light: it shows on both
  box.insertAdjacentHTML("beforeend",
    `<svg class="${kind}" aria-hidden="true" viewBox="0 0 ${X} ${Y}" preserveAspectRatio="none"><path/><path/></svg>`);
  const lines = [...box.lastElementChild.children];
  return path => { if (lines[0].getAttribute("d") !== path) lines.forEach(line => line.setAttribute("d", path)); };
}

// pins.js: up to three pinned queries: which they are, and a small picture of the row of each in every panel.


const SMALL = 240;                                               // pixels of a small picture, in light

function pinnedTokens(places, query, grid, most) {        // the pins with the query among them; none where it is alone
  const there = places.filter(([t, y, x]) => t < grid.T && y < grid.Y && x < grid.X).map(at => grid.number(...at));
  const tokens = [...new Set([...there, query])].slice(-most);
  return tokens.length > 1 ? tokens : [];
}

function pinOrUnpin(tokens, query, at, most) {            // a click on patch `at`: {query, tokens}
  const now = tokens.length ? tokens : [query], left = now.filter(n => n !== at);
  if (!left.length) return {query, tokens: []};                  // a view always has a query
  if (left.length < now.length) return {query: at === query ? left.at(-1) : query, tokens: left};
  const oldest = (now.indexOf(query) + 1) % most;                // every new pin took the place after the last one
  return {query: at, tokens: now.length < most ? [...now, at] : now.map((n, slot) => slot === oldest ? at : n)};
}

function ringOf(slot, colours) {                          // the ring of a pin, numbered: never told by colour alone
  const ring = h("div", {className: "ring mine", style: `--pin:${colours[slot]}`});
  ring.dataset.n = slot + 1;
  return ring;
}

class QueryPins {                                            // under a panel: its row for every pin, side by side
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

// weights.js: how the weight of one patch for the query comes about, step by step: a small table in every panel.


const raised = n => [...String(n)].map(c => "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[c] ?? "\u207b").join("");

function fourDigits(x) {                                      // four digits, however small
  if (x === 0 || Number.isInteger(x) && Math.abs(x) < 1e5) return String(x).replace("-", "\u2212");
  const size = Math.abs(x), plain = size >= .001 && size < 1e5, [front, power] = x.toExponential(3).split("e");
  const text = plain ? String(+x.toPrecision(4)) : `${front} \u00d7 10${raised(+power)}`;
  return text.replace("-", "\u2212");
}

class WeightTable {
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

// panel.js: one panel, a picture under the attention of one map, with its strip of frames and its measures.


function gridOf(T, Y, X, first) {                         // token number <-> frame, row, column, as linviz.Grid
  return {T, Y, X, first, size: first + T * Y * X, name: String([T, Y, X, first]),
    number: (t, y, x) => first + (t * Y + y) * X + x,
    place: i => i < first ? null : [(i - first) / (X * Y), (i - first) / X % Y, (i - first) % X].map(Math.floor)};
}

let fills = 0;                                                   // how often a panel was given a map
const THUMB = 96;                                                // pixels of a frame in the strip, in light
const facts = {                                                  // what they mean, and their names; [left out where narrow]
  shares: [
    ["Shannon entropy of this row of attention", "bits", [" of entropy"]],
    ["over how many patches it is spread: 2 to the entropy", ["effective "], "patches"],
    ["share of the attention on the ten most attended patches", "in top 10"]],
  signs: [
    ["share of negative weights among the weights of this row that are not zero", "negative", [" weights"]],
    ["sum of the negative weights of this row", "their sum"],
    ["the largest weight of this row by size, times the number of keys: 1 is the equal share", "largest × N"]],
};
const troubles = {
  dead: () => "dead: this query gives weight to no key",
  signed: () => "signed: no entropy (orange adds, blue subtracts)",
  unequal: m => `this row sums to ${three(m.sum)}, not to one: no entropy`,
  unknown: (m, p) => p.why,
};

class Panel {
  constructor(grid, keys, pickFrame, pickQuery) {                           // elements only; the content comes with fill
    const {T, X, Y} = grid, shown = [keys.T, keys.Y, keys.X];
    this.grid = grid;
    this.keys = keys;
    this.main = stage(...shown, 5);
    this.main.box.classList.add("main");
    Object.assign(this.main.mask, {role: "img", ariaHidden: null});
    this.ring = h("div", {className: "ring"});
    this.pin = h("div", {className: "pin"});
    this.main.edge = edge(this.main.box, grid);
    this.main.held = edge(this.main.box, keys, "edge held");
    this.rings = h("div");
    this.target = h("div", {className: "asked", hidden: true});
    this.main.box.append(this.rings, this.pin, this.ring, this.target);
    this.pins = new QueryPins(pickQuery);
    this.weight = new WeightTable();
    this.thumbs = Array.from({length: T > 1 ? T : 0}, (_, t) => this.thumb(t, stage(...shown, 1, THUMB), pickFrame));
    this.name = h("span");
    this.less = h("span", {className: "less"});
    this.level = h("i");
    this.bar = h("div", {className: "bar"}, this.level);
    this.note = h("p", {className: "note"});
    const sizes = `--x:${X};--aspect:${X}/${Y};--t:${Math.min(T, 16)};--few:${Math.min(T, 8)}`;
    this.el = h("section", {className: "panel", style: sizes},
      h("div", {className: "head"}, this.name, this.less), this.main.box,
      h("div", {className: "strip" + (T > 8 ? " long" : ""), hidden: T === 1}, ...this.thumbs.map(s => s.button)),
      this.pins.el, this.bar, h("div", {className: "under"}, this.list(), this.note), this.weight.el);
    this.nameFacts("shares");
  }

  list() {                                                       // three numbers, each under its name
    this.facts = [h("dd"), h("dd"), h("dd")];
    return h("dl", {className: "facts"}, ...this.facts.map(dd => h("div", {}, h("dt"), dd)));
  }

  nameFacts(kind) {                                              // what each of them is, in full under the pointer
    if (kind === this.kind) return;
    this.kind = kind;
    facts[kind].forEach(([title, ...words], n) => {
      const {parentElement: fact} = this.facts[n], more = text => h("span", {className: "more"}, ...text);
      fact.title = title;
      fact.firstChild.replaceChildren(...words.map(word => Array.isArray(word) ? more(word) : word));
    });
  }

  thumb(t, s, pickFrame) {
    s.edge = edge(s.box, this.grid);
    s.held = edge(s.box, this.keys, "edge held");
    s.share = h("span");
    s.level = h("i");                                            // the whole width: all attention; bars sum to it
    s.button = h("button", {ariaLabel: `frame ${t + 1}`}, s.box, h("span", {className: "share"}, s.level), s.share,
      h("span", {className: "unit"}, " %"));
    s.button.addEventListener("click", () => pickFrame(t));
    return s;
  }

  fill({title, family, shares, wire}) {                          // a map; one that cannot be drawn says why
    const hue = hues[family] ?? "#888888";
    Object.assign(this, {title, shares, hue, gated: Boolean(wire.gate), road: null, why: "", turned: ""});
    try { this.road = roadOf(wire); } catch (error) { this.why = error.message; }
    this.row = new Float64Array(this.road?.S ?? this.keys.size);
    this.content = fills++;
    this.el.style.setProperty("--hue", this.hue);
    this.el.ariaLabel = this.main.mask.ariaLabel = title;
    write(this.name, title);
    this.bar.title = `entropy, of at most ${three(Math.log2(this.row.length))} bits`;
    const probes = this.road ? [.03, .21, .43, .64, .86].map(x => Math.floor(x * this.road.N)) : [];
    this.signed = probes.some(i => this.weigh(i).trouble === "signed");
  }

  paper(pictures, frame) {                                       // the photographs under the attention
    const put = (s, picture) => { if (s.photo.src !== picture.src) s.photo.src = picture.src; };
    this.pictures = pictures;
    put(this.main, pictures[frame]);
    this.thumbs.forEach((s, t) => put(s, pictures[t]));
    pictures.forEach((picture, t) => t !== frame && picture.forget(this.main.longest));     // one large one is kept
  }

  outline(marks) { this.edges = outlines(marks, this.grid); }    // the object's patches, if they are known

  stops(yes) { for (const s of this.thumbs) s.button.tabIndex = yes ? 0 : -1; }

  get fit() { return this.road?.fit; }

  shot(progress = 1) {                                           // which snapshot lies at 0..1 of the fit
    return Math.round(progress * ((this.fit?.steps.length ?? 1) - 1));
  }

  stepped(progress) {                                            // the step and its divergence, in words
    const {steps, kl} = this.fit, n = this.shot(progress);
    return [String(steps[n]), kl[n] === null ? "infinite" : three(kl[n])];
  }

  turn(look, progress) {
    const asked = [look.strength, look.fading, look.erasing, this.shot(progress)].join(" ");
    if (asked !== this.turned) this.road?.turn?.(look, this.shot(progress));
    this.turned = asked;
  }

  weigh(i) {                                                     // row i of the map, into this.row, and its measures
    this.measures = this.road ? measures(this.road.row(i, this.row), this.shares) : {trouble: "unknown", size: 0};
    return this.measures;
  }

  draw(query, pinned, look, model, base, tokens) {               // tokens: the pins, the query pinned last among them
    const found = this.weigh(query), {frame} = look;
    this.signed ||= found.trouble === "signed";
    const less = this.lessOf(base, found, look, query);
    this.light(this.main, this.row, found, less, look, model);
    this.circled = outlines(found.trouble ? null : {data: fewest(this.row, look.share)}, this.keys);
    write(this.less, less ? `minus ${base.title}` : "");
    this.show(this.main, frame);
    this.thumbs.forEach((s, t) => this.strip(s, t, frame));
    const at = this.grid.place(query), away = at !== null && at[0] !== frame, hovered = pinned !== query;
    this.mark(this.ring, tokens.length && !hovered ? null : at);
    this.ring.classList.toggle("away", away);
    const dot = hovered && !tokens.length && this.grid.place(pinned)?.[0] === frame;
    this.mark(this.pin, dot ? this.grid.place(pinned) : null);
    this.encircle(tokens, pinned, frame, model.colours.pins);
    this.pins.show(this, tokens, pinned, look, model, base);
    this.tell();
  }

  light(s, row, {size, trouble}, less, {mode, own, tone}, {full, light}) {     // a row into a stage
    const heat = mode === "heat", signed = this.signed || less !== null;
    const gain = trouble === "dead" ? 0 : own && !less ? 1 / (size || 1) : row.length / full;
    paint(s, less ? row.map((a, j) => a - less[j]) : row, this.keys.first, {gain, light, heat, signed, tone});
    this.tinted = signed;
    this.lit = !heat && !signed && light;
    this.heated = heat && !signed;
  }

  lessOf(base, {trouble}, {mode}, query) {                       // the row that is subtracted from this one's; or null
    if (mode !== "difference" || base === this || base.keys.name !== this.keys.name || trouble) return null;
    const row = base.road.row(query, new Float64Array(base.row.length));
    return measures(row, base.shares).trouble ? null : row;
  }

  encircle(tokens, query, frame, colours) {                      // a ring of its own around every pin
    if (this.rings.childElementCount !== tokens.length) {
      this.rings.replaceChildren(...tokens.map((_, slot) => ringOf(slot, colours)));
    }
    tokens.forEach((token, slot) => {
      const ring = this.rings.children[slot], at = this.grid.place(token);
      this.mark(ring, at);
      ring.classList.toggle("away", at?.[0] !== frame);
      ring.classList.toggle("active", token === query);
    });
  }

  ask(query, place, frame) {                                     // a patch whose weight for the query is explained; or null
    const {T, Y, X} = this.grid, [t, y, x] = place ?? [], {keys} = this;
    const own = place && [this.key(t), Math.floor(y * keys.Y / Y), Math.floor(x * keys.X / X)];
    this.mark(this.target, t === frame ? place : null);
    const steps = own && this.road ? this.road.steps(query, keys.number(...own)) : null;
    const where = own && `how much the query looks at row ${y + 1}, column ${x + 1}${T > 1 ? `, frame ${t + 1}` : ""}`;
    const equal = steps && `${three(Math.abs(steps.at(-1)[1]) * this.row.length)} times the equal share`;
    this.weight.show(steps, where, this.signed, equal);
  }

  key(t) { return Math.floor(t * this.keys.T / this.grid.T); }   // keys may lie on fewer frames than queries

  show(s, t) {
    s.put(this.key(t), this.lit ? this.pictures[t] : null, this.lit, this.main);
    s.edge(this.edges[t]);
    s.held(this.circled[this.key(t)]);
    s.box.classList.toggle("heat", this.heated);
    s.box.classList.toggle("signed", this.tinted);
  }

  strip(s, t, frame) {                                           // a thumb: this frame's attention and its share of all
    const each = this.keys.X * this.keys.Y, from = this.keys.first + this.key(t) * each;
    let share = 0;
    for (let j = from; j < from + each; j++) share += this.row[j];
    const known = !this.measures.trouble;
    this.show(s, t);
    write(s.share, known ? `${Math.round(100 * share)}` : "–");
    s.button.ariaLabel = `frame ${t + 1}` + (known ? `, ${s.share.textContent} %` : "");
    s.level.style.transform = `scaleX(${known ? share / this.measures.sum : 0})`;
    s.button.ariaPressed = t === frame;
    s.button.title = `frame ${t + 1}` + (known ? `: ${three(100 * share)} % of the attention` : "");
  }

  mark(dot, at) {
    dot.hidden = at === null;
    if (at === null) return;
    dot.style.left = `${(at[2] + .5) / this.grid.X * 100}%`;
    dot.style.top = `${(at[1] + .5) / this.grid.Y * 100}%`;
  }

  tell() {                                                       // the measures and a bar, or why there are none
    const {bits, effective, top, trouble} = this.measures;
    this.el.classList.toggle("troubled", trouble !== "");
    write(this.note, trouble && troubles[trouble](this.measures, this));
    this.level.style.transform = `scaleX(${trouble ? 0 : bits / Math.log2(this.row.length) || 0})`;
    this.nameFacts(this.apart ? "signs" : "shares");
    this.el.classList.toggle("apart", this.apart);
    const texts = this.apart ? this.signs : trouble ? [] : [three(bits), three(effective), `${three(100 * top)} %`];
    texts.forEach((text, n) => write(this.facts[n], text));
  }

  get apart() { return ["signed", "unequal"].includes(this.measures.trouble); }    // other numbers than of shares

  get signs() {
    const {negative, under, peak} = this.measures;
    return [`${three(100 * negative)} %`, under > -.005 ? under < 0 ? "about 0" : "0" : `−${three(-under)}`, three(peak)];
  }

  get spoken() {
    const {bits, effective, trouble} = this.measures, [negative, under, peak] = this.apart ? this.signs : [];
    const said = this.apart ? `${negative} of the weights negative, their sum ${under}, largest weight × N ${peak}`
      : trouble ? this.note.textContent : `${three(bits)} bits, ${three(effective)} effective patches`;
    return `${this.title}: ${said}`;
  }
}

// controls.js: what stands under the panels: the gates' strength, the replay of a fit, play, and how to draw.


class Controls {                                          // act: what the view does when one of them is used
  constructor(on, act) {
    const button = (textContent, click, value) => {
      const b = h("button", {textContent, className: "button"});
      if (value) b.dataset.value = value;
      on(b, "click", click);
      return b;
    };
    const group = (ariaLabel, kids) => h("div", {className: "seg", role: "group", ariaLabel}, ...kids);
    this.choose = (name, words) => words.map(word => button(word, () => act.set({[name]: word}, true), word));
    this.mode = this.tone = [];
    this.follow = button("follow the motion", () => act.set({follow: this.follow.ariaPressed !== "true"}, true));
    this.share = h("input", {type: "range", step: .05, ariaLabel: "share of the attention to encircle"});
    this.held = h("b");
    this.own = [button("one exposure", () => act.set({own: false}, true), "one"),
                button("each its own", () => act.set({own: true}, true), "own")];
    this.replay = button("", act.replay);
    this.play = button("", act.play);
    this.sliders = Object.fromEntries(Object.entries({
      strength: ["gate strength", "0: no gate, every feature counts alike; 1: the gate itself"],
      fading: ["fading", "how strongly memories fade: 0 not at all, 1 as the mechanism does, 2 in half the time"],
      erasing: ["erasing", "how much of a key's old value is taken off before it is written again: 0 nothing, 1 all"],
    }).map(([name, words]) => [name, this.slider(on, act, name, ...words)]));
    this.step = h("span");
    this.sign = h("span", {className: "sign"});
    this.scale = new Scale();
    this.where = h("span", {className: "where"});
    this.projector = button("projector", () => act.set({projector: this.projector.ariaPressed !== "true"}, true));
    this.projector.title = "for a room: bright pictures, large type, no sidebar";
    this.asks = button("ask about a weight", act.asks);
    this.asks.title = "then click a patch: how its weight for the query comes about. Alt+click asks at once, without it";
    this.one = button("keep one pin", act.one);
    this.live = h("div", {className: "sr", role: "status", ariaLive: "polite"});
    this.modes = group("how attention is drawn", []);
    this.tones = group("brightness, of the attention", []);
    this.fit = h("div", {className: "fit"}, this.replay, this.step);
    this.fixed = h("p", {className: "fixed"});
    this.gate = h("div", {className: "tools"}, this.sliders.strength.el, this.fit, this.fixed);
    this.memory = h("div", {className: "tools"}, this.sliders.fading.el, this.sliders.erasing.el);
    this.rest = h("div", {className: "tools"}, this.play, this.modes,
      group("exposure", this.own), this.scale.el, this.sign, this.where, this.one, this.asks, this.projector);
    this.ways = h("details", {className: "ways"}, h("summary", {}, "More ways to look"), h("div", {className: "tools"},
      h("span", {className: "named"}, "brightness", this.tones),
      h("label", {title: "a line around the fewest patches that hold this share"}, "encircle", this.share, this.held),
      this.follow));
    on(this.share, "input", () => act.set({share: +this.share.value}));
    on(this.share, "change", act.tell);
  }

  slider(on, act, name, ariaLabel, title) {                      // of a field that changes weights
    const range = h("input", {type: "range", step: .01, ariaLabel}), value = h("b");
    on(range, "input", () => act.slide({[name]: +range.value}));
    on(range, "change", act.tell);
    return {range, value, el: h("label", {className: "strength", title}, ariaLabel, range, value)};
  }

  offer(fields) {                                                // words and limits, as Python declares them
    const {mode, tone, share} = fields;
    if (this.mode.length) return;
    this.modes.replaceChildren(...this.mode = this.choose("mode", mode.words));
    this.tones.replaceChildren(...this.tone = this.choose("tone", tone.words));
    Object.assign(this.share, {min: share.low, max: share.high, value: share.default});
    for (const [name, {range}] of Object.entries(this.sliders)) {
      Object.assign(range, {min: fields[name].low, max: fields[name].high, value: fields[name].default});
    }
  }

  show(state, query, grid, panels, progress, model, tokens, asking) {           // what follows the query and the controls
    const {mode, own, share, tone, follow, projector} = state, at = grid.place(query);
    this.scale.show(state, model);
    write(this.where, at === null ? `query: token ${query + 1} of the ${grid.first} before the picture`
      : `query: row ${at[1] + 1}, column ${at[2] + 1}` + (grid.T > 1 ? `, frame ${at[0] + 1}` : ""));
    for (const [name, {range, value}] of Object.entries(this.sliders)) {
      write(value, state[name].toFixed(2));
      range.style.setProperty("--fill", `${100 * state[name] / range.max}%`);
      if (+range.value !== state[name]) range.value = state[name];
    }
    for (const b of this.mode) b.ariaPressed = b.dataset.value === mode;
    const less = mode === "difference" && panels.length > 1;
    write(this.sign, less ? `orange: more than ${panels[0].title}, blue: less` : "");
    for (const b of this.tone) b.ariaPressed = b.dataset.value === tone;
    this.follow.ariaPressed = follow;
    this.asks.ariaPressed = asking;
    this.one.hidden = !tokens.length;
    this.projector.ariaPressed = projector;
    write(this.held, share ? `${Math.round(100 * share)} %` : "nothing");
    this.share.style.setProperty("--fill", `${share / this.share.max * 100}%`);
    if (+this.share.value !== share) this.share.value = share;
    for (const b of this.own) b.ariaPressed = (b.dataset.value === "own") === own;
    const fits = panels.filter(p => p.fit).map(p => p.stepped(progress));
    const steps = [...new Set(fits.map(f => f[0]))].join(" | "), kl = fits.map(f => f[1]).join(" | ");
    write(this.step, fits.length ? `step ${steps}, KL ${kl} bits` : "");
  }

  label(panels, moving, playing, calm, tracked) {                // what follows the content
    const gated = panels.filter(p => p.road?.gated), fit = gated.find(p => p.fit)?.fit;
    const still = panels.filter(p => p.gated && !p.road?.gated).map(p => p.title).join(" and ");
    this.gate.hidden = !gated.length && !still;
    this.sliders.strength.el.hidden = !gated.length;
    write(this.fixed, still && `${still}: always at full strength here, since its map is sent with the gate multiplied in.`);
    for (const [name, follows] of [["fading", "fades"], ["erasing", "erases"]]) {
      const panel = panels.find(p => p.road?.[follows]);
      this.sliders[name].el.hidden = !panel;
      if (panel) this.sliders[name].el.style.setProperty("--accent", panel.hue);
    }
    this.memory.hidden = !panels.some(p => p.road?.fades || p.road?.erases);
    this.fit.hidden = !fit;
    this.fit.title = `${fit?.label ?? "fitted to a map"}; KL is the mean divergence from that map`;
    write(this.replay, calm ? "next step of the fit" : "replay the fit");
    this.play.hidden = !moving;
    this.follow.hidden = !tracked;
    for (const b of this.mode) b.hidden = b.dataset.value === "difference" && panels.length < 2;
    write(this.play, calm ? "next frame" : playing ? "❚❚ pause" : "▶ play");
  }

  speak(panels) {                                                // aloud, and as the words of each picture
    write(this.live, [this.where.textContent, ...panels.map(p => p.spoken)].join(". "));
    for (const p of panels) p.main.mask.ariaLabel = p.spoken;
  }
}

// patch_view.js: a picture lit by the attention of the patch under the pointer.
//   const view = mount(element, bytes, {onChange})       bytes: a Uint8Array written by linviz.patch_view.pack
//   view.update(bytes)   view.set({query, frame, strength, mode, own})   view.row(panel, query)   view.destroy()
// The view holds what each panel's map sends and computes the row of the query itself: no N x N table travels.
// onChange(state, pinned) tells of what a person did: a query pinned, or a frame, strength or mode once let go.


const reduced = matchMedia("(prefers-reduced-motion: reduce)");
const CLICK = 700;                                               // milliseconds after a tap in which its click may come
const LEAP = 200;                                                // milliseconds: the most of a glide in one frame

function mount(host, bytes, {onChange} = {}) {
  const root = host.shadowRoot ?? host.attachShadow({mode: "open"}), gone = new AbortController();
  const on = (target, name, act, more) => target.addEventListener(name, act, {signal: gone.signal, ...more});
  const state = {query: 0, frame: 0, pins: []};                  // and every field of the look, as the model declares it
  let model, grid, wished = {}, panels = [], pictures = [], hover = null;
  let held = false, asking = false, apart = false, asked = null, lifted = -Infinity;    // held: the query is a pin, set by a person
  let queued = 0, gliding = 0, target = null, progress, playing = 0, said = 0, opened = false;
  const controls = new Controls(on, {set, replay, tell, play: () => play(!playing), slide,
    asks: () => { asking = !asking; asked = hover = null; schedule(); }, one: () => set({pins: []}, true)});
  const shelf = h("div", {className: "panels"});
  const parts = [shelf, controls.gate, controls.memory, controls.rest, controls.ways, controls.live];
  const face = h("div", {className: "view", tabIndex: 0, role: "application"}, ...parts);
  root.replaceChildren(h("style", {textContent: css}), face);

  // ---------------------------------------------------------------------------------------------- what is shown

  function update(bytes) {
    let next;
    try { next = unpack(bytes); } catch (error) { fail(error); return; }
    if (next.id !== model?.id) take(next);
    obey(next.set);
  }

  function take(next) {                                          // another picture or other maps: what still fits stays
    settle();
    const size = gridOf(...next.grid, next.prefix);
    if (size.name !== grid?.name) { clear(); grid = size; }
    develop(next.frames, model?.frames ?? []);
    model = next;
    for (const [name, field] of Object.entries(model.fields)) state[name] ??= field.default;
    setColours(model.colours);
    controls.offer(model.fields);
    while (panels.length > model.panels.length) panels.pop().el.remove();
    panels = model.panels.map((content, n) => fitting(panels[n], gridOf(...content.keys)));
    panels.forEach((p, n) => { p.fill(model.panels[n]); p.outline(next.outline); p.paper(pictures, state.frame); });
    panels.forEach((p, n) => p.stops(n === 0));
    shelf.style.setProperty("--n", panels.length);
    turn();
    label();
  }

  function develop(frames, before) {                             // a frame that stays keeps its picture
    const alike = (a, b) => a.length === b?.length && a.every((v, n) => v === b[n]), old = pictures;
    pictures = frames.map((frame, n) => alike(frame.data.data, before[n]?.data.data) ? old[n]
      : new Picture(frame, schedule));
    const drop = () => old.filter(p => !pictures.includes(p)).forEach(p => p.close());
    setTimeout(drop, 2000);                                      // an old picture stays until the new one has come
  }

  function fitting(panel, keys) {                                // the same elements where they can: nothing flickers
    if (panel?.keys.name === keys.name) return panel;
    const fresh = new Panel(grid, keys, t => set({frame: t}, true), query => set({query, pins: state.pins}, true));
    if (panel) panel.el.replaceWith(fresh.el); else shelf.append(fresh.el);
    pointer(fresh.main.box);
    return fresh;
  }

  function clear() {
    play(false);
    wished = {};
    hover = asked = null;
    held = false;
    panels = [];
    shelf.replaceChildren();
  }

  function fail(error) {
    clear();
    model = grid = undefined;
    shelf.replaceChildren(h("p", {role: "alert", textContent: error.message}));
  }

  function obey(wish) {                                          // what Python asks, where it differs from last time
    const again = wish.tick !== wished.tick;
    const changed = Object.entries(wish).filter(([k, v]) => v !== null && (again || String(v) !== String(wished[k])));
    wished = wish;
    if (changed.some(([name]) => name === "query")) held = false;    // what Python shows is no pin of a person's
    set(Object.fromEntries(changed));
    if (wish.intro && !opened && panels.some(p => p.road?.gated) && !reduced.matches) intro();
  }

  function set(change, person) {
    if (!grid) return;
    if (change.strength !== undefined && !person) settle();
    const old = {...state}, {query, frame} = change;
    for (const [name, field] of Object.entries(model.fields)) {
      if (name !== "frame") state[name] = allowed(field, change[name]) ?? state[name];
    }
    if (Number.isFinite(query)) state.query = between(Math.round(query), 0, grid.size - 1);
    if (Number.isFinite(frame)) state.frame = between(Math.round(frame), 0, grid.T - 1);
    else if (state.query !== old.query) state.frame = grid.place(state.query)?.[0] ?? state.frame;
    if (state.follow && state.query === old.query && state.frame !== old.frame) walk();
    if (state.frame !== old.frame) panels.forEach(p => p.paper(pictures, state.frame));
    turn();
    schedule();
    if (person && Object.keys(state).some(k => String(old[k]) !== String(state[k]))) onChange?.({...state}, state.query !== old.query);
  }

  function walk() {                                              // pins go where the motion takes their patches
    const follow = token => {
      const to = model.tracks?.data[token * grid.T + state.frame] ?? -1;
      return to >= 0 ? to : token;
    };
    const moved = tokens().map(follow);
    state.query = follow(state.query);
    state.pins = placesOf(moved);
  }

  const tokens = () => grid ? pinnedTokens(state.pins, state.query, grid, model.fields.pins?.most ?? 1) : [];
  const placesOf = pins => new Set(pins).size > 1 ? [...new Set(pins)].map(grid.place).filter(Boolean) : [];

  function pin(at) {                                             // a person pins a patch, or unpins a pinned one
    const most = model.fields.pins?.most ?? 1, now = tokens();
    const next = held || now.length ? pinOrUnpin(now, state.query, at, most) : {query: at, tokens: []};
    held = true;
    set({query: next.query, pins: placesOf(next.tokens)}, true);
  }

  function move(query) {                                         // the query's own pin goes with it
    const pins = placesOf(tokens().map(token => token === state.query ? query : token));
    held = true;
    set({query, pins}, true);
  }

  function ask(at) {
    asked = grid.place(at);
    schedule();
  }

  function label() {
    const names = panels.map(p => p.title).join(", "), moving = grid?.T > 1;
    controls.label(panels, moving, playing, reduced.matches, Boolean(model?.tracks));
    face.style.setProperty("--accent", panels.find(p => p.road?.gated)?.hue ?? model?.colours.hues.kernel);
    face.ariaLabel = `${model?.title ?? ""}: attention of one patch under ${names}. ${model?.alt ?? ""} `
      + `Arrow keys move the query${moving ? ", Page Up and Page Down change the frame" : ""}. `
      + "Enter keeps this patch pinned and moves on, Delete unpins it, Escape keeps one pin, W asks about a weight.";
  }

  function tell() { onChange?.({...state}, false); }
  const turn = () => panels.forEach(p => p.turn(state, progress));
  const schedule = () => { queued ||= requestAnimationFrame(draw); };   // at most once a frame, always the newest query

  function draw() {
    cancelAnimationFrame(queued);
    clearTimeout(said);
    queued = 0;
    if (!grid) return;
    const shown = {...model, light: state.projector ? model.projected : model.light};
    face.classList.toggle("projector", state.projector);
    const pins = tokens(), query = asking ? state.query : hover ?? state.query;
    face.classList.toggle("asking", asking);
    for (const p of panels) p.draw(query, state.query, state, shown, panels[0], pins);
    for (const p of panels) p.ask(state.query, asking && hover !== null ? grid.place(hover) : asked, state.frame);
    controls.show(state, query, grid, panels, progress, shown, pins, asking);
    if (hover === null) said = setTimeout(() => controls.speak(panels), 350);    // a screen reader hears where it rests
  }

  // ---------------------------------------------------------------------------------------------- motion

  function glide(ms, step) {                                     // step(0..1) on every frame, once
    let last, spent = 0;
    const tick = now => {
      spent += Math.min(now - (last ?? now), LEAP);              // a busy page glides later and jumps over nothing
      last = now;
      const part = Math.min(1, spent / ms);
      gliding = part < 1 ? requestAnimationFrame(tick) : 0;
      step(part);
      turn();
      draw();
    };
    cancelAnimationFrame(gliding);
    gliding = requestAnimationFrame(tick);
  }

  function intro() {                                             // the opening: the fog gathers once
    const ease = x => x * x * (3 - 2 * x), wait = .12, last = target = state.strength;
    opened = true;
    state.strength = 0;
    glide(2800, part => {
      state.strength = last * ease(Math.max(0, part - wait) / (1 - wait));
      if (part === 1) target = null;
    });
  }

  function begin() {                                             // a person takes over
    opened = true;
    if (target !== null) settle();
  }

  function replay() {                                            // the fit of the gates, snapshot by snapshot
    settle();
    if (state.strength !== 1) set({strength: 1}, true);
    const most = Math.max(...panels.map(p => p.fit ? p.fit.steps.length - 1 : 0));
    if (!reduced.matches) return glide(3600, part => { progress = part < 1 ? part : undefined; });
    progress = progress === undefined || progress === 1 ? 0 : Math.min(1, progress + 1 / most);
    turn();
    schedule();
  }

  function slide(change) {
    settle();
    set(change);
  }

  function settle() {                                            // end an opening or a replay where it was going
    if (target !== null) state.strength = target;
    if (gliding) { cancelAnimationFrame(gliding); progress = undefined; }
    gliding = 0;
    target = null;
    turn();
    schedule();
  }

  function play(start) {
    clearInterval(playing);
    if (playing && !start) tell();
    const next = person => set({frame: (state.frame + 1) % grid.T}, person);
    if (start && reduced.matches) next(true);
    playing = start && !reduced.matches ? setInterval(() => next(false), 250) : 0;
    label();
  }

  // ---------------------------------------------------------------------------------------------- the hand

  function pointer(box) {
    const at = e => {
      const b = box.getBoundingClientRect(), cell = (v, n) => between(Math.floor(v * n), 0, n - 1);
      const y = cell((e.clientY - b.top) / b.height, grid.Y), x = cell((e.clientX - b.left) / b.width, grid.X);
      return grid.number(state.frame, y, x);
    };
    const over = e => { const i = at(e); if (i !== hover) { hover = i; schedule(); } };
    const leave = () => { hover = null; schedule(); };
    const press = e => asking || e.altKey || e.shiftKey ? ask(at(e)) : pin(at(e));
    on(box, "pointermove", over);
    on(box, "pointerdown", over);
    on(box, "pointerup", e => {                                  // where a finger lifts is the query
      if (e.pointerType === "mouse") return;
      lifted = e.timeStamp;
      press(e);
    });
    on(box, "click", e => { if (e.timeStamp - lifted > CLICK) press(e); });     // a tap is also a click, and counts once
    on(box, "pointerleave", leave);
    on(box, "pointercancel", leave);
  }

  function key(e) {
    if (e.target !== face || !grid) return;                   // the slider and the buttons keep their own keys
    const n = e.shiftKey ? 4 : 1, moves = {
      ArrowLeft: [0, 0, -n], ArrowRight: [0, 0, n], ArrowUp: [0, -n, 0], ArrowDown: [0, n, 0],
      ...(grid.T > 1 && {PageUp: [-1, 0, 0], PageDown: [1, 0, 0]}),
    }[e.key];
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (!moves) return other(e);
    e.preventDefault();
    hover = null;
    const sizes = [grid.T, grid.Y, grid.X], start = asking && asked ? grid.number(...asked) : state.query;
    const from = grid.place(Math.max(grid.first, start));
    const to = grid.number(...from.map((v, n) => between(v + moves[n], 0, sizes[n] - 1)));
    if (asking) ask(to); else if (apart) { apart = false; pin(to); } else move(to);
  }

  function other(e) {                                            // keys that do not move
    const acts = {
      Enter: () => { held = apart = true; },                     // the next step begins at this pin and leaves it there
      Delete: () => pin(state.query), Backspace: () => pin(state.query),
      Escape: () => { asking = apart = false; asked = null; set({pins: []}, true); },
      w: () => { asking = !asking; asked = asking ? grid.place(Math.max(grid.first, state.query)) : null; },
    };
    if (!acts[e.key]) return;
    e.preventDefault();
    hover = null;
    acts[e.key]();
    schedule();
  }

  function destroy() {
    gone.abort();
    clearInterval(playing);
    clearTimeout(said);
    cancelAnimationFrame(queued);
    cancelAnimationFrame(gliding);
    pictures.forEach(p => p.close());
    root.replaceChildren();
    delete host.patchView;
  }

  const view = {update, set, draw, destroy,
    steps: (n, i, j) => panels[n].road.steps(i, j),
    row: (n, i) => panels[n].road.row(i, new Float64Array(panels[n].row.length)),
    get state() { return {...state, hover, progress, playing: Boolean(playing), gliding: Boolean(gliding)}; },
    get decoded() { return Promise.all(pictures.map(p => p.decoded)); },
    get measures() { return panels.map(p => p.measures); },
    get model() { return model; }};
  on(face, "keydown", key);
  for (const touch of ["pointerdown", "keydown"]) on(face, touch, begin, {capture: true});
  on(reduced, "change", () => { play(false); settle(); });
  update(bytes);
  host.patchView = view;                                         // for tests and for the console
  return view;
}

// appearance.js: light or dark, as the system has it until a reader chooses; and what a browser stores for the reader.

const KEY = "linviz.appearance", asked = matchMedia("(prefers-color-scheme: dark)");
const watchers = [];

function stored(key) {                                    // "" where a browser stores nothing for this page
  try { return localStorage.getItem(key) ?? ""; } catch { return ""; }
}

function store(key, text) {                               // whether the browser has stored it
  try { localStorage.setItem(key, text); return true; } catch { return false; }
}

const isDark = () => (document.documentElement.dataset.theme || (asked.matches ? "dark" : "light")) === "dark";
const onAppearance = act => watchers.push(act);           // called whenever it changes

function offerAppearance(button) {
  const show = () => {
    button.ariaPressed = String(isDark());
    watchers.forEach(act => act());
  };
  document.documentElement.dataset.theme = stored(KEY);
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    store(KEY, document.documentElement.dataset.theme);
    show();
  });
  asked.addEventListener("change", show);
  show();
}

// unpacked.js: what the pages hold as gzip in base64, which is a third of the size of a library or a figure.

function opened(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

const textOf = text => opened(text).text();
const bytesOf = async text => new Uint8Array(await opened(text).arrayBuffer());

// charts.js: figures drawn by plotly, which is loaded once the first of them comes into view; and sliders over them.


const CONFIG = {displayModeBar: false, responsive: true};
const touched = matchMedia("(pointer: coarse)");                 // there a finger on a figure scrolls the page
let plotly;                                                      // a promise of the library

function libraryOf() {
  plotly ??= new Promise((done, failed) => {
    window.bookLibrary = text => textOf(text).then(run).then(() => done(window.Plotly), failed);
    document.head.append(Object.assign(document.createElement("script"), {src: "plotly.js", onerror: failed}));
  });
  return plotly;
}

function run(textContent) { document.head.append(Object.assign(document.createElement("script"), {textContent})); }

function dressed(figure, colours, dark) {                 // the same figure in the colours of a dark page
  if (!dark) return figure;
  const swap = (text, names) => names.reduce((t, name) => t.replaceAll(colours.light[name], colours.dark[name]), text);
  const {data, layout, ...rest} = figure, {coloraxis, template, ...own} = layout;
  const inked = x => JSON.parse(swap(JSON.stringify(x ?? {}), ["ink", "soft", "line"]));
  const papered = x => JSON.parse(swap(JSON.stringify(x ?? {}), ["paper"]));
  const paper = ({colorscale, ...look}) => ({...papered(inked(look)), colorscale});
  return {...rest, data: inked(data), layout: {...papered(inked(own)), ...(coloraxis && {coloraxis: inked(coloraxis)}),
    template: {...template, layout: paper(template?.layout ?? {})}}};
}

class Chart {
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

function applied(old, [kind, ...rest]) {                  // what linviz/course/json_changes.py has compared
  if (kind === "=") return rest.length ? rest[0] : old;
  if (kind === "[") return old.map((x, n) => applied(x, rest[0][n] ?? SAME));
  const [changes, gone] = rest, made = {};
  for (const [key, x] of Object.entries(old)) if (!gone.includes(key)) made[key] = applied(x, changes[key] ?? SAME);
  for (const [key, change] of Object.entries(changes)) if (!(key in old)) made[key] = change[1];
  return made;
}

function offerSlider(element, {values, figure, changes, words}, chart) {
  const [range, shown] = element.querySelectorAll("input, output");
  const told = element.querySelector(".linviz-words span");
  range.addEventListener("input", () => {
    const n = Number(range.value);
    shown.textContent = range.ariaValueText = values[n];
    chart.place.ariaLabel = told.textContent = words[n];
    chart.draw(applied(figure, changes[n]));
  });
}

// predictions.js: what a reader types under a prompt is stored in the browser and shown again beside what came.


function offerPredictions(chapter) {
  for (const box of document.querySelectorAll(".prediction")) {
    const key = `linviz.prediction.${chapter}.${box.dataset.key}`, field = box.querySelector("textarea");
    const again = document.querySelector(`.predicted[data-key="${CSS.escape(box.dataset.key)}"]`);
    const show = () => {
      if (!again) return;
      again.hidden = !field.value.trim();
      again.querySelector("span").textContent = field.value.trim();
    };
    field.value = stored(key);
    field.addEventListener("input", () => { store(key, field.value); show(); });
    show();
  }
}

// quizzes.js: a choice is answered at once, with the reason.

function offerQuizzes() {
  for (const field of document.querySelectorAll(".quiz fieldset")) {
    const why = field.querySelector(".why");
    field.addEventListener("change", ({target}) => {
      const right = target.dataset.right === "true";
      why.className = right ? "why right" : "why";
      why.replaceChildren(Object.assign(document.createElement("b"), {textContent: right ? "✓ Right." : "✗ Not this one."}),
        ` ${target.dataset.why}`);
    });
  }
}

// search.js: the words of all sections, searched while a reader types. The sections are loaded with the first word.

const MOST = 20;
let sections;                                                    // a promise of [page, address, chapter, heading, words]

function sectionsOf() {
  sections ??= new Promise((done, failed) => {
    window.bookSections = done;
    document.head.append(Object.assign(document.createElement("script"), {src: "sections.js", onerror: failed}));
  });
  return sections;
}

const plain = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function ranked(all, asked) {                             // sections that have every word; headings count more
  const words = plain(asked).split(/\s+/).filter(Boolean), found = [];
  for (const section of all) {
    const heading = plain(section[3]), text = plain(section[4]);
    if (!words.length || !words.every(w => heading.includes(w) || text.includes(w))) continue;
    const score = words.reduce((sum, w) => sum + 20 * heading.includes(w) + Math.min(9, text.split(w).length - 1), 0);
    found.push([score, section]);
  }
  return found.sort((a, b) => b[0] - a[0]).map(([, section]) => section);
}

function excerpt(text, asked) {                                  // the words around the first one, which is marked
  const word = plain(asked).split(/\s+/).find(w => plain(text).includes(w));
  if (!word) return [text.slice(0, 140)];
  const at = plain(text).indexOf(word), from = Math.max(0, at - 60);
  const mark = Object.assign(document.createElement("mark"), {textContent: text.slice(at, at + word.length)});
  return [from ? "…" : "", text.slice(from, at), mark, text.slice(at + word.length, at + 90), "…"];
}

function entry([page, address, chapter, heading, text], asked) {
  const link = Object.assign(document.createElement("a"), {href: `${page}#${address}`, textContent: heading});
  const below = document.createElement("p");
  below.append(`${chapter}. `, ...excerpt(text, asked));
  const item = document.createElement("li");
  item.append(link, below);
  return item;
}

function offerSearch(field, count, list) {
  const panel = list.parentElement;
  const close = () => { panel.hidden = true; };
  const show = async () => {
    const asked = field.value.trim();
    if (!asked) { close(); return; }
    const found = ranked(await sectionsOf(), asked);
    if (asked !== field.value.trim()) return;
    count.textContent = found.length ? `${found.length} section${found.length > 1 ? "s" : ""}` : "nothing found";
    list.replaceChildren(...found.slice(0, MOST).map(section => entry(section, asked)));
    panel.hidden = false;
  };
  field.addEventListener("input", show);
  field.addEventListener("focus", show);
  list.addEventListener("click", close);
  document.addEventListener("keydown", e => {
    const typing = /^(INPUT|TEXTAREA)$/.test(e.target.tagName) || e.target.shadowRoot;
    if (e.key === "Escape" && !panel.hidden) { close(); field.focus(); close(); }
    if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey) { e.preventDefault(); field.focus(); }
  });
  document.addEventListener("pointerdown", e => { if (!panel.parentElement.contains(e.target)) close(); });
}

// living.js: the book's own script. Last in the module: every living element comes to life when it nears the window.


const NEAR = "800px 0px";                                        // how far outside the window
const COLOURS = JSON.parse(document.documentElement.dataset.colours);
const charts = [];

async function enliven(element) {
  const stored = element.querySelector("script").textContent, kinds = element.classList;
  if (kinds.contains("view")) mount(element.querySelector(".host"), await bytesOf(stored));
  else {
    const data = JSON.parse(await textOf(stored));
    const chart = new Chart(element.querySelector(".plot"), kinds.contains("slider") ? data.figure : data, COLOURS);
    if (kinds.contains("slider")) offerSlider(element, data, chart);
    kinds.add("alive");                                          // plotly measures the place that it draws into
    await chart.draw().catch(error => { kinds.remove("alive"); throw error; });
    charts.push(chart);
  }
  kinds.add("alive");
}

function watch(elements) {
  const near = new IntersectionObserver(entries => {
    for (const {target} of entries.filter(entry => entry.isIntersecting)) {
      near.unobserve(target);
      enliven(target).catch(error => { target.title = `only a still picture: ${error.message ?? "no library"}`; });
    }
  }, {rootMargin: NEAR});
  elements.forEach(element => near.observe(element));
}

offerAppearance(document.getElementById("appearance"));
offerSearch(document.getElementById("search"), document.getElementById("found"), document.getElementById("results"));
offerPredictions(document.documentElement.dataset.chapter);
offerQuizzes();
onAppearance(() => charts.forEach(chart => chart.draw()));
document.querySelector(".contents details").open = matchMedia("(min-width: 64rem)").matches;
watch(document.querySelectorAll(".living"));

})();
