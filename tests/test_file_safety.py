"""Random command lines of all commands: only what is named as output changes, and every error is one sentence."""
from __future__ import annotations

import hashlib
import os
import random
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linviz import cli
from linviz.models import Shape
from linviz.models.arms import arm_recipe
from linviz.train import train_command
from linviz.views import View, view_commands
from linviz.views.export.bundle import pack_bundle
from notebooks import book
from teaching import slides
from tests.clips import files
from tests.course.test_grade import RIGHT, notebook

ROOT = Path(__file__).parents[1]
STUB = RIGHT.split("return")[0] + "raise NotImplementedError"
PICTURES = ["holiday.png", "two words.png", "it's \"mine\".png", "-dash.png", "ünï 日本.png", "sub/inner.png",
            "readonly.png", "caf\udce9.png", "line\nbreak.png"]
LINKS = {"link.png": "holiday.png", "gone.png": "no such.png", "loop.png": "loop.png", "linked": "sub",
         "sub/up.csv": "../old.csv", "subs/out.csv": "../grades.csv"}
OLD = ["old.png", "old.csv", "old.html", "old.npz", "old.svg", "old.json", "old.py", "old.linviz", "grades.csv"]
OTHERS = ["clip.gif", "saved.linviz", "mine.npz", "notes.txt", "broken.mp4", "empty.png", "hard.png", "sub",
          "folder.png"]
NEW = ["new.png", "new.svg", "new.html", "new.linviz", "new.mp4", "new.csv", "new.json", "new.npz", "new.py", "new",
       "nowhere/new.png", "sub/new.csv", "linked/new.png", "-new.png", "neu ü.png", "new.txt", ".png",
       "n" * 300 + ".png"]
