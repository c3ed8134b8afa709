"""What a browser says when the server has stopped: linviz's own words in place of Streamlit's."""
import json

import streamlit as st

TITLE = "linviz has stopped"
SENTENCE = ("The program that serves this page no longer answers. Start it again with: python3 start.py explore. "
            "This page then goes on by itself.")
# Text nodes keep their place, so that React finds what it made. The box with a command copies Streamlit's: it goes.
CODE = """
const says = /^(Is Streamlit still running|Streamlit server is not responding)/;
const speak = () => document.querySelectorAll("[role=dialog]").forEach(dialog => {
  const walk = document.createTreeWalker(dialog, NodeFilter.SHOW_TEXT), texts = [];
  while (walk.nextNode()) texts.push(walk.currentNode);
  const said = texts.find(text => says.test(text.data));
  if (!said) return;
  said.data = SENTENCE;
  dialog.querySelector("h2").firstChild.data = TITLE;
  dialog.querySelectorAll("[data-testid=stErrorCodeBlock]").forEach(box => { box.style.display = "none"; });
});
if (!window.linvizSpeaks) {
  window.linvizSpeaks = new MutationObserver(speak);
  window.linvizSpeaks.observe(document.body, {childList: true, subtree: true});
}
"""


def load_own_words() -> None:
    """From now on the browser says what to do if the server stops."""
    words = f"const TITLE = {json.dumps(TITLE)}, SENTENCE = {json.dumps(SENTENCE)};"
    st.html(f"<script>{{{words}{CODE}}}</script>", unsafe_allow_javascript=True)
