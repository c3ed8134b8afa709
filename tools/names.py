"""Count what names of functions do not say: one-word names, bare participles, names of several modules.

    .venv/bin/python tools/names.py             three shares, in percent of all module-level functions
    .venv/bin/python tools/names.py --list      and every name that is counted, with its modules

A name is understood without opening its file and found by searching for it: `row_statistics`, `load_view`. Leading
underscores do not count; neither do dunders, `main`, and the folders `checks` and `quizzes`, where a function is an
exercise's property or a quiz's question.
"""
from __future__ import annotations

import argparse
import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).resolve().parents[1]
FOLDERS = ("linviz", "explorer", "studies", "teaching", "benchmarks")
ASIDE = {"checks", "quizzes"}
IRREGULAR = set("""
arisen awoken been begun bent bitten bled blown born borne bought bred broken brought built burnt caught chosen
clung crept dealt done drawn driven drunk dug eaten fallen fed felt flown forbidden forgiven forgotten fought found
frozen given gone got gotten grown heard held hidden hung kept knelt known laid lain lent lit lost made meant met
mistaken overlaid paid proven rebuilt remade ridden risen rung said sat sawn seen sent sewn shaken shone shorn shot
shown shrunk slain slept slid sold sought sown spent split spoken sprung spun stolen stood struck stuck stung sung
sunk swept sworn swum swung taken taught thought thrown told took torn understood undone unknown unseen untold
withdrawn withheld woken won worn woven written
""".split())
NO_PARTICIPLES = set("bed bleed breed embed exceed feed heed hundred indeed need proceed red seed shed speed succeed "
                     "weed".split())


class Shares(NamedTuple):
    """Percent of functions: names of one word, bare participles, names that another module has as well."""

    one_word: float
    participles: float
    shared: float


Functions = dict[str, list[str]]


def list_functions(home: Path = HOME) -> Functions:
    """Every module-level function: its name without leading underscores -> the modules that define it."""
    found: Functions = defaultdict(list)
    for path in sorted(p for folder in FOLDERS for p in (home / folder).rglob("*.py")):
        if not ASIDE & set(path.relative_to(home).parts):
            for name in function_names(path.read_text("utf-8")):
                found[name].append(path.relative_to(home).as_posix())
    return dict(found)


def function_names(source: str) -> list[str]:
    """The names of the functions of a module.

    >>> function_names("def _load_view(): ...\\nasync def b(): ...\\ndef __getattr__(name): ...\\ndef main(): ...")
    ['load_view', 'b']
    """
    names = (n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return [name.strip("_") for name in names if name != "main" and not name.startswith("__")]


def is_one_word(name: str) -> bool:
    """Whether a name has one word."""
    return "_" not in name


def is_participle(name: str) -> bool:
    """Whether a name is a past participle and nothing else.

    >>> [name for name in ("told", "measured", "seed", "measured_rows", "read") if is_participle(name)]
    ['told', 'measured']
    """
    return name in IRREGULAR or is_one_word(name) and name.endswith("ed") and name not in NO_PARTICIPLES


def measure_names(functions: Functions) -> Shares:
    """The three shares.

    >>> measure_names({"load_view": ["a.py"], "told": ["a.py", "b.py"], "rows": ["a.py"]})
    Shares(one_word=75.0, participles=50.0, shared=50.0)
    """
    total = sum(len(modules) for modules in functions.values())

    def share(names: Iterable[str]) -> float:
        return 100 * sum(len(functions[name]) for name in names) / total
    return Shares(share(filter(is_one_word, functions)), share(filter(is_participle, functions)),
                  share(name for name, modules in functions.items() if len(set(modules)) > 1))


def main(arguments: list[str] | None = None) -> None:
    """Print the shares and, when asked, the names."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--list", action="store_true", help="print every name that is counted, with its modules")
    asked = given.parse_args(arguments)
    functions = list_functions()
    shares = measure_names(functions)
    print(f"{sum(map(len, functions.values()))} functions: {shares.one_word:.1f} % have names of one word, "
          f"{shares.participles:.1f} % bare participles, {shares.shared:.1f} % a name that another module has, too")
    for name in sorted(functions) if asked.list else ():
        kinds = [kind for kind, counts in (("one word", is_one_word(name)), ("participle", is_participle(name)),
                                           ("shared", len(set(functions[name])) > 1)) if counts]
        if kinds:
            print(f"{name:28}{', '.join(kinds):32}{' '.join(functions[name])}")


if __name__ == "__main__":
    main()
