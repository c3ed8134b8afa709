// outline.js: lines around patches: those that show the object, and the fewest that hold a share of the attention.

export function outlines(marks, {T, Y, X, first}) {              // one path a frame, in patches; none: empty paths
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

export function edge(box, {Y, X}, kind = "edge") {               // over a picture; dark under light: it shows on both
  box.insertAdjacentHTML("beforeend",
    `<svg class="${kind}" aria-hidden="true" viewBox="0 0 ${X} ${Y}" preserveAspectRatio="none"><path/><path/></svg>`);
  const lines = [...box.lastElementChild.children];
  return path => { if (lines[0].getAttribute("d") !== path) lines.forEach(line => line.setAttribute("d", path)); };
}
