"""The command line: every command reaches what it names, and wrong arguments get one sentence."""
from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from linviz import cli

from .conftest import free_port, wait_for

ROOT = Path(__file__).parents[1]


@pytest.fixture
def became(monkeypatch):
    """What a command would have gone on as."""
    calls = []
    monkeypatch.setattr(cli, "replace_process", lambda *command: calls.append(command))
    return calls


# ---------------------------------------------------------------- explore and lab


def test_explore_serves_this_machine_only(became):
    assert cli.main(["explore"]) == 0
    [command] = became
    assert command[0] == "explorer.serve" and (ROOT / "explorer" / "serve.py").is_file()
    assert command[command.index("--server.address") + 1] == "127.0.0.1" and "--server.headless" not in command


def test_explore_takes_the_next_port_that_is_free(became, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(cli, "PORT", taken.getsockname()[1])
        assert cli.main(["explore"]) == 0
        assert int(became[0][2]) > cli.PORT


def test_a_port_that_is_taken_is_said(became, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["explore", "--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"linviz: port {port} is taken: give another") and not became


@pytest.mark.parametrize("port", ["0", "-1", "70000"])
def test_a_number_that_is_no_port_is_said(became, capsys, port):
    cli.main(["explore", "--port", port])
    assert capsys.readouterr().err == f"linviz: {port} is not a valid port: use one from 1024 to 65535\n" and not became


def test_the_network_is_let_in_only_when_asked(became, capsys):
    cli.main(["explore", "--lan"])
    said = capsys.readouterr().out
    assert "0.0.0.0" in became[0] and "Everyone on your network" in said and "no password" in said


def test_the_address_for_the_network_is_one_that_others_can_use(became, capsys, monkeypatch):
    """Numbers, not a name that only this machine knows; and the server lets pages of that address talk to it."""
    monkeypatch.setattr(cli, "network_address", lambda: "192.0.2.7")
    cli.main(["explore", "--lan", "--port", "8765"])
    assert "http://192.0.2.7:8765\n" in capsys.readouterr().out
    assert became[0][became[0].index("--browser.serverAddress") + 1] == "192.0.2.7"


def test_a_machine_without_a_network_still_has_an_address(monkeypatch):
    def none(*given, **how):
        raise OSError("Network is unreachable")
    monkeypatch.setattr(socket.socket, "connect", none)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a: [(2, 1, 6, "", (x, 0)) for x in ("127.0.1.1", "10.0.0.5")])
    assert cli.network_address() == "10.0.0.5"
    monkeypatch.setattr(socket, "getaddrinfo", none)
    assert cli.network_address() == "127.0.0.1"


def test_no_browser_opens_none(became):
    cli.main(["explore", "--no-browser"])
    cli.main(["lab", "--no-browser"])
    assert became[0][-2:] == ("--server.headless", "true") and "--no-browser" in became[1]


def test_lab_opens_the_first_chapter(became, monkeypatch, tmp_path):
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    for chapter in ("13_feature_fixation.ipynb", "00_start.ipynb"):
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        (tmp_path / "notebooks" / chapter).touch()
        cli.main(["lab"])
        assert became[-1][:2] == ("jupyterlab", str(tmp_path / "notebooks" / chapter))


@pytest.mark.parametrize("command", ["explore", "lab"])
def test_without_a_clone_it_says_so(became, monkeypatch, tmp_path, capsys, command):
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main([command]) == 1
    assert "run linviz from a complete clone" in capsys.readouterr().err and not became


def test_the_explorer_answers_and_stops_without_a_word(tmp_path):
    """The real thing, as a person starts and stops it: Ctrl-C leaves no traceback."""
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "linviz", "explore", "--no-browser", "--port", str(port)]
    def heed() -> object:           # where the tests run in the background, Ctrl-C is ignored by all that they start
        return signal.signal(signal.SIGINT, signal.default_int_handler)

    with log.open("wb") as out, subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=out,
                                                 preexec_fn=heed) as served:
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", served, log)
            served.send_signal(signal.SIGINT)
            served.wait(60)
        finally:
            served.kill()
    assert f"http://127.0.0.1:{port}" in log.read_text() and "Traceback" not in log.read_text()


# ---------------------------------------------------------------- export, doctor, citation


def test_export_writes_a_page(tmp_path, capsys):
    page = tmp_path / "view.html"
    assert cli.main(["export", "--out", str(page), "--patches", "8", "--mechanisms", "softmax", "relu_floor"]) == 0
    assert page.read_text("utf-8").startswith("<!doctype html>") and "open it in any browser" in capsys.readouterr().out


@pytest.mark.parametrize("wrong, said", [
    (["dog"], "'dog'"), (["--patches", "0"], "0"), (["--temperature", "-1"], "-1"),
    (["--mechanisms", "sofmax"], "'sofmax'"), (["--mechanisms", "softmax+gate"], "gate"),
])
def test_a_wrong_choice_is_one_sentence(wrong, said, tmp_path, capsys):
    assert cli.main(["export", *wrong, "--out", str(tmp_path / "view.html")]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("linviz: ") and said in line and not list(tmp_path.iterdir())


def test_the_doctor_finds_this_environment_well(capsys):
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("OK  ") for line in lines)
    for part in ("torch computes", "streamlit 1.67", "av 18", "films: H.264, HEVC", "HEIC pictures can be read"):
        assert any(part in line for line in lines), part


