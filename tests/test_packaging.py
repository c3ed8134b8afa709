"""What an install brings: ranges, the exact set that works, and every file and import accounted for."""
from __future__ import annotations

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from .cases import every_case

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = SETTINGS["project"]
EXTRAS = {name: [Requirement(text) for text in texts] for name, texts in PROJECT["optional-dependencies"].items()}
CORE = [Requirement(text) for text in PROJECT["dependencies"]]
NAMED = [r for r in CORE + sum(EXTRAS.values(), []) if r.name != "linviz"]
LINES = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line and line[0] != "#"]
PINS = {canonicalize_name(r.name): r for r in map(Requirement, LINES)}
OLDEST = "3.11.0"           # Debian's Python is 3.11.2, which a set made with 3.11.7 may not admit
IMPORTED_AS = {"beautifulsoup4": "bs4", "ipython": "IPython", "pillow": "PIL", "pillow-heif": "pillow_heif",
               "scikit-image": "skimage",
               "scikit-learn": "sklearn"}


def pinned(name: str) -> Version:
    """The version that constraints.txt names."""
    [only] = PINS[canonicalize_name(name)].specifier
    return Version(only.version)


# ---------------------------------------------------------------- ranges and pins


def test_constraints_are_exact_public_versions():
    for name, pin in PINS.items():
        assert [s.operator for s in pin.specifier] == ["=="], f"{name} is not pinned exactly"
        assert pinned(name).local is None, f"{name}: a local build is not to be had elsewhere"
        assert pin.url is None and pin.marker is None, name
    assert len(PINS) == len(LINES)
    assert pinned("torch") == Version("2.13.0")


@every_case("wanted", NAMED)
def test_a_dependency_has_a_range_that_holds_its_pin(wanted):
    bounds = {s.operator for s in wanted.specifier}
    assert bounds & {">=", "~=", "=="}, f"{wanted} has no lower bound"
    assert "==" not in bounds, f"{wanted}: a range belongs here, the exact version into constraints.txt"
    assert wanted.specifier.contains(pinned(wanted.name))


def test_what_an_install_brings_is_pinned_whole():
    """Everything that linviz[all] draws in here, however far behind, is in constraints.txt in the version installed."""
    todo, seen = [(r.name, r.extras) for r in NAMED], set()
    while todo:
        name, extras = todo.pop()
        if (key := (canonicalize_name(name), frozenset(extras))) in seen:
            continue
        seen.add(key)
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in {"", *extras}):
                todo.append((needed.name, needed.extras))
    brought = {name for name, _ in seen} - {"setuptools"}
    assert brought <= PINS.keys(), f"not pinned: {sorted(brought - PINS.keys())}"
    wrong = {name: metadata.version(name) for name in brought if Version(metadata.version(name)).public
             != str(pinned(name))}
    assert not wrong, f"installed in other versions than constraints.txt has: {wrong}"


def test_constraints_admit_the_oldest_python():
    floor = PROJECT["requires-python"]
    assert floor == ">=3.11"
    for name in PINS:
        try:
            needs = metadata.metadata(name).get("Requires-Python")
        except metadata.PackageNotFoundError:
            continue            # a platform that does not need it
        assert not needs or SpecifierSet(needs).contains(OLDEST), f"{name} needs Python {needs}"


def test_what_does_not_work_beside_torch_is_not_asked_for():
    assert not {"torchvision", "torchaudio", "timm"} & (PINS.keys() | {canonicalize_name(r.name) for r in NAMED})


def test_all_is_every_extra():
    [whole] = EXTRAS["all"]
    assert whole.name == "linviz" and whole.extras == EXTRAS.keys() - {"all"}
    assert "anywidget" in {r.name for r in EXTRAS["lab"]}      # plotly's widget needs it and does not say so


# ---------------------------------------------------------------- conda


def test_environment_yml_leaves_everything_to_pyproject():
    """Python and pip from conda-forge; every package from pyproject.toml, held to constraints.txt."""
    lines = [line.rstrip() for line in (ROOT / "environment.yml").read_text("utf-8").splitlines() if line[0] != "#"]
    floor = PROJECT["requires-python"].removeprefix(">=")
    assert lines == ["name: linviz", "channels:", "  - conda-forge", "dependencies:", f"  - python={floor}", "  - pip",
                     "  - pip:", "    - -c constraints.txt", "    - -e .[all]"]


# ---------------------------------------------------------------- files and imports