TRAINED = ("safetensors", "json", "csv", "going")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything that a person may have in it; commands run in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("sub", "folder.png", "runs", "clips/wave", "clips/clap", "subs/bob", "books"):
        Path(name).mkdir(parents=True)
    for n, name in enumerate(PICTURES):
        Path(name).write_bytes(files.still("PNG", files.picture(n % 9)))
    for n, name in enumerate(("wave/a", "wave/b", "clap/a", "clap/b")):
        Path(f"clips/{name}.gif").write_bytes(files.animated("GIF", 3 + n))
    for name in OLD:
        Path(name).write_text(f"old {name}")
    Path("clip.gif").write_bytes(files.animated("GIF", 3))
    Path("saved.linviz").write_bytes(pack_bundle(View("coffee", patches=3, specs=("uniform",))))
    np.savez("mine.npz", q=np.ones((1, 4, 2)), k=np.ones((1, 4, 2)), v=np.ones((1, 4, 2)))
    Path("notes.txt").write_text("text")
    Path("broken.mp4").write_bytes(files.video()[:300])
    Path("empty.png").touch()
    Path("hard.png").hardlink_to("holiday.png")
    Path("readonly.png").chmod(0o444)
    for name in ("relu.3.csv", "relu.1.safetensors", "linear.0.json", "linear.3.csv", "softmax.1.going"):
        Path(f"runs/{name}").write_text("[1, 2]")
    notebook(Path("subs/ada.ipynb"), STUB)
    notebook(Path("subs/bob/01_soft_lookup.ipynb"), STUB)
    Path("books/01_soft_lookup.ipynb").write_bytes((ROOT / "notebooks" / "01_soft_lookup.ipynb").read_bytes())
    for name, target in LINKS.items():
        Path(name).symlink_to(target)
    return tmp_path


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training takes two steps of a tiny model, and no server starts."""
    tiny = {"shape": Shape(tubelet=(4, 12, 12), channels=12, heads=2, blocks=1), "pool": 4, "tests": 2, "batch": 2}
    monkeypatch.setattr(train_command, "arm_recipe", lambda *a, **k: replace(arm_recipe(*a, **k), steps=2, **tiny))
    monkeypatch.setattr(cli, "replace_process", lambda *command: None)


# ------------------------------------------------------------------------------------------------ command lines


class Lines:
    """Random command lines from a seed."""

    def __init__(self, seed: int, world: Path) -> None:
        self.random, self.world = random.Random(seed), world

    def draw(self) -> list[str]:
        """One command line."""
        commands = (self.export, self.read, self.grade, self.train, self.other)
        return self.random.choices(commands, (40, 28, 14, 10, 8))[0]()

    def spelled(self, name: str) -> str:
        """One of the ways to name a file."""
        ways = [name, name, name, f"./{name}", str(self.world / name), f"sub/../{name}", f"linked/../{name}",
                f"{self.world}//sub/.././{name}", f"../{self.world.name}/{name}"]
        ways += [name.upper()] * (self.random.random() < 0.3)
        return self.random.choice(ways)

    def maybe(self, chance: float, *words: str) -> list[str]:
        """These words, or none."""
        return list(words) if self.random.random() < chance else []

    def source(self) -> str:
        """What to read: more often a file than not."""
        if self.random.random() < 0.06:
            return self.random.choice(["coffee", "dog"])
        good = [*PICTURES, "clip.gif", "saved.linviz", "mine.npz", "hard.png", "link.png", "linked/inner.png"]
        return self.spelled(self.random.choice(good if self.random.random() < 0.8 else [*OTHERS, *OLD, *LINKS]))

    def target(self, *endings: str) -> str:
        """Where to write: mostly a file with one of these endings; an old one, an input or a link."""
        if endings and self.random.random() < 0.6:
            place = self.random.choice(["", "", "sub/", "linked/"])
            return self.spelled(f"{place}{self.random.choice('aö')} {self.random.choice(endings)}")
        there = self.random.choice((NEW, NEW, OLD, PICTURES, OTHERS, list(LINKS), ["subs/ada.ipynb", "books/x.csv"]))
        return self.spelled(self.random.choice(there))

    def out(self, target: str, *flags: str) -> list[str]:
        """The option that names the output."""
        flag = self.random.choice(flags)
        return [f"{flag}={target}"] if flag.startswith("--") and self.random.random() < 0.5 else [flag, target]

    def shuffled(self, *parts: list[str]) -> list[str]:
        """Options in any order."""
        return [word for part in self.random.sample(parts, len(parts)) for word in part]

    def view(self) -> list[str]:
        """What makes a view small, or cannot be."""
        few = ["--patches", "2", "--mechanism", "uniform", "--frames", "2"]
        return self.random.choice([few] * 9 + [["--patches", "0", "--mechanism", "uniform"], ["--patches", "x"]])

    def same(self, source: str) -> str:
        """A target that is the source, in the same words or in others."""
        return self.random.choice([source, self.spelled(os.path.relpath(source))])

    def export(self) -> list[str]:
        """Pages and pictures, and the orders of before."""
        source = self.source()
        target = self.same(source) if self.random.random() < 0.1 else self.target(".png", ".svg", ".html", ".linviz")
        old = self.random.random()
        if old < 0.08:
            return ["export", target, source, *self.view()]
        if old < 0.12:
            return ["export", target, "--photo", source]
        return ["export", *self.maybe(0.95, source), *self.shuffled(
            self.out(target, "--out"), self.view(), self.maybe(0.4, "--force"))]

    def read(self) -> list[str]:
        """Numbers."""
        source = self.source()
        target = self.same(source) if self.random.random() < 0.1 else self.target(".csv", ".json", ".npz", ".py")
        return ["read", source, *self.shuffled(self.out(target, "--out"), self.view(), self.maybe(0.4, "--force"),
                                               self.maybe(0.2, "--whole"))]

    def grade(self) -> list[str]:
        """A sheet."""
        folder = self.spelled(self.random.choice(["subs", "subs", "subs", "nowhere", "sub", "holiday.png", "."]))
        inside = ["subs/out.csv", "books/01_soft_lookup.ipynb", "subs/new.csv", "subs/ada.ipynb"]
        target = self.random.choice([self.target(".csv")] * 2 + [self.spelled(self.random.choice(inside))])
        return ["grade", folder, *self.shuffled(self.maybe(0.9, *self.out(target, "-o", "--out")),
                                                ["--notebooks", "books"], self.maybe(0.4, "--force"),
                                                self.maybe(0.1, "--jobs", "0"))]

    def train(self) -> list[str]:
        """Models in a folder."""
        folder = self.random.choice(["runs"] * 6 + ["sub", "linked", "deep/new", "holiday.png", "clips", "clips/wave",
                                     "clips/new", "gone.png", "loop.png"])
        arm = self.random.choice(["relu", "linear", "softmax"] * 2 + ["bogus"])
        return ["train", *self.shuffled(["--mechanism", arm], self.out(self.spelled(folder), "--out"),
                                        ["--seeds", self.random.choice(["0", "1", "3", "0-1"])],
                                        self.maybe(0.4, "--data", self.spelled("clips")), self.maybe(0.3, "--force"),
                                        self.maybe(0.1, "--device", "abacus"))]

    def other(self) -> list[str]:
        """What writes nothing, or is no command."""
        rest = [["citation"], ["lab", "--no-browser"], ["explore", "--port", "x"], ["explore", "--port", "0"], [],
                ["--help"], ["export"], ["export", "--help"], ["frob", "holiday.png"], ["read"],
                ["export", "--out"],
                ["export", self.target()], ["read", self.spelled("holiday.png"), *self.view()],
                ["export", "--out", "a.png", "--out", "holiday.png", "--force", "coffee", "--bogus"],
                ["citation", "--out", "holiday.png"], ["train", "--out", "sub"]]
        return self.random.choice(rest)


# ------------------------------------------------------------------------------------------------ what changed


def everything(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file, link and folder below: its rights, and its content as a hash."""
    found = {}
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place, name)
            mode = path.lstat().st_mode
            data = bytes(path.readlink()) if path.is_symlink() else b"" if path.is_dir() else path.read_bytes()
            found[str(path)] = mode, hashlib.sha256(data).hexdigest()
    return found


