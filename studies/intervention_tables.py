"""Tables of altered clips and models: frames reversed or shuffled, softmax at a temperature, gates held constant."""
from __future__ import annotations

import statistics as plain
from operator import itemgetter

from .interval_statistics import difference_interval, mean_interval
from .ledger import Ledger, Record, Value
from .model_measures import TEMPERATURES, unpack_bits
from .number_formats import arm_label, difference_text, markdown_table, percent_text

GATES = ("both held", "k held", "q held", "over tokens", "over channels")
STEPS = {"short": "800", "long": "2,400"}
MOST = 2 / 3    # of a gate's effect: an altered gate that keeps more than this keeps most of it
RELIES = -0.05  # a model relies on its gate if accuracy falls by more than this without it


def time_table(book: Ledger, budget: str) -> str:
    """Answers on clips played backwards and on shuffled clips."""
    rows = [[arm_label(name), percent_text(_trained_value(book, budget, name).mean),
             *(percent_text(book.mean(budget, name, itemgetter(key))) for key in ("opposite", "unmoved", "shuffled"))]
            for name in book.names(budget)]
    return markdown_table(("attention", "in order", "backwards: opposite heading", "backwards: own heading",
                           "shuffled"), rows)


def trained_accuracy(book: Ledger, model: Record) -> float:
    """The accuracy of the unaltered model, on the clips of the interventions."""
    n = book.records["settings"]["altered"]
    return sum(unpack_bits(model["right"])[:n]) / n


def _trained_value(book: Ledger, budget: str, name: str) -> Value:
    found = book.each(budget, name, lambda m: trained_accuracy(book, m))
    return Value(plain.fmean(found), (0, 0), found, "seeds")


def intervention_cost(book: Ledger, budget: str, name: str, what: str) -> Value:
    """By how much an intervention changes accuracy: seed by seed, or over clips if there is one seed."""
    pairs = [(m["altered"][what], trained_accuracy(book, m)) for m in book.models(budget, name)]
    gaps = tuple(a - b for a, b in pairs)
    if len(gaps) > 2:
        return Value(plain.fmean(gaps), mean_interval(gaps), gaps, "seeds")
    return Value(gaps[0], difference_interval(*pairs[0], book.records["settings"]["altered"]), gaps[:1], "clips")


def gated_arms(book: Ledger, budget: str) -> list[str]:
    """Arms with a gate, most accurate first."""
    return [name for name in book.names(budget) if "+gate" in name]


def gate_table(book: Ledger, budget: str) -> str:
    """Accuracy as trained, and by how much every change of the gate changes it."""
    rows = [[arm_label(name), percent_text(_trained_value(book, budget, name).mean),
             *(difference_text(intervention_cost(book, budget, name, what)) for what in GATES)]
             for name in gated_arms(book, budget)]
    head = ("attention", "as trained", "both constant", "key gate constant", "query gate constant",
            "ratios averaged over tokens", "ratios averaged over channels")
    return markdown_table(head, rows)


def temperature_table(book: Ledger) -> str:
    """Softmax with q divided by a temperature."""
    rows = []
    for budget in ("short", "long"):
        for name in (n for n in book.names(budget) if n.split("+")[0] == "softmax"):
            cells = [percent_text(book.mean(budget, name, lambda m: m["altered"][f"temperature {t:g}"]))  # noqa: B023
                     for t in TEMPERATURES]
            rows.append([arm_label(name), "800" if budget == "short" else "2,400", *cells[:2],
                         percent_text(_trained_value(book, budget, name).mean), *cells[2:]])
    return markdown_table(("attention", "steps", "1/4", "1/2", "1: as trained", "2", "4", "infinite: uniform"), rows)


def kept_share(book: Ledger, budget: str, name: str, what: str) -> float:
    """The share of the gate's effect that an altered gate keeps: 1 as trained, 0 with both sides constant."""
    left, none = (intervention_cost(book, budget, name, w).mean for w in (what, "both held"))
    return 1 - left / none


def core_gates(book: Ledger, budget: str) -> list[str]:
    """The two arms of the paper that have a gate and rely on it."""
    return [n for n in ("relu_floor+gate", "relu_floor+gate+shift") if book.has(budget, n)
            and intervention_cost(book, budget, n, "both held").mean < RELIES]


def gate_budgets(book: Ledger) -> list[str]:
    """The budgets that have softmax, the baseline with a floor, and its gate."""
    return [budget for budget in STEPS if book.has(budget, "softmax", "relu_floor", "relu_floor+gate")]


def kept_by_sides(book: Ledger, budget: str) -> dict[str, tuple[float, float]]:
    """For each core arm, what the key gate alone keeps of the gate's effect, and what the query gate alone keeps."""
    return {n: (kept_share(book, budget, n, "q held"), kept_share(book, budget, n, "k held"))
            for n in core_gates(book, budget)}


def keys_carry_most(found: dict[str, tuple[float, float]]) -> bool:
    """Whether the key gate alone keeps more than twice what the query gate alone keeps, in every arm."""
    return all(key > 2 * max(query, 0) for key, query in found.values())


def kept_by_means(book: Ledger, budget: str) -> dict[str, tuple[float, float]]:
    """For each core arm, what one weight per token keeps of the gate's effect, and what one channel profile keeps."""
    return {n: (kept_share(book, budget, n, "over channels"), kept_share(book, budget, n, "over tokens"))
            for n in core_gates(book, budget)}


def gate_mode(tokens: float, channels: float) -> str:
    """How a gate acts: what one weight per token keeps, and what one profile of channels for all tokens keeps.

    >>> gate_mode(0.9, 0.1), gate_mode(0.1, 0.1), gate_mode(0.5, 0.1)
    ('tokens', 'both', 'more tokens')
    """
    if max(tokens, channels) > MOST:
        return "tokens" if tokens > MOST else "channels"
    if max(tokens, channels) < 1 - MOST:
        return "both"
    return "more tokens" if tokens > channels else "more channels"
