"""The blob: what goes in comes out, the same thing is stored once, and what does not fit is refused in one sentence."""
from __future__ import annotations

import io
import json
import struct
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from linviz import Grid, make
from linviz.maps import Dense
from linviz.models import fit_gate
from linviz.patch_view import Panel, gate_snapshots, pack, unpack
from linviz.patch_view.packing import HEAVIEST, encode_blob
from linviz.patch_view.wires import scaled_half, wire_arrays

from .harness import blob, gated, logits, panel, uniform, white

GRID = Grid(2, 2, 3)


def test_what_goes_in_comes_out():
    wire = gated(12, 4, shots=3)
    panels = [panel(wire, "one", "kernel"), panel(uniform(12), "two", "local")]
    head = unpack(blob(panels, GRID, query=4, title="a title", mode="heat", strength=0.5, intro=True))
    assert head["grid"] == [2, 2, 3] and head["title"] == "a title" and head["alt"] == "a white sheet."
    assert [(p["title"], p["family"]) for p in head["panels"]] == [("one", "kernel"), ("two", "local")]
    assert head["set"] == {"query": 4, "frame": None, "strength": 0.5, "mode": "heat", "intro": True, "tick": 0,
                           "own": False, "share": 0.0, "tone": "root", "follow": False, "projector": False,
                           "fading": 1.0, "erasing": 1.0, "pins": []}
    sent = head["panels"][0]["wire"]
    for name in ("phi_q", "z_k"):
        assert np.array_equal(sent[name], wire[name].numpy())
    assert sent["gate"]["steps"] == [0, 10, 20] and sent["gate"]["q_weight"].shape == (3, 4, 11)


def test_buffers_lie_at_multiples_of_eight_and_none_is_stored_twice():
    x = torch.rand(12, 3)
    head = blob([panel({"kind": "softmax", "q": x, "k": x.clone(), "scale": 1.0})], GRID)
    size = struct.unpack("<I", head[4:8])[0]
    wire = json.loads(head[8:8 + size])["panels"][0]["wire"]
    assert size % 8 == 0 and wire["q"]["$"] == wire["k"]["$"] and wire["q"]["$"] % 8 == 0
    other = blob([panel({"kind": "softmax", "q": x, "k": x + 1, "scale": 1.0})], GRID)
    assert len(other) - len(head) == x.numel() * 4


def test_the_id_names_the_content_and_not_what_is_asked():
    ids = [unpack(blob([panel(uniform(12))], GRID, query=q, mode=m, strength=s, tick=t))["id"]
           for q, m, s, t in ((0, "light", 1.0, 0), (5, "heat", 0.2, 7))]
    assert ids[0] == ids[1]
    assert ids[0] != unpack(blob([panel(uniform(12), "another title")], GRID))["id"]
    assert ids[0] != unpack(blob([panel(gated(12, 2))], GRID))["id"]


def test_pictures_are_jpegs_of_a_sensible_size():
    frames = torch.rand(2, 3, 500, 1500)
    head = unpack(pack([panel(uniform(12))], SimpleNamespace(frames=frames), GRID, query=0))
    for f in head["frames"]:
        image = Image.open(io.BytesIO(f["data"].tobytes()))
        assert f["type"] == "image/jpeg" and image.format == "JPEG" and image.size == (720, 240)


def test_half_of_the_bits_is_half_of_the_bytes_but_never_of_a_bias():
    wire = soft(q=torch.randn(12, 64), k=torch.randn(12, 64), bias=torch.randn(12, 12))
    whole, half = (unpack(blob([panel(wire)], GRID, half=h))["panels"][0]["wire"] for h in (False, True))
    assert len(blob([panel(wire)], GRID)) - len(blob([panel(wire)], GRID, half=True)) > 2 * 12 * 64 * 2 - 200
    assert np.array_equal(half["bias"], whole["bias"])
    assert np.abs(half["q"] - whole["q"]).max() < 2e-3 and not np.array_equal(half["q"], whole["q"])


