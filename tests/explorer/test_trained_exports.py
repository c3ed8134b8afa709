"""Files of trained models: each can be opened, says what the page says, and is as the hand has left the view."""
from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from explorer.shared import export_buttons
from explorer.trained.model_answers import model_answers
from explorer.trained.view import FILES, open_of_page
from linviz.models.checkpoints import find_checkpoint
from linviz.patch_view import unpack
from linviz.patch_view.blob import frame_image
from linviz.views.export import painting, panel_pictures, sheet
from linviz.views.export.files import make_file
from linviz.views.trained_panels import OpenTrained

from .harness import tables, titles, view, visit, well

ASKED = {"specs": "softmax,relu_floor gate", "layer": "3", "head": "2", "order": "reversed",
         "temperature": "0.5", "strength": "0.35", "query": "1,2,3", "mode": "light", "tone": "log", "share": "0.5",
         "frame": "2"}
SPECS = ("softmax", "relu_floor+gate")
ROWS = {"entropy": ("entropy over its most (of 1)", 1), "top": ("weight of the heaviest 5 % of patches (%)", 100),
        "object": ("weight on the digit (times its share)", 1)}


@pytest.fixture(scope="module")
def opened() -> Any:
    """The page, unfolded."""
    app = visit("trained", **ASKED)
    assert not app.code and not app.get("download_button"), "what is folded is not sent"
    app.session_state[export_buttons.KEY] = True
    return well(app.run())


def put_together(opened: Any, **more: Any) -> OpenTrained:
    """What the page puts together for its files; `more`: with other fields."""
    chosen = replace(opened.session_state.trained, **more)
    return open_of_page(chosen, model_answers(chosen), opened.session_state.trained_live)


def data(ending: str, seen: OpenTrained) -> bytes:
    """A file, as the page makes it."""
    return make_file(ending, seen)


@pytest.fixture(scope="module")
def seen(opened: Any) -> OpenTrained:
    """What the page has put together."""
    return put_together(opened)


@pytest.fixture(scope="module")
def lines(seen: OpenTrained) -> dict[tuple[str, str, str], dict[str, str]]:
    """The CSV, line by line."""
    found = csv.DictReader(io.StringIO(data(".csv", seen).decode()))
    return {(line["spec"], line["kind"], line["measure"]): line for line in found}


def test_the_table_s_numbers_stand_in_the_files(opened: Any, seen: OpenTrained, lines: Any) -> None:
    table = tables(opened)[1]
    as_json = json.loads(data(".json", seen))
    for n, spec in enumerate(SPECS):
        mine = as_json["answers"][n]
        for measure, (row, scale) in ROWS.items():
            line = lines[spec, "layer", measure]
            now, then = (scale * float(line[name]) for name in ("value", "recorded"))
            assert [float(cell) for cell in table[row][2 * n:2 * n + 2]] == pytest.approx([now, then], rel=6e-3)
            assert scale * mine["layer"][measure] == now and scale * mine["recorded"][measure] == then
        assert mine["says"] in tables(opened)[0][titles(opened)[n]][-1]
        assert sum(float(lines[spec, "answer", name]["value"]) for name in mine["answer"]) == pytest.approx(1)


def test_state_versions_and_checkpoints_stand_with_them(seen: OpenTrained, lines: Any) -> None:
    told = json.loads(data(".json", seen))
    assert told["trained"]["specs"] == [*SPECS] and told["trained"]["look"]["tone"] == "log" and "torch" in told
    assert "strength" in told["trained"] and "strength" not in told["trained"]["look"]       # said once
    assert (told["query"], told["trained"]["order"], told["trained"]["strength"]) == ([1, 2, 3], "reversed", 0.35)
    for spec in SPECS:
        path = find_checkpoint(spec, 0, "long")
        weights = hashlib.sha256(path.read_bytes()).hexdigest()
        assert told["models"][spec] == {"file": f"long/{path.name}", "sha256": weights}
        line = lines[spec, "patch", "entropy"]
        assert line["sha256"] == weights and (line["clip"], line["order"], line["layer"]) == ("0", "reversed", "3")


def test_the_code_on_the_page_prints_the_files_numbers(opened: Any, seen: OpenTrained, lines: Any, capsys: Any) -> None:
    (element,) = opened.code
    assert element.value == data(".py", seen).decode().strip()
    exec(element.value, {})
    line = r"^(\S+) +(answer|layer|patch) +(.+?) +([\d.e+-]+)(?: +([\d.e+-]+))?$"
    printed = re.findall(line, capsys.readouterr().out, re.MULTILINE)
    assert len(printed) == 2 * (8 + 3 + 7)
    for spec, kind, measure, value, recorded in printed:
        line = lines[spec, kind, measure]
        assert float(value) == pytest.approx(float(line["value"]), rel=1e-4, abs=1e-5), (spec, kind, measure)
        assert not recorded or float(recorded) == pytest.approx(float(line["recorded"]), rel=1e-4)


