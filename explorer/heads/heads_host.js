// heads_host.js: all heads as a Streamlit component. Rows of another query are asked of the server.
import {unpack} from "../../linviz/patch_view/rows.js";
import {mountHeads} from "../../linviz/patch_view/heads.js";

const shelves = new WeakMap();

export default function ({data, parentElement, setStateValue, setTriggerValue}) {
  let home = shelves.get(parentElement);
  const model = unpack(data);
  if (home) {
    Object.assign(home, {send: setStateValue, open: setTriggerValue, grid: model.grid});
    home.view.update(model);
  } else {
    home = {send: setStateValue, open: setTriggerValue, grid: model.grid,
      place: parentElement.appendChild(document.createElement("div"))};
    home.view = mountHeads(home.place, model, {
      ask: n => {
        const [, Y, X] = home.grid;
        home.send("query", {place: [Math.floor(n / (Y * X)), Math.floor(n / X) % Y, n % X]});
      },
      open: ({number, head}) => home.open("opened", {number, head}),
    });
    home.place.heads = home.view;
    shelves.set(parentElement, home);
  }
  return () => {
    shelves.delete(parentElement);
    home.place.remove();
  };
}
