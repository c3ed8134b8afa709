"""The chart of what is reached at what cost: its data are what was given, and it says them in words."""
import pytest

from linviz.figures.reach import Path, reach_chart

PATHS = [Path("joint", [100, 200, 300], [100, 100, 100]), Path("space", [10, 20, 30], [25, 25, 25], chosen=True),
         Path("divided", [90, 190, 310], [25, 100, 100], chosen=True)]


def test_the_data_are_what_was_given() -> None:
    drawn = {trace.name: (list(trace.x), list(trace.y)) for trace in reach_chart(PATHS).data}
    assert drawn == {path.title: (list(path.operations), list(path.shares)) for path in PATHS}


def test_the_chosen_stand_out_and_are_told_apart() -> None:
    dashes = {trace.name: (trace.line.dash, trace.opacity) for trace in reach_chart(PATHS).data}
    assert dashes["space"][0] != dashes["divided"][0] and dashes["joint"][1] < 1 == dashes["space"][1]


def test_ends_that_lie_together_share_a_label() -> None:
    texts = [a.text for a in reach_chart(PATHS).layout.annotations]
    assert texts == ["<b>space</b>", "joint, <b>divided</b>"]


def test_labels_that_would_meet_are_stacked() -> None:
    ends = {"first": 1000, "second": 1300, "third": 1700, "far": 1000000}
    near = [Path(title, [n], [100]) for title, n in ends.items()]
    raised = {a.text: -a.ay if a.showarrow else 0 for a in reach_chart(near).layout.annotations}
    assert 0 == raised["first"] < raised["second"] < raised["third"] and raised["far"] == 0


@pytest.mark.parametrize("paths", [PATHS, PATHS[:1], []])
def test_it_is_told_in_words_with_units(paths: list[Path]) -> None:
    figure = reach_chart(paths, dark=True)
    assert all(path.title in figure.layout.meta["alt"] for path in paths)
    assert figure.layout.xaxis.title.text.endswith("(number)") and "%" in figure.layout.yaxis.title.text
