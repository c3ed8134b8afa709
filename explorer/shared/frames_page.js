// frames_page.js: what pages with frames of a clip share: the patch under a hand, where keys move it, a Streamlit home.

import {between} from "../../linviz/patch_view/fields.js";

export function patchUnder(e, box, grid, t) {                    // of frame t, which fills the box
  const b = box.getBoundingClientRect(), cell = (v, n) => between(Math.floor(v * n), 0, n - 1);
  return grid.number(t, cell((e.clientY - b.top) / b.height, grid.Y), cell((e.clientX - b.left) / b.width, grid.X));
}

export function onMoveKeys(face, place, pin) {                   // place() gives the grid, and the patch that keys move
  face.addEventListener("keydown", e => {
    const n = e.shiftKey ? 4 : 1, moves = {ArrowLeft: [0, 0, -n], ArrowRight: [0, 0, n], ArrowUp: [0, -n, 0],
      ArrowDown: [0, n, 0], PageUp: [-1, 0, 0], PageDown: [1, 0, 0]}[e.key], {grid, query} = place();
    if (e.target !== face || !grid || !moves || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key.startsWith("Page") && grid.T === 1) return;        // without frames these keys turn the page
    e.preventDefault();
    const sizes = [grid.T, grid.Y, grid.X];
    pin(grid.number(...grid.place(query).map((v, n) => between(v + moves[n], 0, sizes[n] - 1))));
  });
}

export function putOn(mark, grid, [, y, x]) {                    // in the middle of a patch
  mark.style.left = `${(x + .5) / grid.X * 100}%`;
  mark.style.top = `${(y + .5) / grid.Y * 100}%`;
}

export function inStreamlit(view, name) {                        // one view per parent; it tells what `name` becomes
  const homes = new WeakMap();
  return ({data, parentElement, setStateValue}) => {
    let home = homes.get(parentElement);
    if (!home) {
      const place = parentElement.appendChild(document.createElement("div"));
      home = {place, n: 0};
      home.view = view(place, said => home.send(name, {...said, n: ++home.n}));
      homes.set(parentElement, home);
    }
    home.send = setStateValue;
    home.view.update(data);
    return () => { homes.delete(parentElement); home.view.destroy(); home.place.remove(); };
  };
}
