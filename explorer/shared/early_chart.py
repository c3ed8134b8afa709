"""The browser's code for charts, loaded while the server still computes what the first chart shows."""
from pathlib import Path

import streamlit as st

CODE = next(Path(st.__file__).parent.glob("static/static/js/PlotlyChart.*.js"), None)


def load_chart_code() -> None:
    """Ask the browser for Streamlit's plotly code (5 MB, 1 s to read) before there is a chart to draw."""
    if CODE:  # the name changes with each version of Streamlit; without it the first chart comes a second later
        st.html(f"<script>import('./static/js/{CODE.name}')</script>", unsafe_allow_javascript=True)
