"""The page Colours without a browser: its numbers are the library's, and whatever comes in by address or file."""
from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.colours import arm_paintings, colour_words
from explorer.colours.colour_files import file_bytes
from explorer.colours.colour_kinds import MOST, SIDE, PinnedPatches, SpotText
from explorer.colours.colours_state import ARMS, HYBRID, OWN, PINS, ColourView, patch_at
from explorer.colours.view import PIN_COLOURS
from linviz.clips import colour_spots, photograph
from linviz.clips.colour_samples import COLOUR_PHOTOGRAPHS, colour_photograph
from linviz.models.checkpoints import pretrained
from linviz.models.colour_painting import Painting, paint_picture
from linviz.models.painting_rows import patch_rows, shared_weight
from linviz.settings import Refused
from tests.clips import files

from .harness import said, sent, visit, well

VIEW = "linviz_colours"
PAIR = {"arms": "softmax,relu_floor+gate"}


def painted(arm: str, **how: Any) -> Painting:
    picture = colour_photograph(how.pop("name", "flower"))
    return paint_picture(pretrained(arm, 0, "painters"), picture, tokens=SIDE, **how)  # type: ignore[arg-type]


def address(app: Any) -> dict[str, str]:
    return {name: text[0] if isinstance(text, list) else text for name, text in app.query_params.items()}


def words(app: Any) -> str:
    return "\n".join(one.value for one in (*app.title, *app.markdown, *app.caption, *app.info, *app.subheader))


def picture_of(data: Any) -> np.ndarray:
    with Image.open(io.BytesIO(bytes(data))) as image:
        return np.array(image.convert("RGB"), dtype=np.float32)


@pytest.fixture(scope="module")
def opened() -> Any:
    return visit("colours")


# ------------------------------------------------------------------------------------------------ numbers


def test_scores_and_paintings_are_those_of_paint_picture(opened: Any) -> None:
    found, opening = sent(opened, VIEW), ColourView()
    assert [arm["title"] for arm in found["arms"]] == [ARMS[name] for name in opening.arms] and not said(opened)
    for name, arm in zip(opening.arms, found["arms"]):
        painting = painted(name, share=opening.share, seed=opening.seed)
        assert arm["score"] == f"R² {painting.r2:.2f}" and arm["score"] in arm["alt"]
        shown = picture_of(arm["picture"])
        exact = 255 * torch.nn.functional.interpolate(painting.picture[None], shown.shape[:2], mode="bilinear")[0]
        blur = torch.from_numpy(shown).movedim(-1, 0) - exact
        assert torch.nn.functional.avg_pool2d(blur, 15).abs().mean() < 3, "the colours are those that were painted"
    best = max(painted(name, share=opening.share, seed=opening.seed).r2 for name in opening.arms)
    assert opened.title[0].value.startswith("39 hints: R² ") and f"{best:.2f}" in opened.title[0].value
    assert found["set"]["pins"] == list(PINS["flower"]) and len(found["pinColours"]) == len(PIN_COLOURS) == MOST


def test_the_opening_is_worth_to_be_seen(opened: Any) -> None:
    scores = [float(arm["score"][3:]) for arm in sent(opened, VIEW)["arms"]]
    assert scores[0] > scores[2] + 0.1, "the opening shows what softmax can and the floor cannot"
    assert "place" in words(opened) and "nine photographs" in words(opened) and "14 x 14" in words(opened)


def test_the_sentence_on_pins_is_computed_from_rows(opened: Any) -> None:
    shared = {ARMS[name]: shared_weight(patch_rows(painted(name, share=.05, seed=ColourView().seed).layers[1],
                                                   PINS["flower"])) for name in ColourView().arms}
    least, most = min(shared, key=lambda name: shared[name]), max(shared, key=lambda name: shared[name])
    assert (f"Two pinned patches place {100 * shared[least]:.0f} % of their weight alike in {least}, and "
            f"{100 * shared[most]:.0f} % in {most}.") in words(opened)


