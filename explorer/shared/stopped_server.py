"""What a browser says when the server has stopped: linviz's own words in place of Streamlit's."""
import json
from pathlib import Path

import streamlit as st

TITLE = "linviz has stopped"
SENTENCE = ("The program that serves this page no longer answers. Start it again with: python3 start.py explore. "
            "This page then goes on by itself.")
CODE = Path(__file__).with_suffix(".js").read_text("utf-8")


def load_own_words() -> None:
    """From now on the browser says what to do if the server stops."""
    call = f"speakOwnWords({json.dumps(TITLE)}, {json.dumps(SENTENCE)})"
    st.html(f"<script>{CODE}{call}</script>", unsafe_allow_javascript=True)
