"""A module imports only what stands to its left, and never in a circle; streamlit, plotly and torch stay at home."""
from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINVIZ, EXPLORER = ROOT / "linviz", ROOT / "explorer"
LAYERS = ("app_folders", "atomic_write", "safe_output", "thread_count", "shapes", "measure", "settings", "palette",
          "grid", "scopes", "maps", "spectra", "row_block", "concentration", "factored_measures", "signed_rows", "flow",
          "cost", "live_memory", "fixation", "mechanisms", "measured_cost", "contrast", "reading", "query_length",
          "published_claims", "clips", "models", "capture", "views.state", "figures", "patch_view", "evidence", "views",
          "survey", "course", "grade", "train", "doctor", "cli")
STATE = ("state", "state_kinds", "panel_options", "writer_versions")  # of linviz/views: what a view is
DOORS = ("linviz", "linviz.__main__")   # these two may import any layer
BESIDE = ("explorer", "notebooks", "teaching", "studies", "benchmarks")     # built on linviz, never on each other
PATHS = [p for folder in ("linviz", *BESIDE, "tools") for p in sorted((ROOT / folder).rglob("*.py"))]

Graph = Mapping[str, set[str]]


def imports(source: str, package: tuple[str, ...]) -> Iterator[str]:
    """Full dotted names of everything a module imports, wherever in it; `package` is where the module lies.

    `from . import x` yields the name `package.x`, which may be a module or a name of the package. A package that
    fetches names when they are used says where each comes from in a table HOMES: these are its imports, too.
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
            names = [a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            yield from (".".join(package) + name if name.startswith(".") else name for name in names)
    yield from (".".join([*package, home]) for home in homes(source).values())


def homes(source: str) -> dict[str, str]:
    """The table HOMES of a package: name -> module of the package that it comes from."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == ["HOMES"]:
            return dict(ast.literal_eval(node.value))
    return {}


@cache
def of(path: Path) -> list[str]:
    """Imports of a file of the project."""
    return list(imports(path.read_text("utf-8"), path.relative_to(ROOT).parent.parts))


def dotted(path: Path) -> str:
    """The name under which a file of the project is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in PATHS}


@cache
def lazy(package: str) -> dict[str, str]:
    """The table HOMES of a package of the project, empty where it has none."""
    return homes(MODULES[package].read_text("utf-8"))


def module(name: str) -> str | None:
    """The module of the project that a dotted name stands for or comes from; None for other libraries' names."""
    parts = name.split(".")
    ends = (n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in MODULES)
    if (n := next(ends, None)) is None:
        return None
    found, rest = ".".join(parts[:n]), parts[n:]
    return f"{found}.{lazy(found)[rest[0]]}" if rest and rest[0] in lazy(found) else found


@cache
def graph() -> dict[str, set[str]]:
    """Every module of the project, and the modules of the project that it imports."""
    found = {name: {m for n in of(path) if (m := module(n)) not in (None, name)} for name, path in MODULES.items()}
    for name, path in MODULES.items():
        if "iter_modules(__path__)" in path.read_text("utf-8"):     # the package imports all that lies in it
            found[name] |= {other for other in MODULES if other.rpartition(".")[0] == name}
    return {name: set() if name in DOORS else {m for m in imported if m} for name, imported in found.items()}


# ---------------------------------------------------------------- the rules


def layer(name: str) -> str:
    """Which layer a module of linviz belongs to: the name of its folder or of itself."""
    parts = name.split(".")[1:]
    return "views.state" if parts[0] == "views" and parts[1:] and parts[1] in STATE else parts[0]


def wrong_layer(one: str, other: str) -> bool:
    """Whether a module of linviz imports what stands to its right, or what is built on linviz."""
    if other in DOORS:
        return False
    return not other.startswith("linviz.") or LAYERS.index(layer(other)) > LAYERS.index(layer(one))


def wrong_room(one: str, other: str) -> bool:
    """Whether a room of the explorer imports more of it than itself and `shared`; `shared` imports no room."""
    room, there = one.split(".")[1], other.split(".")[1:2]
    return one.count(".") > 1 and there not in ([room], ["shared"], [])


def breaks(one: str, other: str) -> str | None:
    """The rule that is broken where module `one` imports module `other`, or None."""
    top, there = one.split(".")[0], other.split(".")[0]
    if top == "linviz":
        return "layers" if one not in DOORS and wrong_layer(one, other) else None
    if top in BESIDE and there not in ("linviz", top):
        return f"{', '.join(BESIDE)} never import each other"
    return "rooms" if top == there == "explorer" and wrong_room(one, other) else None


