"""Six published statements about attention, each tried on the queries, keys and values at hand.

A statement may hold under one measure and fail under another. So each names its measure and its control, and a trial
gives a verdict, the sentence that explains it, and the numbers from which both follow. A verdict on one picture says
nothing about other pictures: the explorer's page Claims gives it for every sample photograph as well.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import spectra
from .concentration import total_variation
from .grid import Grid
from .mechanisms import make
from .query_length import length_sensitivity
from .reading import Reading, read

VERDICTS = {"holds": "holds here", "partly": "holds in part", "fails": "does not hold here"}
MOST_TOKENS = 1024  # patches: the whole table of weights is needed
KEPT = 0.08         # the share of each row that is set aside as its largest weights
SHOULDER = 4        # "low rank": at most the number of patches divided by this
EQUAL = 1e-4        # maps that differ by less than this part of their largest weight are equal


@dataclass(frozen=True)
class Trial:
    """What came of one statement. numbers: (what, value, unit) each; verdict: a key of VERDICTS."""

    verdict: str
    words: str
    numbers: tuple[tuple[str, float, str], ...]


@dataclass(frozen=True)
class Claim:
    """What papers claim, in one sentence of ours; where it comes from, how it is tried, and the trial itself."""

    sentence: str
    source: str
    test: str
    trial: Callable[[Attended], Trial]


class Attended:
    """Queries, keys and values (B, H, N, D), read by any mechanism; each reading is made once."""

    def __init__(self, q: Tensor, k: Tensor, v: Tensor, grid: Grid) -> None:
        if q.shape[-2] != len(grid) or k.shape[-2] != len(grid):
            raise ValueError(f"the statements are about a picture that attends to itself: one query and one key per "
                             f"token of {grid}; got q {tuple(q.shape)} and k {tuple(k.shape)}")
        if not 16 <= len(grid) <= MOST_TOKENS:
            raise ValueError(f"the statements are tried on 16 to {MOST_TOKENS:,} tokens, because the whole table of "
                             f"weights is needed; got {len(grid):,}")
        self.q, self.k, self.v, self.grid = q, k, v, grid
        self._read: dict[str, Reading] = {}

    def reading(self, spec: str, **options: Any) -> Reading:
        """One mechanism on these tokens."""
        key = f"{spec} {sorted(options.items())}"
        if key not in self._read:
            m = make(spec, self.q.shape[1], self.q.shape[-1], self.grid, **options)
            self._read[key] = read(m, self.q, self.k, self.v)
        return self._read[key]

    def bits(self, spec: str, **options: Any) -> float:
        """The mean entropy of the rows of a mechanism, in bits."""
        return self.reading(spec, **options).rows("entropy").double().nanmean().item()

    def table(self, spec: str, **options: Any) -> Tensor:
        """The whole map of a mechanism (B, H, N, N), as float64."""
        with torch.no_grad():
            return self.reading(spec, **options).whole.dense().double()


def equivalent(tokens: Attended) -> Trial:
    """Efficient attention against dot-product attention, in both its forms."""
    scaled, dot = tokens.table("efficient", normalise="scale"), tokens.table("nonlocal", similarity="dot")
    apart = ((scaled - dot).abs().amax() / dot.abs().amax()).item()
    moved = total_variation(tokens.table("efficient"), tokens.table("nonlocal")).mean().item()
    words = (f"With scores divided by the number of keys, both maps are {'equal' if apart < EQUAL else 'different'}. "
             f"With softmax, {moved:.0%} of the weight of a row lies on other patches than in softmax attention.")
    verdict = "fails" if apart >= EQUAL else "partly" if moved > 0.01 else "holds"
    return Trial(verdict, words, (("largest difference, scaling form", apart, "of the largest weight"),
                                  ("total variation, softmax form", moved, "of 1")))


def low_rank(tokens: Attended) -> Trial:
    """The effective rank of softmax, beside the same for queries and keys that have nothing to do with each other."""
    N = len(tokens.grid)
    own, strange = (spectrum_numbers(table) for table in (tokens.table("softmax"), stranger_table(tokens)))
    words = (f"Its effective rank is {own[0]:.0f} of {N}; a quarter of the singular values hold {own[1]:.0%} of their "
             f"sum. For random queries and keys of the same lengths it is {strange[0]:.0f}, and they hold "
             f"{strange[1]:.0%}.")
    verdict = "fails" if own[0] > N / SHOULDER else "holds" if own[0] < strange[0] / 2 else "partly"
    return Trial(verdict, words, (("effective rank of softmax", own[0], f"of {N}"),
                                  ("effective rank, random q and k", strange[0], f"of {N}"),
                                  ("sum of the largest quarter", own[1], "of 1"),
                                  ("the same, random q and k", strange[1], "of 1")))


def spectrum_numbers(table: Tensor) -> tuple[float, float]:
    """The effective rank of a table, and the share of the largest quarter of its singular values in their sum."""
    s = torch.linalg.svdvals(table)
    quarter = spectra.cumulative_share(s)[..., s.shape[-1] // SHOULDER - 1]
    return spectra.effective_rank(s).mean().item(), quarter.mean().item()


def stranger_table(tokens: Attended) -> Tensor:
    """Softmax attention of random queries and keys, each as long as the one that it replaces."""
    chance = torch.Generator().manual_seed(0)

    def replaced(x: Tensor) -> Tensor:
        drawn = torch.randn(x.shape, generator=chance).to(x)
        return drawn * x.norm(dim=-1, keepdim=True) / drawn.norm(dim=-1, keepdim=True)

    m = make("softmax", tokens.q.shape[1], tokens.q.shape[-1], tokens.grid)
    with torch.no_grad():
        return m.map(replaced(tokens.q), replaced(tokens.k), tokens.v).dense().double()


def low_rest(tokens: Attended) -> Trial:
    """Both ranks of softmax without its largest weights, and of these."""
    whole = tokens.table("softmax")
    most = whole >= whole.topk(max(1, round(KEPT * whole.shape[-1])), -1).values[..., -1:]
    few, rest = (torch.linalg.svdvals(whole * part) for part in (most, ~most))
    stable = [spectra.stable_rank(s).mean().item() for s in (few, rest)]
    effective = [spectra.effective_rank(s).mean().item() for s in (few, rest)]
    lower = [x[1] < x[0] for x in (stable, effective)]
    words = (f"Without the largest {KEPT:.0%} of each row, the stable rank is {stable[1]:.1f}, against {stable[0]:.1f} "
             f"of the part that was taken away. The effective rank is {effective[1]:.0f}, against {effective[0]:.0f}.")
    verdict = "holds" if all(lower) else "partly" if any(lower) else "fails"
    return Trial(verdict, words, (("stable rank of the rest", stable[1], ""), ("of the largest weights", stable[0], ""),
                                  ("effective rank of the rest", effective[1], ""),
                                  ("effective rank of the largest weights", effective[0], "")))


def unconcentrated(tokens: Attended) -> Trial:
    """The entropy of five linear mechanisms beside that of softmax."""
    softmax = tokens.bits("softmax")
    found = {name: tokens.bits(name) for name in ("linear", "relu_floor", "relu", "cosformer", "focused")}
    sharper = [name for name, bits in found.items() if bits < softmax]
    said = f"Less have {' and '.join(sharper)}." if sharper else "All five linear mechanisms have more."
    words = f"Softmax has {softmax:.2f} bits of entropy. {said}"
    verdict = "holds" if not sharper else "partly" if len(sharper) < len(found) else "fails"
    return Trial(verdict, words, tuple((name, bits, "bits") for name, bits in ({"softmax": softmax} | found).items()))


def lost_length(tokens: Attended) -> Trial:
    """What a query 64 times as long changes under softmax, a homogeneous kernel, and elu + 1."""
    entropy = {name: length_sensitivity(tokens.reading(name)).values for name in ("softmax", "relu", "linear")}
    moved = {name: x[0] - x[-1] for name, x in entropy.items()}
    words = (f"From a quarter to sixteen times its length, a query loses {moved['softmax']:.2f} bits of entropy under "
             f"softmax, {abs(moved['relu']):.2f} under relu and {moved['linear']:.2f} under elu + 1. Twice the query "
             "is twice its feature under relu, and not under elu + 1.")
    still = [abs(moved[name]) < 0.01 * abs(moved["softmax"]) for name in ("relu", "linear")]
    verdict = "holds" if all(still) else "partly" if any(still) else "fails"
    return Trial(verdict, words, tuple((f"entropy lost, {name}", x, "bits") for name, x in moved.items()))


def gate_concentrates(tokens: Attended) -> Trial:
    """Three gates without training on the floor, beside the kernel without its floor."""
    floor, bare = tokens.bits("relu_floor"), tokens.bits("relu")
    gated = [tokens.bits("relu_floor+gate", seed=seed) for seed in range(3)]
    gained, dropped = floor - sum(gated) / 3, floor - bare
    words = (f"Three untrained gates take away {gained:.3f} bits of entropy on average; dropping the floor takes away "
             f"{dropped:.3f}. What a gate learns is another question: see Evidence.")
    verdict = "fails" if gained <= 0 else "partly" if gained < dropped else "holds"
    return Trial(verdict, words, (("entropy with the floor", floor, "bits"), ("without the floor", bare, "bits"),
                                  *((f"floor and gate, seed {n}", bits, "bits") for n, bits in enumerate(gated))))


CLAIMS = {
    "equivalent": Claim(
        "Efficient attention is mathematically equivalent to dot-product attention.",
        "Shen et al., 2018, arXiv 1812.01243",
        "The maps of both forms, beside dot-product attention with the same normaliser.", equivalent),
    "low_rank": Claim(
        "The map of self-attention is of low rank.", "Wang et al., 2020, arXiv 2006.04768 (Linformer)",
        "Effective rank of the softmax map: low is at most a quarter of the patches, and at most half of what random "
        "queries and keys have.", low_rank),
    "low_rest": Claim(
        "Without its few largest weights, the rest of a softmax map is of low rank.",
        "Zhang et al., 2025, arXiv 2509.24006 (SLA)",
        f"Stable and effective rank without the largest {KEPT:.0%} of each row, beside those of that part.", low_rest),
    "unconcentrated": Claim(
        "Linear attention does not concentrate.",
        "Han et al., 2023, arXiv 2308.00442 (FLatten); Lu et al., 2022, arXiv 2210.08164",
        "Mean entropy of the rows of five linear mechanisms, beside softmax on the same queries and keys.",
        unconcentrated),
    "lost_length": Claim(
        "Linear attention forgets the length of the query.", "Fan et al., 2025, arXiv 2507.00698 (MALA)",
        "Entropy at a quarter to sixteen times the length of every query, keys as they are.", lost_length),
    "gate": Claim(
        "A gate on the features makes linear attention concentrate.", "Lu et al., 2022, arXiv 2210.08164",
        "Entropy with three gates that nobody has trained, beside the kernel without its floor.", gate_concentrates)}


def try_claims(q: Tensor, k: Tensor, v: Tensor, grid: Grid) -> dict[str, Trial]:
    """Every statement of CLAIMS on these tokens (B, H, N, D), N from 16 to 1,024: a trial for each.

    ValueError, in one sentence, where q and k do not belong to one grid of that size.

    >>> q, k, v = torch.randn(3, 1, 1, 36, 8, generator=torch.Generator().manual_seed(0))
    >>> try_claims(q, k, v, Grid(Y=6, X=6))["equivalent"].verdict
    'partly'
    """
    tokens = Attended(q, k, v, grid)
    return {name: claim.trial(tokens) for name, claim in CLAIMS.items()}
