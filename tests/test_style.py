"""The style that keeps linviz readable, as numbers: short functions, short modules, a docstring each; ruff and mypy."""
from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from .cases import every_case

ROOT = Path(__file__).parents[1]
LINVIZ = sorted((ROOT / "linviz").rglob("*.py"))
EXPLORER = sorted((ROOT / "explorer").rglob("*.py"))
TEXTS = {".py", ".js", ".html", ".css", ".md", ".toml", ".yml", ".txt", ".ipynb", ".json", ".cfg", ""}
GENERATED = {".git", ".venv", "__pycache__", "build", "dist"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    """A file, from the root of the clone."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file, methods and inner ones too."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return (node for node in nodes if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def lines(path: Path) -> int:
    """Lines of a file."""
    return len(path.read_text("utf-8").splitlines())


# ---------------------------------------------------------------- lengths


def test_functions_are_short():
    all_of_them = {f"{name(p)}:{f.lineno} {f.name}": length(f) for p in LINVIZ + EXPLORER for f in functions(p)}
    lengths = sorted(all_of_them.values())
    assert statistics.median(lengths) <= 8
    longest = sorted(all_of_them.items(), key=lambda pair: -pair[1])[:5]
    assert lengths[int(0.9 * len(lengths))] <= 20, longest
    assert lengths[-1] <= 40, longest


@every_case("path", LINVIZ + EXPLORER)
def test_modules_are_short(path):
    assert lines(path) <= 250, f"{name(path)} has {lines(path)} lines; a module has at most 250"


@every_case("path", sorted((ROOT / "explorer").glob("*/page.py")))
def test_a_page_of_the_explorer_only_chooses_calls_and_shows(path):
    assert lines(path) <= 80, f"{name(path)} has {lines(path)} lines; a page has at most 80"


# ---------------------------------------------------------------- docstrings


@cache
def classes() -> dict[str, ast.ClassDef]:
    """Every class of linviz by its name."""
    nodes = (node for path in LINVIZ for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}


def told_by_a_base(method: str, owner: ast.ClassDef) -> bool:
    """Whether a class that `owner` is derived from says what this method does."""
    bases = (getattr(base, "attr", getattr(base, "id", "")) for base in owner.bases)
    known = classes()
    for base in (known[b] for b in bases if b in known and known[b] is not owner):
        own = next((n for n in base.body if isinstance(n, Function) and n.name == method), None)
        if (own is not None and ast.get_docstring(own)) or told_by_a_base(method, base):
            return True
    return method in ("forward", "extra_repr")      # torch's own


def is_property(node: ast.stmt) -> bool:
    """A property of an exercise: asked of an `Attempt`, it says what it is about in the finding it returns."""
    first = node.args.args[:1] if isinstance(node, Function) else []
    return any(getattr(argument.annotation, "id", "") == "Attempt" for argument in first)


def untold(body: list[ast.stmt], owner: ast.ClassDef | None = None) -> Iterator[str]:
    """Public functions and classes without a docstring; what overrides a documented method has one."""
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_") or is_property(node):
            continue
        if not ast.get_docstring(node) and not (owner is not None and told_by_a_base(node.name, owner)):
            yield f"{node.name} (line {node.lineno})"
        if isinstance(node, ast.ClassDef):
            yield from untold(node.body, node)


@every_case("path", LINVIZ)
def test_everything_public_has_a_docstring(path):
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), f"{name(path)} does not say what it is"
    assert not (missing := list(untold(tree.body))), f"{name(path)}: no docstring: {missing}"


def test_a_missing_docstring_is_seen():
    tree = ast.parse("class A:\n  'a'\n  def f(self): ...\n  def _g(self): ...\ndef h(): ...\ndef i(): 'i'")
    assert list(untold(tree.body)) == ["f (line 3)", "h (line 5)"]


# ---------------------------------------------------------------- words


FORBIDDEN = {
    "an unfinished mark": re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b"),
    "a path of somebody's machine": re.compile(r"(?<![\w.~])(/(home|root|work|Users)/\w|[A-Z]:\\\\?Users\b)"),
    "a package registry's address": re.compile(r"py" r"pi\.org|python" r"hosted|npm" r"js\.|conda\.anaconda"),
    "something fetched from another host": re.compile(
        r"<(script|img|link|iframe|source)\b[^>]*\b(src|href)=[\"']?(https?:)?//|\bimport\b[^\n;]*[\"']https?://"
        r"|@import\s+(url\()?[\"']?https?:|\bfetch\(\s*[\"'`]https?://|url\([\"']?https?://"),
}


def texts() -> list[Path]:
    """Every text file that belongs to the project."""
    found = (p for p in ROOT.rglob("*") if p.suffix in TEXTS and p.is_file())
    return [p for p in found if not any(part in GENERATED or part.endswith(("_cache", ".egg-info"))
                                        or part.startswith(".setup") for part in p.relative_to(ROOT).parts)]


def test_no_file_holds_what_is_forbidden():
    hits = [f"{what} in {name(p)}: {hit[0]}" for p in texts() for text in [p.read_text("utf-8", "replace")]
            for what, pattern in FORBIDDEN.items() if (hit := pattern.search(text))]
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize("what, text", [
    ("an unfinished mark", "# TO" "DO later"),
    ("a path of somebody's machine", 'open("/ho' 'me/ann/x")'),
    ("a package registry's address", "py" "pi.org/simple"),
    ("something fetched from another host", '<script src="htt' 'ps://x.org/y.js">'),
    ("something fetched from another host", 'import x from "htt' 'ps://x.org/y.js"'),
])
def test_forbidden_words_are_seen(what, text):
    assert FORBIDDEN[what].search(text)


# ---------------------------------------------------------------- the tools


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["mypy"]], ids=lambda c: c[0])
def test_the_tools_have_nothing_to_say(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


SIZES = {"M", "n", "keys", "N", "S", "H", "E"}      # stand in the shapes of jaxtyping and are defined nowhere


def test_every_name_is_defined():
    """ruff and mypy pass over undefined names because of the letters in shapes; here all others are found."""
    command = ["ruff", "check", ".", "--select", "F821", "--config", "lint.ignore=[]", "--output-format", "concise"]
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    found = re.findall(r"^(.*?): F821 Undefined name `(\w+)`", done.stdout, re.M)
    assert found, "the names of sizes are found, too"
    assert not (wrong := [f"{where}: {name}" for where, name in found if name not in SIZES]), wrong


def oxlint(*paths: Path) -> subprocess.CompletedProcess[str]:
    """The linter of JavaScript over the project or over `paths`; every warning is an error."""
    program = Path(sysconfig.get_path("scripts")) / "oxlint"
    options = ["--config", ROOT / ".oxlintrc.json", "--deny-warnings"]
    return subprocess.run([program, *options, *paths], cwd=ROOT, capture_output=True, text=True)


def test_the_javascript_is_checked():
    done = oxlint()
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.mark.parametrize("wrong, word", [
    ("export const a = missing;", "no-undef"),
    ("const idle = 1;", "no-unused-vars"),
    ('import {nothing} from "./other.js";\nexport const a = nothing;', "named"),
])
def test_a_mistake_in_javascript_is_seen(tmp_path, wrong, word):
    (tmp_path / "other.js").write_text("export const b = 1;\n", "utf-8")
    (tmp_path / "wrong.js").write_text(wrong + "\n", "utf-8")
    done = oxlint(tmp_path)
    assert done.returncode != 0 and word in done.stdout


# ---------------------------------------------------------------- recipes


def test_recipes_are_short_and_name_what_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    recipes = re.findall(r"^## (Add [^\n]+)\n((?:.+\n)+)", text, re.M)
    assert {title.split()[-1] for title, _ in recipes} == {"mechanism", "measure", "clip", "page", "chapter"}
    for title, body in recipes:
        assert len(body.splitlines()) <= 6, f"{title}: a recipe has at most six lines"
    named = re.findall(r"\b(?:explorer|linviz|notebooks|tests)/[\w/.]*", text)
    missing = [path for path in named if "NAME" not in path and "NN_" not in path and not (ROOT / path).exists()]
    assert not missing, f"CONTRIBUTING.md names what is not there: {missing}"
