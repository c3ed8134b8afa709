// appearance.js: light or dark, as the system has it until a reader chooses; and what a browser stores for the reader.

const KEY = "linviz.appearance", asked = matchMedia("(prefers-color-scheme: dark)");
const watchers = [];

export function stored(key) {                                    // "" where a browser stores nothing for this page
  try { return localStorage.getItem(key) ?? ""; } catch { return ""; }
}

export function store(key, text) {                               // whether the browser has stored it
  try { localStorage.setItem(key, text); return true; } catch { return false; }
}

export const isDark = () => (document.documentElement.dataset.theme || (asked.matches ? "dark" : "light")) === "dark";
export const onAppearance = act => watchers.push(act);           // called whenever it changes

export function offerAppearance(button) {
  const show = () => {
    button.ariaPressed = String(isDark());
    watchers.forEach(act => act());
  };
  document.documentElement.dataset.theme = stored(KEY);
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    store(KEY, document.documentElement.dataset.theme);
    show();
  });
  asked.addEventListener("change", show);
  show();
}
