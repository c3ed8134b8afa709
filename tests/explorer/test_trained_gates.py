"""The page Trained: learned gates of every layer and head, beside gates that are fitted to softmax on the same clip."""
from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from explorer.shared.number_tables import three_digits
from linviz import clips
from linviz.models.checkpoints import pretrained
from linviz.models.gated_heads import LayerGates, fit_beside, gated_heads, mean_use
from linviz.views.gate_heading import head_heading, trained_gates_heading

from .conftest import FEWER
from .harness import fitted, said, tables, visit, well
from .test_fixation_panel import html, levels, pictures

SPEC = "relu_floor+gate"


def markdown(app: Any) -> str:
    return " ".join(one.value for one in app.markdown)


def captions(app: Any) -> str:
    return " ".join(one.value for one in app.caption)


@pytest.fixture(scope="module")
def beside() -> list[LayerGates]:
    """linviz's own numbers of the model and clip on which the page opens."""
    frames = clips.motion_task(1, 0, "test", first=0).frames
    return [fit_beside(layer, FEWER) for layer in pretrained(SPEC, 0, "long").trace(frames)]


@pytest.fixture(scope="module")
def opened() -> Any:
    return visit("trained")


def test_learned_gates_are_there_at_once_and_models_without_a_gate_in_one_sentence(opened: Any) -> None:
    frames = clips.motion_task(1, 0, "test", first=0).frames
    learned = [gated_heads(layer.attention, layer.q, layer.k, layer.v)
               for layer in pretrained(SPEC, 0, "long").trace(frames)]
    first = visit("trained", specs=f"relu,{SPEC}", clip="3")  # of this clip no gate was fitted before
    assert "is being fitted" in html(first, "every layer and head")
    assert len(pictures(html(first, "every layer and head"))) == 18
    assert "softmax, relu + floor and relu have no gate, so they have no ratios to show." in captions(opened)
    assert trained_gates_heading(learned, []).split(" with")[0] in markdown(opened)


def test_every_layer_and_head_stands_beside_the_fitted_one(opened: Any, beside: list[LayerGates]) -> None:
    app = fitted(opened)
    text = html(app, "every layer and head")
    drawn, n = pictures(text), 0
    for place, (layer, h) in enumerate((layer, h) for layer in beside for h in range(3)):
        where = f"layer {place // 3 + 1}, head {h + 1}"
        (before, after), (_, new) = layer.trained[h].use, layer.fitted[h].use
        numbers = re.search(rf"<b>{where}</b> channels in use: ([\d.]+) → ([\d.]+), fitted ([\d.]+)<", text).groups()
        assert [float(x) for x in numbers] == pytest.approx([before.each, after.each, new.each], rel=6e-3)
        for head in (layer.trained[h], layer.fitted[h]):
            for side in head.ratios:
                want = levels(side.log10().clamp_min(-4).mT, -4, 0).astype(int)
                assert np.abs(drawn[n].astype(int) - want).max() <= 1, (where, n)
                n += 1
    assert n == len(drawn) == 36
    assert trained_gates_heading([one.trained for one in beside], beside) in markdown(app)
    assert mean_use(beside[1].fitted)[1] < mean_use(beside[1].fitted)[0]
    nearer = sum(one.bits[1] < one.bits[0] for one in beside)
    assert f"nearer to softmax in {nearer} of 3 layers; the fitted one does in 3" in captions(app)


def test_one_head_is_shown_larger_and_follows_the_sidebar(opened: Any, beside: list[LayerGates]) -> None:
    app = fitted(opened)
    assert head_heading(beside[1].trained[0], 2, 1) in markdown(app)
    box = app.selectbox(key="trained_gate_head")
    app = well(box.set_value((2, 1)).run())
    head = beside[2].trained[1]
    assert head_heading(head, 3, 2) in markdown(app)
    busiest = int(head.use[1].shares.argmax())
    assert app.selectbox(key="trained_gate_channel").value == f"channel {busiest + 1}"
    shown = pictures(html(app, f"Ratios of channel {busiest + 1} on the 4 moments"))
    side = head.ratios[1][:, busiest].log10().clamp_min(-4).reshape(4, 6, 6).movedim(0, 1).flatten(1)
    assert len(shown) == 4 and np.abs(shown[1].astype(int) - levels(side, -4, 0)).max() <= 1
    app = well(app.selectbox(key="trained_gate_channel").set_value("all channels (geometric mean)").run())
    assert len(pictures(html(app, "Ratios of all channels on the 4 moments"))) == 4
    numbers = next(table for table in tables(app) if "Keys, fitted" in table)
    assert numbers["Keys, fitted"][1] == f"{100 * beside[2].fitted[1].spread[1].channels:.0f}"
    assert "without a gate {}, trained {}, fitted {}.".format(*map(three_digits, beside[2].bits)) in captions(app)
    app = well(app.slider(key="trained_layer").set_value(1).run())
    assert app.selectbox(key="trained_gate_head").value == (0, 0) and not said(app)


def test_of_two_gated_models_one_is_chosen_and_a_shift_is_explained() -> None:
    app = visit("trained", budget="short", specs=f"{SPEC},{SPEC}+shift")
    assert "shift in time" not in markdown(app) and "no gate" not in captions(app)
    app = well(app.radio(key="trained_gates_of").set_value(f"{SPEC}+shift").run())
    assert "shift in time takes 24 of 48 channels" in markdown(app)
    assert "the next frame</b> channels 1 to 12 ←" in html(app, "from which neighbour").replace("<i>", "")


def test_without_any_gate_nothing_is_fitted() -> None:
    app = visit("trained", specs="softmax,relu")
    assert "softmax and relu have no gate" in captions(app) and not app.session_state.trained_gates.jobs.jobs
    assert not html(app, "Fixation ratios")


def test_a_weaker_gate_is_shown_weaker(opened: Any) -> None:
    app = visit("trained", specs=f"softmax,{SPEC}", strength="0")
    drawn = pictures(html(app, "every layer and head"))
    own = drawn if len(drawn) == 18 else [picture for n, picture in enumerate(drawn) if n % 4 < 2]  # not the fitted
    assert {int(level) for picture in own for level in np.unique(picture)} == {58}  # one half, everywhere


def test_a_fit_that_fails_is_told_and_the_page_stays(monkeypatch: Any) -> None:
    def fail(*given: Any, **options: Any) -> None:
        raise ValueError("no luck")
    monkeypatch.setattr("explorer.trained.layer_gates.fit_beside", fail)
    app = fitted(visit("trained", specs=f"softmax,{SPEC}", clip="77"))
    assert "cannot be shown: no luck" in captions(app) and len(pictures(html(app, "every layer and head"))) == 18
