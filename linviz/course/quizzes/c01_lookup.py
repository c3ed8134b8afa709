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
    """Over how many of 256 keys random rows of 4 and of 256 channels are spread, without the root."""
    found = []
    for width in (4, 256):
        q, k = _normal(2, S, width)
        found.append(effective_tokens((q @ k.mT).softmax(-1)).mean().item())
    return {"narrow": "4", "wide": "256", "S": f"{S}", "before": f"{found[0]:.0f}", "after": f"{found[1]:.1f}"}


def recount_heads() -> Mapping[str, str]:
    """What the difference of two heads says of a flat picture whose values are all 5."""
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
    "Somebody forgets the root of D. Queries and keys are random numbers of variance 1; a row over {S} keys then rests "
    "on about {before} of them if heads have {narrow} channels. On how many if heads have {wide}?",
    (Choice("{before} again: the softmax divides by the row's sum anyway.",
            "Dividing by the row's sum makes shares. It does not undo a spread: of two scores that are far apart, the "
            "larger still takes nearly everything."),
     Choice("About {after}.",
            "Scores spread like the root of D, so they lie far apart, and the exponential gives nearly all to the "
            "largest. Such a row hardly pulls at anything, so it hardly learns.", right=True),
     Choice("All {S}: more channels average the noise away.",
            "A mean over channels would do that. The score is their sum, and the spread of a sum grows.")),
    "pull", {"narrow": "4", "wide": "256", "S": "256", "before": "73", "after": "1.5"}, recount_scale)

HEADS = Question(
    "A layer shall answer zero on every flat picture (all values alike) and something else on others. What does it "
    "need?",
    (Choice("One head with enough channels.",
            "The rows of its map sum to one, so if all values are {flat}, its mean is {one}, however many channels "
            "scored. A matrix after it that makes zero of every such mean makes zero of everything."),
     Choice("One head, very cold.",
            "A cold head takes the value of one patch. On a flat picture that is {one}, too."),
     Choice("Two heads that look at different places, one of them with a minus sign behind it.",
            "Both say {one} on the flat picture, the difference is {two}; and where the picture is not flat it shows "
            "an edge.", right=True)),
    "heads", {"flat": "5", "one": "5", "two": "0"}, recount_heads)

RANK = Question(
    "{N} random tokens, {D} channels. What are the numerical ranks of the scores and of their softmax?",
    (Choice("{scores} and {scores}: the softmax only makes shares.",
            "Dividing rows by their sums does leave the rank alone. But before that comes the exponential, number by "
            "number, and it does not."),
     Choice("{scores} and {more}: one more for the row sums.",
            "One more is what adding a constant to every score may bring. The exponential adds all powers of the "
            "scores, and each brings patterns of its own."),
     Choice("{scores} and {map}.",
            "A product through {D} channels has no more than that. The exponential of each number has every power in "
            "it, and fills the table up.", right=True)),
    "rank", {"N": "128", "D": "8", "scores": "8", "map": "128", "more": "9"}, recount_rank)

ORDER = Question(
    "The {N} tokens of a picture are shuffled before a softmax attention without any sign of place. What comes out?",
    (Choice("The same output at every place of the grid as before.",
            "Each output belongs to its query, and the queries have moved. It is found where its token went."),
     Choice("The old output, shuffled as the tokens were.",
            "Shuffled outputs differ by {same} from that. A row is a lookup in a set: neither the scores nor the sum "
            "over keys knows in which order the keys came.", right=True),
     Choice("Something else: neighbours attend to each other, and they have changed.",
            "Only if a token says where it is. Without such a sign there are no neighbours in attention.")),
    "order", {"N": "128", "same": "0.00"}, recount_order)

lookup = Quiz("Attention as soft lookup", (SCALE, HEADS, RANK, ORDER))
