"""What the page Many samples shows of a table: a chart, a table of numbers, and sentences about both."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from linviz.figures.survey_charts import Distribution, distribution_chart
from linviz.mechanisms import REGISTRY, parse
from linviz.survey.survey_columns import column_of
from linviz.survey.survey_spread import Spread, missing_reasons, survey_spreads
from linviz.survey.survey_table import table_options

from ..shared.number_tables import SCROLLED, three_digits

HEADS = ("clips", "mean", "95 % interval of the mean", "median", "minimum to maximum")
NOTHING = "No clip in this table has this measure. Choose another measure."


def spread_chart(spreads: Sequence[Spread], measure: str, dark: bool) -> go.Figure:
    """The distributions as boxes, one colour and marker per mechanism."""
    mechanisms = list(dict.fromkeys(one.mechanism for one in spreads))
    rows = [mechanism_distribution(name, [one for one in spreads if one.mechanism == name]) for name in mechanisms]
    return distribution_chart(rows, column_of(measure).label, dark=dark)


def mechanism_distribution(name: str, spreads: Sequence[Spread]) -> Distribution:
    """What the chart draws of one mechanism."""
    return Distribution(mechanism_title(name), name, mechanism_family(name), [one.place for one in spreads],
                        [one.n for one in spreads], [one.mean for one in spreads],
                        [(one.low, one.high) for one in spreads], [one.quartiles for one in spreads])


def mechanism_title(name: str) -> str:
    """What a mechanism of a table is called."""
    return "the model's own" if name == "own" else name


def mechanism_family(name: str) -> str:
    """The family of a spec, which gives the colour; empty for the model's own and for what is not known here."""
    try:
        return REGISTRY[parse(name).name].family
    except (ValueError, KeyError):
        return ""


def spread_table(spreads: Sequence[Spread]) -> str:
    """The numbers of the chart as an HTML table, one row per place and mechanism."""
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    body = "".join(f'<tr><th scope="row">{escape(f"{one.place}: {mechanism_title(one.mechanism)}")}</th>'
                   f'{"".join(f"<td>{cell}</td>" for cell in spread_cells(one))}</tr>' for one in spreads)
    return (f'<div class="linviz-numbers" {SCROLLED} style="--columns:{len(HEADS)}"><table><thead><tr><td></td>{heads}'
            f"</tr></thead><tbody>{body}</tbody></table></div>")


def spread_cells(one: Spread) -> list[str]:
    """The cells of one row: numbers of three digits; no interval with a single clip.

    >>> spread_cells(Spread(0, 0, "softmax", 2, 0.5, 0.25, 0.75, (0.25, 0.4, 0.5, 0.6, 0.75)))
    ['2', '0.500', '0.250 to 0.750', '0.500', '0.250 to 0.750']
    """
    least, _, median, _, most = one.quartiles
    interval = "–" if one.n < 2 else f"{three_digits(one.low)} to {three_digits(one.high)}"
    return [str(one.n), three_digits(one.mean), interval, three_digits(median),
            f"{three_digits(least)} to {three_digits(most)}"]


def survey_heading(table: Any) -> str:
    """What the table is of, for the page's title."""
    clips = len(set(table.column("clip").to_pylist()))
    return f"Many samples: {clips:,} clip{'s' * (clips != 1)}, measured one by one"


def survey_sentence(table: Any) -> str:
    """How the numbers were made."""
    asked = table_options(table)
    if asked["model"]:
        return f"Queries, keys and values are those of the model {asked['model']}, layer by layer and head by head."
    return (f"Queries, keys and values are descriptors of up to {asked['patches']} patches per side and "
            f"{asked['frames']} frames, at temperature {asked['temperature']:g}.")


def missing_sentences(table: Any, spreads: Sequence[Spread]) -> list[str]:
    """A sentence on every reason why rows have no numbers, and one on clips without this measure."""
    found = [f"{count:,} row{'s have' if count > 1 else ' has'} no numbers: {why}."
             for why, count in missing_reasons(table).items()]
    lacking = max((one.missing for one in spreads), default=0)
    return found + ([f"Up to {lacking:,} clips lack this measure and are not counted."] if lacking else [])


__all__ = ["NOTHING", "missing_sentences", "spread_chart", "spread_table", "survey_heading", "survey_sentence",
           "survey_spreads"]
