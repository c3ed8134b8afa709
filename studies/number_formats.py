"""Numbers as text and tables: one way to write an accuracy, a difference and an interval on every page."""
from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from .interval_statistics import Interval
from .ledger import Value

HUGE = 1e6  # from here on, a number is written by its power of ten
NUMBER = re.compile(r"[-+]?[\d\[]|-$|never$")  # how a cell with a number begins
CALLED = {"softmax": "softmax", "relu_floor": "relu + floor", "relu": "relu", "linear": "elu + 1", "uniform": "uniform",
          "efficient": "efficient", "cosformer": "cosFormer", "focused": "focused"}


def arm_label(name: str) -> str:
    """The name of an arm on the page.

    >>> arm_label("relu_floor+gate:qk"), arm_label("relu_floor~wide"), arm_label("relu_floor/softmax")
    ('relu + floor + gate (qk)', 'relu + floor, wider MLPs', 'relu + floor / softmax')
    """
    spec, _, variant = name.partition("~")
    if "/" in spec:
        return " / ".join(map(arm_label, spec.split("/")))
    head, *extras = spec.split("+")
    words = [CALLED.get(head, head), *(f"{a} ({b})" if b else a for a, _, b in (e.partition(":") for e in extras))]
    what, _, setting = variant.partition("=")
    more = {"wide": ", wider MLPs", "floor": f" of {setting}", "": ""}.get(what, f", {what} {setting}")
    return " + ".join(words) + more


def percent_text(x: float) -> str:
    """A share in percent.

    >>> percent_text(0.8521)
    '85.2 %'
    """
    return f"{100 * x:.1f} %"


def whole_percent(x: float) -> str:
    """A share in percent, without decimals.

    >>> whole_percent(0.8521)
    '85 %'
    """
    return f"{100 * x:.0f} %"


def points_text(x: float) -> str:
    """A difference of two shares in percentage points.

    >>> points_text(-0.031)
    '-3.1'
    """
    return f"{100 * x:+.1f}"


def interval_text(interval: Interval, signed: bool = False) -> str:
    """An interval of shares, in percent or, signed, in points; shares are cut at 0 and 1.

    >>> interval_text((-0.02, 0.31)), interval_text((-0.02, 0.31), signed=True)
    ('[0.0, 31.0]', '[-2.0, +31.0]')
    """
    low, high = interval
    if signed:
        return f"[{points_text(low)}, {points_text(high)}]"
    return f"[{100 * max(low, 0):.1f}, {100 * min(high, 1):.1f}]"


def accuracy_text(value: Value) -> str:
    """An accuracy with its interval."""
    return f"{percent_text(value.mean)} {interval_text(value.interval)}"


def difference_text(value: Value) -> str:
    """A difference in points with its interval."""
    return f"{points_text(value.mean)} {interval_text(value.interval, signed=True)}"


def correlation_text(value: Value) -> str:
    """A correlation with its interval; a dash if it is not defined."""
    low, high = value.interval
    return "-" if math.isnan(value.mean) else f"{value.mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def interval_source(value: Value) -> str:
    """Over what an interval was taken, for a sentence."""
    return f"{len(value.values)} seeds" if value.over == "seeds" else "one seed, other clips"


def number_text(x: float | None, digits: int = 2) -> str:
    """A number, or a dash if there is none; a huge one by its power of ten.

    >>> number_text(0.12345), number_text(None), number_text(float("nan")), number_text(106496920.4)
    ('0.12', '-', '-', '1.1e+08')
    """
    return "-" if x is None or math.isnan(x) else f"{x:.{digits}f}" if abs(x) < HUGE else f"{x:.1e}"


def word_list(names: Iterable[str], last: str = "and") -> str:
    """Names as a sentence lists them.

    >>> word_list(["a", "b", "c"]), word_list(["a"]), word_list([])
    ('a, b and c', 'a', 'none')
    """
    *most, end = list(names) or ["none"]
    return f"{', '.join(most)} {last} {end}" if most else end


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; columns of numbers are right-aligned.

    >>> print(markdown_table(["arm", "accuracy"], [["relu", "80 %"]]))
    | arm | accuracy |
    |---|---:|
    | relu | 80 % |
    """
    cells = list(map(list, rows))
    right = [all(NUMBER.match(row[n]) for row in cells) for n in range(len(head))]
    body = ["| " + " | ".join(line) + " |" for line in (list(head), *cells)]
    return "\n".join([body[0], "".join("|---:" if x else "|---" for x in right) + "|", *body[1:]])
