"""The page Trained: every control, numbers that are linviz's, and tokens where they are lit."""
from __future__ import annotations

import ast
import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.shared import url_history
from explorer.trained import trained_state
from explorer.trained.answer_tables import answer_words
from explorer.trained.model_answers import clip_key, clip_task, model_answers
from explorer.trained.trained_notes import trained_heading
from explorer.trained.trained_state import models_here
from explorer.trained.view import TIMES, _view_blob, film_gif, film_strip
from linviz import clips
from linviz.models import Shape, VideoTransformer, interventions
from linviz.models.checkpoints import find_checkpoint, pretrained, read_card
from linviz.models.looking import row_measures, touched_tokens
from linviz.patch_view import unpack
from linviz.views import TrainedView
from linviz.views.load_trained import NONE, nearest_shipped
from linviz.views.state import ALL_HEADS
from linviz.views.trained_panels import ModelAnswer, first_query, head_map

from .harness import EXPLORER, fitted, said, tables, titles, view, visit, well

OPENED = TrainedView()
FEW = {"specs": "softmax,relu"}


def on(app: Any, kind: str, name: str, value: Any) -> Any:
    return well(getattr(app, kind)(key=f"trained_{name}").set_value(value).run())


def press(app: Any, label: str) -> Any:
    (button,) = [b for b in app.button if b.label == label]
    return well(button.click().run())


def address(app: Any) -> dict[str, str]:
    return {name: text[0] if isinstance(text, list) else text for name, text in app.query_params.items()}


def verdicts(app: Any) -> list[str]:
    return [cells[-1] for title, cells in tables(app)[0].items() if title]


# ------------------------------------------------------------------------------------------------ what it opens on


@pytest.fixture(scope="module")
def opened() -> Any:
    return visit("trained")


def test_it_opens_on_the_models_own_answers(opened: Any) -> None:
    clip = clips.motion_task(1, OPENED.clip_seed, "test", first=OPENED.clip)
    assert not said(opened) and address(opened) == {}
    assert titles(opened) == ["softmax", "relu + floor", "relu + floor + gate", "relu"]
    shown = tables(opened)[0]
    for name, title in zip(OPENED.specs, titles(opened), strict=True):
        shares = pretrained(name, 0, "long")(clip.frames).softmax(-1)[0]
        best, right = int(shares.argmax()), bool(shares.argmax() == clip.labels[0])
        assert clip.classes[best] in shown[title][-1] and shown[title][-1].endswith("right" if right else "wrong")
        for cell, p in zip(shown[title][:8], shares.tolist(), strict=True):
            assert cell == ("<1" if p < 0.01 else f"{100 * p:.0f}")


def test_its_numbers_are_linviz_s_beside_what_was_recorded(opened: Any) -> None:
    clip, numbers = clips.motion_task(1, OPENED.clip_seed, "test", first=OPENED.clip), tables(opened)[1]
    for n, name in enumerate(OPENED.specs):
        model = pretrained(name, 0, "long")
        now = row_measures(model.trace(clip.frames)[OPENED.layer - 1], touched_tokens(clip.masks, model))
        then = read_card(find_checkpoint(name, 0, "long"))
        for row, measure, scale in (("entropy over its most (of 1)", "entropy", 1),
                                    ("weight of the heaviest 5 % of patches (%)", "top", 100),
                                    ("weight on the digit (times its share)", "object", 1)):
            cells = [float(cell) for cell in numbers[row][2 * n:2 * n + 2]]
            recorded = then["layers"][OPENED.layer - 1][measure]
            assert cells == pytest.approx([scale * now[measure], scale * recorded], rel=6e-3)
        assert float(numbers["right answers on 1,024 clips (%)"][2 * n + 1]) == pytest.approx(
            100 * then["test_accuracy"], abs=0.06)


def test_it_says_what_has_to_be_known(opened: Any) -> None:
    words = " ".join(caption.value for caption in opened.caption)
    for said_so in ("2 frames deep, so 8 frames are 4 moments", "mean of the 2 frames", "36 x 36 pixels",
                    "no map is stretched to its own range", "does not explain its prediction", "only weakly",
                    "one training each, seed 0", "mean of the maps of all heads", "E. Alpaydin", "licence"):
        assert said_so in words, said_so
    assert "shift" not in words and "Not as trained" not in words


def test_it_begins_on_ink_of_the_digit_and_outlines_it(opened: Any) -> None:
    sent, clip = view(opened), clips.motion_task(1, OPENED.clip_seed, "test", first=OPENED.clip)
    inked = touched_tokens(clip.masks, pretrained("softmax"))[0]
    assert sent["grid"] == [4, 6, 6] and sent["outline"].tolist() == inked.int().tolist()
    assert inked[sent["set"]["query"]] and 0 < inked.sum() < 72


