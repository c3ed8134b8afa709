"""The view Cost of the atlas: time and memory on this machine, over the number of patches, as they are measured."""
from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from linviz.measured_cost import SIDES, CostFormula, CostPoint, cost_formula, crossover_sentence
from linviz.mechanisms import REGISTRY

from ..shared.number_tables import WAIT, column_heads, html_table, three_digits, title_html
from ..shared.warm_start import wait_for_task
from ..shared.widgets import is_dark, show_figure, show_warnings
from .atlas_state import AtlasView
from .cost_measurement import CostMeasurement, Rows
from .mechanism_cards import mechanism_card

VISIT = "atlas_measurement"  # the key of the visitor's measurement
CURVE = [49 * (3136 / 49) ** (n / 40) for n in range(41)]  # numbers of patches along the formula's line
CHOOSE = "Choose one to four mechanisms on the left to measure what they cost."
HOW = ("Processor time of one call with one head and random q, k and v on one thread. It is the median of five rounds, "
       "in which the mechanisms take turns. Another machine, or a busy one, gives other times. Memory is counted: the "
       "bytes of all tensors of a call that exist at the same time, and of those that the map holds afterwards. Above "
       "the chosen size, and where a call would take longer than a quarter of a second, numbers are an estimate. Time "
       "is then read from the formula, which has a fixed part and the power that the mechanism's page states.")
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1.0, "B"))
COLUMNS = ("mechanism", "width", "patches", "seconds", "peak_bytes", "kept_bytes", "table_bytes", "measured")


def show_cost(choice: AtlasView) -> None:
    """The measurement of the chosen mechanisms, read at N patches."""
    visit: CostMeasurement = st.session_state.setdefault(VISIT, CostMeasurement())
    visit.want(choice)
    if not choice.costed:
        st.info(CHOOSE)
    elif visit.running:
        _show_running(choice)
    else:
        show_warnings([f"The measurement ended early: {visit.failed}."] if visit.failed else [])
        _show_points(visit.rows, choice)
        st.button("Measure again", on_click=visit.again, key="atlas_measure")
    st.caption(HOW)


@st.fragment(run_every=1.0)
def _show_running(choice: AtlasView) -> None:
    """The points as they come; the page runs again when the measurement is over."""
    visit: CostMeasurement = st.session_state[VISIT]
    if not visit.running:
        st.rerun()
    done = len(visit.rows)
    st.progress(done / len(SIDES), f"Measured {done} of {len(SIDES)} sizes.")
    st.button("Stop", on_click=visit.stop, key="atlas_stop")
    _show_points(visit.rows, choice)


def _show_points(rows: Rows, choice: AtlasView) -> None:
    if not rows:
        return
    titles = [mechanism_card(name).title for name in choice.costed]
    columns = [[points[n] for points in rows] for n in range(len(titles))]
    if len(titles) > 1 and len(rows) > 1:
        st.markdown(f"**{crossover_sentence(titles, columns)}**")
    st.html(cost_table(columns, titles, int(choice.cost_tokens)))
    for place, kind in zip(st.columns(2), ("time", "memory")):
        with place:
            show_figure(chart_of_points(columns, titles, kind, int(choice.cost_tokens), is_dark()), f"atlas_{kind}")
    if len(rows) == len(SIDES):
        _offer_files(columns, titles, choice)


def _offer_files(columns: Sequence[Sequence[CostPoint]], titles: Sequence[str], choice: AtlasView) -> None:
    """The numbers and the charts as files, made when they are asked for."""
    from linviz.views.export.cost_sheet import cost_picture
    families = [REGISTRY[points[0].name].family for points in columns]
    makers: dict[str, Callable[[], str | bytes]] = {
        ".csv": partial(cost_csv, columns, titles, choice),
        **{ending: partial(cost_picture, ending, titles, families, columns) for ending in (".png", ".svg")}}
    with st.container(horizontal=True):
        for ending, make_file in makers.items():
            st.download_button(f"Download as {ending[1:].upper()}", make_file, f"linviz_cost{ending}",
                               key=f"atlas_cost{ending}", on_click="ignore")


