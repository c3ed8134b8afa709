"""The explorer. `linviz explore` starts it; every page is a file in pages/."""
import sys
from pathlib import Path

import streamlit as st

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # the pages' own modules are imported as explorer.*
    sys.path.insert(0, str(HERE.parent))

from explorer.jobs import PAGES  # noqa: E402 (found by the lines above)

st.set_page_config(page_title="linviz", page_icon=str(HERE / "icon.svg"), layout="wide")
st.html(HERE / "style.css")
pages = [st.Page("pages/concentrate.py", title="Concentrate", icon=":material/center_focus_strong:", default=True),
         st.Page("pages/atlas.py", title="Atlas", icon=":material/grid_view:"),
         st.Page("pages/who_sees_whom.py", title="Who sees whom", icon=":material/hearing:"),
         st.Page("pages/evidence.py", title="Evidence", icon=":material/query_stats:")]
page = st.navigation(pages, position="top" if len(pages) > 1 else "hidden")
with PAGES.drawing():
    page.run()
