"""The command line, a thin dispatcher: `linviz explore`, `linviz read` and the others.

A command imports what it needs only when it runs, so `linviz --help` is fast.
"""
from __future__ import annotations

import argparse
import contextlib
import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import NoReturn

from .app_folders import apps_home
from .course.course_commands import add_progress_options as options_of_progress
from .course.course_commands import add_reset_options as options_of_reset
from .course.course_commands import print_progress, run_reset
from .grade.grade_options import add_grade_options as options_of_grade
from .safe_output import one_line
from .survey.survey_options import add_survey_options as options_of_survey
from .thread_count import add_threads_option, set_thread_count
from .train.train_options import add_train_options as options_of_train
from .views.capture_options import add_capture_options as options_of_capture
from .views.view_options import add_export_options, add_read_options

ROOT = apps_home()      # notebooks and explorer lie here
PORT = 8501
THREADED = ("explore", "read", "export")     # a training run is repeatable, so it has one thread
HOMES = {  # function of a command -> the module that is imported when it runs
    "run_read": "views.view_commands", "run_export": "views.view_commands", "run_capture": "views.capture_command",
    "run_command": "survey.survey_command", "run_training": "train.train_command",
    "run_grading": "grade.grade_command"}
CITATION = """@software{{linviz,
  title   = {{linviz: an interactive textbook on linear attention for images and video}},
  author  = {{{{The linviz authors}}}},
  version = {{{version}}},
  license = {{MIT}},
}}"""


