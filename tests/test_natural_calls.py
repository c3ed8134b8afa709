"""What a person types gets an answer, or one clear sentence: never the words of the insides of torch or numpy.

The calls are made in an interpreter of their own, in which nothing checks types, as a person's does not.
"""
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .cases import every_case

HOME = Path(__file__).parents[1]
SETUP = """
import json, sys
import numpy as np
import torch
from PIL import Image
import linviz
from linviz import Grid, clips, figures
from linviz.maps import Dense
x = torch.rand(1, 2, 9, 16, generator=torch.Generator().manual_seed(0))
m = linviz.make("softmax", 2, 16, (3, 3))
a, r = m.map(x, x, x), linviz.read(m, x, x, x)
large = linviz.make("linear", 1, 4, Grid(X=250_000)).map(*[torch.rand(1, 1, 250_000, 4)] * 3)
channels = linviz.make("aft_simple", 1, 16, (3, 3)).map(*[x[:, :1]] * 3)
view = linviz.view("coffee", "uniform", patches=4)
pixels = np.zeros((40, 60, 3), np.uint8)
answers = {}
for call in json.load(sys.stdin):
    try:
        answers[call] = ["answer", repr(eval(call))]
    except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        answers[call] = ["sentence", str(error)]
print(json.dumps(answers))
"""

