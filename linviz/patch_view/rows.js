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

export function unpack(bytes) {
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

export function roadOf(wire) {
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

export function measures(row, shares = true, top = 10) {         // shares: the rows of this map are meant to sum to one
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

export function fewest(row, share) {                             // 1 on the fewest keys that hold `share` of a row's sum
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
