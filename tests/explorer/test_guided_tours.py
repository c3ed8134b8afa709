"""Guided tours: every step is a state that its page can show, in short sentences; an address says tour and step."""
from __future__ import annotations

import re
from typing import Any

import pytest

from explorer.atlas.atlas_state import STATE as ATLAS
from explorer.claims.claims_state import STATE as CLAIMS
from explorer.concentrate.concentrate_state import STATE as CONCENTRATE
from explorer.evidence.evidence_texts import STATE as EVIDENCE
from explorer.reach.reach_state import STATE as REACH
from explorer.shared import guided_tours
from explorer.shared.guided_tours import FITTING, PATHS, TOURS, TourStep, tour_links
from explorer.shared.page_state import PageState
from explorer.survey.survey_state import STATE as SURVEY
from explorer.trained.trained_state import STATE as TRAINED
from tests.test_sentences import long_sentences

from .browser import WIDE
from .harness import sent, visit, well
from .test_guided_steps_browser import STRIP
from .test_own_file import address

PAGES: dict[str, PageState[Any]] = {page.page: page for page in (
    CONCENTRATE, TRAINED, REACH, ATLAS, CLAIMS, SURVEY, EVIDENCE)}
STEPS = [(name, n, step) for name, tour in TOURS.items() for n, step in enumerate(tour.steps)]
PANELS = {"concentrate": "specs", "trained": "specs"}


def test_there_are_five_tours_and_every_step_is_a_state_of_its_page() -> None:
    assert len(TOURS) >= 5 and all(len(tour.steps) >= 3 for tour in TOURS.values())
    for name, n, step in STEPS:
        page = PAGES[step.page]
        found, problems = type(page.opening).from_parameters(step.address, page.base(step.address))
        found, more = page.settle(found)
        assert not problems + more, (name, n)
        assert all(found.flat_settings()[field].setting.kind.write(found.flat_value(field)) == text
                   for field, text in step.address.items()), (name, n)
        before = TOURS[name].steps[n - 1] if n else None
        assert before is None or (before.page, before.address) != (step.page, step.address), "a step changes the view"
        drawn = len(found.specs) if step.page in PANELS else 0
        assert drawn > max(step.panel, step.other or 0) or "{" not in step.say, (name, n)


def test_two_short_sentences_one_question_and_numbers_that_the_view_knows() -> None:
    for name, n, step in STEPS:
        filled = re.sub(r"\{\w+\}", "1,280", step.say)
        assert len(re.findall(r"\.(?= |$)", filled)) == 2 and step.ask.count("?") == 1 == len(step.ask.splitlines())
        assert not long_sentences(filled) and not long_sentences(step.ask), (name, n)
        assert set(re.findall(r"\{(\w+)\}", step.say)) <= {"patches", "other", "of"}
        stated = r"temperature 0\.5|strength 0|between 0 and 1|stands at 1"
        assert not re.search(r"\d", re.sub(r"\{\w+\}|" + stated, "", step.say)), "a number comes from the view"


def asked(app: Any, name: str, at: int) -> Any:
    """The page after a button of the strip."""
    app.session_state["tour_here"] = app.session_state["tour_wanted"] = (name, at)
    return well(app.run())


def test_a_step_sets_the_controls_and_the_address_and_a_hand_goes_on_from_there() -> None:
    small = {"patches": "7", "frames": "2", "source": "pan", "column": "3"}
    app = visit("reach", tour="time", **small)
    assert address(app) == {"tour": "time", "step": "1", **small}, "an address with a state of its own keeps it"
    app = asked(app, "time", 1)
    assert address(app) == {"tour": "time", "step": "2", "right": "joint"}
    assert app.selectbox(key="reach_right").value == "joint" and app.selectbox(key="reach_left").value == "divided"
    strip = sent(app, "linviz_guided_steps")
    assert strip["tour"]["at"] == 1 and strip["steps"][0]["say"] == TOURS["time"].steps[1].say
    app = well(app.selectbox(key="reach_left").set_value("window").run())
    assert address(app)["left"] == "window" and address(app)["step"] == "2"
    app.session_state["tour_here"] = ("", 0)
    app = well(app.run())
    assert "tour" not in address(app) and not app.get("bidi_component")[0].proto.component_name.endswith("steps")


@pytest.mark.parametrize("wrong", [{"tour": "evil"}, {"tour": "time", "step": "9"}, {"tour": "time", "step": "x"}])
def test_a_tour_that_is_not_there_is_answered_in_words(wrong: dict[str, str]) -> None:
    app = visit("reach", patches="7", frames="2", source="pan", **wrong)
    assert "tour" in app.warning[0].value and "tour" not in address(app)


def test_a_gate_that_is_being_fitted_has_no_numbers_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guided_tours, "tour_step", lambda page: ("gate", 1, TOURS["gate"].steps[1]))
    for waiting, said in (([False, False, True], FITTING), ([False] * 3, TOURS["gate"].steps[1].say)):
        content = guided_tours.strip_content("concentrate", waiting)
        assert content is not None and content["steps"][0]["say"] == said


def test_links_lead_to_first_steps() -> None:
    found = re.findall(r"\]\(/(\w*)\?tour=(\w+)\)", tour_links())
    assert [(path, name) for path, name in found] == [
        (PATHS.get(page := tour.steps[0].page, page), name) for name, tour in TOURS.items()]


def test_the_strip_steps_through_pages_and_back(page: Any, explorer_url: str) -> None:
    """From the last step on Who sees whom to Trained, and back by the strip and by the browser."""
    page.set_viewport_size(WIDE)
    page.goto(f"{explorer_url}/who_sees_whom?tour=time&step=4&right=joint&patches=7&frames=2")
    await_step(page, TOURS["time"].steps[3])
    page.get_by_role("button", name="Next", exact=True).click()
    await_step(page, TOURS["time"].steps[4])
    assert page.url.endswith("/trained?tour=time&step=5&order=reversed")
    page.get_by_role("button", name="Back", exact=True).click()
    await_step(page, TOURS["time"].steps[3])
    assert "rollout=right" in page.url
    page.get_by_role("button", name="Leave", exact=True).click()
    page.wait_for_url(re.compile(r"who_sees_whom\?(?!.*tour)"))


def await_step(page: Any, step: TourStep) -> None:
    page.wait_for_function(f"words => ({STRIP})() && strip.shadowRoot.querySelector('b').textContent === words",
                           arg=step.ask, timeout=60_000)
