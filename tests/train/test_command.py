"""`linviz train` as it is run: what it leaves behind, stopped by Ctrl-C, taken up again, on one's own videos."""
from __future__ import annotations

import csv
import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from linviz import cli
from linviz.models import Shape, training
from linviz.models.arms import arm_recipe
from linviz.train import train_command as command
from tests.clips import files

TINY = Shape(tubelet=(4, 12, 12), channels=12, heads=2, blocks=1)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every arm's model and pool are small, so that a run takes a second."""
    def tiny(name: str, budget: str, **how: str):
        plain = arm_recipe(name, budget, **how)
        shape = replace(plain.shape, channels=12, heads=2, blocks=1) if plain.task == "colour" else (
            replace(TINY, scheme=plain.shape.scheme))
        return replace(plain, shape=shape, pool=24, tests=8, batch=4, steps=52)
    monkeypatch.setattr(command, "arm_recipe", tiny)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of two videos each, one of them broken beside them."""
    folder = tmp_path_factory.mktemp("own")
    for name, clips in {"grows": [files.video(), files.video("libvpx-vp9")],
                        "sits": [files.animated("GIF"), files.video(stamps=(0, 9))]}.items():
        (folder / name).mkdir()
        for n, data in enumerate(clips):
            (folder / name / f"{n}.mp4").write_bytes(data)
    (folder / "sits" / "cut.mp4").write_bytes(files.video()[:500])
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures, and a broken one."""
    folder = tmp_path_factory.mktemp("pictures")
    for n in range(3):
        (folder / f"{n}.png").write_bytes(files.still("PNG", files.picture(n, 160, 130)))
    (folder / "cut.png").write_bytes((folder / "1.png").read_bytes()[:90])
    return folder


def run(*words: object) -> int:
    """The command line's exit status."""
    return cli.main(["train", *map(str, words)])