def test_painted_hints_are_the_hints_of_paint_picture() -> None:
    spots = {0: "", 30: "", 400: "", 401: "", 783: ""}
    app = visit("colours", hints=colour_spots.write_spots(spots), **PAIR)
    hints = torch.zeros(SIDE * SIDE, dtype=torch.bool)
    hints[list(spots)] = True
    found = sent(app, VIEW)
    assert found["set"] | {"hints": colour_spots.write_spots(spots), "painted": True} == found["set"]
    assert [arm["score"] for arm in found["arms"]] == [
        f"R² {colour_words.signed_number(painted(name, hints=hints).r2)}" for name in ("softmax", "relu_floor+gate")]


def test_chosen_colours_are_those_of_paint_picture_and_have_no_score() -> None:
    spots = {40: "ff8800", 700: "0044ff"}
    picture = colour_photograph("flower")
    task = colour_spots.spotted_task(picture, spots, SIDE)
    colours = torch.zeros(SIDE * SIDE, 3)
    colours[40], colours[700] = torch.tensor([255, 136, 0]) / 255, torch.tensor([0, 68, 255]) / 255
    other = painted("softmax", hints=task.hints[0], colours=colours).task
    assert torch.allclose(task.differences, other.differences, atol=1e-6)
    app = visit("colours", hints=colour_spots.write_spots(spots), **PAIR)
    assert [arm["score"] for arm in sent(app, VIEW)["arms"]] == ["", ""] and "R²" not in app.title[0].value
    assert "colours of your own" in sent(app, VIEW)["truth"]


def test_a_grey_picture_and_a_cleared_one_have_no_score_and_say_why() -> None:
    grey, bare = visit("colours", source="camera", **PAIR), visit("colours", hints="_", **PAIR)
    assert "no true colours" in sent(grey, VIEW)["truth"] and "R²" not in grey.title[0].value
    assert bare.title[0].value.startswith("No spot of colour") and sent(bare, VIEW)["set"]["hints"] == "_"


def test_the_gate_is_shown_where_it_is_and_only_there(opened: Any) -> None:
    def gate_pictures(app: Any) -> str:
        return " ".join(one.proto.body for one in app.get("html") if "Fixation ratios" in one.proto.body)
    assert gate_pictures(opened).count("<figure") == 1 + 3 and "Keys keep" in words(opened)
    app = visit("colours", arms="softmax,relu")
    assert not gate_pictures(app) and "None of these arms has a gate" in words(app)


# ------------------------------------------------------------------------------------------------ controls


def test_every_control_at_both_ends_changes_page_and_address_and_the_address_brings_all_back() -> None:
    app = visit("colours", **PAIR)
    for share, count in ((0.01, 8), (0.5, 392)):
        well(app.slider(key="colours_share").set_value(share).run())
        assert app.title[0].value.startswith(f"{count} hints") and address(app)["share"] == f"{share:g}"
    for layer in (1, 3):
        before = sent(app, VIEW)["id"]
        well(app.slider(key="colours_layer").set_value(layer).run())
        assert sent(app, VIEW)["id"] != before and address(app)["layer"] == str(layer)
    for head, number in (("1", 0), ("3", 2), ("mean", None)):
        well(app.radio(key="colours_head").set_value(head).run())
        assert sent(app, VIEW)["set"]["head"] == number and address(app).get("head", "mean") == head
    well(app.multiselect(key="colours_arms").set_value([*ARMS][:4]).run())
    assert len(sent(app, VIEW)["arms"]) == 4
    well(app.multiselect(key="colours_arms").set_value(["relu"]).run())
    assert [arm["title"] for arm in sent(app, VIEW)["arms"]] == ["relu", "softmax"] and "two arms or more" in said(app)
    again = visit("colours", **address(app))
    assert sent(again, VIEW)["id"] == sent(app, VIEW)["id"] and address(again) == address(app)
    (reset,) = [button for button in app.button if button.label == "Reset"]
    well(reset.click().run())
    assert address(app) == {} and len(sent(app, VIEW)["arms"]) == 4


