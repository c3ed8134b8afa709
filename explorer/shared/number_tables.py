"""Numbers as tables: each with its name and unit from the measure's own declaration, three digits at most."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from linviz.figures import HUES
from linviz.measure import MEASURES, exact
from linviz.views.row_stats import named, of_row

from ..concentrate import stage
from ..concentrate.stage import Scene, Shown

ROWS = ("entropy", "effective_tokens", "top_share", "support", "gini")
WAIT, NONE = "…", "–"


def three(x: float) -> str:
    """A number with three significant digits and no exponent.

    >>> three(0.01234), three(12.34), three(1568.0)
    ('0.0123', '12.3', '1568')
    """
    if x != x or float(x).is_integer():
        return NONE if x != x else f"{x:.0f}"
    digits = 2
    while digits < 6 and abs(x) < 10 ** (2 - digits):
        digits += 1
    return f"{x:.{0 if abs(x) >= 99.95 else 1 if abs(x) >= 9.995 else digits}f}"


def value(name: str, x: float) -> str:
    """A row measure's value as the table shows it; shares as per cent.

    >>> value("top_share", 0.994), value("entropy", 2.05)
    ('99.4', '2.05')
    """
    return three(percent(name, x))


def percent(name: str, x: float) -> float:
    """A row measure's value in the unit that the table shows it in."""
    return 100 * x if MEASURES[name].unit == "of 1" else x


def label(name: str) -> str:
    """What a row measure is called in a table: its title, and its unit in brackets; escaped.

    >>> label("distance")
    'mean attended distance <span class="unit">(pixels)</span>'
    """
    title, unit = named(name)
    unit = unit.replace("of 1", "%")
    return escape(title) + (f' <span class="unit">({escape(unit)})</span>' if unit else "")


def one_row(shown: Shown, query: int, here: Scene) -> dict[str, float] | None:
    """The table's measures of the pinned query's row: none where it is dead or signed, None while a fit is awaited."""
    if shown.waiting:
        return None
    found, _ = of_row(shown.reading.map, query, here.grid, here.mask)
    return found


def concentration(panels: Sequence[Shown], titles: Sequence[str], query: int, here: Scene) -> str:
    """The table of row statistics, as HTML: for each panel the pinned query's, and the mean over all rows."""
    means = [None if shown.waiting else stage.shelf(here).get(("means", shown.key)) for shown in panels]
    rows = [one_row(shown, query, here) for shown in panels]
    body = []
    for name in (*ROWS, *here.places):
        cells = "".join(f'<td>{_cell(name, row)}</td><td class="mean">{_cell(name, mean)}</td>'
                        for row, mean in zip(rows, means))
        body.append(f'<tr><th scope="row">{label(name)}</th>{cells}</tr>')
    under = '<th scope="col">this patch</th><th scope="col" class="mean">mean</th>' * len(panels)
    return _table(_heads(panels, titles, span=2), under, body)


def _cell(name: str, found: dict[str, float] | None) -> str:
    """One number; a dash where there is none, dots while it is on its way."""
    if found is None or name not in found:
        return WAIT if found is None else NONE
    return exact(percent(name, found[name]), value(name, found[name]))


def ranks(panels: Sequence[Shown], titles: Sequence[str], said: Sequence[dict[str, Any] | None], which: str) -> str:
    """The table of ranks, each by its name and with its tolerance, as HTML. `which`: "raw" or "centred"."""
    def line(title: str, unit: str, cells: list[str]) -> str:
        unit = f' <span class="unit">({escape(unit)})</span>' if unit else ""
        return f'<tr><th scope="row">{escape(title)}{unit}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    body = [
        line("numerical rank", "s above the tolerance", [_exact(s, which, "numerical_rank") for s in said]),
        line("tolerance", "of the largest s", [f"{s[which]['tolerance']:.1e}" if s else WAIT for s in said]),
        line("effective rank", "Roy and Vetterli", [_exact(s, which, "effective_rank") for s in said]),
        line("rank bound", "", [f"{s['bound']}" if s else WAIT for s in said])]
    return _table(_heads(panels, titles, span=1), "", body)


def _exact(said: dict[str, Any] | None, which: str, name: str) -> str:
    return exact(said[which][name], three(said[which][name])) if said else WAIT


def _heads(panels: Sequence[Shown], titles: Sequence[str], span: int) -> str:
    return "".join(f'<th scope="col" colspan="{span}"><i style="background:{HUES[shown.mechanism.family]}"></i>'
                   f"{escape(title)}</th>" for shown, title in zip(panels, titles))


def _table(heads: str, under: str, body: list[str]) -> str:
    second = f"<tr><td></td>{under}</tr>" if under else ""
    columns = max(heads.count("<th"), under.count("<th"))
    return (f'<div class="linviz-numbers" style="--columns:{columns}"><table>'
            f"<thead><tr><td></td>{heads}</tr>{second}</thead>"
            f"<tbody>{''.join(body)}</tbody></table></div>")
