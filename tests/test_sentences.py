"""No sentence of the README and of the explorer has more than 25 words: labels, help, errors and docstrings."""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from .cases import every_case

ROOT = Path(__file__).parents[1]
MOST = 25
PAGES = sorted(path for ending in ("py", "toml") for path in (ROOT / "explorer").rglob(f"*.{ending}"))


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text in a module; what an f-string fills in counts as one word."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def long_sentences(text: str) -> list[str]:
    """The sentences with too many words. A line of a list is one of its own; addresses, code and CSS are none."""
    plain = re.sub(r"^```.*?^```|\{[^{}]*;\s*\}", "", text, flags=re.DOTALL | re.MULTILINE)
    plain = re.sub(r"\]\([^)]*\)|`[^`]*`", " x ", plain)
    parts = re.split(r"(?<=[.!?])[*_]*\s+|\n\s*\n|\n\s*- |\n +[\w, ]+  +", plain)
    return [part for part in parts if len(re.findall(r"\S*\w\S*", part)) > MOST]


@every_case("page", PAGES)
def test_sentences_of_the_explorer_are_short(page):
    source = page.read_text("utf-8")
    said = texts(ast.parse(source)) if page.suffix == ".py" else re.findall('"(.+?)"', source, re.DOTALL)
    wrong = [found for text in said for found in long_sentences(text)]
    assert not wrong, "\n\n".join(wrong)


def test_sentences_of_the_readme_are_short():
    assert not long_sentences((ROOT / "README.md").read_text("utf-8"))


def test_a_long_sentence_is_seen():
    assert not long_sentences("word " * 25 + ". " + "word " * 25) and long_sentences("word " * 26)
    assert len(list(texts(ast.parse('f"{a} and {b}"\n"one"')))) == 2
