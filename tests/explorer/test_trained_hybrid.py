"""A hybrid among trained models: every layer is shown under its own mechanism's name, on the page and in the files."""
from __future__ import annotations

import csv
import io
import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.trained import trained_state
from linviz.clips import motion_task
from linviz.models import Recipe, VideoTransformer, pretrained
from linviz.models.checkpoints import find_checkpoint, ship_model
from linviz.models.examples import Data, draw_examples
from linviz.models.looking import measure_layers
from linviz.models.training_run import Run
from linviz.views import TrainedView
from linviz.views.export.code import trained_code
from linviz.views.export.trained_table import trained_csv, trained_json, trained_npz
from linviz.views.load_trained import open_trained, shipped_models

from .harness import said, tables, titles, visit
from .test_fixation_panel import html

SPEC = "softmax/relu_floor+gate+shift/gated_delta"
NAME = "softmax / relu + floor + gate + shift / Gated DeltaNet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The long softmax model, and a hybrid whose training has not begun."""
    made = tmp_path_factory.mktemp("models") / "long"
    made.mkdir()
    there = find_checkpoint("softmax", 0, "long")
    for path in (there, there.with_suffix(".json")):
        shutil.copy(path, made)
    model, few = VideoTransformer(SPEC), draw_examples("motion", "main", 4, 1, "test")
    ship_model(Run(Recipe(SPEC), 0, model, torch.optim.SGD(model.parameters())), SPEC, made, Data(few, few),
               {"layers": measure_layers(model, motion_task(2, seed=0))})
    return made.parent


@pytest.fixture(autouse=True)
def only_these(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The models of the folder instead of those that are shipped."""
    def found(name: str, seed: int, budget: str, _: Path | None = None) -> Path:
        return find_checkpoint(name, seed, budget, folder)
    for name in ("linviz.models.checkpoints", "linviz.views.load_trained", "explorer.trained.model_answers"):
        monkeypatch.setattr(f"{name}.find_checkpoint", found)
    for name in ("linviz.models.checkpoints", "linviz.views.load_trained"):
        monkeypatch.setattr(f"{name}.pretrained", partial(pretrained, folder=folder))
    monkeypatch.setattr(trained_state, "_models_here", lambda folders: shipped_models(folder))


def test_the_page_names_the_mechanism_of_the_layer() -> None:
    app = visit("trained", specs=f"softmax,{SPEC.replace('+', ' ')}", layer="2")
    assert titles(app) == ["softmax", f"relu + floor + gate + shift: layer 2 of {NAME}"] and not said(app)
    answers, numbers = tables(app)[:2]
    assert NAME in answers and len(numbers["entropy over its most (of 1)"]) == 4
    cards = html(app, "every layer and head")
    assert "layer 2, head 1" in cards and "layer 1" not in cards and "layer 3" not in cards
    assert "softmax has no gate, so it has no ratios to show." in " ".join(one.value for one in app.caption)
    third = visit("trained", specs=f"softmax,{SPEC.replace('+', ' ')}", layer="3", temperature="0.5", strength="0")
    assert titles(third)[1] == f"Gated DeltaNet: layer 3 of {NAME}"
    assert f"{NAME} at temperature 0.5, {NAME} with a gate of strength 0" in third.caption[0].value


def test_its_files_name_the_model_and_the_layer(capsys: pytest.CaptureFixture[str]) -> None:
    view = TrainedView(specs=("softmax", SPEC), layer=3, head="2", temperature=2.0, query=(1, 2, 3))
    opened = open_trained(view)
    rows = [row for row in csv.DictReader(io.StringIO(trained_csv(opened))) if row["spec"] == SPEC]
    of = {row["kind"]: (row["title"], row["family"]) for row in rows}
    assert of["answer"] == of["test"] == (NAME, "hybrid")
    assert of["layer"] == of["patch"] == (f"Gated DeltaNet: layer 3 of {NAME}", "recurrent")
    assert all(row["value"] == "" for row in rows if row["kind"] == "layer")  # signed rows are no shares
    told: dict[str, Any] = json.loads(trained_json(opened))["answers"][1]
    assert (told["spec"], told["title"]) == (SPEC, NAME)
    kept = np.load(io.BytesIO(trained_npz(opened)))
    assert kept[f"{SPEC}/heads"].shape == (3, 3, 144) and np.array_equal(kept[f"{SPEC}/heads"][2, 1], kept[SPEC])
    exec(trained_code(opened), {})
    share = opened.answers[1].shares[0].item()  # at twice the temperature in the layer of softmax alone
    assert f"{SPEC:24} answer {'up':18} {share:10.6g}" in capsys.readouterr().out
    assert TrainedView.from_parameters({"specs": SPEC.replace("+", " ") + ",softmax"}, view)[0].specs[0] == SPEC
    (sentence,) = TrainedView.from_parameters({"specs": "softmax/,relu"}, view)[1]
    assert "no trained model is called 'softmax/'" in sentence
