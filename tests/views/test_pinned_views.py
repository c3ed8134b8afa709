"""Several pinned patches, repainted pictures and key frames, in every kind of file: opened again by other libraries."""
from __future__ import annotations

import base64
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d

from linviz import Grid, make
from linviz.clips import Clip
from linviz.maps import Dense
from linviz.palette import PINS
from linviz.patch_view import unpack
from linviz.views import Look, View, open_view
from linviz.views.export.files import make_file
from linviz.views.export.pinned_pictures import at_pin, pins_of
from linviz.views.key_frames import MEANING, frame_scores
from linviz.views.repainted_output import (
    SIDE,
    check_patches,
    painted_frames,
    patch_pixels,
    received_attention,
    relative_error,
    repainted_output,
    repainted_outputs,
)
from linviz.views.row_stats import query_row
from linviz.views.view_figures import draw_figure

from .test_code import LINE
from .test_pictures import SVG

PLACES = ((1, 3, 3), (2, 5, 5), (0, 2, 2))


@pytest.fixture(scope="module")
def pinned():
    """A clip with three pinned patches, the last of them the query; one map is signed."""
    look = Look(pins=(PLACES[0], (0, 9, 9), *PLACES[1:2]))  # one lies outside, and the query joins them
    view = View("pan", patches=7, frames=3, specs=("softmax", "factorized"), query=PLACES[2], look=look)
    return open_view(view)


def test_every_file_has_all_pins(pinned):
    grid = pinned.grid
    assert pins_of(pinned) == [grid.number(*place) for place in PLACES]
    rows = {panel.key: torch.stack([query_row(panel.map, token) for token in pins_of(pinned)])
            for panel in pinned.panels}
    table = pd.read_csv(io.BytesIO(make_file(".csv", pinned)))
    line = table[(table.spec == "softmax") & (table.measure == "effective_tokens")].iloc[0]
    spread = (2 ** -(rows["softmax"] * rows["softmax"].log2()).nan_to_num().sum(1)).tolist()
    assert [line.pin_1, line.pin_2, line.pin_3] == pytest.approx(spread, rel=1e-5) and line.pin_3 == line.patch
    assert line.pins == "f2r4c4,f3r6c6,r3c3"
    told = json.loads(make_file(".json", pinned))["pinned"]
    assert told["places"] == [list(place) for place in PLACES]
    assert told["mechanisms"]["softmax"]["effective_tokens"] == pytest.approx(spread, rel=1e-5)
    arrays = np.load(io.BytesIO(make_file(".npz", pinned)))
    assert arrays["pins"].tolist() == told["places"]
    assert all(np.allclose(arrays[f"{key}, pins"], want.numpy(), atol=1e-7) for key, want in rows.items())
    sent = unpack(base64.b64decode(
        make_file(".html", pinned).split(b'id="blob">')[1].split(b"</script>")[0]))["set"]
    assert sent["pins"] == [[1, 3, 3], [0, 9, 9], [2, 5, 5]] and sent["query"] == pins_of(pinned)[-1]
    drawn = ET.fromstring(make_file(".svg", pinned))
    strokes = [circle.get("stroke") for circle in drawn.iter(f"{SVG}circle")]
    assert [strokes.count(colour) for colour in PINS] == [4, 4, 4], "in both panels, large and small"
    assert len(list(drawn.iter(f"{SVG}image"))) == 2 * (1 + 3 + 3) + 1
    assert "Pinned: 1 row 4, column 4, frame 2; 2 row 6" in drawn.find(f"{SVG}desc").text


def test_the_code_prints_one_more_number_for_each_pin(pinned, capsys):
    exec(make_file(".py", pinned).decode(), {})
    lines = capsys.readouterr().out.splitlines()
    printed = [line for line in lines if line.startswith("softmax") and "entropy " in line]
    numbers = [float(x) for x in printed[0].split()[-3:]]
    found = [draw.panels[0].reading.entropy[0, 0, draw.query].item() for draw in (
        at_pin(pinned, token) for token in pins_of(pinned))]
    assert numbers == pytest.approx(found, rel=1e-5) and not LINE.fullmatch(printed[0])


def test_without_pins_every_file_is_as_it_was(pinned):
    alone = replace(pinned, view=replace(pinned.view, look=Look()))
    assert "pin_1" not in make_file(".csv", alone).decode() and b"pinned" not in make_file(".json", alone)
    assert "pins" not in np.load(io.BytesIO(make_file(".npz", alone))) and b"pins" not in make_file(".py", alone)
    circles = ET.fromstring(make_file(".svg", alone)).iter(f"{SVG}circle")
    assert not {circle.get("stroke") for circle in circles} & {*PINS}
    low, high = (Image.open(io.BytesIO(make_file(".png", one))).height for one in (alone, pinned))
    assert low < high


