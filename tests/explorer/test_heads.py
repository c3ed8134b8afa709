"""The page Heads: a number under every head is that of its own row, a capture shows all of its heads, work is read."""
from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from explorer.shared import capture_uploads
from linviz import concentration
from linviz.capture.capture_file import pack_capture, unpack_capture

from .harness import await_jobs, said, sent, tables, visit, well
from .test_own_capture import tiny_capture
from .test_own_file import address

NAME = "linviz_heads"


def finished(app: Any) -> Any:
    """The page once no work is on its way."""
    while app.session_state.heads_jobs.jobs:
        await_jobs(app.session_state.heads_jobs, time.monotonic() + 60)
        well(app.run())
    return app


def words(app: Any) -> str:
    return " ".join(one.value for one in (*app.caption, *app.info, *app.markdown)).replace("\\", "")


def test_it_opens_with_a_shipped_model_and_counts_from_one() -> None:
    app = visit("heads")
    found = sent(app, NAME)
    assert [(one["layer"], one["head"]) for one in found["heads"]] == [
        (f"layer {n}", h) for n in (1, 2, 3) for h in (1, 2, 3)]
    assert "All maps of all heads would take 746 kB; 249 kB are kept." in words(app) and not said(app)
    assert found["heads"][4]["link"].startswith("./trained?") and "layer=2" not in found["heads"][4]["link"]
    assert "layer=3&" in found["heads"][6]["link"] and found["heads"][6]["link"].endswith("head=1")


def test_every_number_is_that_of_the_heads_own_row_and_of_all_rows() -> None:
    found = unpack_capture(pack_capture(tiny_capture()))
    app = visit("heads", source="own")
    well(app.file_uploader[0].set_value(("tiny.linviz", pack_capture(found), "")).run())
    assert "Tiny in tiny.linviz" in words(app) and address(app)["source"].startswith("tiny.linviz@")
    heads = sent(app, NAME)["heads"]
    rows = [found.map(n)[4][0, h] for n in (1, 2, 3, 4) for h in (0, 1, 2)]
    for one, row in zip(heads, rows, strict=True):
        assert np.abs(np.float64(one["row"]) - row.numpy()).max() < 1e-3
        assert one["statistics"]["entropy_share"] == pytest.approx(float(concentration.entropy_share(row)), rel=1e-5)
    assert [bool(one["link"]) for one in heads] == [False] * 3 + [True] * 9     # a bias is no part of q and k
    assert "specs=softmax%40space" in heads[-1]["link"] and "query=0%2C1%2C1" in heads[-1]["link"]
    well(app.selectbox(key="heads_statistic").set_value("peak").run())
    well(app.button_group(key="heads_of").set_value("all rows").run())
    well(app.selectbox(key="heads_under").set_value("uniform").run())
    finished(app)
    numbers = [one["statistics"]["peak"] for one in sent(app, NAME)["heads"]]
    peaks = [float(found.map(n).dense()[0, h].amax(-1).mean() * 18) for n in (1, 2, 3, 4) for h in (0, 1, 2)]
    np.testing.assert_allclose(numbers, peaks, rtol=1e-4)
    [table] = tables(app)
    changed = found.under("uniform", layer=2).rows
    assert float(table["layer 2"][3]) == pytest.approx(sum(one.error for one in changed) / 3, rel=6e-3)
    assert "Layer 1: it has a bias or windows, so it cannot be compared under uniform." in words(app)
    assert len(app.get("plotly_chart")) == 1


def test_a_capture_that_is_none_gets_a_sentence_and_a_link_asks_for_its_file() -> None:
    data = pack_capture(tiny_capture())
    app = visit("heads", source="own")
    well(app.file_uploader[0].set_value(("cut.linviz", data[:-9], "")).run())
    assert "cut.linviz cannot be read" in said(app) and len(sent(app, NAME)["heads"]) == 9
    link = {"source": f"tiny.linviz@{'0' * 64}", "sort": "largest"}
    waits = visit("heads", **link)
    assert "stays with its owner" in words(waits) and address(waits) == link
    well(waits.file_uploader[0].set_value(("tiny.linviz", data, "")).run())
    assert sent(waits, NAME)["sort"] == "largest" and len(sent(waits, NAME)["heads"]) == 12
    assert len(waits.session_state[capture_uploads.CAPTURES]) == 1