def test_new_hints_are_other_hints_and_after_the_last_draw_comes_the_first() -> None:
    app = visit("colours", seed="9999", hints="0a", **PAIR)
    (again,) = [button for button in app.button if button.label == "New hints"]
    well(again.click().run())
    assert address(app)["seed"] == "0" and "hints" not in address(app)
    assert sent(app, VIEW)["set"]["hints"] == colour_spots.write_spots(dict.fromkeys(
        painted("softmax", share=.05, seed=0).task.hints[0].nonzero()[:, 0].tolist(), ""))


@pytest.mark.nightly
def test_every_photograph_is_painted_with_pins_of_its_own() -> None:
    app = visit("colours", hints="0a", arms="relu,relu_floor")
    for name in (*COLOUR_PHOTOGRAPHS[1:], "flower"):
        well(app.selectbox(key="colours_source").set_value(name).run())
        found = sent(app, VIEW)
        assert found["alt"] == colour_photograph(name).alt and colour_photograph(name).author in words(app)
        assert 1 <= len(found["set"]["pins"]) <= MOST and not said(app)
        assert address(app).get("source", "flower") == name and "hints" not in address(app), "hints at random"


def test_an_address_of_any_kind_does_no_harm_and_each_wrong_part_gets_a_sentence() -> None:
    wrong = {"source": "../etc/passwd", "share": "9", "seed": "-1", "hints": "zz", "arms": "nothing", "layer": "4",
             "head": "<b>", "pins": "r99c1", "projector": "maybe", "other": "x"}
    app = visit("colours", **wrong)
    assert len(app.warning) == len(wrong) and len(sent(app, VIEW)["arms"]) == 4
    assert all(name in said(app) for name in wrong) and "<b>" not in said(app).replace("\\<b\\>", "")


def test_only_spots_of_the_grid_are_read_and_each_once() -> None:
    for text in ("0", "0A", "0a_12345", "_ff8800", "0a" * 5000, "é", "zz"):
        with pytest.raises(Refused):
            SpotText().read(text)
    assert SpotText().read("00" * 700) == "00" and SpotText().read("") == "" and SpotText().read("_") == "_"


def test_pins_in_the_address_are_rows_and_columns_from_one() -> None:
    kind = PinnedPatches()
    assert kind.read("r1c1,r28c28,r1c1") == (0, 783) and kind.write((patch_at(5, 12),)) == "r5c12"
    for text in ("r0c1", "r1c29", "1,1", ",".join(f"r1c{n}" for n in range(1, 8)), "r١c١"):
        with pytest.raises(Refused):
            kind.read(text)
    assert sent(visit("colours", pins="", **PAIR), VIEW)["set"]["pins"] == []


def test_a_missing_arm_is_one_sentence_and_without_any_the_page_says_so(monkeypatch: Any) -> None:
    real = arm_paintings.finer_model

    def lacking(name: str, gone: str = HYBRID) -> Any:
        if name == gone or not gone:
            raise ValueError(f"no colour model called {name!r}; there are: some")
        return real(name)
    monkeypatch.setattr(arm_paintings, "RESULTS", arm_paintings.ResultCache(most=8))
    monkeypatch.setattr(arm_paintings, "finer_model", lacking)
    app = visit("colours")
    assert len(app.warning) == 1 and "no colour model" in said(app) and len(sent(app, VIEW)["arms"]) == 3
    monkeypatch.setattr(arm_paintings, "RESULTS", arm_paintings.ResultCache(most=8))
    monkeypatch.setattr(arm_paintings, "finer_model", lambda name: lacking(name, ""))
    app = visit("colours")
    assert "No model that colours pictures" in words(app) and not app.get("bidi_component")


# ------------------------------------------------------------------------------------------------ own files


def bring(app: Any, data: bytes, name: str) -> Any:
    return well(app.file_uploader[0].set_value((name, data, "any/thing")).run())


@pytest.fixture
def asking() -> Any:
    app = visit("colours", **PAIR)
    return well(app.selectbox(key="colours_source").set_value(OWN).run())


