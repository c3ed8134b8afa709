"""What trained models answer, as bars, and how concentrated they are, as a table: this clip beside what is recorded."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape

from linviz.measure import exact_number_html
from linviz.palette import HUES, OTHER_HUE
from linviz.views import TrainedView
from linviz.views.trained_panels import ModelAnswer

from ..shared.number_tables import NONE, column_heads, html_table, three_digits, title_html
from .model_answers import layer_measures

ARROWS = dict(zip(("up", "up and right", "right", "down and right", "down", "down and left", "left", "up and left"),
                  "↑↗→↘↓↙←↖", strict=True))
ROWS = {"entropy": ("entropy over its most", "of 1"), "top": ("weight of the heaviest 5 % of patches", "%"),
        "object": ("weight on the digit", "times its share")}


def answers_table(found: Sequence[ModelAnswer], classes: Sequence[str], label: int, order: str) -> str:
    """One row per model: a bar for every heading, and what it says, as HTML. The true heading is marked in the head.

    label  the true class; of a shuffled clip, which moves nowhere, that of the clip in order.
    """
    head = "".join(f'<th scope="col"{_true(n == label)} title="{escape(name)}"><span aria-hidden="true">'
                   f'{ARROWS[name]}</span><b>{escape(name)}</b></th>' for n, name in enumerate(classes))
    body = "".join(_answer(one, classes, label, order) for one in found)
    return (f'<div class="linviz-answers"><table><thead><tr><td></td>{head}<td></td></tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


def _answer(one: ModelAnswer, classes: Sequence[str], label: int, order: str) -> str:
    hue = HUES.get(one.family, OTHER_HUE)
    bars = "".join(f'<td{_true(n == label)}><i style="height:{1.3 * p:.3f}rem;background:{hue}"></i>'
                   f"<span>{escape(whole_percent(p))}</span></td>" for n, p in enumerate(one.shares.tolist()))
    return (f'<tr><th scope="row"><i style="background:{hue}"></i>{escape(one.title)}</th>{bars}'
            f'<td class="says">{escape(answer_words(one, classes, label, order))}</td></tr>')


def _true(yes: bool) -> str:
    return ' class="true"' if yes else ""


def answer_words(one: ModelAnswer, classes: Sequence[str], label: int, order: str) -> str:
    """What a model answers, and whether that is right."""
    name, sure = classes[one.likeliest], whole_percent(one.shares[one.likeliest].item())
    right = "right" if one.likeliest == label else "wrong"
    if order == "shuffled":
        right = "as in order" if one.likeliest == label else "not as in order"
    return f"{ARROWS[name]} {name}, {sure} %: {right}"


def whole_percent(p: float) -> str:
    """A probability in whole per cent; only nothing is 0, and only all is 100.

    >>> whole_percent(0.001), whole_percent(0.5), whole_percent(0.9999), whole_percent(0.0)
    ('<1', '50', '>99', '0')
    """
    if 0 < p < 0.01:
        return "<1"
    return ">99" if 0.995 <= p < 1 else f"{100 * p:.0f}"


def measures_table(view: TrainedView, found: Sequence[ModelAnswer]) -> str:
    """How concentrated a layer is on this clip, beside the mean of other clips that is recorded with each model."""
    lines = []
    for name, (title, unit) in ROWS.items():
        cells = [(_cell(name, layer_measures(view, one)), _cell(name, one.card["layers"][view.layer - 1]))
                 for one in found]
        lines.append(_line(title, unit, cells))
    right = [(NONE, exact_number_html(100 * (x := one.card["test_accuracy"]), three_digits(100 * x))) for one in found]
    lines.append(_line(f"right answers on {found[0].card['tests']:,} clips", "%", right))
    heads = column_heads([one.layers[view.layer - 1].attention.family for one in found],
                         [one.layer_title(view.layer) for one in found], span=2)
    return html_table(heads, '<th scope="col">this clip</th><th scope="col" class="mean">recorded</th>' * len(found),
                      lines)


def _line(title: str, unit: str, cells: Sequence[tuple[str, str]]) -> str:
    pairs = "".join(f'<td>{this}</td><td class="mean">{mean}</td>' for this, mean in cells)
    return f'<tr><th scope="row">{title_html(title, unit)}</th>{pairs}</tr>'


def _cell(name: str, measures: dict[str, float]) -> str:
    if name not in measures:
        return NONE
    value = 100 * measures[name] if name == "top" else measures[name]
    return exact_number_html(value, three_digits(value))