def test_the_doctor_tells_how_films_and_telephones_pictures_come_back(monkeypatch, capsys):
    monkeypatch.setattr(cli.metadata, "requires", lambda name: [])
    monkeypatch.setitem(sys.modules, "av.codec", None)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert cli.main(["doctor"]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 2 and all("pip install --force-reinstall 'linviz[video]'" in line for line in failed)


@pytest.mark.parametrize("wanted, said", [
    ("no-such-package>=1", "no-such-package is missing: "), ("torch>=99", "is not >=99: "),
])
def test_the_doctor_names_what_is_wrong(wanted, said, monkeypatch, capsys):
    monkeypatch.setattr(cli.metadata, "requires", lambda name: [wanted])
    assert cli.main(["doctor"]) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert said in line and "python3 start.py" in line


def test_the_doctor_minds_no_part_that_no_command_has_needed_yet(monkeypatch, capsys):
    """After `start.py explore` there are no notebooks; with half of them, something is wrong."""
    wanted = ['no-such-package>=1; extra == "lab"', 'streamlit>=1; extra == "explorer"']
    monkeypatch.setattr(cli.metadata, "requires", lambda name: wanted)
    version = cli.metadata.version
    assert cli.main(["doctor"]) == 1
    assert "FAIL  no-such-package is missing: python3 start.py lab installs it" in capsys.readouterr().out

    def of(name):
        if name == "jupyterlab":
            raise cli.metadata.PackageNotFoundError(name)
        return version(name)
    monkeypatch.setattr(cli.metadata, "version", of)
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "OK    no-such-package is not installed and only `lab` needs it: python3 start.py lab installs it" in said


def test_the_doctor_says_when_the_browser_is_broken(monkeypatch, capsys):
    monkeypatch.setenv("LINVIZ_CHROMIUM", "/no/browser")
    assert cli.main(["doctor"]) == 1
    assert "FAIL  LINVIZ_CHROMIUM is '/no/browser'" in capsys.readouterr().out


def test_the_citation_names_the_version(capsys):
    import linviz
    assert cli.main(["citation"]) == 0
    assert f"version = {{{linviz.__version__}}}" in capsys.readouterr().out


def test_the_citation_file_agrees_with_the_package_and_the_command(capsys):
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    said = dict(re.findall(r'^([\w-]+): "?([^"\n]+)"?$', text, re.M))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (said["cff-version"], said["type"]) == ("1.2.0", "software")
    assert (said["version"], said["license"]) == (project["version"], project["license"])
    assert project["authors"][0]["name"] in text and "arXiv:2210.08164" in text
    assert cli.main(["citation"]) == 0
    entry = capsys.readouterr().out
    assert all(f"{{{said[name]}}}" in entry for name in ("title", "version", "license"))
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert left.value.code == 0 and all(c in said for c in ("explore", "lab", "export", "doctor", "citation"))


HELP = [["--help"], ["export", "--help"], ["read", "--help"], ["train", "--help"], ["survey", "--help"],
        ["grade", "--help"], ["--version"], ["frob"]]


def test_help_imports_neither_torch_nor_numpy():
    """In one process: no help and no mistake in the words waits for a large package."""
    large = {"torch", "numpy", "scipy", "plotly", "skimage", "sklearn", "PIL", "tqdm", "pandas", "streamlit"}
    code = f"""import contextlib, io, sys
from linviz import cli
for words in {HELP!r}:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:
        cli.main(words)
print(sorted({large!r} & set(sys.modules)), len(out.getvalue()))"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[] 0\n" and "invalid choice: 'frob'" in done.stderr


@pytest.mark.budget
@pytest.mark.parametrize("words", [["--help"], ["export", "--help"]], ids=" ".join)
def test_help_is_there_at_once(words):
    """The best of five starts: the others waited for something else on this machine."""
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "linviz", *words], cwd=ROOT, capture_output=True, text=True)
        seconds.append(time.perf_counter() - begun)
        assert done.returncode == 0 and done.stdout.startswith("usage: linviz")
    assert min(seconds) < 0.3, seconds


def test_a_mistake_in_the_words_is_one_sentence(capsys):
    for words, said in ((["frob"], "invalid choice: 'frob'"), (["read"], "required: FILE; `linviz read --help` shows"),
                        (["export", "--frob"], "unrecognized arguments: --frob"), (["export", "--out"], "--out")):
        with pytest.raises(SystemExit) as left:
            cli.main(words)
        [line] = capsys.readouterr().err.splitlines()
        assert left.value.code == 1 and line.startswith("linviz: ") and said in line


@pytest.mark.parametrize("words, before, after", [([], None, "1"), ([], "3", "3"), (["--threads", "2"], "3", "2")])
def test_the_explorer_computes_on_one_thread_unless_more_are_asked_for(became, monkeypatch, words, before, after):
    monkeypatch.setenv("OMP_NUM_THREADS", before or "")
    asked = []
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    assert cli.main(["explore", *words]) == 0 and became
    assert os.environ["OMP_NUM_THREADS"] == after and asked == [int(n) for n in words[1:]]


@pytest.mark.parametrize("count", ["0", "two", "1.5"])
def test_a_number_of_threads_is_a_whole_number(capsys, count):
    with pytest.raises(SystemExit):
        cli.main(["read", "chelsea", "--threads", count])
    assert "whole number from 1 up" in capsys.readouterr().err
