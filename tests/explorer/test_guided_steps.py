"""The guided steps: which there are for which panels, short sentences with known numbers, and who sees them."""
from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from explorer.concentrate import panel_work
from explorer.concentrate.guided_steps import guided_steps
from explorer.shared.background_jobs import ResultCache
from linviz.mechanisms import REGISTRY, parse
from linviz.views.panel_steps import fit_panel
from tests.test_sentences import long_sentences

from .harness import sent, visit, well
from .test_own_file import address

STEPS = "linviz_guided_steps"
KNOWN = {"title": "relu + floor + gate (q and k), fitted", "of": "3136", "patches": "1,280", "top": "12.3 %",
         "other": "1,280", "strength": "0.25", "before": "1,280", "otherBefore": "1,280", "more": "fewer",
         "shine": "light up once you choose light"}
UNTIL = {"query", "more", "pins", "strength"}


def panel(spec: str, waiting: bool = False) -> Any:
    family, stochastic = REGISTRY[parse(spec).name].family, not REGISTRY[parse(spec).name].signed
    return SimpleNamespace(spec=spec, family=family, waiting=waiting, map=SimpleNamespace(stochastic=stochastic))


def steps_of(*specs: str, waiting: bool = False) -> list[dict[str, Any]]:
    return guided_steps([panel(spec, waiting) for spec in specs], specs)


@pytest.mark.parametrize(("specs", "names", "meant"), [
    (("softmax", "relu_floor", "relu_floor+gate"), "asks softmax linear gate", [(0, None), (0, None), (1, 0), (2, 1)]),
    (("relu_floor+gate:qk", "softmax", "linear"), "asks softmax linear gate",
     [(0, None), (1, None), (2, 1), (0, None)]),
    (("linear", "uniform"), "asks linear", [(0, None), (0, None)]), (("lambda",), "asks", [(0, None)])])
def test_the_steps_follow_from_the_panels(specs: tuple[str, ...], names: str, meant: list[Any]) -> None:
    found = steps_of(*specs)
    assert " ".join(step["name"] for step in found) == names
    assert [(step["panel"], step["other"]) for step in found] == meant
    assert all(step["until"] in UNTIL and step["do"] for step in found)


def test_every_sentence_is_short_and_knows_what_it_fills_in() -> None:
    for specs in (("softmax", "relu_floor", "relu_floor+gate"), ("relu+gate", "linear")):
        for step in (*steps_of(*specs), *steps_of("uniform"), *steps_of(*specs, waiting=True)):
            for text in (step["say"], step["do"], step["done"], step["empty"]):
                assert {name for name in re.findall(r"\{(\w+)\}", text)} <= KNOWN.keys(), text
                assert not long_sentences(text.format(**KNOWN)), text
    assert "match" not in steps_of("uniform")[0]["say"] and "match" in steps_of("uniform", "relu")[0]["say"]
    assert "being fitted" in steps_of("softmax", "relu+gate", waiting=True)[-1]["say"]


def test_a_bare_address_shows_them_and_a_link_with_a_state_of_its_own_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_work, "RESULTS", ResultCache(192))  # of fits with one step, which are nobody else's
    monkeypatch.setattr(panel_work, "fit_panel", lambda spec, here, steps, *more: fit_panel(spec, here, 1, *more))
    link = visit(source="coffee", patches="7", specs="softmax,relu")
    assert sent(link, STEPS)["bare"] is False
    link = well(next(one for one in link.get("button") if one.label == "Reset").click().run())
    assert not address(link) and sent(link, STEPS)["bare"] is False, "whoever came by a link asked for no steps"
    first = visit()
    assert sent(first, STEPS)["bare"] is True and len(sent(first, STEPS)["steps"]) == 4 and not address(first)
    first = well(first.slider(key="concentrate_patches").set_value(14).run())
    assert sent(first, STEPS)["bare"] is True, "the same visit"
