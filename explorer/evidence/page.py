"""Evidence: what the trained models show, with seeds, intervals and controls, and what they do not show."""
import streamlit as st

from explorer.evidence.evidence_texts import (
    ABSENT,
    NOT_MEASURED,
    STATE,
    TITLES,
    evidence_figure,
    figure_note,
    further_text,
    headline_text,
    model_sizes,
)
from explorer.shared import chapter_links
from explorer.shared.guided_strip import show_tour
from explorer.shared.widgets import is_dark, show_figure, show_problems
from linviz import evidence


def figure_with_title(name: str, budget: str) -> None:
    """One figure under its title, or a sentence where its numbers are missing."""
    st.header(TITLES[name])
    if fig := evidence_figure(name, budget, dark=is_dark()):
        show_figure(fig, f"evidence_{name}")
    st.caption(figure_note(name) if fig else NOT_MEASURED)


STATE.come()
show_problems(STATE.problems)
show_tour("evidence")
st.title("What trained models show, and what they do not")
st.markdown("Small video transformers learn which way a digit moves. They differ only in their attention. "
            "[Ask the models themselves](/trained): one clip, their answers, and where they look.")
if not evidence.has_evidence():
    st.info(ABSENT)
else:
    st.segmented_control("Trained for", evidence.BUDGETS, key=STATE.key("budget"),
                         format_func=lambda name: evidence.BUDGETS[name], required=True)
    budget = STATE.read_widgets().budget
    STATE.write_url()
    left, right = st.columns(2, gap="large")
    with left:
        figure_with_title("accuracy", budget)
    with right:
        figure_with_title("curves", budget)
    st.header("In plain words")
    st.markdown(headline_text())
    with st.expander("More findings, and what was done"):
        st.markdown(further_text())
    for name in ("maps", "breadth", "dose", "front", "colour", "gates"):
        figure_with_title(name, budget)
    st.caption(f"One small task, {model_sizes()} parameters per model, 144 patches: the size of a difference belongs "
               f"to this task and this budget. {chapter_links.derived('evidence')}")
