"""The same numbers everywhere: a chapter as it runs, the explorer's page, the right answers, the printed answer key.

The sample is the opening: the cat, 28 x 28 patches, softmax, the floor, and the gate fitted to softmax.
"""
from __future__ import annotations

import base64
import math
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import linviz
from linviz import Grid, clips
from linviz.course import checks
from tests.course.answers import ANSWERS
from tests.explorer.harness import quiet, view, visit

from .books import PLOTLY, ROOT, outputs, ran

pytestmark = pytest.mark.xdist_group("chapters that are run")
CHAPTER = "13_feature_fixation"
DATA = re.compile(r'<data value="([^"]+)">')
SPECS = ("softmax", "relu_floor", "relu_floor+gate")
Numbers = dict[str, list[float]]


@cache
def notebook() -> Numbers:
    """Entropy, top share and ranks of the three maps, as the executed chapter shows them."""
    texts = [o.get("data", {}).get("text/markdown", "") for _, o in outputs(ran(CHAPTER, "solution"))]
    first, last = ([[float(x) for x in DATA.findall(row)] for row in text.splitlines() if "<data" in row]
                   for text in texts if "<data" in text)
    return {"entropy": [row[0] for row in first], "top share": [row[1] for row in first],
            "numerical rank": [row[0] for row in last], "effective rank": [row[1] for row in last]}


@cache
def page() -> tuple[Numbers, dict[str, Any]]:
    """The same from the explorer's opening, and what its view was sent of the gate."""
    app = quiet(visit())
    rows = {re.sub(r"<[^>]+>", "", row).split(" (")[0]: [float(x) for x in DATA.findall(row)]
            for element in app.get("html") for row in re.findall(r"<tr>(.*?)</tr>", element.proto.body)}
    named = {name: next(cells for title, cells in rows.items() if title.startswith(name))
             for name in ("entropy", "share of the top 10", "numerical rank", "effective rank")}
    means = {name: named[name][1::2] for name in ("entropy", "share of the top 10")}
    wire = view(app)["panels"][2]["wire"]
    return {"entropy": means["entropy"], "top share": means["share of the top 10"],
            "numerical rank": named["numerical rank"], "effective rank": named["effective rank"]}, wire


@cache
def sample() -> tuple[Grid, Any]:
    """Queries, keys and values of the opening."""
    opening = clips.OPENING
    return opening.grid, clips.descriptors(clips.fit(clips.load(opening.name), opening.grid), opening.grid,
                                           opening.temperature)


@cache
def key() -> Numbers:
    """The same by the right answers of exercises 0.2, 3.1, 3.2 and 11.1, from each map written out."""
    found: Numbers = {"entropy": [], "top share": [], "numerical rank": [], "effective rank": []}
    grid, (q, k, v) = sample()
    wire = page()[1]
    for spec in SPECS:
        m = linviz.make(spec, 1, q.shape[-1], grid)
        if m.gate is not None:
            m.gate.load_state_dict({name.replace("_", "."): torch.tensor(wire["gate"][name][-1]) for name in
                                    ("q_weight", "q_bias", "k_weight", "k_bias")})
        tolerance = m.requires_grad_(False).map(q, k, v).tolerance
        a = m.double().map(q.double(), k.double(), v.double()).dense()[0, 0]
        s = torch.linalg.svdvals(a)[None]
        found["entropy"].append(checks.ALL["effective_tokens"].right(a).log2().mean().item())
        top = torch.stack([ANSWERS["favourites"][0](a, i, 10)[1].sum() for i in range(len(a))])
        found["top share"].append(100 * top.mean().item())
        found["numerical rank"].append(float(checks.ALL["numerical_rank"].right(s, tolerance)))
        found["effective rank"].append(float(checks.ALL["effective_rank"].right(s)))
    return found


@pytest.mark.parametrize("name", ["entropy", "top share", "numerical rank", "effective rank"])
def test_notebook_explorer_and_answer_key_agree(name: str) -> None:
    shown = [numbers[name] for numbers in (notebook(), page()[0], key())]
    assert [len(x) for x in shown] == [3, 3, 3]
    for other in shown[1:]:
        assert other == pytest.approx(shown[0], rel=1e-6)


def test_the_printed_answer_key_says_what_the_chapter_says() -> None:
    """Rows of softmax and of the floor, digit by digit; the gate's depend on a fit, and that on the machine."""
    printed = (ROOT / "teaching" / "instructor" / f"{CHAPTER}.md").read_text(encoding="utf-8")
    texts = (o.get("data", {}).get("text/markdown", "") for _, o in outputs(ran(CHAPTER, "solution")))
    rows = [re.sub(r"</?data[^>]*>", "", row) for text in texts for row in text.splitlines()
            if "<data" in row and "+ gate" not in row]
    assert len(rows) == 4 and [row for row in rows if f" {row}\n" not in printed] == []


def stored(x: Any) -> Any:
    """An array as plotly writes it into a notebook."""
    flat = np.frombuffer(base64.b64decode(x["bdata"]), x["dtype"])
    return flat.reshape([int(n) for n in x["shape"].split(",")]).astype(np.float64)


def test_the_fixation_ratios_agree() -> None:
    """Of the row of patches that chapter 13 draws: its figure, the explorer's view, and exercise 13.2."""
    drawn = next(o.data[PLOTLY] for _, o in outputs(ran(CHAPTER, "solution"))
                 if "opens a few channels" in str(o.get("data", {}).get(PLOTLY, {}).get("layout", {}).get("title")))
    figure = [10.0 ** stored(trace["z"]) for trace in drawn["data"][:2]]                  # (M, X): channels by patches
    wire = page()[1]
    grid, (_, _, v) = sample()
    across = slice(first := grid.number(0, clips.OPENING.place[0], 0), first + grid.X)
    seen = [torch.tensor(x, dtype=torch.float64)[across] for x in (wire["phi_q"], wire["phi_k"], v[0, 0].numpy())]
    for side, figured in zip("qk", figure, strict=True):
        sent = 1 / (1 + np.exp(-wire[f"z_{side}"][across].astype(np.float64)))
        layer = [torch.tensor(wire["gate"][f"{side}_{part}"][-1], dtype=torch.float64) for part in ("weight", "bias")]
        answer = checks.ALL["fixation"].right(*seen, *layer).numpy()
        np.testing.assert_allclose(sent, answer, atol=1e-6)
        np.testing.assert_allclose(figured.T, np.maximum(answer, 1e-4), atol=1e-6)
        assert sent.max() > 0.1 and math.isclose(sent.shape[0], grid.X)
