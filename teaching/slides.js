const slides = [...document.querySelectorAll(".slide")];
const where = document.querySelector(".where");
const LARGER = 1.3, REM = 19.84;                        // a figure beside its size in a notebook, at 1280 pixels
let at = 0;

function unit() {                                       // figures grow with the text
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  document.documentElement.style.setProperty("--unit", rem / REM);
  return rem / REM;
}
function draw(slide) {                                  // figures are drawn when their slide is first seen
  for (const place of slide.querySelectorAll("[data-figure]:not([data-drawn])")) {
    const {data, layout} = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    place.dataset.drawn = "";
    enlarge(place);
    Plotly.newPlot(place, data, {...layout, width: undefined, height: undefined, autosize: true},
                   {responsive: true, displayModeBar: false});
  }
}
function enlarge(place) {                               // as far as its slide has room
  const room = place.parentElement.clientHeight / unit() / (place.dataset.height || 1);
  place.style.setProperty("--room", Math.min(LARGER, room));
}
function fit() {                                        // the notes take their height from the slide
  const own = slides[at].querySelector(".notes");
  document.body.style.setProperty("--notes", `${own?.offsetHeight || 0}px`);
  for (const place of slides[at].querySelectorAll("[data-drawn]")) {
    enlarge(place);
    Plotly.Plots.resize(place);
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
  fit();
}
function forth() {                                      // first the answer, then the next slide
  if (!slides[at].classList.contains("open")) slides[at].classList.add("open");
  else if (at < slides.length - 1) go(at + 1);
}
function back() { if (at > 0) go(at - 1, true); }
function notes() { document.body.classList.toggle("speaking"); fit(); }

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
addEventListener("resize", () => { unit(); fit(); });
addEventListener("beforeprint", () => { document.body.classList.add("printing"); slides.forEach(draw); });
addEventListener("afterprint", () => document.body.classList.remove("printing"));
go(Number(location.hash.slice(1)) - 1 || 0);
