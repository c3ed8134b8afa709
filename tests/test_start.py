"""start.py: installs once, goes on after a stop, and says every failure in one sentence; nothing here installs."""
from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import start

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A clone in an empty folder, with a pip and a venv that a test may replace and that write down their calls."""
    names = {"VENV": ".venv", "PYTHON": ".venv/bin/python", "STAMP": ".venv/linviz-installed", "LOG": ".setup.log",
             "LOCK": ".setup.lock"}
    monkeypatch.setattr(start, "ROOT", tmp_path)
    for name, path in names.items():
        monkeypatch.setattr(start, name, tmp_path / path)
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def installs(place, monkeypatch):
    """What would have been run, step by step; the environment works once .venv is there."""
    calls = []

    def attempt(what, command, **environment):
        calls.append(what)
        start.VENV.mkdir(exist_ok=True)

    monkeypatch.setattr(start, "attempt", attempt)
    monkeypatch.setattr(start, "runs", lambda command: start.VENV.is_dir())
    return calls


# ---------------------------------------------------------------- once, and again when needed


def test_the_first_start_installs_and_the_second_does_nothing(installs, capsys):
    start.prepare()
    assert installs == ["Making .venv", "Installing linviz"]
    assert "2.5 GB" in capsys.readouterr().out
    start.prepare()
    assert len(installs) == 2 and capsys.readouterr().out == ""


def test_a_second_start_takes_no_time(installs):
    start.prepare()
    begun = time.perf_counter()
    for _ in range(20):
        start.prepare()
    assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_list_is_installed_again(installs, place, name, capsys):
    start.prepare()
    (place / name).write_text("changed")
    start.prepare()
    assert installs[2:] == ["Installing linviz"]
    assert "have changed" in capsys.readouterr().out


def test_a_moved_clone_is_installed_again(installs, place, monkeypatch):
    start.prepare()
    monkeypatch.setattr(start, "ROOT", place / "elsewhere")
    (place / "elsewhere").mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        (place / "elsewhere" / name).write_text(name)
    assert not start.ready()


def test_an_environment_that_no_longer_works_is_not_ready(installs, monkeypatch):
    start.prepare()
    monkeypatch.setattr(start, "runs", lambda command: False)
    assert not start.ready()


@pytest.mark.parametrize("fails", ["Making .venv", "Installing linviz"])
def test_an_install_cut_short_leaves_no_stamp_and_goes_on(installs, monkeypatch, fails):
    whole = start.attempt

    def cut(what, command, **environment):
        whole(what, command)
        if what == fails:
            raise KeyboardInterrupt

    monkeypatch.setattr(start, "attempt", cut)
    assert start.main(["explore"]) == 130
    assert not start.STAMP.exists() and not start.ready()
    monkeypatch.setattr(start, "attempt", whole)
    start.prepare()
    assert start.ready()


def test_an_update_cut_short_is_not_mistaken_for_the_old_install(installs, place, monkeypatch):
    start.prepare()
    (place / "constraints.txt").write_text("new")
    monkeypatch.setattr(start, "attempt", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    start.main(["explore"])
    (place / "constraints.txt").write_text("constraints.txt")     # back to the list that was installed before
    assert not start.ready()


def test_two_starts_at_once_install_once(installs, monkeypatch, capsys):
    slow = start.attempt
    monkeypatch.setattr(start, "attempt", lambda *a, **k: (time.sleep(0.2), slow(*a, **k)))
    both = [threading.Thread(target=start.prepare) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert installs == ["Making .venv", "Installing linviz"]
    assert "waiting for it" in capsys.readouterr().out


def test_one_pip_command_held_to_the_constraints(place, monkeypatch):
    seen = []
    monkeypatch.setattr(start, "runs", lambda command: True)
    monkeypatch.setattr(start, "attempt", lambda what, command, **_: (seen.append(command), start.VENV.mkdir()))
    start.prepare()
    [pip] = seen
    assert pip[:4] == [start.PYTHON, "-m", "pip", "install"]
    assert pip[-4:] == ["-c", "constraints.txt", "-e", ".[cluster,dev,explorer,lab,models,survey,video]"]


# ---------------------------------------------------------------- what each command needs


@pytest.fixture
def asked(place, monkeypatch):
    """What pip was asked to install, time after time; a package is there once its extra was asked for."""
    texts = []

    def attempt(what, command, **environment):
        start.VENV.mkdir(exist_ok=True)
        texts.extend([command[-1]] * ("pip" in command))

    def runs(command):
        there = {"linviz", "torch", *(start.PROBES[e] for text in texts for e in start.PROBES if e in text)}
        names = re.findall(r"'(\w+)'", command[-1])
        return start.VENV.is_dir() and set(names) <= there

    monkeypatch.setattr(start, "attempt", attempt)
    monkeypatch.setattr(start, "runs", runs)
    monkeypatch.setattr(start, "hand_over", lambda *given, **environment: 0)
    monkeypatch.setattr(start, "find_browser", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(start.os, "chdir", lambda path: None)
    return texts


def test_a_later_command_adds_what_is_missing_and_nothing_goes(asked, capsys):
    for command in ("explore", "export", "explore", "doctor"):
        assert start.main([command]) == 0
    assert asked == [".[explorer,video]"] and "about 2 GB" in capsys.readouterr().out
    assert start.main(["lab"]) == start.main(["grade"]) == 0
    assert asked[1:] == [".[explorer,lab,video]"]
    said = capsys.readouterr().out
    assert "needs more packages" in said and "have changed" not in said and "First start" not in said
    assert start.main(["test", "tests/x.py"]) == start.main(["explore"]) == 0
    assert asked[2:] == [".[cluster,dev,explorer,lab,models,survey,video]"]


def test_a_changed_list_keeps_what_was_installed(asked, place):
    start.main(["lab"])
    (place / "constraints.txt").write_text("changed")
    start.main(["explore"])
    assert asked == [".[lab,video]", ".[explorer,lab,video]"]


def test_a_stamp_of_before_is_of_everything(asked, place):
    start.VENV.mkdir()
    start.STAMP.write_text(start.wanted())
    assert start.installed() == (start.wanted(), start.EVERY)
    (place / "constraints.txt").write_text("changed")
    start.main(["doctor"])
    assert asked == [".[cluster,dev,explorer,lab,models,survey,video]"]


def test_the_extras_of_a_command_are_those_of_pyproject():
    import tomllib
    project = tomllib.loads((Path(start.__file__).parent / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert {*start.EVERY, "all"} == set(extras) and extras["all"] == [
        "linviz[lab,explorer,video,survey,cluster,models,dev]"]
    for extra, probe in start.PROBES.items():
        assert any(re.match(rf"{probe}\b", line) for line in extras[extra])
    assert start.NEEDS["explore"] == ("explorer", "video") and start.NEEDS["lab"] == ("lab", "video")
    assert set(start.NEEDS["test"]) == set(start.PROBES)
    named = re.findall(r"^  (\w+) {2,}", start.USAGE, re.M)
    assert named == list(dict.fromkeys(named)) and set(named) == set(start.NEEDS)


@pytest.mark.parametrize("command", ["explore", "lab", "read"])
def test_a_command_runs_with_what_it_installs(command):
    """Every module that such a command runs is imported where only its extras are there."""
    from tests.test_packaging import modules_of
    gone = modules_of(*start.EVERY) - modules_of(*start.NEEDS[command])
    root = Path(start.__file__).parent
    pages = [f"explorer.{p.parent.name}.{p.stem}" for p in (root / "explorer").glob("*/*.py") if p.stem != "page"]
    modules = {"explore": [*pages, "explorer.serve"],
               "lab": ["linviz.course.quiz", "linviz.course.live", "linviz.patch_view.widget", "linviz.grade.worker",
                       "linviz.grade.grade_command"],
               "read": ["linviz.views.view_commands", "linviz.train.train_command"]}[command]
    code = f"import sys; sys.modules.update(dict.fromkeys({sorted(gone)})); import {', '.join(modules)}"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]


# ---------------------------------------------------------------- what may fail


def failing(text, status=1):
    """A step that says this and fails."""
    return [sys.executable, "-c", f"import sys; print({text!r}); sys.exit({status})"]


FAILURES = {
    "OSError: [Errno 28] No space left on device": "free about 4 GB",
    "NewConnectionError: Failed to establish a new connection\nERROR: No matching distribution found for torch==2.13.0":
        "check the network",
    "SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))": "certificate",
    "ERROR: No matching distribution found for torch==2.13.0": "there is no build of torch==2.13.0 for Python",
    "urllib3.exceptions.IncompleteRead": "run the same command again",
    "ERROR: ResolutionImpossible": "contradict each other",
    "The virtual environment was not created because ensurepip is not available": "apt install python3-venv",
    "ERROR: Could not install packages: [Errno 13] Permission denied: 'x'": "a folder of your own",
    "E: Could not open lock file - open (13: Permission denied)\nE: are you root?": "a folder of your own",
    "Temporary failure resolving 'deb'": "check the network",
    "something nobody has seen before": "see the last lines of the log",
}


@pytest.mark.parametrize("said", FAILURES, ids=lambda said: re.sub(r"\W+", "-", said)[:40])
def test_a_failed_step_is_one_sentence_with_its_remedy(said, capsys, monkeypatch, place):
    whole = start.attempt
    monkeypatch.setattr(start, "attempt", lambda what, command: whole(what, failing(said)))
    assert start.main(["explore"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("linviz: Making .venv failed: ") and FAILURES[said] in line
    assert line.endswith(f"(the log: {start.LOG}).") and said in start.LOG.read_text()
    assert not start.STAMP.exists()


def test_a_step_killed_for_want_of_memory_says_so():
    with pytest.raises(start.Stop, match="not enough memory"):
        start.attempt("Installing", [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])


def test_no_room_is_said_before_anything_is_installed(installs, monkeypatch, capsys):
    monkeypatch.setattr(start.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10**9}))
    assert start.main(["lab"]) == 1
    assert "1.0 GB free" in capsys.readouterr().err and not installs


def test_half_a_clone_is_said(installs, place, capsys):
    (place / "constraints.txt").unlink()
    assert start.main(["lab"]) == 1
    assert "constraints.txt" in capsys.readouterr().err


def test_an_old_python_looks_for_a_newer_one(monkeypatch):
    monkeypatch.setattr(start.sys, "version_info", (3, 9, 6))
    monkeypatch.setattr(start.shutil, "which", {"python3.12": "/usr/bin/python3.12"}.get)
    monkeypatch.setattr(start, "runs", lambda command: command[0] == "/usr/bin/python3.12")
    assert start.base_python() == "/usr/bin/python3.12"


def test_an_old_python_alone_is_told_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(start.sys, "version_info", (3, 9, 6))
    monkeypatch.setattr(start.platform, "python_version", lambda: "3.9.6")
    monkeypatch.setattr(start.shutil, "which", lambda name: None)
    monkeypatch.setattr(start, "runs", lambda command: False)
    assert start.main(["explore"]) == 1
    out, said = capsys.readouterr()
    assert not out and "needs Python 3.11 or newer, and this is 3.9.6" in said and "install one" in said


def test_start_is_readable_by_python_3_6():
    import ast
    ast.parse(Path(start.__file__).read_text("utf-8"), feature_version=(3, 6))


# ---------------------------------------------------------------- a browser


def script(path, text="#!/bin/sh\nexit 0\n"):
    """A file that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def no_browser(place, monkeypatch):
    """A machine without any browser; its PATH is the folder `bin`."""
    monkeypatch.delenv("LINVIZ_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(place / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(place / "playwright"))
    monkeypatch.setattr(start.sys, "platform", "linux")
    return place


def test_no_browser_is_none(no_browser):
    assert start.find_browser() is None


def test_the_named_browser_comes_first(no_browser, monkeypatch):
    script(no_browser / "bin" / "chromium")
    monkeypatch.setenv("LINVIZ_CHROMIUM", script(no_browser / "mine"))
    assert start.find_browser() == str(no_browser / "mine")


@pytest.mark.parametrize("text", [None, "#!/bin/sh\nexit 1\n"], ids=["missing", "broken"])
def test_a_named_browser_that_does_not_run_is_said(no_browser, monkeypatch, text):
    path = script(no_browser / "mine", text) if text else str(no_browser / "mine")
    monkeypatch.setenv("LINVIZ_CHROMIUM", path)
    with pytest.raises(start.Stop, match=f"LINVIZ_CHROMIUM is '{path}', which does not run"):
        start.find_browser()


def test_a_shell_without_a_browser_inside_is_passed_over(no_browser):
    script(no_browser / "bin" / "chromium-browser", "#!/bin/sh\nexit 1\n")
    chrome = script(no_browser / "bin" / "google-chrome")
    assert start.find_browser() == chrome


@pytest.mark.parametrize("place_in_build", ["chrome-linux/chrome", "chrome-linux64/chrome"])
def test_playwrights_newest_download_is_found(no_browser, place_in_build):
    for build in ("chromium-1100", "chromium-1200"):
        script(no_browser / "playwright" / build / place_in_build)
    assert start.find_browser() == str(no_browser / "playwright" / "chromium-1200" / place_in_build)


def test_chrome_is_found_on_windows(no_browser, monkeypatch):
    monkeypatch.setattr(start.sys, "platform", "win32")
    monkeypatch.setenv("PROGRAMFILES", str(no_browser))
    chrome = script(no_browser / "Google/Chrome/Application/chrome.exe")
    assert start.find_browser() == chrome


@pytest.mark.parametrize("apt", [True, False])
def test_a_missing_browser_is_installed(no_browser, monkeypatch, apt):
    steps = []

    def attempt(what, command, **environment):
        steps.append(command[1] if apt else command[2:5])
        script(no_browser / "bin" / "chromium")

    monkeypatch.setattr(start, "may_use_apt", lambda: apt)
    monkeypatch.setattr(start, "attempt", attempt)
    assert start.install_browser() == str(no_browser / "bin" / "chromium")
    assert steps == (["update", "install"] if apt else [["playwright", "install", "chromium"]])


def test_a_browser_that_cannot_be_had_stops_the_tests(no_browser, monkeypatch, capsys):
    def attempt(what, command, **environment):
        raise start.Stop("apt-get update failed: no server could be reached (the log: x).")

    monkeypatch.setattr(start, "ready", lambda extras: True)
    monkeypatch.setattr(start, "may_use_apt", lambda: True)
    monkeypatch.setattr(start, "attempt", attempt)
    monkeypatch.setattr(start, "hand_over", lambda *_, **__: pytest.fail("the tests ran without a browser"))
    assert start.main(["test"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("(the log: x), or install Chromium or Google Chrome by hand.")


# ---------------------------------------------------------------- the commands


@pytest.fixture
def handed(monkeypatch):
    """What was handed over to; the environment is ready."""
    calls = []
    monkeypatch.setattr(start, "ready", lambda extras: True)
    monkeypatch.setattr(start, "hand_over", lambda module, arguments, **env: calls.append((module, arguments, env)))
    monkeypatch.setattr(start.os, "chdir", lambda path: None)
    return calls


@pytest.fixture
def seen(monkeypatch):
    """The arguments of what was run to its end, and the exit statuses it is to have."""
    class Seen:
        calls, codes = [], [0, 0]

    def run(module, arguments, **environment):
        assert module == "pytest" and environment["OMP_NUM_THREADS"] == "1"
        Seen.calls.append(arguments)
        return Seen.codes[len(Seen.calls) - 1]

    Seen.calls = []
    monkeypatch.setattr(start, "see_through", run)
    return Seen


@pytest.mark.parametrize("command", ["explore", "lab", "read", "export", "train", "doctor"])
def test_commands_of_linviz_pass_their_arguments_on(handed, command):
    start.main([command, "--port", "8600"])
    assert handed == [("linviz", [command, "--port", "8600"], {})]


@pytest.mark.parametrize("command", ["book", "slides"])
def test_an_option_of_the_printers_is_no_folder(handed, command):
    start.main([command, "--help"])
    start.main([command, "here"])
    assert [arguments for _, arguments, _ in handed] == [["--help"], [str(Path("here").resolve())]]


def test_tests_run_on_one_thread_with_a_browser(handed, monkeypatch):
    monkeypatch.setattr(start, "find_browser", lambda: "/usr/bin/chromium")
    start.main(["test", "tests/maps", "-k", "x"])
    [(module, arguments, environment)] = handed
    assert (module, arguments) == ("pytest", ["tests/maps", "-k", "x"])
    assert environment == {"LINVIZ_CHROMIUM": "/usr/bin/chromium", "OMP_NUM_THREADS": "1"}


def test_the_whole_suite_takes_two_cores_and_then_the_machine_to_itself(handed, seen, monkeypatch):
    monkeypatch.setattr(start, "find_browser", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(start.os, "cpu_count", lambda: 2)
    assert start.main(["test"]) == 0 and not handed
    assert seen.calls[0][:4] == ["-m", "not budget", "-n", "2"] and seen.calls[1:] == [["-m", "budget"]]


@pytest.mark.parametrize("cores, two", [(2, ["-n", "2", "--dist", "worksteal"]), (1, [])])
def test_the_quick_tests_need_no_browser(handed, seen, monkeypatch, cores, two):
    monkeypatch.setattr(start, "find_browser", lambda: pytest.fail("no test of these opens a browser"))
    monkeypatch.setattr(start.os, "cpu_count", lambda: cores)
    start.main(["test", "--quick", "-k", "softmax"])
    [(module, arguments, environment)] = handed
    assert (module, environment) == ("pytest", {"OMP_NUM_THREADS": "1"}) and not seen.calls
    assert arguments == [*start.QUICK, *two, "-k", "softmax"]
    root = Path(start.__file__).parent
    wanted = {"test_laws.py", "mechanisms", "parity", "test_style.py", "test_layers.py"}
    assert wanted <= {Path(path).name for path in start.QUICK} and all((root / path).exists() for path in start.QUICK)
    texts = "".join(p.read_text("utf-8") for path in start.QUICK for p in [root / path, *(root / path).rglob("*.py")]
                    if p.is_file())
    assert "chromium" not in texts and "mark.budget" not in texts


@pytest.mark.parametrize("codes, whole", [([0, 0], 0), ([1, 0], 1), ([0, 1], 1), ([1, 1], 1), ([0, 4], 4), ([2], 2)])
def test_what_failed_in_either_part_has_failed(handed, seen, monkeypatch, codes, whole):
    monkeypatch.setattr(start, "find_browser", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(start.os, "cpu_count", lambda: 64)
    seen.codes = list(codes)
    assert start.main(["test"]) == whole and len(seen.calls) == len(codes)


@pytest.mark.parametrize("cores", [1, None])
def test_on_one_core_the_suite_runs_in_one_piece(handed, seen, monkeypatch, cores):
    monkeypatch.setattr(start, "find_browser", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(start.os, "cpu_count", lambda: cores)
    start.main(["test"])
    assert handed[0][:2] == ("pytest", []) and not seen.calls


@pytest.mark.parametrize("command, module", [("study", "studies"), ("bench", "benchmarks")])
def test_studies_and_benchmarks_run_on_one_thread(handed, command, module):
    start.main([command, "evidence", "--quick"])
    assert handed == [(module, ["evidence", "--quick"], {"OMP_NUM_THREADS": "1"})]


@pytest.mark.parametrize("arguments, status", [([], 2), (["-h"], 0), (["--help"], 0), (["exlpore"], 2)])
def test_help_installs_nothing(installs, capsys, arguments, status):
    assert start.main(arguments) == status and not installs
    assert "explore   the explorer" in capsys.readouterr().out


def test_the_exit_status_and_the_arguments_arrive(place):
    """start.py hands over to the environment's Python, whose answer is its own."""
    script(start.PYTHON, '#!/bin/sh\necho "$@"\nexit 7\n')
    code = ("import start, pathlib, sys; start.PYTHON = pathlib.Path(sys.argv[1]); start.ready = lambda extras: True; "
            "sys.exit(start.main(['explore', '--port', '1']))")
    root = Path(start.__file__).parent
    done = subprocess.run([sys.executable, "-c", code, str(start.PYTHON)], cwd=root, capture_output=True, text=True,
                          env=os.environ)
    assert (done.returncode, done.stdout, done.stderr) == (7, "-m linviz explore --port 1\n", "")
