"""Evidence: what the trained models show, with seeds, intervals and controls, and what they do not show."""
import streamlit as st

from explorer.concentrate import controls
from explorer.evidence.evidence_work import ABSENT, ADDRESS, BUDGETS, LATER, TITLES, book, claim, figure, note, sizes
from explorer.shared import chapters


def show(name, kept, budget):
    """One figure under its title, or a sentence where its numbers are not there yet."""
    st.subheader(TITLES[name])
    fig = figure(name, kept, budget, dark=st.context.theme.type == "dark")
    if fig is None:
        st.caption(LATER)
        return
    fig.update_layout(paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", dragmode=False)
    st.plotly_chart(fig, theme=None, key=f"evidence_{name}", alt=fig.layout.meta["alt"], config={"displaylogo": False})
    st.caption(note(name, kept))


said = ADDRESS.come()
if said:
    st.warning("  \n".join(map(controls.plain, said)))
st.title("What trained models show, and what they do not")
st.markdown("Small video transformers, alike but for their attention, learn which way a digit moves. "
            "[Ask the models themselves](/?source=trained): one clip, their answers, and where they look.")
kept = book()
if kept is None:
    st.info(ABSENT)
else:
    st.segmented_control("Trained for", BUDGETS, key=ADDRESS.key("budget"), format_func=BUDGETS.get, required=True)
    budget = ADDRESS.chosen().budget
    left, right = st.columns(2, gap="large")
    with left:
        show("accuracy", kept, budget)
    with right:
        show("curves", kept, budget)
    first, rest = claim(kept)
    st.subheader("In plain words")
    st.markdown(first)
    with st.expander("The rest of it, and what was done"):
        st.markdown(rest)
    for name in ("maps", "breadth", "dose", "front", "gates"):
        show(name, kept, budget)
    st.caption(f"One small task, {sizes(kept)} numbers a model, 144 patches: the size of a gap belongs to this task "
               f"and this budget. {chapters.derived('evidence')}")
