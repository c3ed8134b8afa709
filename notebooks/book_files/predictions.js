// predictions.js: what a reader types under a prompt is stored in the browser and shown again beside what came.

import {store, stored} from "./appearance.js";

export function offerPredictions(chapter) {
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
