"""Claims: six published statements about attention, tried on a sample or on a person's own picture."""
import streamlit as st

from explorer.claims import claim_texts, controls
from explorer.claims.claim_trials import sample_verdicts, tried_picture
from explorer.claims.claims_state import STATE
from explorer.shared import chapter_links
from explorer.shared.frame_pictures import jpeg_frames
from explorer.shared.guided_strip import show_tour
from explorer.shared.widgets import escape_markdown, show_problems
from linviz.published_claims import CLAIMS

STATE.come()
chosen = controls.choose_view()
show_problems(STATE.problems)
show_tour("claims")
try:
    found = tried_picture(chosen)
except ValueError as error:  # a strip of few patches
    show_problems([f"{error}."])
    found = None
if found is None:
    st.title("Your own picture", anchor=False)
    st.stop()
st.title(escape_markdown(claim_texts.claims_heading(found.trials, found.clip.title)), anchor=False)
left, right = st.columns([1, 3], gap="large")
left.image(jpeg_frames(found.cut.picture)[0], caption=found.clip.alt or found.clip.title)
right.markdown(claim_texts.GUIDE)
samples = sample_verdicts(chosen.patches, chosen.temperature)
for name, claim in CLAIMS.items():
    trial = found.trials[name]
    with st.container(border=True, key=f"claim_{name}"):
        st.subheader(claim.sentence, anchor=False)
        st.markdown(f"{claim_texts.verdict_badge(trial.verdict)} {trial.words}")
        st.caption(f"{claim.source}. Tried by: {claim.test} {claim_texts.sample_sentence(samples[name])}")
        with st.expander("The numbers"):
            st.html(claim_texts.trial_table(trial))
clip = found.clip
st.caption(f"{escape_markdown(f'{clip.title}: {clip.author}, {clip.licence}.')} {claim_texts.HONEST} "
           f"{chapter_links.derived('claims')}")
