// stopped_server.js: when the server stops, Streamlit's message is put into linviz's own words.

globalThis.speakOwnWords = (title, sentence) => {
  const says = /^(Is Streamlit still running|Streamlit server is not responding)/;
  const speak = () => document.querySelectorAll("[role=dialog]").forEach(dialog => {
    const walk = document.createTreeWalker(dialog, NodeFilter.SHOW_TEXT), texts = [];
    while (walk.nextNode()) texts.push(walk.currentNode);
    const said = texts.find(text => says.test(text.data));
    if (!said) return;
    said.data = sentence;                                        // nodes keep their place: React finds what it made
    dialog.querySelector("h2").firstChild.data = title;
    dialog.querySelectorAll("[data-testid=stErrorCodeBlock]").forEach(box => { box.style.display = "none"; });
  });
  if (globalThis.linvizWords) return;
  globalThis.linvizWords = new MutationObserver(speak);
  globalThis.linvizWords.observe(document.body, {childList: true, subtree: true});
};