@pytest.mark.parametrize("more", [{}, {"head": "all"}, {"order": "shuffled", "temperature": 1.0, "strength": 1.0}])
def test_the_code_of_other_views_is_that_of_their_own_rows(opened: Any, more: dict[str, Any],
                                                           capsys: Any) -> None:
    one = put_together(opened, specs=("relu_floor+gate", "relu"), **more).only("relu_floor+gate")
    exec(data(".py", one).decode(), {})
    bits = float(re.search(r"patch +entropy +(\S+)", capsys.readouterr().out)[1])
    row = torch.from_numpy(np.load(io.BytesIO(data(".npz", one)))["relu_floor+gate"])
    assert bits == pytest.approx(float(-(row * row.clamp_min(1e-30).log2()).sum()), rel=1e-4)


def test_rows_are_those_of_the_canvas_and_of_every_head(opened: Any, seen: OpenTrained) -> None:
    sent = view(opened)
    with np.load(io.BytesIO(data(".npz", seen))) as found:
        assert found["grid"].tolist() == sent["grid"] == [4, 6, 6] and found["query"].tolist() == [1, 2, 3]
        assert found["ink"].tolist() == sent["outline"].astype(bool).tolist()
        for spec, panel in zip(SPECS, sent["panels"], strict=True):
            row, wire = found[spec], panel["wire"]
            assert row.shape == (144,) and found[f"{spec}/heads"].shape == (3, 3, 144)
            np.testing.assert_allclose(found[f"{spec}/heads"][2, 1], row, rtol=1e-5)
            if wire["kind"] == "factored":
                np.testing.assert_allclose(wire["left"][seen.query] @ wire["right"].T, row, rtol=1e-3, atol=1e-6)
        state = json.loads(str(found["state"]))
    assert state == seen.to_json()


def test_the_pictures_are_as_the_hand_has_left_the_view(seen: OpenTrained) -> None:
    page = panel_pictures.draw_sheet(seen)
    image = Image.open(io.BytesIO(data(".png", seen)))
    assert image.size == (round(2 * page.wide), round(2 * page.high))
    assert json.loads(image.info["linviz"]) == seen.to_json()
    written = [item for item in page.items if isinstance(item, sheet.Words)]
    assert all(item.x + (not item.end) * sheet.text_length(item.text, item.size) < page.wide - 20 for item in written)
    words = " ".join(item.text for item in written)
    for said in (seen.heading, "row 3, column 4", "of frame 2", "layer 3, head 2", "played backwards", "logarithmic",
                 "temperature 0.5", "strength 0.35", "yellow line", "fewest patches that hold 50 %"):
        assert said in words, said
    rings = [item for item in page.items if isinstance(item, sheet.Ring)]
    assert len(rings) == 2 and all(ring.faint for ring in rings), "frame 3 is shown, the patch lies on frame 2"
    lines = {item.light for item in page.items if isinstance(item, sheet.Lines)}
    assert lines == {sheet.EDGE, sheet.HELD}
    svg = data(".svg", seen).decode()
    assert svg.startswith("<svg") and svg.count("<image") == 1 + 2 * (1 + 4)


def test_the_light_lies_where_the_row_has_its_weight(seen: OpenTrained) -> None:
    for one in seen.panels:
        row = seen.grid.fold(painting.panel_row(seen, one)[:, None])[..., 0]
        t, y, x = np.unravel_index(int(row.argmax()), row.shape)
        lit = np.asarray(painting.overlay_image(seen, one, int(t), 72).convert("L"), float)
        lit /= 1 + np.asarray(frame_image(seen.picture.frames[int(t)]).resize((72, 72)).convert("L"), float)
        assert lit[12 * y:12 * y + 12, 12 * x:12 * x + 12].mean() > 1.2 * lit.mean()


def test_the_film_and_the_page_open(seen: OpenTrained) -> None:
    with av.open(io.BytesIO(data(".mp4", seen.only("softmax")))) as film:
        assert film.streams.video[0].frames == 2 * 4 and film.streams.video[0].pix_fmt == "yuv420p"
    text = data(".html", seen).decode()
    sent = unpack(base64.b64decode(re.findall(r'id="blob">([^<]+)<', text)[0]))
    assert [panel["title"] for panel in sent["panels"]] == list(seen.titles) and len(sent["frames"]) == 4
    assert [sent["set"][name] for name in ("query", "mode", "tone", "share", "frame")] == [
        seen.query, "light", "log", 0.5, 2]
    assert sent["outline"].tolist() == seen.outline.int().tolist() and "Ask the digit" in text
    assert "played backwards" in text and "strength 0.35" in text and "E. Alpaydin" in text


def test_every_file_is_offered_and_none_other(opened: Any, seen: OpenTrained) -> None:
    labels = [button.label for button in opened.get("download_button")]
    assert labels == [name for ending, name in export_buttons.NAMES.items() if ending in FILES] and len(labels) == 8
    shown = " ".join(caption.value for caption in opened.caption)
    assert all(text in shown for text in FILES.values()) and "address of this page saves this view" in shown
    with pytest.raises(ValueError, match="not '.linviz'"):
        data(".linviz", seen)