ANSWERS = r"""
Grid(8, 14, 14)                                                  | Grid(T=8, Y=14, X=14, prefix=0)
Grid(Y=14, X=14)                                                 | Grid(T=1, Y=14, X=14, prefix=0)
Grid(T=np.int64(2), Y=3, X=3)                                    | Grid(T=2, Y=3, X=3, prefix=0)
Grid(1, 3, 3, 1)                                                 | prefix=1
linviz.make("softmax", 1, 16, (14, 14)).grid                     | Grid(T=1, Y=14, X=14, prefix=0)
linviz.make("softmax", 1, 16, grid=[2, 14, 14]).grid             | Grid(T=2, Y=14, X=14, prefix=0)
linviz.make("linear", 1, 16, torch.tensor([2, 3, 3])).grid       | Grid(T=2, Y=3, X=3, prefix=0)
m(x.numpy(), x.numpy(), x.numpy()).dtype                         | torch.float32
m(x.half(), x.half(), x.half()).dtype                            | torch.float16
m(x.half(), x.bfloat16(), x.half()).dtype                        | torch.float32
m(*[x.bfloat16()] * 3).dtype | torch.bfloat16
m(x.half(), x.bfloat16(), x.double().numpy()).dtype              | torch.float64
linviz.make("relu_floor+gate", 2, 16, (3, 3))(*[x.double().numpy()] * 3).dtype | torch.float32
linviz.read(m, *[x.half()] * 3).summary()["rows"]                | 18.0
(a @ x).shape, (a @ x.numpy()).shape                             | torch.Size([1, 2, 9, 16]), torch.Size([1, 2, 9, 16])
(a @ x[0, 0]).shape, (a @ torch.ones(9)).shape                   | torch.Size([1, 2, 9, 16]), torch.Size([1, 2, 9])
(a @ x.half()).dtype                                             | torch.float32
a[5].shape, a[5, 7].shape, a[-1].shape                           | torch.Size([1, 2, 9]), torch.Size([1, 2])
a[2:5].shape, a[[5, 7]].shape, a[:, 7].shape | ([1, 2, 3, 9]), torch.Size([1, 2, 2, 9]), torch.Size([1, 2, 9])
a.rows(5).shape, a.rows([5, 7]).shape, a.rows([]).shape | torch.Size([1, 2, 2, 9]), torch.Size([1, 2, 0, 9])
a.rows(np.array([1, 2])).shape, a.rows(range(3)).shape           | ([1, 2, 2, 9]), torch.Size([1, 2, 3, 9])
a.device, a.shape, len(a), [row.shape for row in a][8] | (device(type='cpu'), (9, 9), 9, torch.Size([1, 2, 9]))
np.asarray(a).shape, np.log(a).shape                             | ((1, 2, 9, 9), (1, 2, 9, 9))
large[5].shape, large[5, 7].shape, large[[5, 7], 9].shape        | torch.Size([1, 1, 250000]), torch.Size([1, 1])
(channels @ x[:, :1]).shape, channels.channel(0)[5].shape        | torch.Size([1, 1, 9, 16]), torch.Size([1, 1, 9])
clips.descriptors(clips.load("coffee"), (4, 4))[0].shape         | torch.Size([1, 1, 16, 16])
Dense(np.eye(3)), Dense([[1.0]])                                 | 3 queries x 3 keys
figures.spectrum(r).layout.meta["alt"]                           | softmax, head 2: 9 values
figures.spectrum([r, r]).data.__len__()                          | 4
figures.cumulative(r, power=2).layout.yaxis.title.text           | energy
linviz.view("coffee", "performer directions=8", patches=4)       | performer directions=8
linviz.view("coffee", ["softmax", "uniform"], patches=4)         | softmax, uniform
linviz.view("coffee", specs=["softmax"], patches=4)              | softmax
linviz.view("coffee", "uniform", grid=(4, 4)).grid               | Grid(T=1, Y=4, X=4, prefix=0)
linviz.view("pan", "uniform", grid=(2, 4, 4)).grid               | Grid(T=2, Y=4, X=4, prefix=0)
linviz.view("coffee", "uniform", patches=4, query=(2, 3))        | query (0, 2, 3)
linviz.view(np.zeros((40, 60)), "uniform", patches=6).grid       | Grid(T=1, Y=4, X=6, prefix=0)
linviz.view(torch.rand(2, 3, 40, 60).half(), "uniform", patches=6).grid | Grid(T=2, Y=4, X=6, prefix=0)
linviz.view(Image.new("RGBA", (60, 40)), "uniform", patches=6)   | picture.png
linviz.view([Image.new("RGB", (60, 40))] * 2, "uniform", patches=6) | 2 frames of 4 x 6 patches
linviz.view(clips.load("coffee"), "uniform", patches=4)          | coffee.npz
linviz.view((x, x), "softmax", grid=(3, 3), head=2)              | 3 x 3 patches
linviz.view({"q": x, "k": x, "v": x, "grid": (3, 3)}, "softmax") | tensors.npz
linviz.view({"q": x, "k": x, "frames": pixels}, "softmax", head=0).clip.size | (1, 48, 48)
linviz.view({"q": x, "k": x[:, :, :4], "key_grid": (2, 2)}, "softmax").opened.keys | Grid(T=1, Y=2, X=2, prefix=0)
linviz.view((x.transpose(1, 2), x.transpose(1, 2)), "softmax", head=2) | 3 x 3 patches
linviz.view((x.reshape(1, 9, 16, 2),) * 2, "softmax", layout="BNHD") | 3 x 3 patches
linviz.view(linviz.views.View("coffee", patches=4, specs=("uniform",))) | uniform
view.readings["uniform"], view.table().shape, view.clip.name     | (8, 8)
"""