def path(graph: Graph, start: str, end: str) -> list[str]:
    """A way along imports, empty where there is none."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == end:
            return way
        new = sorted(graph.get(way[-1], set()) - seen)
        seen.update(new)
        ways.extend([*way, name] for name in new)
    return []


def circles(graph: Graph) -> list[list[str]]:
    """A circle through every import that lies on one."""
    return [[one, *way] for one, imported in graph.items() for other in imported if (way := path(graph, other, one))]


# ---------------------------------------------------------------- the project


def test_every_module_of_linviz_has_a_layer():
    homeless = [name for name in MODULES if name.startswith("linviz.") and name not in DOORS
                and layer(name) not in LAYERS]
    assert not homeless, f"{homeless} have no place among the layers: {' -> '.join(LAYERS)}"


@pytest.mark.parametrize("folder", ["linviz", *BESIDE])
def test_a_module_imports_only_what_it_may(folder):
    wrong = [f"{one} imports {other}: {rule}" for one, imported in graph().items()
             if one.split(".")[0] == folder for other in sorted(imported) if (rule := breaks(one, other))]
    assert not wrong, "\n".join(wrong)


def test_no_imports_run_in_a_circle():
    found = circles(graph())
    assert not found, "\n".join(" -> ".join(way) for way in found)


def test_linviz_does_not_import_what_is_built_on_it():
    wrong = {"explorer", "notebooks", "tests", "studies", "teaching", "benchmarks", "tools", "start"}
    users = [name for name, path in MODULES.items() if name.split(".")[0] == "linviz"
             if wrong & {n.split(".")[0] for n in of(path)}]
    assert not users


@pytest.mark.parametrize("library, homes", [
    ("streamlit", ("linviz/patch_view/streamlit.py", "explorer")),
    ("plotly", ("linviz/figures", "explorer")),
    ("anywidget", ("linviz/patch_view",)),
    ("IPython", ("linviz/patch_view", "linviz/course", "linviz/grade/cell_magics.py")),
    ("av", ("linviz/clips", "linviz/views", "linviz/doctor.py")),
])
def test_a_library_stays_at_home(library, homes):
    users = [p.relative_to(ROOT).as_posix() for p in PATHS if p.is_relative_to(LINVIZ) or p.is_relative_to(EXPLORER)
             if library in {n.split(".")[0] for n in of(p)}]
    strangers = [user for user in users if not user.startswith(homes)]
    assert not strangers, f"{library} belongs in {' and '.join(homes)}, not in {strangers}"


def test_figures_compute_nothing():
    users = [p.name for p in (LINVIZ / "figures").rglob("*.py") if "torch" in {n.split(".")[0] for n in of(p)}]
    assert not users, f"figures draw numbers that others computed; these import torch: {users}"


# ---------------------------------------------------------------- the rules can fail


@pytest.mark.parametrize("one, other, rule", [
    ("linviz.spectra", "linviz.reading", "layers"), ("linviz.reading", "linviz.spectra", None),
    ("linviz.grid", "linviz", None), ("linviz.course.cells", "linviz.cli", "layers"),
    ("linviz.views.state", "linviz.figures.theme", "layers"), ("linviz.figures.heat", "linviz.views.state", None),
    ("linviz.patch_view.blob", "linviz.views.load", "layers"), ("linviz.views.load", "linviz.patch_view.blob", None),
    ("linviz.cost", "explorer.app", "layers"), ("linviz.__main__", "linviz.cli", None),
    ("explorer.reach.page", "explorer.atlas.view", "rooms"), ("explorer.reach.page", "explorer.reach.view", None),
    ("explorer.reach.page", "explorer.shared.jobs", None), ("explorer.shared.jobs", "explorer.reach.view", "rooms"),
    ("explorer.reach.page", "explorer.warm", "rooms"), ("explorer.app", "explorer.reach.page", None),
    ("explorer.app", "linviz.cli", None), ("tools.plots", "studies.ledger", None),
])
def test_what_may_not_be_imported_is_seen(one, other, rule):
    assert breaks(one, other) == rule


def test_folders_beside_each_other_may_not_import_each_other():
    assert "never" in (breaks("teaching.pack", "notebooks.build") or "")


def test_a_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()})[0] == ["a", "b", "c", "a"]
    assert not circles({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_a_name_counts_as_its_homes():
    """`import linviz` alone reaches nothing."""
    names = ("linviz", "linviz.Grid", "linviz.make", "linviz.models.train", "torch.nn", "linviz.maps.Dense")
    assert [module(name) for name in names] == ["linviz", "linviz.grid", "linviz.mechanisms",
                                                f"linviz.models.{lazy('linviz.models')['train']}", None, "linviz.maps"]
    assert graph()["linviz.models"] >= {"linviz.models.training"} and not graph()["linviz"]


@pytest.mark.parametrize("source, package, found", [
    ("import linviz.patch_view.blob", (), "linviz.patch_view.blob"),
    ("from ..models import fit_gate", ("linviz", "maps"), "linviz.models.fit_gate"),
    ("from .. import cli", ("linviz", "maps"), "linviz.cli"),
    ("from . import dense", ("linviz", "maps"), "linviz.maps.dense"),
    ("def f():\n    from linviz import reading", ("linviz",), "linviz.reading"),
    ("import importlib\nimportlib.import_module('linviz.cli')", ("linviz",), "linviz.cli"),
    ("from importlib import import_module\nimport_module('.cli', __package__)", ("linviz",), "linviz.cli"),
    ("if TYPE_CHECKING:\n    from ..reading import Reading", ("linviz", "views"), "linviz.reading.Reading"),
    ("HOMES = {'make': 'mechanisms'}", ("linviz",), "linviz.mechanisms"),
])
def test_every_way_to_import_is_seen(source, package, found):
    assert found in set(imports(source, package))
