"""What the page has to say stands above the view and moves it to no other place: a browser would make it anew."""
from __future__ import annotations

from typing import Any

import pytest

from .harness import quiet, said, type_specs, visit, well

QUICK = {"patches": "14", "specs": "softmax,relu"}


def place(block: Any, kind: str, name: str = "") -> tuple[int, ...]:
    """Where the first element of a kind stands: what Streamlit tells a browser, and what a browser goes by."""
    for n, child in block.children.items():
        if getattr(child, "type", "") == kind and name in ("", getattr(child.proto, "component_name", "")):
            return (n,)
        if below := place(child, kind, name) if hasattr(child, "children") else ():
            return n, *below
    return ()


def view(app: Any) -> tuple[int, ...]:
    return place(app.main, "bidi_component", "linviz_patch_view")


@pytest.mark.parametrize("room, address", [("concentrate", QUICK), ("trained", {"specs": "softmax,relu"})])
def test_a_bad_value_in_the_address_and_its_going_leave_the_view_in_its_place(room: str,
                                                                              address: dict[str, str]) -> None:
    app = visit(room, **address, evil="1", query="0,99,99")
    below = place(app.main, "expander")
    assert "evil" in said(app) and "query" in said(app) and view(app)
    before = view(app)
    (button,) = [b for b in app.button if b.label == "Reset"]
    well(button.click().run())
    assert not said(app) and view(app) == before and place(app.main, "expander") == below


def test_what_cannot_be_drawn_and_a_file_of_one_s_own_leave_the_view_in_its_place() -> None:
    app = quiet(visit(**QUICK))
    before = view(app)
    type_specs(app, "swin@window:7")
    well(app.toggle(key="concentrate_causal").set_value(True).run())
    assert "Not shown while attention is causal" in said(app) and view(app) == before
    well(app.selectbox(key="concentrate_source").set_value("own").run())
    assert app.get("file_uploader") and view(app) == before
