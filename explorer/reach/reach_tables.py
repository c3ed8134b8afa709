"""The numbers under the view: patches reached and operations, layer by layer, as a table and for the chart."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import accumulate

from linviz.figures.reach import Path

from ..shared.number_tables import SCROLLED, operation_count
from .reach_schemes import ORDINALS, SCHEMES
from .reach_state import ReachView
from .reached_layers import ReachedLayers, percent_of, reached_layers

COLUMNS = ("layer", "patches reached", "share", "operations of it", "in all")


def layer_rows(found: ReachedLayers) -> list[tuple[str, ...]]:
    """One row per layer, counted back from the output, each as the table shows it."""
    N = len(found.levels)
    layers = zip(reversed(found.specs), found.tokens, found.flops, accumulate(found.flops))
    return [(spec, f"{seen:,} of {N:,}", percent_of(seen, N), operation_count(count), operation_count(total))
            for spec, seen, count, total in layers]


def reach_table(found: Sequence[ReachedLayers]) -> str:
    """HTML: the schemes one under the other, so that their columns can be compared."""
    body = "".join(
        f'<tr><th scope="rowgroup" colspan="6"><b>{escape(SCHEMES[one.scheme].title)}</b></th></tr>' + "".join(
            f'<tr><th scope="row">{ORDINALS[n]}</th>{"".join(map(_cell, row))}</tr>'
            for n, row in enumerate(layer_rows(one))) for one in found)
    heads = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    return (f'<div class="linviz-numbers" {SCROLLED} style="--columns:7"><table>'
            f"<thead><tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table></div>")


def _cell(text: str) -> str:
    """A cell; where it is narrow, a spec goes on in a second line."""
    return f"<td>{escape(text).replace('@', '<wbr>@')}</td>"


def scheme_paths(choice: ReachView) -> list[Path]:
    """Every scheme for the chart, the two compared marked as chosen."""
    out = []
    for name, scheme in SCHEMES.items():
        found = reached_layers(name, choice.attention, choice.side, choice.grid, choice.query)
        shares = [100 * seen / len(found.levels) for seen in found.tokens]
        out.append(Path(scheme.short, list(accumulate(found.flops)), shares, name in (choice.left, choice.right)))
    return out
