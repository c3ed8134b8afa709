"""An earlier study of the same task, with another generator and two seeds, and which of its results are found again.

Its numbers are copied as they were written down; only its recipe was reused. A difference below NEAR counts as none,
because the seeds of that study differed by as much.
"""
from __future__ import annotations

import statistics as plain

from .intervention_tables import STEPS, core_gates, kept_share
from .ledger import Ledger, Value
from .number_formats import arm_label, difference_text, markdown_table, points_text, whole_percent

NEAR = 0.05
SHORT = {"softmax": (0.716, 0.678), "relu_floor": (0.430, 0.393), "relu_floor+gate": (0.587, 0.562),
         "relu_floor+gate+shift": (0.681, 0.782), "relu": (0.697, 0.705), "linear": (0.382, 0.477),
         "softmax+shift": (0.765, 0.815), "uniform": (0.191, 0.248), "focused+conv": (0.888, 0.779),
         "cosformer": (0.685, 0.699), "efficient": (0.597, 0.624), "relu_floor+shift": (0.412,), "relu+gate": (0.726,),
         "linear+gate": (0.620,), "focused": (0.781,)}
LONG = {"softmax": (0.928, 0.910), "relu_floor": (0.878, 0.861), "relu_floor+gate": (0.931,),
        "relu_floor+gate+shift": (0.974,), "relu": (0.928,)}
ACCURACY = {"short": SHORT, "long": LONG}
CLAIMS = (  # budget, one arm, another, the claim
    ("short", "softmax", "relu_floor", "softmax is far ahead of the baseline with a floor"),
    ("short", "relu", "softmax", "without the floor, relu is level with softmax"),
    ("short", "relu_floor+gate", "relu_floor", "the gate helps the baseline"),
    ("short", "relu", "relu_floor+gate", "removing the floor helps more than the gate"),
    ("short", "relu_floor+gate+shift", "relu_floor+gate", "the shift adds to the gate"),
    ("short", "relu_floor+gate+shift", "softmax", "gate and shift are level with softmax"),
    ("long", "softmax", "relu_floor", "softmax is still ahead by 5 points at 2,400 steps"),
    ("long", "relu_floor+gate", "relu_floor", "the gate is still ahead of the baseline"),
    ("long", "relu", "softmax", "relu without a floor is level with softmax"),
    ("long", "relu_floor+gate+shift", "softmax", "gate and shift end ahead of plain softmax"))
DROPS = {  # accuracy of relu_floor+gate: as trained, with both gates constant, and with other changes
    "short": (0.573, 0.167, {"q held": 0.565, "k held": 0.241, "over channels": 0.546, "over tokens": 0.238}),
    "long": (0.935, 0.302, {"q held": 0.883, "k held": 0.371, "over channels": 0.837, "over tokens": 0.367})}
LEFT = {"q held": "the key gate alone carries nearly all of the gate's effect",
        "k held": "the query gate alone carries little",
        "over channels": "one weight per token carries most of it",
        "over tokens": "one profile of channels carries little"}
FAR = 0.25  # from this difference on, a share of the gate's effect counts as not found again


def accuracy_comparison(book: Ledger) -> str:
    """Both studies' accuracies side by side, for the arms and budgets that both have."""
    rows = [[arm_label(name), STEPS[budget], ", ".join(f"{100 * x:.1f}" for x in found),
             ", ".join(f"{100 * x:.1f}" for x in book.accuracy(budget, name).values)]
            for budget, arms in ACCURACY.items() for name, found in arms.items() if book.has(budget, name)]
    return markdown_table(("attention", "steps", "earlier study, each seed", "here, each seed"), rows)


def earlier_difference(budget: str, one: str, other: str) -> float:
    """The difference of two mean accuracies in the earlier study."""
    a, b = (plain.fmean(ACCURACY[budget][name]) for name in (one, other))
    return a - b


def replication_verdict(before: float, now: Value) -> str:
    """Whether a difference was found again.

    >>> replication_verdict(0.3, Value(0.5, (0.4, 0.6), (), "seeds"))
    'yes'
    """
    expected = 0 if abs(before) < NEAR else 1 if before > 0 else -1
    if expected == 0 and now.sign and abs(now.mean) < NEAR:
        return "yes, within 5 points"
    if now.sign == expected:
        return "yes" if expected else "no clear difference, as then"
    return {1: "no: here it is ahead", -1: "no: here it is behind", 0: "not clear: the interval contains 0"}[now.sign]


def claim_table(book: Ledger) -> str:
    """Every claim of the earlier study that can be checked here, and the result."""
    rows = [[text, STEPS[budget], points_text(earlier_difference(budget, one, other)), difference_text(now),
             replication_verdict(earlier_difference(budget, one, other), now)]
            for budget, one, other, text in CLAIMS if book.has(budget, one, other)
            for now in [book.gap(budget, one, other)]]
    head = ("the earlier study said", "steps", "points then", "points here", "found again")
    return markdown_table(head, [*rows, *gate_rows(book)])


def gate_rows(book: Ledger) -> list[list[str]]:
    """Which share of the gate's effect an altered gate keeps in relu_floor+gate, in the earlier study and here."""
    rows = []
    for budget, (trained, none, altered) in DROPS.items():
        for what, accuracy in altered.items() if "relu_floor+gate" in core_gates(book, budget) else ():
            before, now = (accuracy - none) / (trained - none), kept_share(book, budget, "relu_floor+gate", what)
            far = "no: less" if now < before - FAR else "no: more" if now > before + FAR else "yes"
            rows.append([LEFT[what], STEPS[budget], f"{whole_percent(before)} left", f"{whole_percent(now)} left", far])
    return rows


def arms_not_repeated(book: Ledger) -> list[str]:
    """The arms that the earlier study ran at 800 steps and this one did not."""
    return [arm_label(name) for name in SHORT if not book.has("short", name)]


def earlier_baseline() -> float:
    """The mean accuracy of the baseline with a floor in the earlier study."""
    return plain.fmean(SHORT["relu_floor"])


def plateau_is_longer(book: Ledger) -> bool:
    """Whether that baseline is clearly less accurate here than it was there."""
    return book.accuracy("short", "relu_floor").mean < earlier_baseline() - NEAR
