// host_streamlit.js: the view as a Streamlit component. Last in the module. Streamlit calls the function again whenever
// the data change, with the same parent and without the earlier cleanup; so one view is kept for each parent.
import {mount} from "./patch_view.js";

const homes = new WeakMap();

export default function ({data, parentElement, setStateValue}) {
  let home = homes.get(parentElement);
  if (home) {
    home.send = setStateValue;                                   // the old one belongs to an earlier run
    home.view.update(data);
  } else {
    const place = parentElement.appendChild(document.createElement("div"));
    home = {place, send: setStateValue, n: 0, trail: []};
    home.view = mount(place, data, {                             // nothing is sent at mount: state comes from a person
      onChange(state, pinned) {
        if (pinned) { home.n++; home.trail = [...home.trail, state.query].slice(-64); }    // reruns merge; this does not
        home.send("query", {...state, n: home.n, trail: home.trail});
      },
    });
    homes.set(parentElement, home);
  }
  return () => {
    homes.delete(parentElement);
    home.view.destroy();
    home.place.remove();
  };
}