# ------------------------------------------------------------------------------------------------ repainted, received


def test_a_repainted_patch_is_the_mixture_of_patches_that_its_row_says(pinned):
    grid, clip = pinned.grid, pinned.clip
    pixels = patch_pixels(clip, grid)
    assert torch.allclose(painted_frames(pixels, grid), avg_pool2d(clip.frames, 16 // SIDE), atol=1e-6)
    moved = Dense(torch.eye(len(grid)).roll(1, 1)[None, None])            # every patch becomes the one after it
    assert torch.equal(repainted_output(moved, clip, grid)[0, 0, 5], pixels[0, 0, 6])
    soft, row = pinned.panels[0].map, query_row(pinned.panels[0].map, 60)
    want = sum(a * patch for a, patch in zip(row.tolist(), pixels[0, 0], strict=True))
    assert torch.allclose(repainted_output(soft, clip, grid)[0, 0, 60], want, atol=1e-5)
    (picture, none), (_, error) = repainted_outputs(pinned)
    assert none < 1e-6 and picture.shape == (3, 3, 7 * SIDE, 7 * SIDE)
    other = repainted_output(pinned.panels[1].map, clip, grid)
    v = torch.zeros(1, 1, len(grid), pinned.tokens.q.shape[-1])
    plain = make("softmax", 1, v.shape[-1], grid).map(pinned.tokens.q, pinned.tokens.k, v).apply(pixels)
    assert error == pytest.approx(((other - plain).norm() / plain.norm()).item(), rel=1e-4)
    assert relative_error(plain, plain) == 0
    fig = draw_figure("repainted", pinned)
    assert len(fig.data) == 3 and f"{100 * error:.3g} % off" in fig.layout.annotations[2].text
    with pytest.raises(ValueError, match="keys lie on another grid"):
        check_patches(replace(pinned.tokens, key_grid=Grid(1, 7, 7)))


def test_received_attention_is_the_mean_of_columns(pinned):
    for panel in pinned.panels:
        want = panel.map.dense()[0, 0].mean(0) * len(pinned.keys)
        assert torch.allclose(received_attention(panel.map), want, atol=1e-4)
    assert received_attention(pinned.panels[0].map).mean().item() == pytest.approx(1, rel=1e-5)
    drawn = np.array(draw_figure("received", pinned.only("softmax")).data[0].z)
    assert drawn == pytest.approx(pinned.grid.fold(received_attention(pinned.panels[0].map)[:, None])[
        pinned.frame, ..., 0].numpy(), rel=1e-5)


def test_key_frames_are_ranked_by_what_they_receive_beside_motion_and_equal_shares(pinned):
    archive = zipfile.ZipFile(io.BytesIO(make_file(".zip", pinned)))
    table = pd.read_csv(archive.open("key_frames.csv"), keep_default_na=False)
    soft = table[table.spec == "softmax"]
    want = pinned.panels[0].map.dense()[0, 0].mean(0).reshape(3, -1).sum(1)
    assert soft.received.tolist() == pytest.approx(want.tolist(), abs=1e-6) and sum(soft.received) == pytest.approx(1)
    assert [*soft.sort_values("rank").frame] == (1 + want.argsort(descending=True)).tolist()
    frames = pinned.picture.frames
    moved = [(frames[b] - frames[a]).abs().mean().item() for a, b in ((0, 1), (0, 1), (1, 2))]
    assert soft.motion.tolist() == pytest.approx([x / sum(moved) for x in moved], rel=1e-5)
    assert soft["rank_by_motion"].iloc[int(np.argmax(moved))] == 1 and {*soft.equal} == {1 / 3}
    assert "no" not in soft.note.iloc[0] and "not a share" in table[table.spec == "factorized"].note.iloc[0]
    picture = Image.open(archive.open(soft.file.iloc[1]))
    assert np.asarray(picture, float).mean() == pytest.approx(255 * frames[1].mean().item(), abs=1)
    said = archive.read("README.txt").decode()
    assert MEANING in said and f"frame {1 + int(want.argmax())} under softmax" in said and "factorized" not in said
    with pytest.raises(ValueError, match="this view has one frame"):
        frame_scores(open_view(View("coffee", patches=3, specs=("uniform",))))


def test_a_still_clip_has_equal_motion():
    from linviz.views.key_frames import motion_energy
    assert motion_energy(Clip.plain(torch.ones(3, 3, 16, 16), "still").frames).tolist() == pytest.approx([1 / 3] * 3)