def option(words: Sequence[str], *names: str) -> str | None:
    """The value of an option, the last one if there are several."""
    for n in range(len(words) - 1, 0, -1):
        for name in names:
            if words[n].startswith(f"{name}="):
                return words[n].partition("=")[2]
            if words[n - 1] == name:
                return words[n]
    return None


def entry(path: str) -> str:
    """The entry of a folder that a path names: the link itself, if it is one."""
    return str(Path(os.path.realpath(Path(path).parent), Path(path).name))


def named_outputs(words: Sequence[str], changed: set[str]) -> set[str]:
    """What a command line names as output."""
    out = option(words, "--out", "-o") or {"grade": "grades.csv", "train": "runs"}.get(words[0] if words else "")
    if out is None:
        return set()
    if words[0] != "train":
        return {entry(out)}
    folder = Path(os.path.realpath(out))
    ours = {str(folder / f"{arm}.{seed}.{end}") for arm in ("relu", "linear", "softmax") for seed in (0, 1, 3)
            for end in TRAINED}
    return ours | {path for path in changed if Path(path) == folder or Path(path) in folder.parents}


def read_by(words: Sequence[str], there: Iterable[str]) -> set[str]:
    """The files that a command line reads, under every name that they have."""
    first = words[1] if len(words) > 1 and words[0] in ("export", "read", "grade") else ""
    inputs = [first, option(words, "--data") or "", *(["books/01_soft_lookup.ipynb"] if words[:1] == ["grade"] else [])]
    roots = [name for name in inputs if name and len(name) < 255 and Path(name).exists()]
    below = [Path(place, one) for root in roots for place, _, names in os.walk(root) for one in names]
    ids = {file_id(path) for path in (*map(Path, roots), *below)} - {None}
    return {path for path in there if file_id(Path(path)) in ids}


def file_id(path: Path) -> tuple[int, int] | None:
    """What the disk knows a file by; None for a link to nothing."""
    try:
        return path.stat().st_dev, path.stat().st_ino
    except OSError:
        return None


State = dict[str, tuple[int, str]]


def check_line(words: list[str], before: State, capsys: pytest.CaptureFixture[str], world: Path) -> tuple[int, State]:
    """Run one command line and hold it to the rules; its exit status, and what is there afterwards."""
    inputs = read_by(words, before)
    try:
        status = cli.main(words)
    except SystemExit as stop:
        status = int(stop.code or 0)
    said = capsys.readouterr()
    after = everything(world)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed <= named_outputs(words, changed) and not changed & inputs, words
    assert status in (0, 1) and "Traceback" not in said.err + said.out, (words, said)
    replaced = {path for path in changed & before.keys() if not stat.S_ISDIR(before[path][0])}
    assert not replaced or "--force" in words, (words, replaced)
    if status:
        assert not changed, (words, changed)
        line = said.err.splitlines()[-1]
        assert line.startswith("linviz: ") and "usage:" not in said.err and len(line) > 20, (words, said.err)
        assert sum(line.startswith("linviz: ") for line in said.err.splitlines()) == 1, (words, said.err)
    elif words[:1] in (["export"], ["read"], ["grade"]) and option(words, "--out", "-o"):
        assert entry(option(words, "--out", "-o") or "") in after, words
    return status, after


