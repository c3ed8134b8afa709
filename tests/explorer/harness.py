"""The explorer without a browser: run it, wait for its work, read its tables and the bytes of its view."""
from __future__ import annotations

import re
import time
from concurrent.futures import wait
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Multiselect

from explorer.concentrate.visit import REST
from explorer.shared.background_jobs import JobList
from linviz.patch_view import unpack

EXPLORER = Path(__file__).parents[2] / "explorer"
# Every visit would look through all installed packages for components: a fifth of a second, and each time the same
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
CELLS = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>")


def visit(page: str = "concentrate", **address: str) -> AppTest:
    """A first visit to a page, by an address; Concentrate is visited as the app's first page."""
    file = EXPLORER / "app.py" if page == "concentrate" else EXPLORER / page / "page.py"
    app = AppTest.from_file(str(file), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return well(app.run())


def well(app: AppTest) -> AppTest:
    """The same app, if its last run raised nothing."""
    assert not app.exception, app.exception[0].message
    return app


def quiet(app: AppTest, seconds: float = 60) -> AppTest:
    """Run again until no work is on its way; to run meanwhile would only hold it up."""
    end = time.monotonic() + seconds
    while (here := app.session_state.visit).busy:
        here._since -= REST  # of the hand
        await_jobs(here.jobs, end)
        well(app.run())
    return app


def fitted(app: AppTest, seconds: float = 90) -> AppTest:
    """Trained, run again until every gate is fitted: tables have more rows then."""
    end = time.monotonic() + seconds
    while app.session_state.trained_gates.jobs.jobs:
        await_jobs(app.session_state.trained_gates.jobs, end)
        well(app.run())
    return app


def await_jobs(found: JobList, end: float) -> None:
    """Return when these have ended; where none has begun, a moment later."""
    assert time.monotonic() < end, "work on its way does not end"
    wait([job.future for job in found.jobs.values()], timeout=end - time.monotonic())
    time.sleep(0 if found.jobs else 0.05)


def tables(app: AppTest) -> list[dict[str, list[str]]]:
    """Every table of numbers on the page: row title -> cells."""
    found = []
    for element in app.get("html"):
        rows = [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in CELLS.findall(row)]
                for row in re.findall(r"<tr>(.*?)</tr>", element.proto.body)]
        if rows:
            found.append({row[0]: row[1:] for row in rows})
    return found


def view(app: AppTest) -> dict[str, Any]:
    """What the canvas was sent."""
    return sent(app, "linviz_patch_view")


def sent(app: AppTest, component: str) -> dict[str, Any]:
    """What the one component of this name was sent."""
    (found,) = [e.proto.bytes for e in app.get("bidi_component") if e.proto.component_name == component]
    return unpack(found)


def titles(app: AppTest) -> list[str]:
    """Titles of the canvas's panels."""
    return [panel["title"] for panel in view(app)["panels"]]


class Typed(Multiselect):
    """A list into which some texts are typed: a browser sends them as they are, and the others by their titles."""

    @property
    def values(self) -> list[str]:
        known = self.root.session_state["concentrate_specs"]
        return [self.format_func(text) if text in known else text for text in self.value]


def type_specs(app: AppTest, *texts: str) -> AppTest:
    """Type more mechanisms into the list of Concentrate."""
    box = app.multiselect(key="concentrate_specs")
    box.__class__ = Typed
    return well(box.set_value([*app.session_state["concentrate_specs"], *texts]).run())


def said(app: AppTest) -> str:
    """Every warning and error on the page."""
    return " ".join(element.value for element in (*app.warning, *app.error))