def chart_of_points(columns: Sequence[Sequence[CostPoint]], titles: Sequence[str], kind: str, tokens: int,
                    dark: bool) -> Any:
    """The chart of the "time" in milliseconds, or of the "memory" in kilobytes; one column of points per mechanism."""
    wait_for_task(20)  # plotly fails where another thread has imported half of pandas: nothing may be on its way
    from linviz.figures.cost_charts import CostSeries, cost_chart
    from linviz.figures.growth import Axis
    out = []
    for title, points in zip(titles, columns):
        cost = [1e3 * p.seconds if kind == "time" else max(p.peak_bytes, 1) / 1e3 for p in points]
        formula = cost_formula(points)
        curve = [1e3 * formula.seconds(n) for n in CURVE] if kind == "time" else []
        out.append(CostSeries(title, points[0].name, REGISTRY[points[0].name].family, [p.tokens for p in points], cost,
                              [p.measured for p in points], CURVE if curve else [], curve))
    words = {"time": ("milliseconds", "Time of a call"), "memory": ("kilobytes", "Most memory during a call")}[kind]
    return cost_chart(out, Axis(words[0], log=True), tokens, title=words[1], dark=dark)


def cost_table(columns: Sequence[Sequence[CostPoint]], titles: Sequence[str], tokens: int) -> str:
    """Time, memory and formula of every mechanism at `tokens` patches, as HTML; "…" where nothing is there yet."""
    points = [next((p for p in column if p.tokens == tokens), None) for column in columns]

    def line(title: str, numbers: Sequence[str]) -> str:
        return f'<tr><th scope="row">{title_html(title, "")}</th>{"".join(f"<td>{n}</td>" for n in numbers)}</tr>'

    def cells(write: Callable[[CostPoint], str]) -> list[str]:
        return [WAIT if p is None else write(p) for p in points]
    body = [line(f"time, N = {tokens:,}", cells(lambda p: estimate_text(time_text(p.seconds), p))),
            line("most memory during a call", cells(lambda p: estimate_text(byte_text(p.peak_bytes), p))),
            line("memory of the map", cells(lambda p: estimate_text(byte_text(p.kept_bytes), p))),
            line("an N × N table, if it were written out", cells(lambda p: byte_text(4 * p.tokens**2))),
            line("formula of the time", [formula_text(cost_formula(c)) if len(c) > 1 else WAIT for c in columns])]
    return html_table(column_heads([REGISTRY[c[0].name].family for c in columns], titles), "", body)


def estimate_text(text: str, point: CostPoint) -> str:
    """The text, marked where the point was not measured."""
    return text if point.measured else f"{text} (estimate)"


def time_text(seconds: float) -> str:
    """Seconds with a unit that suits.

    >>> time_text(0.0000123), time_text(0.00123), time_text(2.5)
    ('12.3 µs', '1.23 ms', '2.50 s')
    """
    size, unit = next(((size, unit) for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
                       if seconds >= size), (1e-12, "ps"))
    return f"{three_digits(float(f'{seconds / size:.3g}'))} {unit}"


def byte_text(count: int) -> str:
    """A number of bytes with a unit that suits.

    >>> byte_text(39_337_984), byte_text(12), byte_text(0)
    ('39.3 MB', '12 B', '0 B')
    """
    size, unit = next((one for one in UNITS if count >= one[0]), UNITS[-1])
    return f"{three_digits(float(f'{count / size:.3g}'))} {unit}"


def formula_text(formula: CostFormula) -> str:
    """The formula with units.

    >>> formula_text(CostFormula(1e-4, 2.59e-9, 2.0)), formula_text(CostFormula(0.0, 1e-6, 1.5))
    ('100 µs + 2.59 ns · N²', '1 µs · N^1.5')
    """
    power = {0.0: "", 1.0: " · N", 2.0: " · N²"}.get(formula.power, f" · N^{formula.power:g}")
    start = f"{time_text(formula.start)} + " if formula.start else ""
    return f"{start}{time_text(formula.rate)}{power}"


def cost_csv(columns: Sequence[Sequence[CostPoint]], titles: Sequence[str], choice: AtlasView) -> str:
    """All points as CSV, a row each; "measured" is no where a point is an estimate."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for title, points in zip(titles, columns):
        writer.writerows([title, choice.cost_width, p.tokens, p.seconds, p.peak_bytes, p.kept_bytes, 4 * p.tokens**2,
                          "yes" if p.measured else "no"] for p in points)
    return out.getvalue()
