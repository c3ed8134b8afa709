"""Numbers as tables: each with its name and unit from the measure's own declaration, three digits at most."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from linviz.measure import MEASURES, exact_number_html
from linviz.palette import HUES, OTHER_HUE
from linviz.views.row_stats import measure_label, row_statistics, signed_statistics, table_measures, why_missing
from linviz.views.view_panels import Tokens

from .scenes import KeyedPanel

ROWS = ("entropy", "effective_tokens", "top_share", "support", "gini")
WAIT, NONE = "…", "–"
SCROLLED = 'tabindex="0" role="group" aria-label="table of numbers"'  # on a small screen: by keys, too


def three_digits(x: float) -> str:
    """A number with three significant digits and no exponent.

    >>> three_digits(0.01234), three_digits(12.34), three_digits(1568.0), three_digits(-3e-8)
    ('0.0123', '12.3', '1568', '0')
    """
    if abs(x) < 5e-7:  # rounding errors have no digits, and no sign
        return "0"
    if x != x or float(x).is_integer():
        return NONE if x != x else f"{x:.0f}"
    digits = 2
    while digits < 6 and abs(x) < 10 ** (2 - digits):
        digits += 1
    return f"{x:.{0 if abs(x) >= 99.95 else 1 if abs(x) >= 9.995 else digits}f}"


def operation_count(count: int) -> str:
    """A count of operations in thousands, millions or billions, three digits.

    >>> operation_count(88510464), operation_count(999), operation_count(0)
    ('88.5 million', '999', '0')
    """
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if count >= 0.9995 * size:
            return f"{three_digits(float(f'{count / size:.3g}'))} {word}"
    return str(count)


def percent_text(part: float) -> str:
    """A share of one in per cent.

    >>> percent_text(0.125)
    '12.5\xa0%'
    """
    return f"{100 * part:.3g}\N{NO-BREAK SPACE}%"


def measure_value(name: str, x: float) -> str:
    """A row measure's value as the table shows it; parts of one as per cent.

    >>> measure_value("top_share", 0.994), measure_value("entropy", 2.05)
    ('99.4', '2.05')
    """
    return three_digits(in_percent(name, x))


def in_percent(name: str, x: float) -> float:
    """A row measure's value in the unit that the table shows it in."""
    return 100 * x if MEASURES[name].unit == "of 1" else x


def measure_html(name: str) -> str:
    """What a row measure is called in a table: its title, and its unit in brackets; escaped.

    >>> measure_html("distance").partition(">")[2]
    'mean attended distance</abbr> <span class="unit">(pixels)</span>'
    """
    title, unit = measure_label(name)
    found = MEASURES[name]
    said = (found.function.__doc__ or "").partition("\n")[0]
    meaning = f"{said} Source: {found.source}."
    return title_html(title, unit.replace("of 1", "%"), meaning)


def title_html(title: str, unit: str, meaning: str = "") -> str:
    """The title of a row with its unit in brackets, where it has one, and its meaning under the pointer; escaped."""
    named = f'<abbr title="{escape(meaning)}">{escape(title)}</abbr>' if meaning else escape(title)
    return named + (f' <span class="unit">({escape(unit)})</span>' if unit else "")


def concentration_table(panels: Sequence[KeyedPanel], titles: Sequence[str], query: int, here: Tokens,
                        means: Sequence[dict[str, float] | None]) -> str:
    """The table of row statistics, as HTML: for each panel the query's, and the mean over all rows."""
    rows = [None if panel.waiting else row_statistics(panel.map, query, here.grid, here.mask)[0]
            or signed_statistics(panel.map, query) for panel in panels]
    body = []
    for name in table_measures([panel.map for panel in panels], here.measure_options, ROWS):
        cells = "".join(f'<td>{_cell(name, row)}</td><td class="mean">{_cell(name, mean)}</td>'
                        for row, mean in zip(rows, means))
        body.append(f'<tr><th scope="row">{measure_html(name)}</th>{cells}</tr>')
    under = '<th scope="col">this patch</th><th scope="col" class="mean">mean</th>' * len(panels)
    return html_table(column_heads([panel.family for panel in panels], titles, span=2), under, body)


def _cell(name: str, found: dict[str, float] | None) -> str:
    """One number; a dash where there is none, dots while it is on its way."""
    if found is None or name not in found:
        why = why_missing(name, found) if found and "entropy" in found else ""  # a signed map has no measure at all
        return WAIT if found is None else f'<abbr title="{escape(why)}">none</abbr>' if why else NONE
    return exact_number_html(in_percent(name, found[name]), measure_value(name, found[name]))


def rank_table(panels: Sequence[KeyedPanel], titles: Sequence[str], said: Sequence[dict[str, Any] | None],
               which: str) -> str:
    """The table of ranks, each by its name and with its tolerance, as HTML. `which`: "raw" or "centred"."""
    def line(title: str, unit: str, cells: list[str]) -> str:
        return f'<tr><th scope="row">{title_html(title, unit)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    body = [
        line("numerical rank", "s above the tolerance", [_exact(s, which, "numerical_rank") for s in said]),
        line("tolerance", "of the largest s", [f"{s[which]['tolerance']:.1e}" if s else WAIT for s in said]),
        line("effective rank", "Roy and Vetterli", [_exact(s, which, "effective_rank") for s in said]),
        line("rank bound", "", [f"{s['bound']}" if s else WAIT for s in said])]
    return html_table(column_heads([panel.family for panel in panels], titles), "", body)


def _exact(said: dict[str, Any] | None, which: str, name: str) -> str:
    return exact_number_html(said[which][name], three_digits(said[which][name])) if said else WAIT


def column_heads(families: Sequence[str], titles: Sequence[str], span: int = 1) -> str:
    """The heads of columns, each with the colour of its family."""
    return "".join(f'<th scope="col" colspan="{span}"><i style="background:{HUES.get(family, OTHER_HUE)}"></i>'
                   f"{escape(title)}</th>" for family, title in zip(families, titles))


def html_table(heads: str, under: str, body: list[str]) -> str:
    """A table of numbers as HTML: its head, a second line of the head, and its rows."""
    second = f"<tr><td></td>{under}</tr>" if under else ""
    columns = max(heads.count("<th"), under.count("<th"))
    return (f'<div class="linviz-numbers" {SCROLLED} style="--columns:{columns}"><table>'
            f"<thead><tr><td></td>{heads}</tr>{second}</thead>"
            f"<tbody>{''.join(body)}</tbody></table></div>")