def chelsea_file() -> bytes:
    out = io.BytesIO()
    pixels = (255 * photograph("chelsea").frames[0]).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_an_own_picture_is_painted_stays_in_its_visit_and_a_link_asks_for_it(asking: Any) -> None:
    assert "stays in the memory of this visit" in words(asking), "until a file comes, the sample stays"
    app = bring(asking, chelsea_file(), "../../my cat.png")
    scores = [f"R² {colour_words.signed_number(painted(name, name='chelsea', share=.05, seed=ColourView().seed).r2)}"
              for name in ("softmax", "relu_floor+gate")]
    assert [arm["score"] for arm in sent(app, VIEW)["arms"]] == scores
    assert address(app)["source"].startswith("my cat.png@") and "in no training" in words(app)
    link = visit("colours", **address(app), pins="r1c1", hints="0a")
    assert "This link shows the picture **my cat" in words(link).replace("\\", "") and not link.get("bidi_component")
    link = bring(link, chelsea_file(), "my cat.png")
    assert sent(link, VIEW)["set"]["pins"] == [0] and sent(link, VIEW)["set"]["hints"] == "0a"
    well(link.selectbox(key="colours_source").set_value("rocket").run())
    assert address(link)["source"] == "rocket"
    well(link.selectbox(key="colours_source").set_value(OWN).run())
    assert sent(link, VIEW)["alt"].startswith("my cat.png"), "a file that is there is shown again"


BROKEN = {"text.png": b"To be, or not to be", "none.png": b"", "cut.png": b"\x89PNG\r\n\x1a\n nothing",
          "loop.gif": b"GIF89a\0\0\0\0", "run.npz": b"PK\3\4 nothing"}


def test_a_broken_file_gets_one_sentence_and_what_was_shown_stays(asking: Any) -> None:
    for name, data in BROKEN.items():
        app = bring(asking, data, name)
        assert len(app.warning) == 1 and "cannot be read" in said(app) and name in said(app).replace("\\", "")
        assert sent(app, VIEW)["alt"] == colour_photograph("flower").alt


@pytest.mark.nightly
def test_a_clip_is_its_first_frame_and_a_thin_strip_is_a_picture_too(asking: Any) -> None:
    app = bring(asking, files.video(stamps=(0, 1, 2)), "clip.mp4")
    assert not said(app) and len(sent(app, VIEW)["arms"]) == 2
    out = io.BytesIO()
    Image.new("RGB", (300, 2), "orange").save(out, "PNG")
    app = bring(app, out.getvalue(), "strip.png")
    assert not said(app) and len(sent(app, VIEW)["arms"]) == 2


# ------------------------------------------------------------------------------------------------ files


def test_files_hold_what_is_shown(capsys: Any) -> None:
    app = visit("colours", hints="0a_ff88002b", **PAIR)
    app.session_state.exports = True
    app = well(app.run())
    found = arm_paintings.painted_view(ColourView(hints="0a_ff88002b", arms=("softmax", "relu_floor+gate")))
    assert found is not None
    lines = file_bytes("csv", found).decode().splitlines()
    assert lines[0] == "row,column,red,green,blue,colour" and len(lines) == 3
    assert lines[1].startswith("1,11,") and lines[1].endswith(",own") and lines[2].endswith(",chosen")
    sheet = picture_of(file_bytes("png", found))
    assert sheet.shape[1] > sheet.shape[0] > 1000 and sheet.std() > 20
    (code,) = [one.value for one in app.code]
    exec(code, {})
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["softmax", "relu_floor+gate"]


def test_the_code_prints_the_scores_of_the_page(capsys: Any) -> None:
    app = visit("colours", **PAIR)
    app.session_state.exports = True
    app = well(app.run())
    (code,) = [one.value for one in app.code]
    exec(code, {})
    printed = capsys.readouterr().out
    assert all(f"R2 {arm['score'][3:]}" in printed for arm in sent(app, VIEW)["arms"])
