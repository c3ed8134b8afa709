"""What every sample must have, and the sentences for what cannot be had."""
import re
import socket
import sys

import numpy as np
import pytest
import skimage.data
import torch

from linviz import clips
from linviz.clips import Clip, photographs

SAMPLES = clips.names()


@pytest.fixture(scope="module")
def samples():
    return {name: clips.load(name) for name in SAMPLES}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_says_whose_it_is_and_what_is_seen(name, samples):
    clip = samples[name]
    assert clip.name == name
    for text in (clip.title, clip.author, clip.licence, clip.source, clip.recipe):
        assert len(text) > 2
    assert "scikit" in clip.source and clip.recipe.endswith(".")
    assert len(clip.alt) >= 20 and clip.alt.endswith(".")


def test_no_two_samples_look_alike_to_a_screen_reader(samples):
    assert len({clip.alt for clip in samples.values()}) == len(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_frames_are_rgb_in_0_to_1_and_use_the_range(name, samples):
    frames = samples[name].frames
    assert frames.dtype == torch.float32 and frames.shape[1] == 3 and frames.is_contiguous()
    assert frames.min() >= 0 and frames.max() <= 1
    assert frames.min() < 0.1 and frames.max() > 0.85


@pytest.mark.parametrize("name, y, x", [("astronaut", 512, 512), ("chelsea", 300, 451), ("coffee", 400, 600),
                                        ("rocket", 427, 640), ("camera", 512, 512), ("hubble", 872, 1000)])
def test_a_photograph_has_the_shape_its_docstring_says(name, y, x, samples):
    assert samples[name].size == (1, y, x)
    page = clips.PHOTOGRAPHS[name].__doc__
    assert f"{y} x {x}" in page and samples[name].licence in page and samples[name].author.split(",")[0] in page


def test_colours_are_not_swapped(samples):
    red, green, blue = samples["coffee"].frames[0, :, 300, 150]  # the saucer
    assert red > 2 * green and red > 2 * blue
    red, green, blue = samples["rocket"].frames[0, :, 60, 200]   # the evening sky
    assert blue > red


@pytest.mark.parametrize("name", clips.CLIPS)
def test_a_clip_is_made_by_seed(name):
    once, again, other = clips.load(name, 3, 2), clips.load(name, 3, 2), clips.load(name, 4, 2)
    assert torch.equal(once.frames, again.frames) and torch.equal(once.motion, again.motion)
    assert once.recipe == again.recipe and once.query == again.query
    assert (once.frames - other.frames).abs().mean() > 0.01


@pytest.mark.parametrize("name", clips.CLIPS)
def test_a_clip_leaves_the_global_random_numbers_alone(name):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    clips.load(name, 5, 2)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name, frames", [(name, 2) for name in clips.CLIPS] + [("pan", 32), ("motorcycle", 5)])
def test_a_clip_has_as_many_frames_as_asked_and_ends_at_the_same_place(name, frames, samples):
    clip = clips.load(name, frames=frames)
    assert clip.size[0] == frames and len(clip.motion) == frames - 1
    for t in (0, -1):  # more frames are smaller steps of the same way
        assert (clip.frames[t] - samples[name].frames[t]).abs().max() < 1e-4


def test_photographs_are_those_of_scikit_image_without_its_readers(monkeypatch):
    names = {name: "hubble_deep_field" if name == "hubble" else name for name in clips.PHOTOGRAPHS}
    exact = {name: getattr(skimage.data, loader)() for name, loader in names.items()}
    for module in ("skimage.io", "skimage.data", "imageio"):
        monkeypatch.setitem(sys.modules, module, None)  # to import it fails
    for name, loader in names.items():
        assert np.array_equal(photographs.image_pixels(loader), exact[name])
        pixels = (clips.photograph(name).frames[0] * 255).round().byte().permute(1, 2, 0).numpy()
        assert np.array_equal(pixels, exact[name] if exact[name].ndim == 3 else exact[name][..., None].repeat(3, -1))
    assert clips.load("motorcycle", frames=2).size[0] == 2
    with pytest.raises(FileNotFoundError, match="has no image 'unicorn': install it again"):
        photographs.image_pixels("unicorn")


def test_nothing_is_downloaded(monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise AssertionError("a sample asked for the network")
    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in SAMPLES:
        clips.load(name, frames=2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call, sentence", [
    (lambda: clips.load("cofee"), "no photograph or clip is called 'cofee'; did you mean 'coffee'? there are astron"),
    (lambda: clips.load("zebra"), "no photograph or clip is called 'zebra'; there are"),
    (lambda: clips.photograph("digit"), "no photograph is called 'digit'; there are"),
    (lambda: clips.photograph("Chelsea"), "did you mean 'chelsea'?"),
    (lambda: clips.load("pan", frames=0), "frames must be a whole number from 2 to 32; got 0"),
    (lambda: clips.load("pan", frames=33), "frames must be a whole number from 2 to 32; got 33"),
    (lambda: clips.load("pan", seed=-1), "seed must be a whole number from 0 to 4294967296; got -1"),
])
def test_what_cannot_be_had_is_said_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as error:
        call()
    assert "\n" not in str(error.value)


def _clip(**changes):
    fields = {"frames": torch.zeros(2, 3, 8, 9), "name": "own", "title": "", "author": "", "licence": "", "source": "",
              "recipe": "", "alt": ""}
    return Clip(**{**fields, **changes})


@pytest.mark.parametrize("changes, sentence", [
    ({"frames": torch.full((1, 3, 4, 4), 2.0)}, "frames must lie in 0..1; got 2..2"),
    ({"frames": torch.full((1, 3, 4, 4), torch.nan)}, "frames must lie in 0..1; got nan..nan"),
    ({"frames": torch.zeros(1, 3, 4, 4, dtype=torch.float64)}, "frames must be float32 in 0..1; got torch.float64"),
    ({"frames": torch.zeros(0, 3, 4, 4)}, "at least one frame and pixel; got (0, 3, 4, 4)"),
    ({"mask": torch.zeros(2, 8, 8, dtype=torch.bool)}, "mask must be (2, 8, 9) torch.bool; got (2, 8, 8) torch.bool"),
    ({"mask": torch.zeros(2, 8, 9)}, "got (2, 8, 9) torch.float32"),
    ({"motion": torch.zeros(1, 2, 8, 9)}, "give both motion and known"),
    ({"motion": torch.full((1, 2, 8, 9), torch.nan), "known": torch.zeros(1, 8, 9, dtype=torch.bool)},
     "motion must be finite"),
    ({"motion": torch.zeros(2, 2, 8, 9), "known": torch.zeros(2, 8, 9, dtype=torch.bool)},
     "motion must be (1, 2, 8, 9)"),
    ({"query": (2, 0.5, 0.5)}, "a query is a frame in 0..1 and two fractions in 0..1; got (2, 0.5, 0.5)"),
    ({"query": (0, 0.5, 1.5)}, "two fractions in 0..1"),
])
def test_a_clip_refuses_what_is_not_true_of_it(changes, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        _clip(**changes)
