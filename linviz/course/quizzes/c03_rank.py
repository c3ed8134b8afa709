"""The quiz of chapter 3, a map is a matrix. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, clips, make
from ...spectra import cumulative_share, effective_rank, numerical_rank, participation_ratio, stable_rank
from ..quiz import Choice, Question, Quiz
from ..scenes.ch03 import Pieces, quiet_map

KEPT, N, D, FIRST = 64, 512, 64, 128


def recount_copy() -> Mapping[str, str]:
    """Signs and row sums of the best copy of the opening photograph's softmax map."""
    opening = clips.OPENING
    q, k, v = clips.descriptors(clips.load(opening.name), opening.grid, opening.temperature)
    copy = Pieces.of(make("softmax", 1, q.shape[-1], opening.grid).map(q, k, v)).copy(KEPT).dense()
    sums = copy.sum(-1)
    return {"kept": f"{KEPT}", "all": f"{len(opening.grid)}", "negative": f"{100 * (copy < 0).double().mean():.0f}",
            "low": f"{sums.min():.2f}", "high": f"{sums.max():.2f}"}


def recount_cast() -> Mapping[str, str]:
    """The rank of one map with weak channels, counted in three ways."""
    a = quiet_map()
    table = a.dense()[0, 0].float()
    single, cast = (int(torch.linalg.matrix_rank(x)) for x in (table, table.double()))
    return {"N": f"{a.shape[0]}", "M": f"{a.rank_bound}", "single": f"{single}", "cast": f"{cast // 100}00",
            "factors": f"{int(numerical_rank(a.singular_values(), a.tolerance))}"}


def recount_claim() -> Mapping[str, str]:
    """The softmax map of random queries and keys: what its first singular values hold, and its rank."""
    q, k = torch.randn(2, 1, 1, N, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a = make("softmax", 1, D, Grid(X=N)).map(q, k, k)
    s = a.singular_values()
    of, energy = (cumulative_share(s, power)[0, 0, FIRST - 1] for power in (1, 2))
    return {"N": f"{N}", "first": f"{FIRST}", "sum": f"{100 * of:.0f}", "energy": f"{100 * energy:.0f}",
            "rank": f"{int(numerical_rank(s, a.tolerance))}"}


def recount_choose() -> Mapping[str, str]:
    """Four counts of one spectrum: one strong direction and fifteen weak ones."""
    s = torch.tensor([1.0, *[0.1] * 15], dtype=torch.float64)
    return {"weak": "0.1", "stable": f"{stable_rank(s):.2f}", "participation": f"{participation_ratio(s):.2f}",
            "effective": f"{effective_rank(s):.2f}", "numerical": f"{int(numerical_rank(s, 1e-6))}"}


COPY = Question(
    "What is the nearest copy of a softmax map with {kept} of its {all} directions?",
    (Choice("Softmax attention again, a little blurred.",
            "It is near to softmax attention, but not attention in the strict sense: {negative} % of its weights are "
            "negative, and its row sums go from {low} to {high}."),
     Choice("A signed table whose rows do not sum to one.",
            "A low-rank copy need not be positive or normalised: {negative} % of its weights are negative, and row "
            "sums go from {low} to {high}. Entropy is not defined for such rows.", right=True),
     Choice("The same map, since softmax maps are of low rank.",
            "This map has full rank. Its copy is near in the sum of squares over all pairs, but it is not the same "
            "map.")),
    "directions", {"kept": "64", "all": "784", "negative": "26", "low": "0.74", "high": "1.35"}, recount_copy)

CAST = Question(
    "A kernel map has {N} patches and {M} features. Its table in float32 has rank {single}; the same table, cast to "
    "float64, has a rank above {cast}; the factors give rank {factors}. Which rank is right?",
    (Choice("{single}: it is the most cautious.",
            "Its tolerance covers every rounding error that a float32 table may have. But it also hides small "
            "directions that really exist."),
     Choice("More than {cast}: float64 is more exact.",
            "The table was rounded before the cast. float64 keeps these rounding errors exactly, and the rank counts "
            "them as directions. No product with {M} features can have such a rank."),
     Choice("{factors}: the factors were never multiplied.",
            "Small singular values come from small columns, and a column keeps all its digits. In the table, small and "
            "large values are added and rounded.", right=True)),
    "tolerance", {"N": "784", "M": "20", "single": "4", "cast": "700", "factors": "20"}, recount_cast)

CLAIM = Question(
    "Softmax of {N} random queries and keys: the first {first} singular values hold {sum} % of the sum. What follows "
    "for the rank?",
    (Choice("It is about {first}.",
            "The rank is {rank}. A curve that rises early says that singular values fall, not that they become zero."),
     Choice("Nothing: a map of full rank has such a curve, too.",
            "The rank is {rank}, and the queries and keys are random. Of the energy, the sum of squares, the same "
            "{first} values hold {energy} %: always say which of the two you plot.", right=True),
     Choice("It is below {N}, because of the bend.",
            "The rank is {rank}, all of {N}. The bend compares large values with small ones; small is not zero.")),
    "claim", {"N": "512", "first": "128", "sum": "64", "energy": "91", "rank": "512"}, recount_claim)

CHOOSE = Question(
    "A map has one strong direction and fifteen weak ones, each {weak} of the strong one. You want to know whether the "
    "weak directions exist at all. Which number do you print?",
    (Choice("The stable rank.",
            "It is {stable}: the squares of the weak directions hardly count beside the strong one."),
     Choice("The participation ratio.",
            "It is {participation}, because it counts squares, too. It says among how many directions the energy is "
            "divided."),
     Choice("The effective rank.",
            "It is {effective}: it counts the weak directions by their size. It says how evenly the sum is divided "
            "among the directions, not how many directions there are."),
     Choice("The numerical rank, with its tolerance.",
            "It is {numerical}. Whether a direction exists is a yes-or-no question, and the tolerance says how small "
            "an existing direction may be.", right=True)),
    "effective", {"weak": "0.1", "stable": "1.15", "participation": "1.32", "effective": "9.95", "numerical": "16"},
    recount_choose)

rank = Quiz("A map is a matrix", (COPY, CAST, CLAIM, CHOOSE))
