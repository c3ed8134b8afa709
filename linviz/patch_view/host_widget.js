// host_widget.js: the view in a notebook. Last in the module for anywidget; a model may have several views.
import {mount} from "./patch_view.js";

const asBytes = data => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);   // a DataView from traitlets

export default {
  render({model, el}) {
    const place = el.appendChild(document.createElement("div"));
    place.dataset.lmSuppressShortcuts = "true";                  // or JupyterLab takes arrow keys, and x deletes cells
    place.style.padding = "4px 0 8px";
    const view = mount(place, asBytes(model.get("blob")), {
      onChange(state, pinned) {
        for (const name of Object.keys(state)) model.set(name, state[name]);
        model.save_changes();
        if (pinned) model.send({pin: state.query});              // messages are not merged: no pin is lost
      },
    });
    const looks = ["query", ...Object.keys(view.model?.fields ?? {})];
    const moved = looks.filter(name => model.get(name) !== view.model?.set[name]);     // since the blob was made
    view.set(Object.fromEntries(moved.map(name => [name, model.get(name)])));
    const asked = Object.fromEntries(looks.map(name => [`change:${name}`, () => view.set({[name]: model.get(name)})]));
    const on = {...asked, "change:blob": () => view.update(asBytes(model.get("blob")))};
    for (const [event, act] of Object.entries(on)) model.on(event, act);
    return () => {
      for (const [event, act] of Object.entries(on)) model.off(event, act);
      view.destroy();
    };
  },
};
