"""The browser's code for charts is found in the installed Streamlit, whose files are named anew in each version."""
import re

from streamlit.testing.v1 import AppTest

from explorer.shared.early_chart import CODE


def test_the_chart_code_is_asked_for_by_the_name_it_has_here() -> None:
    page = AppTest.from_string("from explorer.shared import early_chart; early_chart.load_chart_code()").run()
    (name,) = re.findall(r"import\('./static/js/(.+?)'\)", page.get("html")[0].proto.body)
    assert CODE and CODE.name == name and b"plotly" in CODE.read_bytes()
