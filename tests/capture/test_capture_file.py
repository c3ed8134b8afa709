"""A capture as a file: the same when it comes back, and one sentence for a broken or hostile one."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from linviz import Grid
from linviz.capture import Capture, CapturedLayer, load_capture, save_capture
from linviz.capture.capture_file import FORMAT, pack_capture, unpack_capture
from linviz.clips.tensors import decode_tensors
from tests.cases import every_case


def small_capture() -> Capture:
    q, k = torch.randn(1, 4, 9, 3).half(), torch.randn(1, 2, 9, 3).half()
    bias = torch.zeros(9, 9).masked_fill(torch.ones(9, 9).triu(3).bool(), -torch.inf)
    table = torch.rand(1, 2, 9, 9)
    boxes = (torch.tensor([0, 1, 2, 3]), torch.tensor([4, 5, 6, 7, 8]))
    plain = CapturedLayer("a", "softmax", q, k, k, Grid(1, 2, 4, 1), 0.5, bias)
    layers = (plain, CapturedLayer("b", "relu", q, q, None, Grid(Y=3, X=3), 1.0, road="by hand"),
              CapturedLayer("c", "softmax", q, k, k, Grid(Y=3, X=3), 0.5, boxes=boxes),
              CapturedLayer("d", "exact", q[:, :2], k, k, Grid(Y=3, X=3), 1.0, table=table, error=1e-7),
              CapturedLayer("e", "softmax", q[..., :1, :], k, k, Grid(), 1.0, key_grid=Grid(Y=3, X=3)))
    return Capture("Tiny", layers, torch.rand(1, 3, 8, 8), {"f": "no room"})


def test_a_capture_comes_back_as_it_was(tmp_path: Path) -> None:
    made = small_capture()
    found = load_capture(save_capture(tmp_path / "a.linviz", made))
    assert repr(found) == repr(made) and "not kept: f, since no room" in repr(found)
    for one, other in zip(found, made):
        assert repr(one) == repr(other) and torch.equal(one.map().dense(), other.map().dense())
        assert one.road == other.road and one.error == other.error
    assert (found.frames - made.frames).abs().max() <= 0.5 / 255 + 1e-6


def test_as_tensors_it_says_how_to_choose_a_layer() -> None:
    with pytest.raises(ValueError, match="a capture of a model's layers: choose one, as in linviz.view"):
        decode_tensors(pack_capture(small_capture()), "a.linviz")


def changed(change: Any, **arrays: Any) -> bytes:
    """A capture of one layer whose description or arrays are not what they should be."""
    q = torch.rand(1, 2, 9, 3)
    told = {"model": "Tiny", "left_out": {}, "layers": [{
        "name": "a", "kind": "softmax", "scale": 0.5, "causal": False, "scope": "joint", "error": None, "road": "",
        "grid": [1, 3, 3, 0]}]}
    change(told)
    there = {"0.q": q, "0.k": q.clone(), **{f"0.{name}": x for name, x in arrays.items()}}
    return bytes(save(there, {"format": FORMAT, "capture": json.dumps(told)}))


HOSTILE = [
    (b"", "no capture"), (b"\x80\x04pickle", "no capture"), (b"PK\3\4zip", "no capture"),
    ((99).to_bytes(8, "little") + b"{", "ends inside its header"),
    ((2**62).to_bytes(8, "little") + b"{" * 99, "no capture"),
    (bytes(save({"q": torch.ones(2)})), "a safetensors file, but no capture"),
    (changed(lambda told: told.update(layers=[])), "0 layers"),
    (changed(lambda told: told.update(layers=told["layers"] * 1001)), "1,001 layers"),
    (changed(lambda told: told["layers"][0].update(kind="__import__")), "no known kind"),
    (changed(lambda told: told["layers"][0].update(grid=[1, 10**9, 10**9, 0])), "do not fit together"),
    (changed(lambda told: told["layers"][0].update(grid="x")), "damaged"),
    (changed(lambda told: told.pop("left_out")), "damaged"),
    (changed(lambda told: told["layers"][0].update(scale="x")), "damaged"),
    (changed(lambda told: None, k=torch.rand(1, 2, 8, 3)), "do not fit together"),
    (changed(lambda told: None, q=torch.full((1, 2, 9, 3), torch.nan)), "NaN or infinity"),
    (changed(lambda told: None, **{"box.0": torch.arange(9) + 5}), "do not fit together"),
    (changed(lambda told: None, **{"box.1": torch.arange(9)}), "damaged"),
]


@every_case("data, why", HOSTILE)
def test_a_wrong_file_gets_one_sentence(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        unpack_capture(data, "../../x\n.linviz")
    said = str(caught.value)
    assert "\n" not in said and said.count(". ") == 0 and "cannot be read" in said


def test_a_header_that_lies_about_sizes_is_seen() -> None:
    data = pack_capture(small_capture())
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    size = "size in its header"
    for offsets, why in (([0, 10**12], size), ([-4, 8], size), ([0, 8], size), ([0, "x"], "valid shape")):
        header["0.q"]["data_offsets"] = offsets
        text = json.dumps(header).encode()
        with pytest.raises(ValueError, match=why):
            unpack_capture(len(text).to_bytes(8, "little") + text + data[end:])
    with pytest.raises(ValueError, match="cut short"):
        unpack_capture(data[:-200])
