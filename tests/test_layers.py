"""A module imports only what stands to its left; streamlit, plotly and torch stay where they belong."""
from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("whole", "shapes", "measure", "grid", "scopes", "maps", "spectra", "concentration", "flow", "cost",
          "fixation", "mechanisms", "reading", "clips", "models", "figures", "patch_view", "evidence", "views",
          "course", "grade", "train", "doctor", "cli")
DOORS = ("__init__", "__main__")        # linviz/__init__.py and __main__.py may import any layer
MODULES = sorted((ROOT / "linviz").rglob("*.py"))
PAGES = sorted((ROOT / "explorer").rglob("*.py"))


def imports(source: str, package: tuple[str, ...]) -> Iterator[str]:
    """Full dotted names of everything a module imports, wherever in it; `package` is where the module lies.

    `from . import x` counts as the import of both the package and x, since x may be a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            near = package[:len(package) - node.level + 1] if node.level else ()
            base = ".".join([*near, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
                "import_module", "__import__"):
            yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str))


def of(path: Path) -> list[str]:
    """Imports of a file of the project."""
    return list(imports(path.read_text("utf-8"), path.relative_to(ROOT).parent.parts))


def layer(path: Path) -> str:
    """Which layer a file of linviz belongs to: the name of its folder or of itself."""
    return path.relative_to(ROOT / "linviz").parts[0].removesuffix(".py")


def exported() -> dict[str, str]:
    """The names that `linviz` itself offers, and the layer each comes from (`make` from mechanisms)."""
    names = (name.split(".") for name in of(ROOT / "linviz" / "__init__.py") if name.startswith("linviz."))
    return {parts[-1]: parts[1] for parts in names}


def outside(names: list[str], own: str) -> list[str]:
    """Those of the names that reach out of what stands to the left of layer `own`."""
    left, home = LAYERS[:LAYERS.index(own) + 1], exported()
    parts = {name: (*name.split("."), LAYERS[0])[1] for name in names if name.split(".")[0] == "linviz"}
    return [name for name, part in parts.items() if home.get(part, part) not in left]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_from_its_left(path):
    own = layer(path)
    if own in DOORS:
        return
    assert own in LAYERS, f"{path.relative_to(ROOT)} has no place among the layers: {' -> '.join(LAYERS)}"
    wrong = outside(of(path), own)
    assert not wrong, f"{own} stands left of what {path.relative_to(ROOT)} imports: {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_linviz_does_not_import_what_is_built_on_it(path):
    wrong = {"explorer", "notebooks", "tests", "studies", "start"} & {name.split(".")[0] for name in of(path)}
    assert not wrong


@pytest.mark.parametrize("library, homes", [
    ("streamlit", ("linviz/patch_view/streamlit.py", "explorer")),
    ("plotly", ("linviz/figures", "explorer")),
    ("anywidget", ("linviz/patch_view",)),
    ("IPython", ("linviz/patch_view", "linviz/course")),
    ("av", ("linviz/clips", "linviz/views", "linviz/doctor.py")),
])
def test_a_library_stays_at_home(library, homes):
    users = [p.relative_to(ROOT).as_posix() for p in MODULES + PAGES if library in {n.split(".")[0] for n in of(p)}]
    strangers = [user for user in users if not user.startswith(homes)]
    assert not strangers, f"{library} belongs in {' and '.join(homes)}, not in {strangers}"


def test_figures_compute_nothing():
    users = [p.name for p in MODULES if layer(p) == "figures" and "torch" in {n.split(".")[0] for n in of(p)}]
    assert not users, f"figures draw numbers that others computed; these import torch: {users}"


def test_what_lies_to_the_right_is_seen():
    """A name that `linviz` itself offers counts as its home's; `import linviz` alone reaches nothing."""
    names = ["linviz", "linviz.Grid", "linviz.maps.Map", "linviz.read", "linviz.cli.main", "torch.nn"]
    assert outside(names, "spectra") == ["linviz.read", "linviz.cli.main"]
    assert outside(names, "course") == ["linviz.cli.main"] and outside(names, "cli") == []


@pytest.mark.parametrize("source, package, found", [
    ("import linviz.patch_view.blob", (), "linviz.patch_view.blob"),
    ("from ..models import fit_gate", ("linviz", "maps"), "linviz.models.fit_gate"),
    ("from .. import cli", ("linviz", "maps"), "linviz.cli"),
    ("from . import dense", ("linviz", "maps"), "linviz.maps.dense"),
    ("def f():\n    from linviz import reading", ("linviz",), "linviz.reading"),
    ("import importlib\nimportlib.import_module('linviz.cli')", ("linviz",), "linviz.cli"),
])
def test_every_way_to_import_is_seen(source, package, found):
    assert found in set(imports(source, package))
