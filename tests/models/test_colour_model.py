"""Models that paint: any attention takes part, a stopped run continues, and what it learned is checked honestly."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from linviz.clips import colour_task, photograph
from linviz.clips.colour_baselines import bilateral_answers, fit_bilateral, paint_score
from linviz.models import Data, Recipe, Shape, VideoTransformer, paint_picture, train
from linviz.models.arms import COLOUR, COLOUR_SETS, arm_recipe, training_jobs
from linviz.models.checkpoints import pretrained, ship_model
from linviz.models.colour_looking import painting_checks
from linviz.models.colour_model import ColourModel
from linviz.models.examples import ColourExamples, draw_colour_examples, make_data
from linviz.models.initial_values import begin_alike, recipe_model
from linviz.models.own_pictures import OwnPictures, read_picture_folder
from tests.clips import files

SMALL = Shape(frames=1, side=112, tubelet=(1, 8, 8), colours=3, channels=12, heads=1, blocks=2)


def tiny_recipe(name: str = "softmax", **fields: int) -> Recipe:
    return replace(arm_recipe(name, task="colour"), shape=SMALL, pool=18, tests=10, batch=4, **fields)


@pytest.fixture(scope="module")
def data() -> Data:
    return make_data(tiny_recipe())


def test_a_stopped_run_continues_to_the_same_numbers(data: Data, tmp_path: Path):
    recipe, keep = tiny_recipe("relu_floor+gate", steps=54), tmp_path / "run.going"

    def stop(run, loss, score):
        if run.step == 52:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        train(recipe, data=data, keep=keep, progress=stop)
    again, whole = train(recipe, data=data, keep=keep), train(recipe, data=data)
    assert again.curve == whole.curve and set(whole.curve[-1]) == {"step", "loss", "r2", "rate", "held_out"}
    assert all(p.equal(again.model.state_dict()[name]) for name, p in whole.model.state_dict().items())
    path = ship_model(whole, "relu_floor+gate", tmp_path / "short", data)
    model = pretrained("relu_floor+gate", folder=tmp_path)
    assert isinstance(model, ColourModel) and "test_r2" in path.with_suffix(".json").read_text()
    checks = painting_checks(model, data.train, data.test)
    assert set(checks) == {"train", "altered", "natural", "natural_all", "blank", "foreign", "hints", "layers"}
    assert set(checks["natural"]) == {"chelsea", "flower", "rocket"} and "constant gate" in checks["altered"]
    assert {"entropy", "object", "near", "effective_rank", "diversity"} <= checks["layers"][0].keys()


@pytest.mark.parametrize("name", COLOUR)
def test_every_arm_paints_and_stretches_to_a_finer_grid(name):
    recipe = arm_recipe(name, task="colour")
    recipe = replace(recipe, shape=replace(recipe.shape, channels=24, heads=2, blocks=1 + 2 * ("/" in name)))
    model = recipe_model(recipe, 0, seed=0)
    assert isinstance(model, ColourModel)
    painting = paint_picture(model, photograph("chelsea"), tokens=28)
    assert painting.picture.shape == (3, 224, 224) and torch.isfinite(painting.picture).all()
    assert painting.layers[0].map.shape == (784, 784)
    rows = painting.layers[0].map.rows(torch.tensor([5]))
    assert torch.isfinite(rows).all()


def test_uniform_attention_weighs_near_hints_like_all_tokens(data: Data):
    layers = painting_checks(ColourModel("uniform", SMALL), data.train, data.test)["layers"]
    for layer in layers:
        assert [round(layer[of], 4) for of in ("entropy", "object", "near")] == [1, 1, 1]


def test_alike_is_the_same_beginning_for_every_attention():
    found = [recipe_model(arm_recipe(name, task="colour"), 0, seed=1) for name in ("softmax", "relu_floor+gate")]
    one, other = (dict(model.named_parameters()) for model in found)
    assert all(one[name].equal(other[name]) for name in one)
    layer = found[0].blocks[1].attention.layers[0]
    assert layer.to_q.weight.equal(layer.to_k.weight) and layer.to_q.bias.equal(layer.to_k.bias)
    near = torch.nn.functional.cosine_similarity(found[0].place[:1], found[0].place[[1, 14, 195]])
    assert near[0] > 0.9 and near[1] > 0.9 > near[2] + 0.3
    plain = recipe_model(arm_recipe("softmax~init=plain", task="colour"), 0, seed=1)
    assert not plain.blocks[1].attention.layers[0].to_q.weight.equal(plain.blocks[1].attention.layers[0].to_k.weight)
    model = VideoTransformer("relu", shape=Shape(blocks=1))
    begin_alike(model)
    with pytest.raises(ValueError, match="init must be one of plain, alike"):
        Recipe(init="zero")


def test_the_code_of_a_hint_marks_hints_only(data: Data):
    model = ColourModel("relu", SMALL)
    frames, _ = data.test.batch(torch.arange(2))
    before = model.tokens(frames)
    with torch.no_grad():
        model.hint.code.add_(1.0)
    changed = (model.tokens(frames) - before).abs().amax(-1) > 0.5
    assert isinstance(data.test, ColourExamples) and changed.equal(data.test.task(torch.arange(2)).hints)
    with pytest.raises(ValueError, match="takes a grey picture, two colour differences and the hints"):
        model.tokens(torch.zeros(1, 1, 3, 112, 112))


def test_a_step_draws_its_own_colours_and_tests_stay_the_same(data: Data):
    i = torch.arange(3)
    one, again, other = (data.train.batch(i, turn=turn)[0] for turn in ((0, 1), (0, 1), (0, 2)))
    assert one.equal(again) and not one.equal(other)
    assert data.test.batch(i)[0].equal(data.test.batch(torch.arange(5))[0][:3])
    task = colour_task(5, seed=1, split="test")
    assert data.test.batch(torch.arange(5))[0].equal(task.frames)


def test_the_sets_have_the_arms_they_name():
    for which, (arms, seeds, *_) in COLOUR_SETS.items():
        jobs = list(training_jobs(which))
        assert [job.seed for job in jobs[:len(arms)]] == [0] * len(arms) and len(jobs) == len(arms) * seeds
        assert all(job.recipe.task == "colour" for job in jobs)
    one = arm_recipe("relu~heads=1", task="colour")
    assert one.shape.heads == 1 and sum(p.numel() for p in recipe_model(one, 0, 0).parameters()) == 76_136


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures, one of them twice, and what else lies about in folders."""
    for n in range(5):
        (tmp_path / f"{n}.png").write_bytes(files.still("PNG", files.picture(n, 160, 130)))
    (tmp_path / "again.png").write_bytes((tmp_path / "0.png").read_bytes())
    (tmp_path / "small.png").write_bytes(files.still("PNG", files.picture(9, 160, 40)))
    (tmp_path / "cut.png").write_bytes((tmp_path / "1.png").read_bytes()[:90])
    (tmp_path / "notes.txt").write_text("film the cat")
    return tmp_path


