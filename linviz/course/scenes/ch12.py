"""What chapter 12 draws and counts: rank and bits of a map, its spectrum under a slider, and two models at work."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ... import spectra
from ...concentration import entropy
from ...figures import curves, reading_lines, spectrum, theme
from ...mechanisms import make
from ...models.colour_painting import Painting
from ..shipped_paintings import ShippedPainting

ZERO = 1e-10                                        # of the largest singular value: below, a value counts as zero
BLOCKS = {1: 28, 4: 14, 16: 7, 49: 4, 196: 2}       # blocks of 28 x 28 patches -> side of a block
POWERS = (1, 2, 3, 4, 6, 8)


@dataclass(frozen=True, eq=False)
class MapFacts:
    """Two numbers of a map, and its singular values (K,). bits: mean entropy of its rows; None if weights are signed.

    >>> MapFacts.of(torch.eye(4, dtype=torch.float64)).rank
    4
    """

    values: Tensor
    bits: float | None

    @classmethod
    def of(cls, table: Tensor) -> MapFacts:
        """The facts of a table of weights (N, S), best in float64."""
        return cls(torch.linalg.svdvals(table), entropy(table).mean().item() if bool((table >= 0).all()) else None)

    @property
    def rank(self) -> int:
        """The number of singular values above ZERO times the largest."""
        return int(spectra.numerical_rank(self.values, ZERO))

    @property
    def effective(self) -> float:
        """The effective rank."""
        return spectra.effective_rank(self.values).item()


def block_facts(q: Tensor, k: Tensor, v: Tensor, grid: Any) -> dict[int, MapFacts]:
    """MHLA with 1, 4, 16, 49 and 196 blocks on a grid of 28 x 28: its facts by the number of blocks."""
    return {blocks: MapFacts.of(make("mhla", 1, q.shape[-1], grid, block=side).to(q.dtype).map(q, k, v)
                                .dense()[0, 0].detach()) for blocks, side in BLOCKS.items()}


def power_facts(q: Tensor, k: Tensor, v: Tensor, grid: Any) -> dict[int, MapFacts]:
    """Focused attention with rising powers: its facts by the power."""
    return {p: MapFacts.of(make("focused", 1, q.shape[-1], grid, power=p).to(q.dtype).map(q, k, v)
                           .dense()[0, 0].detach()) for p in POWERS}


def spectrum_at(setting: float, *, found: Mapping[int, MapFacts], spec: str, name: str) -> Any:
    """The spectrum of the map at one setting, beside that at the first setting; rank and bits stand in the title.

    >>> facts = {1: MapFacts.of(torch.eye(3)[:1]), 2: MapFacts.of(torch.eye(3))}
    >>> spectrum_at(2, found=facts, spec="mhla", name="blocks").layout.title.text
    'blocks 2: rank 3, entropy 0.00 bits'
    """
    first, at = next(iter(found)), int(setting)
    lines = [_spectral_line(f"{name} {n}", s, found[n]) for n, s in {first: "relu", at: spec}.items()]
    facts = found[at]
    return spectrum(lines, title=f"{name} {at}: rank {facts.rank}, entropy {facts.bits:.2f} bits")


def _spectral_line(title: str, spec: str, facts: MapFacts) -> reading_lines.Line:
    values = facts.values[:facts.rank].tolist()
    return reading_lines.Line(title, spec, "kernel", values, tolerance=ZERO * values[0])


def layer_facts(painting: Painting) -> list[tuple[float, float, int]]:
    """Bits, effective rank and rank of every layer of a painting, each the mean over heads (the rank: the largest)."""
    out = []
    for layer in painting.layers:
        heads = [MapFacts.of(head) for head in layer.map.dense()[0].double()]
        ranks = [int(spectra.numerical_rank(f.values, 1e-6)) for f in heads]    # the maps come in float32
        out.append((sum(f.bits or 0.0 for f in heads) / len(heads), sum(f.effective for f in heads) / len(heads),
                    max(ranks)))
    return out


def painted_at(step: float, *, trained: Sequence[ShippedPainting]) -> Any:
    """What two models see, what each has painted after a number of steps, and their R2 on this picture by step."""
    at = int(step)
    said = ", ".join(f"{one.spec} {one.scores[at]:.2f}" for one in trained)
    fig = theme.empty_figure(f"After {at} steps, R2 on the flower: {said}. Above the two curves of R2 by step stand "
                             "the grey picture with its hints, what both models paint, and the true picture.")
    for one in trained:
        curve = curves.Curve(one.spec, one.spec, "softmax" if one.spec == "softmax" else "kernel", [], [])
        fig.add_scatter(x=list(one.scores), y=list(one.scores.values()), name=one.spec, line=curve.line(2),
                        marker=curve.marker(7), mode="lines+markers")
    fig.add_vline(x=at, line=theme.level_line(False))
    row = {"the model sees": trained[0].seen, **{f"{one.spec} paints": one.pictures[at] for one in trained},
           "true colours": trained[0].true}
    for n, (words, picture) in enumerate(row.items()):
        _add_picture(fig, picture, words, n / len(row), 0.96 / len(row))
    fig.update_layout(height=500, width=760, margin={"t": 260}, xaxis_title="step of the training",
                      yaxis_title="R2 on the flower (1 is perfect)", title=theme.top_title(f"After {at} steps: {said}"),
                      legend={"orientation": "v", "x": 0.98, "xanchor": "right", "y": 0.05, "yanchor": "bottom"})
    return fig


def _add_picture(fig: Any, picture: str, words: str, left: float, wide: float) -> None:
    """A picture above the axes, with words over it."""
    fig.add_layout_image(source=picture, xref="paper", yref="paper", x=left, y=1.04, sizex=wide, sizey=0.95,
                         xanchor="left", yanchor="bottom")
    fig.add_annotation(text=words, xref="paper", yref="paper", x=left, y=1.99, xanchor="left", yanchor="bottom",
                       showarrow=False)