def test_the_film_is_a_film_and_can_be_seen_again() -> None:
    app = visit("trained", **FEW)
    (before,) = app.get("image")[0].proto.imgs
    assert before.url.endswith(".gif") and "up and left" in before.alt
    (after,) = press(app, "Play again").get("image")[0].proto.imgs
    assert after.url.endswith(".gif") and after.url != before.url    # another file: the browser plays it from the start
    frames, drawn_ones = clip_task(*clip_key(OPENED)).frames[0], Image.open(io.BytesIO(film_gif(0, *clip_key(OPENED))))
    assert drawn_ones.n_frames == len(frames) == 8 and drawn_ones.info["duration"] * 8 * TIMES <= 5_000
    drawn_ones.seek(5)
    shown = np.asarray(drawn_ones.convert("L").resize((36, 36))).astype(float) / 255
    assert np.abs(shown - frames[5].mean(0).numpy()).mean() < 0.03


def test_who_wants_less_motion_sees_all_frames_at_rest(opened: Any) -> None:
    film_, rest = opened.get("image")
    assert film_.proto.imgs[0].url.endswith(".gif") and not rest.proto.imgs[0].url.endswith(".gif")
    words = [image.proto.imgs[0].alt.partition(". ") for image in (film_, rest)]
    assert words[0][2] == words[1][2] and words[1][0] == "The clip's frames in the order of play, 4 per row"
    frames = clip_task(*clip_key(OPENED)).frames[0].mean(1)
    drawn_one = Image.open(io.BytesIO(film_strip(*clip_key(OPENED)))).convert("L")
    for n in range(8):
        left, top = 70 * (n % 4), 70 * (n // 4)
        shown = np.asarray(drawn_one.crop((left + 1, top + 1, left + 69, top + 69)).resize((36, 36)), float) / 255
        assert [np.abs(shown - other.numpy()).mean() < 0.015 for other in frames] == [m == n for m in range(8)]


def test_every_input_has_a_label(opened: Any) -> None:
    kinds = ("selectbox", "slider", "multiselect", "radio", "number_input", "segmented_control", "button")
    labels = [widget.label for kind in kinds for widget in opened.get(kind)]
    assert len(labels) >= 10 and all(label.strip() for label in labels)


# ------------------------------------------------------------------------------------------------ where the light is


def square() -> tuple[clips.Task, list[tuple[int, int, int]]]:
    """A white square of one patch on black, another patch every second frame, and where it is."""
    places = [(0, 1, 4), (1, 2, 3), (2, 2, 2), (3, 5, 0)]
    grey = torch.zeros(1, 8, 36, 36)
    for t, y, x in places:
        grey[0, 2 * t:2 * t + 2, 6 * y:6 * y + 6, 6 * x:6 * x + 6] = 1
    mask = grey > 0
    truth = {name: torch.zeros(1, dtype=torch.long) for name in ("digit", "photograph")}
    truth["cut"] = torch.zeros(1, 1, dtype=torch.long)
    return clips.Task(grey[:, :, None].expand(-1, -1, 3, -1, -1), torch.zeros(1, dtype=torch.long), mask, truth,
                      ("up",)), places


def seeing() -> VideoTransformer:
    """A model whose every query looks at what is bright."""
    model = VideoTransformer("softmax", shape=Shape(blocks=1))
    with torch.no_grad():
        for x in (model.time, model.place, model.embed.weight, model.embed.bias):
            x.zero_()
        model.embed.weight[0], model.embed.weight[1] = 1.0, -1.0
        layer = model.blocks[0].attention.layers[0]
        for x in (layer.to_q.weight, layer.to_k.weight, layer.to_k.bias):
            x.zero_()
        layer.to_q.bias.fill_(1.0)
        layer.to_k.weight[:, 0] = 1.0
    return model


@pytest.mark.parametrize("head", [ALL_HEADS, "2"])
def test_a_moving_square_is_where_the_light_is(monkeypatch: Any, head: str) -> None:
    """Tokens are counted as pictures are: on every moment the lit patch is the white one, in the pixels sent."""
    clip, places = square()
    model = seeing()
    one = ModelAnswer("softmax", "seeing", {}, model.shape, torch.ones(8), touched_tokens(clip.masks, model)[0],
                      tuple(model.trace(clip.frames)))
    monkeypatch.setattr("explorer.trained.view.clip_task", lambda *of: clip)
    monkeypatch.setattr("explorer.trained.view.clip_key", lambda view: ("square", head))
    sent = unpack(_view_blob(replace(OPENED, layer=1, head=head), [one], {"mode": "heat"}))
    shown, at = head_map(one.layers[0].map, head)
    row = shown.rows(torch.tensor([77]))[at][0]
    for t, y, x in places:
        pixels = np.asarray(Image.open(io.BytesIO(bytes(sent["frames"][t]["data"]))).convert("L")).astype(float)
        each = pixels.reshape(6, 72, 6, 72).mean((1, 3))
        lit = model.grid.fold(row[:, None])[t, ..., 0]
        outlined = sent["outline"].reshape(4, 6, 6)[t]
        assert np.unravel_index(each.argmax(), (6, 6)) == divmod(int(lit.argmax()), 6) == (y, x)
        assert outlined[y, x] == 1 and outlined.sum() == 1
    assert row.sort(descending=True).values[:4].sum() > 0.9


def test_a_clip_is_asked_about_from_its_most_inked_patch() -> None:
    clip = square()[0].clip(0)
    assert Shape().grid.place(first_query(clip, Shape())) == (0, 1, 4)
    assert first_query(replace(clip, mask=None), Shape()) == 72


@pytest.mark.parametrize("name", models_here()["long", 0])
def test_every_model_is_drawn_as_it_attends(name: str) -> None:
    model, clip = pretrained(name, 0, "long"), clip_task("main", 0, 0, "normal")
    for layer in model.trace(clip.frames):
        a = layer.map.shared
        for head, table in ((ALL_HEADS, a.dense()[0].mean(0)), ("3", a.dense()[0, 2])):
            shown, at = head_map(layer.map, head)
            torch.testing.assert_close(shown.rows(torch.arange(144))[at], table, atol=1e-5, rtol=1e-3)
            assert shown.stochastic == a.stochastic
            assert "z_q" not in shown.wire(at)          # a slider in the view would turn one layer alone


# ------------------------------------------------------------------------------------------------ controls


CONTROLS = [
    ("selectbox", "budget", "short"), ("selectbox", "seed", 2), ("slider", "layer", 3), ("radio", "head", "2"),
    ("number_input", "clip", 7), ("number_input", "clip_seed", 5), ("segmented_control", "order", "shuffled"),
    ("multiselect", "specs", ["softmax", "relu_floor+gate"]), ("slider", "temperature", 0.5),
    ("slider", "strength", 0.35)]


def test_a_control_changes_page_and_address_and_the_address_brings_all_back() -> None:
    app = visit("trained")
    for kind, name, value in CONTROLS:
        before = tables(app), view(app)["id"]
        app = on(app, kind, name, value)
        told = address(app)
        text = ",".join(value) if isinstance(value, list) else str(value)
        assert told[name] == text
        assert (tables(app), view(app)["id"]) != before and not said(app), name
    again = fitted(visit("trained", **told))
    assert not said(again) and address(again) == told
    assert tables(again) == tables(fitted(app)) and again.title[0].value == app.title[0].value
    assert view(again)["id"] == view(app)["id"]


def test_seeds_are_offered_where_models_were_trained_with_them() -> None:
    app = visit("trained", budget="short", seed="4")
    assert app.selectbox(key="trained_seed").value == 4 and not said(app)
    other = on(app, "selectbox", "seed", 1)
    assert any("one training each, seed 1" in caption.value for caption in other.caption)
    assert tables(on(other, "selectbox", "budget", "long"))      # trained with one seed: no choice is left
    assert "trained_seed" not in {box.key for box in app.selectbox}


def test_backwards_is_the_opposite_and_shuffled_has_no_answer() -> None:
    app = visit("trained", **FEW)
    normal, frames = verdicts(app), [bytes(frame["data"]) for frame in view(app)["frames"]]
    back = on(app, "segmented_control", "order", "reversed")
    assert all("up and left" in v and v.endswith("right") for v in normal)
    assert all("down and right" in v and v.endswith("right") for v in verdicts(back))
    assert [bytes(frame["data"]) for frame in view(back)["frames"]] == frames[::-1]
    assert "down and right" in back.markdown[1].value and "backwards" in back.markdown[1].value
    mixed = on(app, "segmented_control", "order", "shuffled")
    assert all(v.endswith("in order") for v in verdicts(mixed)) and "random order" in mixed.markdown[1].value


def test_strength_is_of_the_gates_alone_and_of_all_layers() -> None:
    app = visit("trained", layer="3")
    before, maps = tables(app)[0], [p["wire"] for p in view(app)["panels"]]
    app = on(app, "slider", "strength", 0.0)
    after, sent = tables(app)[0], [p["wire"] for p in view(app)["panels"]]
    assert [t for t in titles(app) if before[t] != after[t]] == ["relu + floor + gate"]
    changed = [any(not np.array_equal(x, new[name]) for name, x in old.items() if isinstance(x, np.ndarray))
               for old, new in zip(maps, sent, strict=True)]
    assert changed == [False, False, True, False]
    twin = interventions.with_constant_gate(pretrained("relu_floor+gate", 0, "long"), "both")
    clip = clip_task(*clip_key(OPENED))
    shares = twin(clip.frames).softmax(-1)[0]
    assert clip.classes[int(shares.argmax())] in after["relu + floor + gate"][-1]
    assert "relu + floor + gate with a gate of strength 0" in app.caption[0].value


def test_temperature_is_of_softmax_alone() -> None:
    app = visit("trained")
    before = tables(app)[0]
    app = on(app, "slider", "temperature", 4.0)
    after = tables(app)[0]
    assert [t for t in titles(app) if before[t] != after[t]] == ["softmax"]
    assert "softmax at temperature 4" in app.caption[0].value and "not to train an altered one" in app.caption[0].value


def test_sliders_that_change_nothing_cannot_be_moved() -> None:
    app = visit("trained", specs="relu,relu_floor")
    assert app.slider(key="trained_temperature").disabled and app.slider(key="trained_strength").disabled


def test_another_clip_is_the_next_one_and_the_view_begins_anew() -> None:
    app = visit("trained", **FEW)
    tick = view(app)["set"]["tick"]
    app = press(app, "Another clip")
    assert address(app)["clip"] == "1" and app.number_input(key="trained_clip").value == 1
    assert view(app)["set"]["tick"] != tick
    assert press(on(app, "number_input", "clip", 9999), "Another clip").number_input(key="trained_clip").value == 0


def test_reset_brings_the_opening_back() -> None:
    app = press(visit("trained", budget="short", seed="2", order="reversed", strength="0.5"), "Reset")
    assert address(app) == {} and tables(app)


def test_reset_takes_the_hand_from_the_view_as_well() -> None:
    app = visit("trained", **FEW, query="1,2,3", tone="log", mode="light")
    before = view(app)["set"]
    after = view(press(app, "Reset"))["set"]
    assert (after["tone"], after["mode"]) == ("root", "heat")
    assert after["query"] != before["query"] and after["tick"] != before["tick"]
    assert address(app) == {}


def test_one_model_alone_is_not_compared() -> None:
    app = on(visit("trained", **FEW), "multiselect", "specs", ["relu"])
    assert "two models or more" in said(app) and len(titles(app)) == 2 and titles(app)[0] == "relu"


def test_shifted_keys_are_told_of() -> None:
    app = visit("trained", specs="softmax,relu_floor+gate+shift", budget="short")
    assert "one patch beside" in app.caption[0].value


# ------------------------------------------------------------------------------------------------ URLs


def test_an_address_that_cannot_be_used_is_answered_in_words() -> None:
    app = visit("trained", layer="9", specs="<b>", evil="1", seed="77", budget="long")
    words = said(app)
    assert all(name in words for name in ("layer", "specs", "evil", "seed")) and "<b>" not in words
    assert tables(app) and not said(press(app, "Reset"))


def test_an_old_parameter_gets_one_sentence_that_names_the_new_one() -> None:
    (sentence,) = TrainedView.from_parameters({"arms": "softmax,relu"}, OPENED)[1]
    assert "is called specs now" in sentence
    app = visit(source="trained", patches="14", specs="softmax,relu")
    assert "trained models have a page of their own" in said(app).lower() and titles(app) == ["softmax", "relu"]
    assert len(app.warning) == 1 and "source" not in address(app)
    assert not said(visit(source="descriptors", patches="14", specs="softmax,relu"))


def test_without_models_there_is_one_sentence(monkeypatch: Any) -> None:
    monkeypatch.setattr(trained_state, "_models_here", lambda folders: {})
    app = visit("trained")
    assert app.info[0].value == f"{NONE[0].upper()}{NONE[1:]}." and not app.get("bidi_component")


def test_what_was_trained_is_shown() -> None:
    models = {("short", 0): ["softmax", "relu"], ("short", 3): ["relu", "linear", "cosformer"]}
    found, said_so = nearest_shipped(replace(OPENED, budget="long", seed=3, specs=("focused", "relu")), models)
    assert (found.budget, found.seed, found.specs) == ("short", 3, ("relu", "linear")) and len(said_so) == 2
    assert nearest_shipped(OPENED, models)[0].specs == ("softmax", "relu")
    read, _ = TrainedView.from_parameters({"specs": "softmax,relu_floor gate:qkv"}, OPENED)
    assert read.specs == ("softmax", "relu_floor+gate")
    (said_of_foo,) = TrainedView.from_parameters({"specs": "softmax,foo"}, OPENED)[1]
    assert "relu_floor, softmax" in said_of_foo and "swin" not in said_of_foo, "not of models but of mechanisms"


def test_shared_models_are_left_as_they_are() -> None:
    model = pretrained("relu_floor+gate", 0, "long")
    before = {name: x.clone() for name, x in model.state_dict().items()}
    model_answers(replace(OPENED, temperature=2.0, strength=0.3, order="reversed"))
    assert pretrained("relu_floor+gate", 0, "long") is model
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())
    assert type(model.blocks[0].attention.layers[0].attention.gate).__name__ == "Gate"