SENTENCES = r"""
Grid(14, 14) | Grid(14, 14) does not say which sides these are: write Grid(Y=14, X=14)
Grid(28, 20)                                        | write Grid(Y=28, X=20) for one picture, or Grid(8, 28, 20)
Grid((14, 14))                                      | does not say which sides
Grid(H=14, W=14)                                    | a grid has T frames, Y rows, X columns and prefix, not H, W
Grid(Y=14.5, X=3)                                   | the grid's Y must be a whole number; got 14.5
Grid(Y="14")                                        | got '14'
Grid(0, 3, 3)                                       | at least one frame
linviz.make("softmax", 1, 16, 196) | (rows, columns) or (frames, rows, columns), as in (14, 14); got 196
linviz.make("softmax", 1, 16, (14,))                | got (14,)
linviz.make("softmax", 1, 16, "14x14")              | got '14x14'
linviz.make("sofmax", 1, 16, (3, 3))                | did you mean 'softmax'?
linviz.make("softmax+gate", 1, 16, (3, 3))          | +gate needs the features of a kernel
linviz.make("softmax", 1.5, 16, (3, 3))             | heads must be a whole number; got 1.5
linviz.make("softmax", 1, 16, (3, 3), direction=3)  | softmax has no option direction; it has
linviz.make("performer", 1, 16, (3, 3), directions="many") | directions takes a whole number
linviz.make("softmax", 1, 16, (3, 3), seed="a")     | seed must be a whole number
linviz.make("softmax")                              | missing 3 required
linviz.make("performer directions=8", 1, 16, (3, 3)) | options are keywords, as in make(
clips.descriptors("chelsea", (14, 14))              | as clips.load('chelsea') gives it; got 'chelsea'
m(x.int(), x, x)                                    | q must be floating point; got int32
m(x.tolist(), x, x)                                 | q must be a tensor or an array of numpy; got list
m(np.array(["a"]), x, x)                            | q must be floating point
m(x[0], x[0], x[0])                                 | (batch, heads, tokens, width); got (2, 9, 16)
m(x[..., :8], x, x)                                 | softmax was made for width 16
m(x, x.to("meta"), x)                               | must lie on one device; some are on cpu, others on meta
m(x * float("nan"), x, x)                           | NaN or infinity
m(None, x, x)                                       | q must be a tensor or an array of numpy; got NoneType
m(x, x, x, bias="causal")                           | that is added to the scores; got 'causal'
m(x, x, x, bias=[[0.0]])                            | that is added to the scores; got [[0.0]]
m(x, x, x, mask=x)                                  | softmax has no mask=: it takes bias=
linviz.make("linear", 2, 16, (3, 3), causal=True).step("state", *[x[:, :, :1]] * 3) | or None before the first; got str
linviz.read("softmax", x, x, x)                     | read measures a mechanism that make has made
linviz.read(m, x[0], x[0], x[0])                    | (batch, heads, tokens, width)
r.rows("entropi")                                   | no row measure called 'entropi'
r.fixation                                          | add +gate
r.top_share(k="a")                                  | must be a whole number; got 'a'
a @ x[..., :4, :]                                   | a @ v needs one row of v per key, (..., 9, E); got v (1, 2, 4, 16)
a @ "v"                                             | a tensor or an array of numpy; got 'v'
x.numpy() @ a                                       | a map stands on the left
x @ a                                               | a map stands on the left
a[99]                                               | query 99 is outside the map: its numbers are 0..8
a[5, 99]                                            | key 99 is outside the map
a[0, 0, 5, 7]                                       | a[i] or a[i, j]; got 4 numbers
a["row"]                                            | as in 5, [5, 7] or 2:9; got 'row'
a[1.5]                                              | got 1.5
a.T                                                 | a map has no T, as it is not a tensor: take a.dense().T
a.sum(-1), a.numpy(), large.mT                      | a map has no sum, as
large.mT                                            | a map has no mT
a[True]                                             | got True
a.rows(9)                                           | query 9 is outside
a.rows(torch.tensor([1.0]))                         | got tensor
np.asarray(large)                                   | 62,500,000,000 weights
np.asarray(channels)                                | map.channel(c)
channels[5]                                         | map.channel(c)
Dense(np.ones((2, 2)))                              | not probability distributions
Dense("table")                                      | table (..., N, S) of numbers; got 'table'
figures.spectrum(a)                                 | drawn of a reading, as linviz.read gives it
figures.spectrum("softmax")                         | got str
figures.cumulative(r, power=3)                      | power must be 1
linviz.view("chelsee")                              | did you mean 'chelsea'?
linviz.view("nothing.png")                          | neither a file nor a sample
linviz.view("https://x.org/cat.png")                | nothing is fetched from the network
linviz.view(None)                                   | a view is of a sample's name
linviz.view([])                                     | got list
linviz.view("")                                     | '' is neither a file nor a sample
linviz.view({})                                     | q and k are missing
linviz.view(r, "softmax")                           | got Reading
linviz.view((x.reshape(1, 9, 16, 2),) * 2, "softmax") | can be read in two ways: say which layout it has, BHND (9 heads
linviz.view((x, x), "softmax", layout="heads")      | layout takes one of auto, BHND, BNHD
linviz.view((x, x[:, :, :4]), "swin")               | swin needs queries and keys on one grid
linviz.view({"q": x, "k": x, "frames": x * 9}, "softmax") | frames cannot be shown
linviz.view("coffee", "sofmax")                     | did you mean 'softmax'?
linviz.view("coffee", "softmax", "softmax")         | shows each mechanism once
linviz.view("coffee", m)                            | named by its spec
linviz.view("coffee", patch=28)                     | a view has no 'patch', did you mean 'patches'?
linviz.view("coffee", patches="many")               | patches takes a whole number from 1 to 112; got 'many'
linviz.view("coffee", "performer direction=8")      | performer has no option 'direction'
linviz.view("coffee", "uniform", specs=["softmax"]) | mechanisms are given twice
linviz.view("coffee", "uniform", grid=(4, 6))       | not to grid=(4, 6)
linviz.view("coffee", "uniform", grid=4)            | as in (14, 14); got 4
linviz.view("coffee", "uniform", patches=4, query=(9, 9)) | the query's row
linviz.view("pan", "uniform", patches=112)          | 100,352 tokens
linviz.view(pixels.astype(int))                     | colours must be uint8
linviz.view(np.full((4, 4, 3), 200.0))              | must lie in 0..1
linviz.view(torch.rand(40))                         | a picture is (Y, X)
linviz.view(x)                                      | q, k and v are given together
linviz.view([pixels, pixels[1:]])                   | the frames of a clip have one size
linviz.view([1, 2])                                 | got a list with int
linviz.view((x, x, x), "softmax", head=3)           | there is no head 3
linviz.view((x, x, x), "softmax", grid=(4, 4))      | has 16 tokens and q (1, 2, 9, 16) has 9
linviz.view((x[..., :8, :],) * 2, "softmax")        | 8 tokens form no square
linviz.view((x, x[..., :8, :]), "softmax")          | its 8 keys form no square
linviz.view((x.int(), x.int()), "softmax")          | q is int32
linviz.view((x, "k"), "softmax")                    | k must be a tensor or an array of numbers
linviz.view((x,), "softmax")                        | a tuple is (q, k) or (q, k, v)
linviz.view({"query": x, "k": x})                   | not query
linviz.view({"q": x})                               | k is missing
linviz.view(b"abc")                                 | it is text
view.save(None)                                     | under a name or a path, as in 'cat.png'; got None
view.save("a.jpg")                                  | by its ending a file is
view.save("nowhere/a.png")                          | there is no folder nowhere
view.save("a.mp4")                                  | makes no film
view.figure("spectra")                              | a view has the figures spectrum
view.readings["softmax"]                            | this view has no 'softmax'
linviz.nothing                                      | it has Grid, capture
"""

