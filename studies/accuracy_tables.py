"""Tables of accuracy: both budgets, the differences that the claims rest on, and how fast each arm learns."""
from __future__ import annotations

import statistics as plain

from linviz.models.prediction import prediction_interval

from .interval_statistics import share_interval
from .ledger import Ledger, crossing_step
from .number_formats import accuracy_text, arm_label, difference_text, interval_text, markdown_table

CHANCE = 1 / 8
NEAR_ALL = 0.94
LEVELS = (0.25, 0.5, 0.75)  # of held-out accuracy, in the table of speed
PAIRS = (  # one arm, another, what the difference asks
    ("softmax", "relu_floor", "what the linear baseline lacks"),
    ("relu_floor+gate", "relu_floor", "what the gate brings"),
    ("relu_floor+gate+shift", "relu_floor", "what gate and shift bring together"),
    ("relu_floor+gate+shift", "relu_floor+gate", "what the shift adds to the gate"),
    ("relu", "relu_floor", "what removing the floor brings"),
    ("relu", "relu_floor+gate", "remove the floor, or gate it?"),
    ("relu", "softmax", "is linear attention itself less accurate?"),
    ("relu_floor+gate", "softmax", "does the gate reach softmax?"),
    ("relu_floor+gate+shift", "softmax", "do gate and shift reach softmax?"),
    ("softmax+shift", "softmax", "does the shift also help softmax?"),
    ("relu_floor+shift", "relu_floor", "does the shift help without a gate?"),
    ("relu_floor+gate+shift", "softmax+shift", "the same, with a shift on both sides"),
    ("relu+gate", "relu", "does the gate help where there is no floor?"),
    ("linear+gate", "linear", "does the gate help another kernel without zeros?"),
    ("relu_floor~wide", "relu_floor", "the gate's parameters, spent on the MLPs instead"),
    ("relu_floor+gate", "relu_floor~wide", "the gate against as many parameters"),
    ("relu_floor+gate", "relu_floor+gate:self", "does the gate need to see k and v?"),
    ("relu_floor+gate", "relu_floor+gate:qk", "does the gate need to see v?"),
    ("focused+conv", "focused", "is it the focusing or the convolution?"))


def short_table(book: Ledger) -> str:
    """The table of the short budget: an interval over seeds for every arm, and one for a new seed."""
    rows = []
    for name in book.names("short"):
        value, first = book.accuracy("short", name), book.models("short", name)[0]
        recorded = book.each("short", name, lambda model: model["recorded"])
        new = interval_text(prediction_interval(recorded)) if len(recorded) > 2 else "-"
        rows.append([arm_label(name), f"{first['parameters']:,}", accuracy_text(value),
                     ", ".join(f"{100 * x:.1f}" for x in value.values), new])
    head = ("attention", "parameters", "accuracy, 95 % interval", "each seed", "a new seed (95 %)")
    return markdown_table(head, rows)


def long_table(book: Ledger) -> str:
    """The table of the long budget: one seed per arm, so the interval is over clips."""
    rows = []
    for name in book.names("long"):
        others = [difference_text(book.gap("long", name, other)) if other != name and book.has("long", other) else "-"
                  for other in ("softmax", "relu_floor")]
        rows.append([arm_label(name), f"{book.models('long', name)[0]['parameters']:,}",
                     accuracy_text(book.accuracy("long", name)), *others])
    head = ("attention", "parameters", "accuracy, 95 % interval over clips", "points from softmax",
            "points from relu + floor")
    return markdown_table(head, rows)


def difference_table(book: Ledger) -> str:
    """The differences that the claims are about, in points, for both budgets."""
    rows = []
    for one, other, asks in PAIRS:
        cells = [difference_text(book.gap(b, one, other)) if book.has(b, one, other) else "-"
                 for b in ("short", "long")]
        if cells != ["-", "-"]:
            rows.append([f"{arm_label(one)} minus {arm_label(other)}", cells[0], cells[1], asks])
    return markdown_table(("difference", "800 steps (over seeds)", "2,400 steps (seed 0, over clips)", "asks"), rows)


def speed_table(book: Ledger) -> str:
    """How many steps an arm needs to reach each level of held-out accuracy, in short and in long runs."""
    rows = []
    for budget in ("short", "long"):
        for name in book.names(budget):
            curves = [model["curve"] for model in book.models(budget, name)]
            cells = [step_text([crossing_step(curve, level) for curve in curves]) for level in LEVELS]
            rows.append([arm_label(name), "800" if budget == "short" else "2,400", *cells])
    return markdown_table(("attention", "of steps", *(f"reaches {100 * level:.0f} % at step" for level in LEVELS)),
                          rows)


def step_text(steps: list[float | None]) -> str:
    """The mean step over the seeds that reach a level; if some do not, how many do.

    >>> step_text([100.0, 200.0]), step_text([100.0, None]), step_text([None])
    ('150', '100 (1 of 2 seeds)', 'never')
    """
    there = [step for step in steps if step is not None]
    if not there:
        return "never"
    return f"{plain.fmean(there):.0f}" + f" ({len(there)} of {len(steps)} seeds)" * (len(there) < len(steps))


def seeds_at_chance(book: Ledger, name: str) -> int:
    """How many seeds of a short arm end at chance: chance is not below the interval of their accuracy."""
    return sum(share_interval(x, book.clips)[0] <= CHANCE for x in book.accuracy("short", name).values)


def arms_near_ceiling(book: Ledger) -> int:
    """How many long arms are so accurate that differences between them are small."""
    return sum(book.accuracy("long", name).mean > NEAR_ALL for name in book.names("long"))


def seed_counts(book: Ledger) -> list[str]:
    """The numbers of seeds that short arms have."""
    return list(map(str, sorted({book.seeds("short", name) for name in book.names("short")})))
