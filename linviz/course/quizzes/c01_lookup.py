"""The quiz of chapter 1, attention as soft lookup. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ... import Grid, make
from ...concentration import effective_tokens
from ...spectra import numerical_rank
from ..quiz import Choice, Question, Quiz

N, D, S = 128, 8, 256


def _normal(*sizes: int) -> Tensor:
    return torch.randn(*sizes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def recount_scale() -> Mapping[str, str]:
    """Effective tokens of random rows over 256 keys, of 4 and of 256 channels, without the root."""
    found = []
    for width in (4, 256):
        q, k = _normal(2, S, width)
        found.append(effective_tokens((q @ k.mT).softmax(-1)).mean().item())
    return {"narrow": "4", "wide": "256", "S": f"{S}", "before": f"{found[0]:.0f}", "after": f"{found[1]:.1f}"}


def recount_heads() -> Mapping[str, str]:
    """One head's output and the difference of two heads, on a flat picture whose values are all 5."""
    m = make("softmax", 2, D, Grid(X=N))
    q, k, _ = _normal(3, 1, 2, N, D)
    o = m(q, k, torch.full((1, 2, N, D), 5.0, dtype=torch.float64))
    return {"flat": "5", "one": f"{o[0, 0, 0, 0].item():.0f}",
            "two": f"{abs(round((o[:, 0] - o[:, 1]).abs().max().item(), 6)):.0f}"}


def recount_rank() -> Mapping[str, str]:
    """Ranks of random scores and of their softmax."""
    q, k, v = _normal(3, 1, 1, N, D)
    a = make("softmax", 1, D, Grid(X=N)).map(q, k, v)
    scores = torch.linalg.svdvals(q @ k.mT)
    ranks = [int(numerical_rank(s, a.tolerance)) for s in (scores, a.singular_values())]
    return {"N": f"{N}", "D": f"{D}", "scores": f"{ranks[0]}", "map": f"{ranks[1]}", "more": f"{D + 1}"}


def recount_order() -> Mapping[str, str]:
    """How much the outputs of shuffled tokens differ from the shuffled outputs, and from the outputs in place."""
    m, order = make("softmax", 1, D, Grid(X=N)), torch.randperm(N, generator=torch.Generator().manual_seed(1))
    q, k, v = _normal(3, 1, 1, N, D)
    before, after = m(q, k, v), m(*(x[..., order, :] for x in (q, k, v)))
    return {"N": f"{N}", "same": f"{(after - before[..., order, :]).abs().max().item():.2f}"}


SCALE = Question(
    "Somebody forgets the root of D. Queries and keys are random numbers of variance 1. A row over {S} keys then looks "
    "at about {before} of them if heads have {narrow} channels. At how many does it look if heads have {wide}?",
    (Choice("{before} again: the softmax divides by the row's sum anyway.",
            "After the division the weights sum to one, but the spread of the scores remains: of two scores that are "
            "far apart, the larger still gets nearly all the weight."),
     Choice("About {after}.",
            "The spread of the scores grows like the root of D, and the exponential gives nearly all weight to the "
            "largest score. The pulls of such a row are nearly zero, so it hardly learns.", right=True),
     Choice("All {S}: with more channels the noise averages out.",
            "A mean over channels would do that. The score is their sum, and the spread of a sum grows.")),
    "pull", {"narrow": "4", "wide": "256", "S": "256", "before": "73", "after": "1.5"}, recount_scale)

HEADS = Question(
    "A layer should give zero on every flat picture (all values equal) and something else on others. What does it "
    "need?",
    (Choice("One head with enough channels.",
            "The rows of its map sum to one, so if all values are {flat}, the mean is {one}, for any number of "
            "channels. A matrix that maps every such mean to zero maps everything to zero."),
     Choice("One head at a very low temperature.",
            "Such a head takes the value of one patch. On a flat picture this value is {one}, too."),
     Choice("Two heads that look at different places, one with a minus sign.",
            "Both give {one} on the flat picture, so the difference is {two}. Where the picture is not flat, the "
            "difference shows an edge.", right=True)),
    "heads", {"flat": "5", "one": "5", "two": "0"}, recount_heads)

RANK = Question(
    "There are {N} random tokens with {D} channels. What are the numerical ranks of the scores and of their softmax?",
    (Choice("{scores} and {scores}: the softmax only normalises the rows.",
            "Dividing rows by their sums does not change the rank. But the softmax first takes the exponential of "
            "each score, and this changes the rank."),
     Choice("{scores} and {more}: one more for the row sums.",
            "Adding a constant to every score may add one. The exponential adds all powers of the scores, and each "
            "power adds its own patterns."),
     Choice("{scores} and {map}.",
            "A product through {D} channels has rank {scores} at most. The exponential of each score contains all "
            "powers, and gives full rank.", right=True)),
    "rank", {"N": "128", "D": "8", "scores": "8", "map": "128", "more": "9"}, recount_rank)

ORDER = Question(
    "The {N} tokens of a picture contain no information about their place. They are shuffled before softmax attention. "
    "What is the output?",
    (Choice("The same output at every place of the grid as before.",
            "Each output belongs to its query, and the queries have moved. The output moves with its token."),
     Choice("The old output, shuffled as the tokens were.",
            "The difference from the shuffled old output is {same}. A row is a lookup in a set: neither the scores nor "
            "the sum over keys depends on the order of the keys.", right=True),
     Choice("Another output: neighbours attend to each other, and the neighbours have changed.",
            "Only if a token contains its place. Otherwise attention does not know which tokens are neighbours.")),
    "order", {"N": "128", "same": "0.00"}, recount_order)

lookup = Quiz("Attention as soft lookup", (SCALE, HEADS, RANK, ORDER))