def run_lines(seed: int, count: int, world: Path, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """Run random command lines; returns those that succeeded."""
    lines, there, done = Lines(seed, world), everything(world), []
    for words in (lines.draw() for _ in range(count)):
        status, there = check_line(words, there, capsys, world)
        done += [words] * (status == 0)
    with capsys.disabled():
        print(f"\n{count} command lines of seed {seed}: {len(done)} succeeded")
    return done


SEED = 20261130


def test_random_command_lines_change_nothing_but_their_output(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run_lines(SEED, 300, world, capsys)
    assert {"export", "read", "grade", "train", "citation"} <= {words[0] for words in done}
    assert any("--force" in words for words in done) and 40 < len(done) < 260


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(5))
def test_more_random_command_lines(seed: int, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_lines(seed, 600, world, capsys)


# ------------------------------------------------------------------------------------------------ one by one


SMALL = ("--patches", "2", "--mechanism", "uniform")


@pytest.mark.parametrize("words, said", [
    (["export", "holiday.png", "out.png"], "the file to write follows --out: linviz export holiday.png --out out.png"),
    (["export", "out.png", "holiday.png"], "the file to write follows --out: linviz export holiday.png --out out.png"),
    (["export", "out.png", *SMALL[:2], "holiday.png"], "follows --out: linviz export holiday.png --out out.png"),
    (["export", "out.png"], "the file to write follows --out: linviz export --out out.png"),
    (["export", "two words.png"], "follows --out: linviz export 'two words.png' --out view.html"),
    (["export", "out.png", "--photo", "pan"], "--photo is no longer an option: linviz export pan --out out.png"),
    (["export", "coffee", "pan", "--out", "x.png"], "two files are named and a view is of one: linviz export coffee"),
    (["export", "holiday.png", "--out", "link.png", "--force"], "cannot write link.png: the command reads this file"),
    (["export", "hard.png", "--out", "holiday.png", "--force"], "write holiday.png: the command reads this file"),
    (["read", "saved.linviz", "--out", "old.csv"], "cannot write old.csv: the file exists; name another"),
    (["export", "--out", "gone.png"], "cannot write gone.png: the file exists"),
    (["export", "--out", "readonly.png", "--force"], "cannot write readonly.png: the file is write-protected"),
    (["export", "--out", "folder.png", "--force"], "cannot write folder.png: it is a folder; name a file"),
    (["grade", "subs", "--out", "linked/../subs/x.csv"], "the command reads all files in subs; name another one"),
    (["grade", "sub"], "cannot write grades.csv: the file exists"),
    (["grade", "subs", "--force"], "cannot write grades.csv: the command reads all files in subs"),   # through a link
    (["grade", "subs", "--notebooks", "books", "--force", "-o", "books/01_soft_lookup.ipynb"], "reads this file"),
    (["grade", ".", "--force", "-o", "line\nbreak.png"],
     "cannot write line\\nbreak.png: the command reads all files in ."),
    (["train", "--mechanism", "relu", "--data", "clips", "--out", "clips/new"], "it lies in clips, whose folders are"),
    (["train", "--mechanism", "relu", "--seeds", "3"], "cannot write runs/relu.3.csv: the file exists"),
    (["train", "--mechanism", "linear"], "runs/linear.0.safetensors is a model of another recipe"),
    (["train", "--mechanism", "relu", "--out", "notes.txt"], "cannot write to notes.txt: it is a file; name a folder"),
    (["read", "line\nbreak.png", "--out", "line\nbreak.png"], "by its ending a file is .csv"),
])
def test_what_may_not_be_written_is_said(words: list[str], said: str, world: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(world)
    assert cli.main(words) == 1 and everything(world) == before
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("linviz: ") and said in line


def test_force_replaces_the_link_and_not_what_it_names(world: Path) -> None:
    before = Path("holiday.png").read_bytes()
    assert cli.main(["export", "coffee", *SMALL, "--out", "link.png", "--force"]) == 0
    assert not Path("link.png").is_symlink() and Path("holiday.png").read_bytes() == before


def test_a_file_made_meanwhile_is_not_replaced(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*given: object, **how: object) -> bytes:
        Path("late.png").write_text("somebody else's")
        return b"ours"
    monkeypatch.setattr(view_commands, "make_file", made)
    assert cli.main(["export", "coffee", *SMALL, "--out", "late.png"]) == 1
    assert Path("late.png").read_text() == "somebody else's"


def test_force_trains_anew_and_leaves_what_is_finished(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "--mechanism", "relu", "linear", "--seeds", "3,0", "--force"]
    assert cli.main(words) == 0 and cli.main(words[:-1]) == 0
    assert capsys.readouterr().out.count("already trained") == 4
    Path("runs/linear.0.safetensors").unlink()
    assert cli.main(words[:-1]) == 1 and cli.main(words) == 0 and Path("runs/linear.0.safetensors").exists()


def test_a_name_that_is_no_text_is_written_and_told(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "caf\udce9.png", *SMALL, "--out", "t\udce9.png"]) == 0
    assert Path("t\udce9.png").exists()


@pytest.mark.parametrize("main, mark", [(book.main, book.MARK), (slides.main, slides.MARK)], ids=["book", "slides"])
def test_pages_replace_only_pages(main: Callable[[list[str]], int], mark: str, world: Path,
                                  capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book.Page, "html", lambda *given: "a page")
    monkeypatch.setattr(slides.Deck, "page", lambda *given: "a page")
    Path("sub/index.html").write_text("my own page")
    before = everything(world)
    for folder, said in (("sub", "cannot write sub/index.html: the file exists"), ("notes.txt", "it is a file")):
        assert main([folder]) == 1 and everything(world) == before
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith("linviz: cannot write ") and said in line
    assert main(["sub", "--force"]) == main(["sub"]) == main(["new"]) == 0
    assert mark in Path("new/index.html").read_text()