def test_a_folder_of_pictures_becomes_examples(folder: Path):
    found = read_picture_folder(folder)
    recipe = found.recipe(tiny_recipe())
    lines = found.said().splitlines()
    assert lines[0] == "3 pictures to learn from, 2 held out" and len(lines) == 5
    for words in ("again.png is the same file", "small.png has 160 x 40 pixels", "cut.png", "notes.txt"):
        assert any(words in line for line in lines), words
    assert not set(found.data.train.classes) & set(found.data.test.classes)
    assert len(found.data.train) == 18 and recipe.setting.startswith("main ") and recipe.task == "own_colour"
    frames, (targets, hidden) = found.data.test.batch(torch.arange(4))
    assert frames.shape == (4, 1, 4, 112, 112) and targets.shape == (4, 196, 8) and hidden.sum(1).tolist() == [167] * 4
    with pytest.raises(ValueError, match="read them with models.own_pictures.read_picture_folder"):
        make_data(recipe)


def test_a_folder_without_pictures_gets_one_sentence(tmp_path: Path):
    with pytest.raises(ValueError, match="holds 0 pictures that can be read; two are needed"):
        read_picture_folder(tmp_path)
    (tmp_path / "notes.txt").write_text("film the cat")
    with pytest.raises(ValueError, match=r"holds 0 pictures .*\(skipped: notes.txt cannot be read"):
        read_picture_folder(tmp_path)
    with pytest.raises(ValueError, match="there is no folder .*nowhere: name one that contains pictures"):
        read_picture_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="exchanges photographs of linviz"):
        read_picture_folder(tmp_path, "exchanged")
    assert isinstance(OwnPictures().part(True), dict)


@pytest.mark.nightly    # two models are trained for two minutes each
def test_softmax_copies_by_content_and_memorises_nothing():
    recipe = arm_recipe("softmax", task="colour")
    data = make_data(recipe)
    assert isinstance(data.train, ColourExamples) and isinstance(data.test, ColourExamples)
    run = train(recipe, data=data)
    assert isinstance(run.model, ColourModel)
    found = painting_checks(run.model, data.train, data.test)
    held_out = run.curve[-1]["held_out"]
    task = data.test.task(torch.arange(len(data.test)))
    by_hand = paint_score(bilateral_answers(task, *fit_bilateral(colour_task(100, 0, share=0.15))), task)
    floor = train(arm_recipe("relu_floor", task="colour"), data=data).curve[-1]["held_out"]
    assert held_out > by_hand and held_out > floor + 0.1
    assert found["natural_all"] - found["blank"] > 0.2, "it paints by place alone"
    assert abs(found["train"] - held_out) < 0.05, "it has memorised its photographs"


def test_the_sealed_windows_are_sealed():
    with pytest.raises(ValueError, match="kept for one last measurement"):
        draw_colour_examples("main", 2, 0, "sealed")
    assert draw_colour_examples("main", 2, 0, "sealed", opened=True).classes[0] == "motorcycle"
