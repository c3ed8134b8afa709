const slides = [...document.querySelectorAll(".slide")];
const where = document.querySelector(".where");
let at = 0;

function draw(slide) {                                  // figures are drawn when their slide is first seen
  for (const place of slide.querySelectorAll("[data-figure]:not([data-drawn])")) {
    const {data, layout} = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    place.dataset.drawn = "";
    Plotly.newPlot(place, data, {...layout, width: undefined, height: undefined, autosize: true},
                   {responsive: true, displayModeBar: false});
  }
}
function go(to, open = false) {
  at = Math.max(0, Math.min(slides.length - 1, to));
  slides.forEach((slide, n) => slide.classList.toggle("on", n === at));
  slides[at].classList.toggle("open", open || !slides[at].querySelector(".reveal"));
  where.textContent = `${at + 1} / ${slides.length}`;
  document.title = `${at + 1} · ${document.body.dataset.title}`;
  try { history.replaceState(null, "", `#${at + 1}`); } catch { /* a page that may not */ }
  draw(slides[at]);
}
function forth() {                                      // first the answer, then the next slide
  if (!slides[at].classList.contains("open")) slides[at].classList.add("open");
  else if (at < slides.length - 1) go(at + 1);
}
function back() { if (at > 0) go(at - 1, true); }
function notes() { document.body.classList.toggle("speaking"); }

const keys = {ArrowRight: forth, ArrowDown: forth, PageDown: forth, " ": forth, Enter: forth, ArrowLeft: back,
              ArrowUp: back, PageUp: back, Backspace: back, Home: () => go(0), End: () => go(slides.length - 1), n: notes,
              N: notes};
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  if (event.target.closest?.("button") && [" ", "Enter"].includes(event.key)) return;
  event.preventDefault();
  keys[event.key]();
});
document.querySelector(".back").addEventListener("click", back);
document.querySelector(".forth").addEventListener("click", forth);
document.querySelector(".speak").addEventListener("click", notes);
addEventListener("hashchange", () => go(Number(location.hash.slice(1)) - 1 || 0));
addEventListener("beforeprint", () => slides.forEach(draw));
go(Number(location.hash.slice(1)) - 1 || 0);