def test_every_file_of_the_package_is_shipped():
    patterns = SETTINGS["tool"]["setuptools"]["package-data"]["linviz"]
    package = ROOT / "linviz"
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    others = {p for p in package.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")}
    assert others <= shipped, f"not in package-data: {sorted(map(str, others - shipped))}"
    assert any(path.name == "patch_view.js" for path in shipped)
    for path in package.rglob("*.py"):
        assert (path.parent / "__init__.py").is_file(), f"{path.parent} has no __init__.py and would not be installed"


def imported(path: Path) -> set[str]:
    """Top names of all absolute imports of a file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names - sys.stdlib_module_names


def modules_of(*extras: str) -> set[str]:
    """What may be imported where the core and these extras are installed."""
    wanted = CORE + [r for extra in extras for r in EXTRAS[extra]]
    return {IMPORTED_AS.get(r.name, r.name) for r in wanted} | {"linviz"}


@pytest.mark.parametrize("folder, extras, own", [
    ("linviz", ("lab", "explorer", "video", "survey", "cluster", "models"), set()),
    ("explorer", ("explorer", "video"), {"explorer"}),
    ("notebooks", ("lab", "video"), {"build", "notebooks", "playwright", "start"}),
    ("teaching", ("lab",), set()),
    ("studies", ("dev",), {"studies"}),
    ("benchmarks", ("video",), set()),
    ("tools", ("lab", "explorer", "video", "dev"), {"start", "notebooks", "benchmarks"}),
    ("tests", ("lab", "explorer", "video", "survey", "cluster", "models", "dev"),
     {"studies", "benchmarks", "conftest", "teaching", "explorer", "notebooks", "start", "tests", "tools"}),
])
def test_every_import_is_declared(folder, extras, own):
    for path in (ROOT / folder).rglob("*.py"):
        undeclared = imported(path) - modules_of(*extras) - own
        assert not undeclared, f"pyproject.toml does not name what {path.relative_to(ROOT)} imports: {undeclared}"


@pytest.mark.parametrize("where", ["linviz", "linviz.patch_view", "linviz.clips", "linviz.models", "linviz.figures",
                                   "linviz.survey", "linviz.survey.clip_survey", "linviz.cli"])
def test_the_core_imports_without_the_extras(where):
    """`import linviz` and its parts work where only the core is installed: the extras are imported when used."""
    extra = modules_of("lab", "explorer", "video", "survey", "cluster", "models", "dev") - modules_of()
    code = f"import sys; sys.modules.update(dict.fromkeys({sorted(extra)})); import {where}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]


# ---------------------------------------------------------------- the rest of the package


def test_the_version_is_the_same_everywhere():
    import linviz
    assert linviz.__version__ == PROJECT["version"] == metadata.version("linviz")


def test_the_console_script_is_there():
    [script] = [entry for entry in metadata.entry_points(group="console_scripts") if entry.name == "linviz"]
    assert script.value == PROJECT["scripts"]["linviz"] and callable(script.load())


def test_the_licence_is_mit():
    assert PROJECT["license"] == "MIT"
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.startswith("MIT License") and "The linviz authors" in text


def test_the_makefile_has_an_alias_for_every_command():
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert targets and {"explore", "lab", "test", "bench"} <= set(targets[1].split())


def test_ci_runs_the_same_tests_and_ends_with_them():
    run = ROOT / ".ci" / "run"
    last = [line for line in run.read_text("utf-8").splitlines() if line and line[0] != "#"][-1]
    assert last.startswith('exec python3 start.py test "$@"')
    assert run.stat().st_mode & stat.S_IXUSR


def test_streamlit_asks_and_tells_nobody():
    settings = tomllib.loads((ROOT / "explorer" / ".streamlit" / "config.toml").read_text("utf-8"))
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["server"]["address"] == "127.0.0.1" and settings["server"]["showEmailPrompt"] is False


# ---------------------------------------------------------------- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an install does it: a folder that is first on Python's path."""
    home = tmp_path_factory.mktemp("wheel")
    tree = home / "tree"
    skip = shutil.ignore_patterns(".*_cache", ".git", ".venv", ".setup*", "__pycache__", "tests", "build", "*.egg-info")
    shutil.copytree(ROOT, tree, ignore=skip)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-w",
             str(home), str(tree)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (made,) = home.glob("linviz-*.whl")
    zipfile.ZipFile(made).extractall(home / "site")
    return home / "site"


def test_the_wheel_holds_explorer_and_notebooks(wheel: Path) -> None:
    apps = wheel / "linviz" / "_apps"
    for folder, endings in (("explorer", {".py", ".js", ".css", ".svg", ".toml"}), ("notebooks", {".ipynb"})):
        here = {p.relative_to(ROOT / folder) for p in (ROOT / folder).rglob("*") if p.suffix in endings}
        there = {p.relative_to(apps / folder) for p in (apps / folder).rglob("*") if p.suffix in endings}
        missing = {path for path in here - there if path.parts[0] != "src"}
        assert not missing, f"not in the wheel: {sorted(map(str, missing))}"
    assert list((wheel / "linviz" / "models" / "shipped").rglob("*.safetensors"))
    assert not (wheel / "explorer").exists(), "no name of ours but linviz is put among all packages"


def test_linviz_explore_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    from tests.conftest import free_port, serving
    port = free_port()
    command = ["-c", "import sys; from linviz.cli import main; sys.exit(main(sys.argv[1:]))", "explore", "--no-browser",
               "--port", port]
    address, log = f"http://127.0.0.1:{port}", tmp_path / "log"
    with serving(command, f"{address}/_stcore/health", log, tmp_path, PYTHONPATH=str(wheel)):
        code = ("from streamlit.testing.v1 import AppTest; import linviz; from linviz.app_folders import apps_home;"
                "assert apps_home().name == '_apps';"
                "app = AppTest.from_file(str(apps_home() / 'explorer' / 'app.py'), default_timeout=90).run();"
                "assert not app.exception and app.title[0].value, app.exception")
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                              env=os.environ | {"PYTHONPATH": str(wheel), "OMP_NUM_THREADS": "1"})
        assert done.returncode == 0, done.stderr[-2000:]
    assert str(ROOT) not in log.read_text(errors="replace")