INSIDES = re.compile(r"Traceback|c10::|aten|dtype=|gufunc|scatter|m1 and m2|NoneType' object|not supported between|"
                     r"object has no attribute|core dimension|0x[0-9a-f]{6}")


def table(text: str) -> list[tuple[str, str]]:
    """Lines "call | word" as pairs."""
    pairs = (line.rpartition(" | ") for line in text.strip().splitlines())
    return [(call.strip(), word.strip()) for call, _, word in pairs]


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What every call gets: "answer" and how it prints, or "sentence" and the error."""
    calls = json.dumps([call for call, _ in table(ANSWERS) + table(SENTENCES)])
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", SETUP], input=calls, capture_output=True, text=True,
                          cwd=tmp_path_factory.mktemp("folder"), env=os.environ | {"PYTHONPATH": str(HOME)})
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout))


@every_case("call, word", table(ANSWERS))
def test_a_right_call_is_answered(call: str, word: str, typed: dict[str, list[str]]) -> None:
    kind, said = typed[call]
    assert kind == "answer", said
    assert word in said


@every_case("call, word", table(SENTENCES))
def test_a_wrong_call_gets_one_sentence(call: str, word: str, typed: dict[str, list[str]]) -> None:
    kind, said = typed[call]
    assert kind == "sentence" and word in said and not INSIDES.search(said), said
    assert "\n" not in said and not re.search(r"[.!] [A-Z]", said) and len(said) < 500, said


def test_there_are_enough_of_both() -> None:
    assert len(table(ANSWERS)) >= 40 and len(table(SENTENCES)) >= 80
