"""What trained models answer, as bars, and how concentrated they are, as a table: this clip beside what is recorded."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape

from linviz.figures import HUES
from linviz.measure import exact

from ..shared.tables import NONE, three
from .trained_work import Answer

ARROWS = dict(zip(("up", "up and right", "right", "down and right", "down", "down and left", "left", "up and left"),
                  "↑↗→↘↓↙←↖", strict=True))
ROWS = {"entropy": ("entropy over its most", "of 1"), "top": ("weight of the heaviest 5 % of patches", "%"),
        "object": ("weight on the digit", "times its share")}


def answers(found: Sequence[Answer], classes: Sequence[str], label: int, order: str) -> str:
    """A row a model: a bar for every heading, and what it says, as HTML. The true heading is marked in the head.

    label  the true class; of a shuffled clip, which moves nowhere, that of the clip in order.
    """
    head = "".join(f'<th scope="col"{_true(n == label)} title="{escape(name)}"><span aria-hidden="true">'
                   f'{ARROWS[name]}</span><b>{escape(name)}</b></th>' for n, name in enumerate(classes))
    body = "".join(_answer(one, classes, label, order) for one in found)
    return (f'<div class="linviz-answers"><table><thead><tr><td></td>{head}<td></td></tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


def _answer(one: Answer, classes: Sequence[str], label: int, order: str) -> str:
    hue = HUES[one.family]
    bars = "".join(f'<td{_true(n == label)}><i style="height:{1.3 * p:.3f}rem;background:{hue}"></i>'
                   f"<span>{escape(percent(p))}</span></td>" for n, p in enumerate(one.shares.tolist()))
    return (f'<tr><th scope="row"><i style="background:{hue}"></i>{escape(one.title)}</th>{bars}'
            f'<td class="says">{escape(says(one, classes, label, order))}</td></tr>')


def _true(yes: bool) -> str:
    return ' class="true"' if yes else ""


def says(one: Answer, classes: Sequence[str], label: int, order: str) -> str:
    """What a model answers, and whether that is right."""
    name, sure = classes[one.says], percent(one.shares[one.says].item())
    right = "right" if one.says == label else "wrong"
    if order == "shuffled":
        right = "as in order" if one.says == label else "not as in order"
    return f"{ARROWS[name]} {name}, {sure} %: {right}"


def percent(p: float) -> str:
    """A share in whole per cent; what is not nothing is not 0, what is not all is not 100.

    >>> percent(0.001), percent(0.5), percent(0.9999), percent(0.0)
    ('<1', '50', '>99', '0')
    """
    if 0 < p < 0.01:
        return "<1"
    return ">99" if 0.995 <= p < 1 else f"{100 * p:.0f}"


def numbers(found: Sequence[Answer], layer: int) -> str:
    """How concentrated a layer is on this clip, beside the mean of other clips that is recorded with each model."""
    lines = [_line(title, unit, [(_cell(name, one.measures(layer)), _cell(name, one.told["layers"][layer - 1]))
                                 for one in found]) for name, (title, unit) in ROWS.items()]
    right = [(NONE, exact(100 * (x := one.told["test_accuracy"]), three(100 * x))) for one in found]
    lines.append(_line(f"right answers on {found[0].told['tests']:,} clips", "%", right))
    heads = "".join(f'<th scope="col" colspan="2"><i style="background:{HUES[one.family]}"></i>{escape(one.title)}</th>'
                    for one in found)
    under = '<th scope="col">this clip</th><th scope="col" class="mean">recorded</th>' * len(found)
    return (f'<div class="linviz-numbers" style="--columns:{2 * len(found)}"><table><thead><tr><td></td>{heads}</tr>'
            f"<tr><td></td>{under}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>")


def _line(title: str, unit: str, cells: Sequence[tuple[str, str]]) -> str:
    pairs = "".join(f'<td>{this}</td><td class="mean">{mean}</td>' for this, mean in cells)
    return f'<tr><th scope="row">{title} <span class="unit">({unit})</span></th>{pairs}</tr>'


def _cell(name: str, measures: dict[str, float]) -> str:
    if name not in measures:
        return NONE
    value = 100 * measures[name] if name == "top" else measures[name]
    return exact(value, three(value))