OPENED = """Everyone on your network can now open   {address}
They can use the explorer, compute on this computer and load files into its memory. They see neither your files nor
each other's. There is no password, and the connection is not encrypted. Ctrl-C ends it."""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, like every other error of a command."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit with status 1."""
        self.exit(1, f"linviz: {one_line(message)}; `{self.prog} --help` shows what it takes\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0, or 1 after an error in one sentence.

    >>> main(["citation"])
    @software{linviz,
    ...
    0
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")   # a file's name may be no text
    given = parse_words(arguments)
    if "threads" in given:
        set_thread_count(given.threads)
    try:
        return int(given.run(given) or 0)
    except (ValueError, OSError, ImportError) as error:
        print(f"linviz: {one_line(str(error))}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def parse_words(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of a command line. What is too much ends it with one line, but for a second file of `export`.

    >>> parse_words(["export", "view.png", "--patches", "8", "coffee"]).second
    'coffee'
    """
    parser = build_parser()
    given, rest = parser.parse_known_args(arguments)
    if len(rest) == 1 and getattr(given, "second", "none") is None and not rest[0].startswith("-"):
        given.second = rest.pop()      # the old order: the command knows how it is written now
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return given


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options.

    >>> build_parser().parse_args(["explore", "--port", "8600"]).port
    8600
    """
    top = Parser(prog="linviz", description="An interactive textbook on linear attention.")
    top.add_argument("--version", action="version", version=f"linviz {metadata.version('linviz')}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)  # --frame is not --frames
        sub.set_defaults(run=run)
        if name in THREADED:
            add_threads_option(sub)
        return sub

    _add_server_options(command("explore", start_explorer, "open the explorer in a browser"),
                        command("lab", start_lab, "open the notebooks in JupyterLab"))
    add_read_options(command("read", run_later("run_read"), "measure attention on a sample or your own file"))
    add_export_options(command("export", run_later("run_export"), "write a page, a picture, a film or a saved view"))
    options_of_capture(command("capture", run_later("run_capture"), "show the attention of a model of yours on a clip"))
    options_of_survey(command("survey", run_later("run_command"), "measure many clips into one table"))
    options_of_train(command("train", run_later("run_training"), "train a small video transformer"))
    options_of_progress(command("progress", print_progress, "say which exercises of the course are solved"))
    options_of_reset(command("reset", run_reset, "make the answer of one exercise as it was"))
    options_of_grade(command("grade", run_later("run_grading"), "grade a folder of learners' notebooks"))
    command("doctor", run_doctor, "check that everything is installed, in the right version")
    command("citation", print_citation, "print how to cite linviz")
    return top


def _add_server_options(explorer: argparse.ArgumentParser, notebooks: argparse.ArgumentParser) -> None:
    explorer.add_argument("--port", type=int, help=f"default: {PORT}, or the next free port")
    explorer.add_argument("--lan", action="store_true", help="let everyone on your network open it")
    explorer.add_argument("--plugin", type=Path, action="append", default=[], metavar="FILE.py",
                          help="a file with mechanisms of your own, for every menu; may be given several times")
    for sub in (explorer, notebooks):
        sub.add_argument("--no-browser", action="store_true", help="only print the address")


# ---------------------------------------------------------------- the commands


def run_later(name: str) -> Callable[[argparse.Namespace], int]:
    """The function of a command; its module is imported when the command runs."""
    def run(given: argparse.Namespace) -> int:
        return int(getattr(import_module(f".{HOMES[name]}", __package__), name)(given))

    return run


def start_explorer(given: argparse.Namespace) -> None:
    """Become the explorer's server. Raises OSError if the given port is taken or there is no explorer."""
    _clone_folder("explorer", "serve.py")
    port = next(filter(is_port_free, range(PORT, PORT + 100)), PORT) if given.port is None else given.port
    if not 0 < port < 65536:
        raise ValueError(f"{port} is not a valid port: use one from 1024 to 65535")
    if not is_port_free(port):
        raise OSError(f"port {port} is taken: give another with --port, or leave --port out to get a free one")
    options = ["--server.port", str(port), "--server.address", "0.0.0.0" if given.lan else "127.0.0.1"]
    options += plugin_options(given.plugin)
    if given.no_browser or given.lan:
        options += ["--server.headless", "true"]
    if given.lan:
        here = network_address()
        options += ["--browser.serverAddress", here]
        print(OPENED.format(address=f"http://{here}:{port}"))
    replace_process("explorer.serve", *options)


def plugin_options(files: Sequence[Path]) -> list[str]:
    """The server's options for a person's own mechanisms. ValueError, in one sentence, for a file that cannot be used.

    >>> plugin_options([])
    []
    """
    if files:
        from .mechanisms.plugin_files import check_plugins
        check_plugins(files)
    return [word for file in files for word in ("--plugin", str(file.resolve()))]


def start_lab(given: argparse.Namespace) -> None:
    """Become a JupyterLab that opens the first chapter."""
    folder = _clone_folder("notebooks")
    chapters = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    options = ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=None", "-y",
               "--Application.log_level=WARN"]
    if given.no_browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    replace_process("jupyterlab", *map(str, chapters[:1] or [folder]), *options)


def run_doctor(given: argparse.Namespace) -> int:
    """Print one line per part, OK or FAIL with its remedy; returns 1 if any part failed."""
    from .doctor import run_checks
    found = list(run_checks(ROOT))
    for good, line in found:
        print(f"{'OK  ' if good else 'FAIL'}  {line}")
    return int(not all(good for good, _ in found))


def print_citation(given: argparse.Namespace) -> None:
    """Print the BibTeX entry of this version."""
    print(CITATION.format(version=metadata.version("linviz")))


# ---------------------------------------------------------------- helpers


def is_port_free(port: int) -> bool:
    """Whether no program listens on this port of this machine.

    >>> with socket.socket() as s:
    ...     s.bind(("127.0.0.1", 0)); s.listen(); is_port_free(s.getsockname()[1])
    False
    """
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def network_address() -> str:
    """The address of this machine on the network, as numbers, since not every network knows its name.

    >>> network_address().count(".")
    3
    """
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))   # an address for examples (RFC 5737): only the route is used
        return str(probe.getsockname()[0])
    with contextlib.suppress(OSError):
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        return min(found, key=lambda address: address.startswith("127."))
    return "127.0.0.1"


def replace_process(module: str, *arguments: str) -> None:
    """Continue as `python -m module arguments`, in the clone; Windows cannot do that, so there wait for it."""
    command = [sys.executable, "-m", module, *arguments]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    os.chdir(ROOT)
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    raise SystemExit(subprocess.call(command))


def _clone_folder(*names: str) -> Path:
    path = ROOT.joinpath(*names)
    if not path.exists():
        raise OSError(f"there is no {path}: run linviz from a complete clone, `python3 start.py explore`")
    return path
