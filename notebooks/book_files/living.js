// living.js: the book's own script. Last in the module: every living element comes to life when it nears the window.

import {mount} from "./patch_view.js";
import {offerAppearance, onAppearance} from "./appearance.js";
import {Chart, offerSlider} from "./charts.js";
import {offerPredictions} from "./predictions.js";
import {offerQuizzes} from "./quizzes.js";
import {offerSearch} from "./search.js";
import {bytesOf, textOf} from "./unpacked.js";

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
