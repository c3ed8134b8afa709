"""A small app for the view's tests: four pictures, a control of Streamlit's own, and what Python has seen."""
import time

import streamlit as st
import torch

from linviz import Grid
from linviz.patch_view.streamlit import patch_view
from tests.patch_view.harness import blob, gated, panel, uniform

GRID = Grid(1, 12, 16)


@st.cache_data
def made(seed: int) -> bytes:
    torch.manual_seed(0)
    return blob([panel(gated(192, 8, seed), "gated"), panel(uniform(192), "uniform")], GRID, query=9)


def heard() -> None:
    st.session_state.runs = st.session_state.get("runs", 0) + 1
    st.session_state.seen = st.session_state.view.query


def app() -> None:
    seed = st.sidebar.number_input("picture", 0, 3, 0)
    if st.sidebar.checkbox("slow"):
        time.sleep(2)
    result = patch_view(made(seed), key="view", on_query_change=heard)
    memory = st.session_state
    st.code(str({"now": result.query, "seen": memory.get("seen"), "runs": memory.get("runs", 0)}))


if __name__ == "__main__":
    app()
