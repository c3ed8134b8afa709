"""A mechanism is a page: idea, formula, cost, rank, source, in under a page, with a test beside it."""
from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

from linviz import names
from linviz.mechanisms import FAMILIES, REGISTRY

from .cases import every_case

OWN = [n for n in names() if REGISTRY[n].__module__.startswith("linviz.mechanisms.")]


def page(name: str) -> tuple[Path, str]:
    module = importlib.import_module(REGISTRY[name].__module__)
    return Path(module.__file__), inspect.getdoc(module) or ""


@every_case("name", OWN)
def test_the_page_says_what_a_page_says(name: str) -> None:
    path, text = page(name)
    assert len(text.splitlines()) <= 30, f"{path.name}: the page has {len(text.splitlines())} lines, 30 at most"
    for word in ("Cost:", "Rank:", "Gained:", "Lost:", "_i", "_j"):
        assert word in text, f"{path.name}: the page does not say {word!r}"
    assert re.search(r"arXiv \d{4}\.\d{4,5}|No paper", text), (
        f"{path.name}: the page names no source: write \"arXiv 2006.16236\", with its number, or \"No paper\"")
    lines = path.read_text().splitlines()
    assert len(lines) <= 120, f"{path.name}: {len(lines)} lines"


@every_case("name", OWN)
def test_a_definition_test_stands_beside_it(name: str) -> None:
    path = Path(__file__).parent / "mechanisms" / f"test_{page(name)[0].stem}.py"
    assert path.exists(), f"{name} has no {path}"
    assert "def test_definition" in path.read_text()


@every_case("name", OWN)
def test_a_mechanism_introduces_itself(name: str) -> None:
    cls = REGISTRY[name]
    assert cls.family in FAMILIES
    for attribute in ("title", "paper", "cost", "rank"):
        assert getattr(cls, attribute), f"{name} has no {attribute}"