@pytest.mark.parametrize("size", [1e-30, 1e-9, 1.0, 7e8, 3e38])
def test_halving_keeps_its_digits_at_any_size(size):
    x = np.float32(size) * np.float32([1, 0.3, -0.07, 0])
    half = scaled_half(x)
    assert np.isfinite(np.asarray(half, np.float64)).all()
    assert np.allclose(np.asarray(half, np.float64) * half.scale, x, rtol=1e-3)


@torch.no_grad()
def test_snapshots_are_the_gates_of_the_fit():
    grid = Grid(1, 3, 3)
    x = torch.randn(1, 2, 9, 8)
    m = make("relu_floor+gate+shift:space", 2, 8, grid)
    with torch.enable_grad():
        fit = fit_gate(m, make("softmax", 2, 8, grid).map(x, x, x), x, x, x, steps=6, snapshots=3)
    wire = m.map(x, x, x).wire((0, 1))
    gate = wire_arrays(gate_snapshots(fit, x, x, x, (0, 1)))
    assert gate["steps"] == [0, 3, 6] and len(gate["kl"]) == 3 and "never trained" in gate["label"]
    gate = {name: torch.as_tensor(x) if isinstance(x, np.ndarray) else x for name, x in gate.items()}
    for sent, again in zip((wire["z_q"], wire["z_k"]), logits(wire, gate, -1)):
        assert torch.allclose(sent, again, atol=1e-5)


# ------------------------------------------------------------------------------------------------ refused

def soft(**more) -> dict:
    return {"kind": "softmax", "q": torch.ones(12, 1), "k": torch.ones(12, 1), "scale": 1.0, **more}


NAN = torch.tensor([[float("nan")]]).expand(12, 1)
REFUSED = {
    "query 12 is not a token": lambda: blob([panel(uniform(12))], GRID, query=12),
    "frame 2 is not one of the 2": lambda: blob([panel(uniform(12))], GRID, frame=2),
    "strength takes a number from 0 to 1": lambda: blob([panel(uniform(12))], GRID, strength=1.5),
    "mode takes one of light, heat, difference": lambda: blob([panel(uniform(12))], GRID, mode="sepia"),
    "at least one panel": lambda: blob([], GRID),
    "'left one' has 4 queries and 4 keys, but .* has 12 tokens": lambda: blob([panel(uniform(4), "left one")], GRID),
    "Panel.keys=Grid": lambda: blob([panel(uniform(12, 4))], GRID),
    "its keys .* have 6": lambda: blob([panel(uniform(12, 4), keys=Grid(1, 2, 3))], GRID),
    "'bad'.left has NaN": lambda: blob([panel({**uniform(12), "left": NAN}, "bad")], GRID),
    "'bad'.bias has NaN": lambda: blob([panel(soft(bias=torch.full((12, 12), torch.inf)), "bad")], GRID),
    "scale is inf": lambda: blob([panel(soft(scale=float("inf")))], GRID),
    "as float32": lambda: blob([panel({**uniform(12), "left": torch.full((12, 1), 1e300, dtype=torch.float64)})], GRID),
    "has 2 frames, the clip's frames have the shape .3,": lambda: pack(
        [panel(uniform(12))], white(3, 2, 3), GRID, query=0),
    "NaN or infinity in its frames": lambda: pack(
        [panel(uniform(12))], SimpleNamespace(frames=torch.full((2, 3, 4, 6), torch.nan)), GRID, query=0),
    "would have 68 MB": lambda: encode_blob({"x": np.zeros(HEAVIEST // 4 + 10**5, np.float32)}, {}),
    "leading axes": lambda: pack([Panel("flat", "local", Dense(torch.eye(12)))], white(2, 2, 3), GRID, query=0),
    "not a linviz view": lambda: unpack(b"PNG"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_does_not_fit_is_refused_in_one_sentence(sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        REFUSED[sentence]()
    assert "\n" not in str(caught.value)
