"""The command line, a thin dispatcher: `linviz explore | lab | export | train | grade | doctor | citation`.

Whatever a command needs is imported when it runs, so that `linviz --help` answers at once.
"""
from __future__ import annotations

import argparse
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from .grade.options import options as options_of_grade
from .train.options import options as options_of_train

ROOT = Path(__file__).resolve().parents[1]      # the clone: notebooks and explorer lie beside the package
PORT = 8501
SPECS = ("softmax", "relu_floor", "relu_floor+gate")
CITATION = """@software{{linviz,
  title   = {{linviz: an interactive textbook on linear attention for images and video}},
  author  = {{{{The linviz authors}}}},
  version = {{{version}}},
  license = {{MIT}},
}}"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0, or 1 after one sentence on what went wrong.

    >>> main(["citation"])
    @software{linviz,
    ...
    0
    """
    given = parser().parse_args(arguments)
    try:
        return int(given.run(given) or 0)
    except (ValueError, OSError, ImportError) as error:
        print(f"linviz: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def parser() -> argparse.ArgumentParser:
    """The commands and their options.

    >>> parser().parse_args(["explore", "--port", "8600"]).port
    8600
    """
    top = argparse.ArgumentParser(prog="linviz", description="An interactive textbook on linear attention.")
    top.add_argument("--version", action="version", version=f"linviz {metadata.version('linviz')}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    _options_of_servers(command("explore", explore, "open the explorer in a browser"),
                        command("lab", lab, "open the notebooks in JupyterLab"))
    _options_of_export(command("export", export, "write one page that opens without network"))
    options_of_train(command("train", train, "train a small video transformer"))
    options_of_grade(command("grade", grade, "grade a folder of learners' notebooks (not a sandbox)"))
    command("doctor", doctor, "say whether everything is there, and of the right version")
    command("citation", citation, "print how to cite linviz")
    return top


def _options_of_servers(explorer: argparse.ArgumentParser, notebooks: argparse.ArgumentParser) -> None:
    explorer.add_argument("--port", type=int, help=f"default: {PORT}, or the next one that is free")
    explorer.add_argument("--lan", action="store_true", help="let everyone on your network open it")
    for sub in (explorer, notebooks):
        sub.add_argument("--no-browser", action="store_true", help="only print the address")


def _options_of_export(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("path", type=Path, help="the file to write, like view.html")
    sub.add_argument("--photo", default="chelsea", help="a sample photograph or clip (default: chelsea)")
    sub.add_argument("--patches", type=int, default=28, help="patches per side (default: 28)")
    sub.add_argument("--mechanisms", nargs="+", default=SPECS, metavar="SPEC", help=f"default: {' '.join(SPECS)}")
    sub.add_argument("--temperature", type=float, help="of the similarity; lower is sharper")


# ---------------------------------------------------------------- the commands


def explore(given: argparse.Namespace) -> None:
    """Become the explorer's server. Raises OSError where the port asked for is taken or there is no explorer."""
    _beside("explorer", "serve.py")
    port = next(filter(is_free, range(PORT, PORT + 100)), PORT) if given.port is None else given.port
    if not 0 < port < 65536:
        raise ValueError(f"{port} is no port: take one from 1024 to 65535")
    if not is_free(port):
        raise OSError(f"port {port} is taken: give another with --port, or none to get a free one")
    options = ["--server.port", str(port), "--server.address", "0.0.0.0" if given.lan else "127.0.0.1"]
    if given.no_browser or given.lan:
        options += ["--server.headless", "true"]
    if given.lan:
        print(f"Everyone on your network can now open http://{socket.gethostname()}:{port}")
    become("explorer.serve", *options)


def lab(given: argparse.Namespace) -> None:
    """Become a JupyterLab that opens on the first chapter there is."""
    folder = _beside("notebooks")
    chapters = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    options = ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=None", "-y",
               "--Application.log_level=WARN"]
    if given.no_browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    become("jupyterlab", *map(str, chapters[:1] or [folder]), *options)


def export(given: argparse.Namespace) -> None:
    """Write a page about a sample photograph. Raises ValueError for a name or a size that does not exist."""
    from .view import save_example

    chosen = {} if given.temperature is None else {"temperature": given.temperature}
    path = save_example(given.path, photo=given.photo, patches=given.patches, specs=given.mechanisms, **chosen)
    print(f"{path}: {Path(path).stat().st_size / 1e6:.2f} MB; open it in any browser.")


def train(given: argparse.Namespace) -> int:
    """Train the arms and seeds that were asked for."""
    from .train.command import run
    return run(given)


def grade(given: argparse.Namespace) -> int:
    """Run the teacher's checks on every submission and write the sheet."""
    from .grade.command import run
    return run(given)


def doctor(given: argparse.Namespace) -> int:
    """Print one line a part, OK or FAIL with its remedy; 1 where any failed."""
    found = list(checks())
    for good, line in found:
        print(f"{'OK  ' if good else 'FAIL'}  {line}")
    return int(not all(good for good, _ in found))


def citation(given: argparse.Namespace) -> None:
    """Print the BibTeX entry of this version."""
    print(CITATION.format(version=metadata.version("linviz")))


# ---------------------------------------------------------------- what the doctor looks at


def checks() -> Iterator[tuple[bool, str]]:
    """(good, line) for Python, every dependency, torch at work, the parts beside the package, a browser."""
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (3.11 or newer is needed)"
    parts = (part for part in metadata.requires("linviz") or () if not part.startswith("linviz["))
    yield from map(dependency, parts)
    yield torch_works()
    for name, what in (("explorer", "the explorer"), ("notebooks", "the notebooks")):
        there = (ROOT / name).is_dir()
        yield there, f"{what}: {ROOT / name}" if there else f"no {what}: run linviz from a whole clone"
    yield browser()


def dependency(text: str) -> tuple[bool, str]:
    """Whether a requirement, as a package's metadata words it, is met.

    >>> dependency("no-such-package>=1")
    (False, 'no-such-package is missing: python3 start.py explore installs it')
    """
    from packaging.requirements import Requirement

    wanted = Requirement(text)
    remedy = "python3 start.py explore installs"
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return False, f"{wanted.name} is missing: {remedy} it"
    if wanted.specifier.contains(version, prereleases=True):
        return True, f"{wanted.name} {version}"
    return False, f"{wanted.name} {version} is not {wanted.specifier}: {remedy} one that is"


def torch_works() -> tuple[bool, str]:
    """Whether torch can be imported and computes."""
    try:
        import torch
        good = float(torch.ones(2, 2).matmul(torch.ones(2, 2)).sum()) == 8
    except (ImportError, OSError, RuntimeError) as error:
        return False, f"torch does not run ({error}): remove .venv and run python3 start.py explore"
    return good, f"torch computes, on {'the GPU too' if torch.cuda.is_available() else 'the CPU'}"


def browser() -> tuple[bool, str]:
    """The browser that the tests would use, as start.py finds it."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    if spec is None or spec.loader is None or not (ROOT / "start.py").is_file():
        return True, "browser: not looked for, since there is no start.py"
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    try:
        found = start.find_browser()
    except start.Stop as stop:
        return False, str(stop)
    return True, f"browser: {found or 'your own; the tests alone need a Chromium, python3 start.py test installs one'}"


# ---------------------------------------------------------------- helpers


def is_free(port: int) -> bool:
    """Whether nothing listens on this port of this machine.

    >>> with socket.socket() as s:
    ...     s.bind(("127.0.0.1", 0)); s.listen(); is_free(s.getsockname()[1])
    False
    """
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def become(module: str, *arguments: str) -> None:
    """Go on as `python -m module arguments`, in the clone; on Windows, where that is not possible, wait for it."""
    command = [sys.executable, "-m", module, *arguments]
    os.chdir(ROOT)                  # where .streamlit/config.toml is looked for
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    raise SystemExit(subprocess.call(command))


def _beside(*names: str) -> Path:
    path = ROOT.joinpath(*names)
    if not path.exists():
        raise OSError(f"there is no {path}: run linviz from a whole clone, `python3 start.py explore`")
    return path
