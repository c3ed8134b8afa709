// light.js: how attention is painted over a picture. Light is the picture at night, with a lamp on what is looked at;
// heat and signed maps are colours over a grey photograph. linviz/patch_view/light.py has the rule and its numbers.

import {h, ramps} from "./look.js";

export const tones = {root: (x, light) => x ** light.root, linear: x => x,
  log: (x, light) => Math.max(0, 1 + Math.log10(x) / light.decades)};

// One pixel a patch, into the two small images of a stage. Light: how far it is day, as alpha, and the lamp's colour.
// Heat and signed: a colour and how much of the photograph it covers.
export function paint({image, lamp}, row, first, {gain, light, heat, signed, tone = "root"}) {
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

export function litGrey(c, x, light, tone) {                       // a grey c under the weight x, all in 0..1: three bytes
  const t = tones[tone](x, light), [low, slope] = light.night, day = c ** light.day;
  return [0, 1, 2].map(n => {
    const out = (1 - t) * (low + slope * c) * light.tint[n] + t * day;
    return 255 * (1 - (1 - out) * (1 - light.lamp[n] * x));
  });
}

// A frame of a clip: its address for an <img>, and once it is decoded its night and its day, made at most once a size.
export class Picture {
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
export function stage(T, Y, X, zoom, longest = 720) {
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