def test_a_run_leaves_a_model_its_story_and_its_curve(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "runs"
    assert run("--mechanism", "relu_floor+gate", "--mechanism", "softmax", "--seeds", "1", "--out", out) == 0
    said = capsys.readouterr().out
    names = ["relu_floor-gate.1", "softmax.1"]
    assert {p.name for p in out.iterdir()} == {f"{n}.{end}" for n in names for end in ("safetensors", "json", "csv")}
    told = json.loads((out / "softmax.1.json").read_text())
    with (out / "softmax.1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["50", "52"]
    assert [float(r["loss"]) for r in rows] == pytest.approx([r["loss"] for r in told["curve"]], abs=1e-5)
    assert f"softmax, seed 1: {told['test_accuracy']:.3f} of 8 held-out clips right" in said
    assert said.count("; 95 % prediction interval of a new seed: ") == 2
    assert run("--mechanism", "softmax", "--seeds", "1", "--out", out) == 0
    assert "softmax, seed 1: already trained" in capsys.readouterr().out


@pytest.mark.parametrize("own", [None, "videos", "pictures"])
def test_stopped_by_ctrl_c_it_goes_on_to_the_same_numbers(own, request, tmp_path: Path, capsys, monkeypatch):
    signal.signal(signal.SIGINT, signal.default_int_handler)    # a run in the background is started without it
    words = ["--mechanism", "relu", *(["--data", request.getfixturevalue(own)] if own else []),
             *(["--task", "colour"] if own == "pictures" else [])]
    assert run(*words, "--out", tmp_path / "whole") == 0

    def interrupted(state, examples, device):
        if state.step == 51:
            signal.raise_signal(signal.SIGINT)
        return step(state, examples, device)
    step = training.one_step
    with monkeypatch.context() as patch:
        patch.setattr(training, "one_step", interrupted)
        assert run(*words, "--out", tmp_path / "stopped") == 130
    assert [p.name for p in (tmp_path / "stopped").iterdir()] == ["relu.0.going"]
    assert "stopped. The same command continues from relu.0.going." in capsys.readouterr().out
    assert run(*words, "--steps", 60, "--out", tmp_path / "stopped") == 1
    assert "holds another run (seed 0, relu, 52 steps)" in capsys.readouterr().err
    assert run(*words, "--out", tmp_path / "stopped") == 0
    for name in ("relu.0.csv", "relu.0.safetensors"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len(list((tmp_path / "stopped").iterdir())) == 3


def test_ones_own_videos_are_told_of_and_trained_on(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ["--mechanism", "relu", "--data", videos, "--steps", 3, "--out", tmp_path]
    assert run(*words) == 0
    said = capsys.readouterr().out
    assert "grows: 1 to learn from, 1 held out\nsits: 1 to learn from, 1 held out\nskipped: sits/cut.mp4 cannot" in said
    assert "of 2 held-out clips right" in said and "interval" not in said
    told = json.loads((tmp_path / "relu.0.json").read_text())
    assert told["classes"] == ["grows", "sits"] and told["recipe"]["task"] == "own" and told["tests"] == 2
    assert told["recipe"]["shape"]["colours"] == 3
    assert run(*words) == 0 and "already trained" in capsys.readouterr().out
    (videos / "sits" / "new.gif").write_bytes(files.animated("GIF", 4))
    assert run(*words) == 1
    assert "is a model of another recipe: name another folder with --out" in capsys.readouterr().err


def test_ones_own_pictures_are_told_of_and_painted(pictures: Path, tmp_path: Path, capsys):
    words = ["--task", "colour", "--mechanism", "relu", "--data", pictures, "--steps", 3, "--out", tmp_path]
    assert run(*words) == 0
    said = capsys.readouterr().out
    assert "2 pictures to learn from, 1 held out\nskipped: cut.png cannot be read" in said
    told = json.loads((tmp_path / "relu.0.json").read_text())
    assert f"relu, seed 0: R2 {told['test_r2']:.3f} on 8 held-out windows" in said and "interval" not in said
    assert told["recipe"]["task"] == "own_colour" and (tmp_path / "relu.0.csv").read_text().startswith("step,loss,r2,")
    assert run(*words) == 0 and "already trained, R2" in capsys.readouterr().out
    assert run(*words, "--setting", "half") == 1
    assert "is a model of another recipe: name another folder with --out" in capsys.readouterr().err


@pytest.mark.parametrize("task, score", [("front", "held-out clips right"), ("colour", "held-out windows")])
def test_every_task_is_trained_on(task, score, tmp_path: Path, capsys):
    assert run("--task", task, "--mechanism", "relu", "--steps", 2, "--out", tmp_path) == 0
    assert score in capsys.readouterr().out
    assert json.loads((tmp_path / "relu.0.json").read_text())["recipe"]["task"] == task


def test_a_hybrid_is_trained_under_its_own_name(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch):
    def three_layers(name: str, budget: str, **how: str):
        return replace(arm_recipe(name, budget, **how), shape=replace(TINY, blocks=3), pool=24, tests=8, batch=4)
    monkeypatch.setattr(command, "arm_recipe", three_layers)
    words = ["--mechanism", "softmax/relu+gate:qkv/gated_delta", "relu/relu/relu", "--steps", 2, "--out", tmp_path]
    assert run(*words) == 0
    names = {"softmax_then_relu-gate_then_gated_delta.0", "relu.0"}
    assert {p.name.rpartition(".")[0] for p in tmp_path.iterdir()} == names
    assert "softmax/relu+gate/gated_delta, seed 0: " in capsys.readouterr().out
    assert run(*words) == 0 and capsys.readouterr().out.count("already trained") == 2


def test_a_scheme_is_trained_under_its_own_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ["--mechanism", "gated_delta", "delta", "--scheme", "hybrid", "--steps", 2, "--out", tmp_path]
    assert run(*words) == 0 and "gated_delta~scheme=hybrid, seed 0: " in capsys.readouterr().out
    card = json.loads((tmp_path / "gated_delta__scheme=hybrid.0.json").read_text())
    assert card["recipe"]["shape"]["scheme"] == "hybrid" and card["name"] == "gated_delta~scheme=hybrid"
    assert run(*words) == 0 and capsys.readouterr().out.count("already trained") == 2
    assert run("--mechanism", "gated_delta", "--scheme", "joint", "--steps", 2, "--out", tmp_path) == 0


@pytest.mark.parametrize("words, sentence", [
    (("--mechanism", "relu", "--scheme", "hybrid", "--data", "nowhere"), "'relu' is none; there are: delta"),
    (("--mechanism", "relu@space", "--scheme", "divided"), "a scheme sets the scopes itself"),
    (("--mechanism", "softmax/relu/softmax", "--scheme", "axial"), "names 3 layers, and the model has"),
    (("--mechanism", "relu", "softmax/relu", "--data", "nowhere"), "names 2 layers, and the model has 3"),
    (("--mechanism", "softmax//relu"), "'softmax//relu' leaves a layer empty"),
    (("--task", "colour", "--mechanism", "relu", "--data", "nowhere"), "there is no folder nowhere: name one that "
     "contains pictures"),
    (("--task", "colour", "--mechanism", "relu", "--data", "tests/course"), "holds 0 pictures that can be read"),
    (("--task", "colour", "--mechanism", "relu", "--setting", "easy"), "no setting of the colour task is called"),
    (("--mechanism", "relu", "--setting", "half"), "no setting is called 'half'"),
    (("--task", "front", "--mechanism", "relu", "--data", "nowhere"), "--task front is drawn by linviz"),
    (("--mechanism", "relu", "--data", "nowhere"), "there is no folder nowhere"),
    (("--mechanism", "blue", "--data", "nowhere"), "blue"),
    (("--mechanism", "relu", "--steps", "0"), "steps must be a whole number from 1 up; got 0")])
def test_mistakes_get_one_sentence(words, sentence, capsys: pytest.CaptureFixture[str]):
    assert run(*words) == 1
    said = capsys.readouterr().err.rsplit("\r")[-1]      # behind the bar that was wiped away
    assert said.startswith("linviz: ") and sentence in said and said.count("\n") == 1
