"""The explorer. `linviz explore` starts it; every page is a folder with its page.py."""
import sys
from pathlib import Path

import streamlit as st

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # the pages' own modules are imported as explorer.*
    sys.path.insert(0, str(HERE.parent))

from explorer.shared.background_jobs import PAGES  # noqa: E402 (found by the lines above)
from explorer.shared.early_chart import load_chart_code  # noqa: E402
from explorer.shared.stopped_server import load_own_words  # noqa: E402

st.set_page_config(page_title="linviz", page_icon=str(HERE / "icon.svg"), layout="wide")
st.html(HERE / "style.css")
load_chart_code()
load_own_words()
pages = [st.Page("concentrate/page.py", title="Concentrate", icon=":material/center_focus_strong:", default=True),
         st.Page("trained/page.py", title="Trained", url_path="trained", icon=":material/model_training:"),
         st.Page("heads/page.py", title="Heads", url_path="heads", icon=":material/view_module:"),
         st.Page("colours/page.py", title="Colours", url_path="colours", icon=":material/palette:"),
         st.Page("atlas/page.py", title="Atlas", url_path="atlas", icon=":material/grid_view:"),
         st.Page("reach/page.py", title="Who sees whom", url_path="who_sees_whom", icon=":material/hearing:"),
         st.Page("claims/page.py", title="Claims", url_path="claims", icon=":material/gavel:"),
         st.Page("survey/page.py", title="Many samples", url_path="many_samples", icon=":material/bar_chart:"),
         st.Page("evidence/page.py", title="Evidence", url_path="evidence", icon=":material/query_stats:")]
page = st.navigation(pages, position="top" if len(pages) > 1 else "hidden")
with PAGES.drawing():
    page.run()
