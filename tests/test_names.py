"""Names: every module has its own; few functions have one word, a bare participle, or another module's name."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pytest

from tests.test_layers import MODULES
from tools.names import Shares, function_names, is_participle, list_functions, measure_names

LIMITS = Shares(one_word=15, participles=2, shared=8)     # in percent of all functions
FREE = {"__init__", "__main__", "base"}                     # names that any number of modules may have...
ROOM = {"page", "controls", "view"}                         # ...and those that every room of the explorer may have

FILES = [name for name, path in MODULES.items() if path.name != "__init__.py"]


def same_names(modules: Iterable[str]) -> set[tuple[str, ...]]:
    """The modules whose last name another module has as well, together."""
    found = defaultdict(list)
    for name in modules:
        last, room = name.split(".")[-1], name.startswith("explorer.") and name.count(".") == 2
        if last not in FREE and not (room and last in ROOM) and "." in name and not name.startswith("notebooks.src."):
            found[last].append(name)
    return {tuple(sorted(names)) for names in found.values() if len(names) > 1}


def test_a_module_has_a_name_of_its_own():
    wrong = same_names(FILES)
    assert not wrong, f"modules of one name: {sorted(wrong)}"


def test_a_name_given_twice_is_seen():
    assert same_names(["linviz.a.base", "linviz.b.base", "explorer.x.page", "explorer.y.page"]) == set()
    assert same_names(["linviz.a.rows", "linviz.cost", "studies.rows"]) == {("linviz.a.rows", "studies.rows")}
    assert same_names(["linviz.page", "studies.page", "explorer.x.page"]) == {("linviz.page", "studies.page")}


@pytest.mark.parametrize("share", Shares._fields)
def test_names_of_functions_say_what_they_do(share):
    found, most = getattr(measure_names(list_functions()), share), getattr(LIMITS, share)
    assert found <= most, f"{share}: {found:.1f} % of all functions, at most {most} %; see `tools/names.py --list`"


def test_dunders_main_and_exercises_stand_aside(tmp_path):
    source = "def main(): ...\ndef __getattr__(n): ...\ndef _told(): ...\nclass A:\n    def seen(self): ..."
    assert function_names(source) == ["told"]
    for path in ("linviz/a.py", "linviz/checks/b.py", "linviz/quizzes/c.py", "teaching/d.py", "tests/e.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source, "utf-8")
    assert list_functions(tmp_path) == {"told": ["linviz/a.py", "teaching/d.py"]}


def test_participles_are_told_from_verbs_and_nouns():
    assert all(map(is_participle, ["told", "shown", "opened", "weighed", "lit", "kept"]))
    assert not any(map(is_participle, ["read", "seed", "need", "speed", "rows", "told_rows", "become", "bound"]))
