"""The quiz of chapter 3, a map is a matrix. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, clips, make
from ...spectra import cumulative, effective_rank, numerical_rank, participation_ratio, stable_rank
from ..quiz import Choice, Question, Quiz
from ..scenes.ch03 import Pieces, quiet

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
    """The rank of one map with quiet channels, counted in three ways."""
    a = quiet()
    table = a.dense()[0, 0].float()
    single, cast = (int(torch.linalg.matrix_rank(x)) for x in (table, table.double()))
    return {"N": f"{a.shape[0]}", "M": f"{a.rank_bound}", "single": f"{single}", "cast": f"{cast // 100}00",
            "factors": f"{int(numerical_rank(a.singular_values(), a.tolerance))}"}


def recount_claim() -> Mapping[str, str]:
    """The softmax map of random queries and keys: what its first singular values hold, and its rank."""
    q, k = torch.randn(2, 1, 1, N, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a = make("softmax", 1, D, Grid(X=N)).map(q, k, k)
    s = a.singular_values()
    of, energy = (cumulative(s, power)[0, 0, FIRST - 1] for power in (1, 2))
    return {"N": f"{N}", "first": f"{FIRST}", "sum": f"{100 * of:.0f}", "energy": f"{100 * energy:.0f}",
            "rank": f"{int(numerical_rank(s, a.tolerance))}"}


def recount_choose() -> Mapping[str, str]:
    """Four counts of one spectrum: a loud direction and fifteen faint ones."""
    s = torch.tensor([1.0, *[0.1] * 15], dtype=torch.float64)
    return {"faint": "0.1", "stable": f"{stable_rank(s):.2f}", "participation": f"{participation_ratio(s):.2f}",
            "effective": f"{effective_rank(s):.2f}", "numerical": f"{int(numerical_rank(s, 1e-6))}"}


COPY = Question(
    "The nearest copy of a softmax map with {kept} of its {all} directions: what is it?",
    (Choice("Softmax attention again, a little blurred.",
            "Near it, but no attention in the strict sense: {negative} % of its weights are negative, and its rows sum "
            "to anything from {low} to {high}."),
     Choice("A signed table whose rows do not sum to one.",
            "The singular vectors know nothing of shares: {negative} % of the weights are negative, and row sums reach "
            "from {low} to {high}. Entropy is not even defined for it.", right=True),
     Choice("The same map, since softmax maps are of low rank.",
            "This map is of full rank. Its copy is near in the sum of squares over all pairs, which is another thing "
            "than being the same.")),
    "directions", {"kept": "64", "all": "784", "negative": "26", "low": "0.74", "high": "1.35"}, recount_copy)

CAST = Question(
    "A kernel map of {N} patches and {M} features. From its table in float32, rank {single}; from the same table, cast "
    "to float64, a rank above {cast}; from its factors, rank {factors}. Whom do you believe?",
    (Choice("{single}: it is the cautious one.",
            "Cautious it is. Its tolerance covers every rounding error a float32 table may have, and with them "
            "everything small that is really there."),
     Choice("More than {cast}: float64 is more exact.",
            "The cast came too late. It keeps the rounding errors of float32 to the last digit and counts each of "
            "them as a direction. No product with {M} features can have such a rank."),
     Choice("{factors}: the factors were never multiplied out.",
            "Small singular values come from small columns, and a column keeps all its digits. The table has mixed "
            "them with large ones, and rounded.", right=True)),
    "tolerance", {"N": "784", "M": "20", "single": "4", "cast": "700", "factors": "20"}, recount_cast)

CLAIM = Question(
    "Softmax of {N} random queries and keys: the first {first} singular values hold {sum} % of the sum. What follows "
    "for the rank?",
    (Choice("It is about {first}.",
            "The rank is {rank}. A curve that rises early says that singular values fall, not that they end."),
     Choice("Nothing: the curve bends just so for a map of full rank.",
            "The rank is {rank}, and nothing was learned here. Of the energy, the sum of squares, the same {first} "
            "hold {energy} %: say which of the two you plot.", right=True),
     Choice("It is below {N}, because of the bend.",
            "The rank is {rank}, all of {N}. The bend compares large values with small ones; small is not zero.")),
    "claim", {"N": "512", "first": "128", "sum": "64", "energy": "91", "rank": "512"}, recount_claim)

CHOOSE = Question(
    "A map has one loud direction and fifteen faint ones, each {faint} of the loud one. You want to know whether the "
    "faint ones are there at all. Which number do you print?",
    (Choice("The stable rank.",
            "It says {stable}: the squares of the faint ones hardly count beside the loud one."),
     Choice("The participation ratio.",
            "It says {participation}, because it counts squares, too. It answers who shares the energy."),
     Choice("The effective rank.",
            "It says {effective}: it hears the faint ones, and weighs them by their size. It answers how evenly the "
            "directions share, not how many there are."),
     Choice("The numerical rank, with its tolerance.",
            "It says {numerical}. Whether something is there is a yes or a no, and the tolerance says how small a yes "
            "may be.", right=True)),
    "effective", {"faint": "0.1", "stable": "1.15", "participation": "1.32", "effective": "9.95", "numerical": "16"},
    recount_choose)

rank = Quiz("A map is a matrix", (COPY, CAST, CLAIM, CHOOSE))