def test_words() -> None:
    heading = trained_heading(OPENED, model_answers(OPENED))
    assert heading.startswith("Weight on the digit: ") and "relu + floor" in heading
    one = SimpleNamespace(likeliest=1, shares=torch.tensor([0.004, 0.996]))
    assert answer_words(one, ("up", "left"), 1, "normal") == "← left, >99 %: right"
    assert answer_words(one, ("up", "left"), 0, "shuffled").endswith("not as in order")


def test_concentrate_imports_nothing_of_trained_models() -> None:
    """Its first picture does not wait for what it does not show."""
    rooms = {path: path.read_text() for room in ("concentrate", "shared") for path in (EXPLORER / room).glob("*.py")}
    names = {(path.name, name) for path, text in rooms.items() for node in ast.walk(ast.parse(text))
             for name in imported(node)}
    allowed = {("export_buttons.py", "OpenTrained"), ("export_buttons.py", "linviz.views.trained_panels")}
    assert {(file, name) for file, name in names if "trained" in name.lower()} == allowed


def imported(node: ast.AST) -> list[str]:
    """The modules and the names that a line imports."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(alias.name for alias in node.names)]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


# ------------------------------------------------------------------------------------------------ the way back


def at(app: Any, **there: str) -> Any:
    """The browser went to another address, a while later."""
    app.query_params.clear()
    for name, text in there.items():
        app.query_params[name] = text
    return well(app.run())


def test_the_view_s_own_controls_are_in_the_address_and_bring_it_back() -> None:
    asked = FEW | {"query": "1,2,3", "mode": "light", "share": "0.5", "frame": "2"}
    app = visit("trained", **asked)
    assert not said(app) and address(app) == asked
    assert {name: view(app)["set"][name] for name in ("mode", "share", "frame")} == {
        "mode": "light", "share": 0.5, "frame": 2}
    shape = Shape()
    assert view(app)["set"]["query"] == shape.grid.number(1, 2, 3)
    app = visit("trained", **FEW, query="9,9,9", mode="sepia")
    assert "query=9,9,9" in said(app).replace("\\", "") and "mode='sepia'" in said(app).replace("\\", "")
    assert address(app) == FEW


def test_back_and_forward(monkeypatch: Any) -> None:
    monkeypatch.setattr(url_history, "LATE", 0.0)  # nobody here waits as a person does
    app = visit("trained", **FEW)
    first = address(app)
    on(app, "slider", "layer", 1)
    second = address(app)
    on(app, "slider", "layer", 3)
    third = address(app)
    for asked, layer in ((second, 1), (third, 3), (second, 1), (first, 2), (third, 3)):
        at(app, **asked)
        assert address(app) == asked and app.slider(key="trained_layer").value == layer and not said(app)


def test_another_page_and_back_everything_stands_as_it_was_left() -> None:
    """In the app itself: Streamlit forgets the widgets of a page that is left."""
    app = visit(source="coffee", patches="14", specs="softmax,relu")
    concentrate = address(app)
    at(app.switch_page("trained/page.py"), **FEW)
    assert not said(app) and view(app)["grid"] == [4, 6, 6] and address(app) == FEW
    on(app, "slider", "layer", 1)
    on(app, "segmented_control", "order", "reversed")
    left = address(app), tables(app)
    at(app.switch_page("concentrate/page.py"))
    assert titles(app) == ["softmax", "relu"] and address(app) == concentrate and view(app)["grid"] == [1, 14, 14]
    at(app.switch_page("trained/page.py"))
    assert (address(app), tables(app)) == left and app.slider(key="trained_layer").value == 1
