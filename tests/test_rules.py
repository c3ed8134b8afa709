"""The rules of every run hold: no network, no skipped test, our own warnings and wrong shapes are errors."""
from __future__ import annotations

import inspect
import random
import socket
import warnings
from pathlib import Path

import jaxtyping
import pytest
import torch
from jaxtyping import TypeCheckError

import conftest
from linviz import concentration, cost
from linviz.shapes import Rows
from tests import conftest as rules
from tests.cases import every_case
from tests.typecheck import speaks_of_arrays, tower


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0), ("example.org", 80)])
def test_another_machine_is_out_of_reach(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as probe, pytest.raises(OSError, match="reach for another machine"):
        probe.connect(address)


def test_this_machine_is_within_reach():
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())


def test_a_warning_of_ours_is_an_error_and_one_of_others_is_not():
    def warn(module):
        exec("import warnings; warnings.warn('wrong')", {"__name__": module})
    for module in ("linviz", "linviz.maps.factored"):
        with pytest.raises(UserWarning):
            warn(module)
    with warnings.catch_warnings(record=True) as passed:
        warn("linvizual")
    assert len(passed) == 1


def test_shapes_and_types_are_checked():
    with pytest.raises(TypeCheckError):
        concentration.entropy(torch.ones(3, dtype=torch.int64))
    with pytest.raises(TypeCheckError, match="str"):
        cost.cost_exponent(3)       # no array among its types


def test_only_functions_that_speak_of_arrays_pay_for_jaxtyping():
    """A function inside another one would be compiled at every call of that."""
    def plain(x: int) -> str: ...
    def arrays(x: int, y: list[Rows] | None = None) -> str: ...
    def unknown(x: "NotYet", y: int) -> str: ...  # noqa: F821
    def unknown_and_arrays(x: "NotYet") -> "Spectrum": ...  # noqa: F821
    wrap = jaxtyping.jaxtyped(typechecker=tower)
    assert [speaks_of_arrays(f) for f in (plain, arrays, unknown, unknown_and_arrays)] == [False, True, None, True]
    assert wrap(plain) is plain and wrap(arrays) is not arrays


def test_a_skipped_test_is_a_failure_and_an_expected_failure_is_none():
    def report(**more):
        return pytest.TestReport("tests/x.py::t", ("tests/x.py", 1, "t"), {}, "skipped", ("x.py", 1, "Skipped: lazy"),
                                 "call", **more)
    lazy, expected = report(), report(wasxfail="known")
    conftest.no_skip(lazy)
    conftest.no_skip(expected)
    assert lazy.failed and "no test may be skipped" in lazy.longrepr and "lazy" in lazy.longrepr
    assert expected.skipped


def test_everything_is_on_one_thread_and_seeded():
    assert torch.get_num_threads() == 1
    assert torch.initial_seed() == 0


def test_every_case_is_tried_seeded_anew_and_named_where_it_fails():
    tried = []

    @every_case("number, word", [(1, "a"), (2, "b"), (3, "c"), (1, "d")])
    def law(number: int, word: str, place: str) -> None:
        tried.append((number, word, place, random.random()))
        if number == 3:
            pytest.fail("no three")
        assert number == 1
    assert list(inspect.signature(law).parameters) == ["place"]
    with pytest.raises(BaseExceptionGroup, match=r"2 cases fail.*\(2, 'b'\).*\(3, 'c'\)"):
        law(place="here")
    assert [one[:3] for one in tried] == [(n, word, "here") for n, word in ((1, "a"), (2, "b"), (3, "c"), (1, "d"))]
    assert len({one[3] for one in tried}) == 1
    with pytest.raises(AssertionError, match="prove nothing"):
        every_case("number", [])


def test_no_module_is_imported_twice(pytestconfig):
    """Files of the same name may lie in several folders because these are packages, not by the import mode that gives
    doctests second copies of linviz's modules."""
    assert pytestconfig.getoption("importmode") == "prepend"
    folders = {path.parent for path in Path(__file__).parent.rglob("test_*.py")}
    assert all((folder / "__init__.py").is_file() for folder in folders)


# ---------------------------------------------------------------- where the time goes


def timed(nodeid: str, duration: float, when: str = "call", **keywords: int) -> pytest.TestReport:
    return pytest.TestReport(nodeid, ("x.py", 1, "t"), keywords, "passed", None, when, duration=duration)


def test_core_seconds_are_added_up_per_folder_and_an_overrun_is_reported():
    reports = [timed("tests/course/test_a.py::t@tests/course/test_a.py 0", 70), "a warning",
               timed("tests/course/test_a.py::t@tests/course/test_a.py 0", 20, "setup"),
               timed("tests/explorer/test_a.py::t", 50, budget=1), timed("tests/patch_view/test_a.py::t", 30, budget=1),
               timed("tests/test_a.py::t", 3), timed("linviz/a.py::linviz.a", 4), timed("tests/clips/test_a.py::t", 5)]
    folders, budgets = conftest.core_seconds(reports)
    assert folders["tests/course"] == 90 and folders["tests"] == 3 and folders["linviz"] == 4
    assert budgets == {("course", False): 90, ("explorer", True): 50, ("the rest", True): 30, ("the rest", False): 12}
    assert conftest.overruns(budgets) == [
        "OVERRUN: the tests of course took 90 core-seconds, and their budget is 80",
        "OVERRUN: the tests of the rest took 30 core-seconds serially, and their budget is 20"]
    assert conftest.overruns({("course", False): 80}) == []


class Item:
    """A test, as far as the choice for the night looks at it."""

    def __init__(self, *marks: str) -> None:
        self.get_closest_marker = lambda name: name in marks


@pytest.mark.parametrize("nodeid, serial, name", [
    ("tests/course/test_quiz.py::t", False, "course"), ("tests/course/test_quiz.py::t", True, "the rest"),
    ("explorer/shared/link.py::x", False, "explorer"), ("tests/explorer/test_a.py::t", True, "explorer"),
    ("linviz/course/curves.py::x", False, "the rest"), ("start.py::x", False, "the rest")])
def test_every_test_has_a_budget_that_pays_for_it(nodeid, serial, name):
    assert conftest.share(nodeid, serial) == name


@pytest.mark.parametrize("asked, kept", [("", 1), ("not budget", 1), ("nightly", 2)])
def test_what_is_long_by_nature_waits_for_the_night(asked, kept):
    class Hook:
        left = []
        pytest_deselected = staticmethod(lambda items: Hook.left.extend(items))

    class Config:
        class option:
            markexpr = asked
        hook = Hook
    Hook.left = []
    items = [Item(), Item("nightly")]
    conftest.pytest_collection_modifyitems(Config, items)
    assert len(items) == kept and len(Hook.left) == 2 - kept


@pytest.mark.parametrize("asked, text, ignored", [
    ("budget", "pytestmark = pytest.mark.budget", None), ("budget", "def test_nothing(): pass", True),
    ("not budget", "def test_nothing(): pass", None), ("", "def test_nothing(): pass", None)])
def test_asked_for_times_only_files_that_assert_one_are_read(asked, text, ignored, tmp_path):
    class Config:
        class option:
            markexpr = asked
    file = tmp_path / "test_file.py"
    file.write_text(text)
    assert rules.pytest_ignore_collect(file, Config) is ignored
