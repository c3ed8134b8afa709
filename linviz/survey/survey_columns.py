"""The columns of a survey's table: what each is, its unit and its range. Measures say so themselves, by `@measure`."""
from __future__ import annotations

from dataclasses import dataclass

from ..measure import MEASURES
from ..reading import ROW_MEASURES, SPECTRUM_MEASURES
from ..signed_rows import SIGNED_MEASURES

MEASURED = (*ROW_MEASURES, "distance", "frame_distance", "mass", "lift", *SIGNED_MEASURES, "numerical_rank",
            *SPECTRUM_MEASURES)


@dataclass(frozen=True)
class Column:
    """A column: its type in Arrow's words, its title, letter, unit, range, and where its definition stands."""

    name: str
    kind: str
    title: str
    symbol: str = ""
    unit: str = ""
    range: str = ""
    source: str = ""

    @property
    def label(self) -> str:
        """The title with its unit, for an axis or a heading."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


KEYS = (Column("clip", "string", "name of the clip"),
        Column("layer", "int32", "attention layer of the model; 0: descriptors of patches"),
        Column("head", "int32", "head of the layer, from 1; 0: descriptors of patches"),
        Column("mechanism", "string", "spec of the mechanism; own: the model's own attention"),
        Column("why", "string", "why there are no numbers; empty where there are"))
COUNTS = (Column("frames", "int32", "frames of tokens", "T", "frames", "1 and up"),
          Column("patch_rows", "int32", "rows of patches", "Y", "patches", "1 and up"),
          Column("patch_columns", "int32", "columns of patches", "X", "patches", "1 and up"),
          Column("rows", "int32", "rows of the map", "N", "tokens", "1 and up"),
          Column("dead", "int32", "dead rows, which are in no mean", "", "tokens", "0 to N"),
          Column("rank_bound", "int32", "bound of the rank", "", "of min(N, S)", "1 to min(N, S)"),
          Column("tolerance", "double", "tolerance of the numerical rank", "", "of the largest s", "0 to 1"))
LENGTHS = (Column("length_answer", "string", "what a longer query does: see linviz.query_length"),
           Column("length_entropy", "double", "entropy at 16 q minus entropy at q / 4", "", "bits", "any"),
           Column("length_largest", "double", "largest weight at 16 q over that at q / 4", "", "times", "0 and up"))


def survey_columns() -> tuple[Column, ...]:
    """Every column of the table, in order.

    >>> {column.name: column.unit for column in survey_columns()}["distance"]
    'pixels'
    """
    measured = (MEASURES[name] for name in MEASURED)
    return (*KEYS, *COUNTS, *(Column(m.name, "double", m.title, m.symbol, m.unit, m.range, m.source)
                              for m in measured), *LENGTHS)


def number_columns() -> dict[str, Column]:
    """The columns that have a distribution, by name: the measures, and what a longer query does."""
    return {column.name: column for column in survey_columns()
            if column.name in MEASURED or column.name in ("length_entropy", "length_largest")}


def column_of(name: str) -> Column:
    """A column with a distribution; ValueError, with all that there are, for another name.

    >>> column_of("gini").title
    'Gini coefficient'
    """
    found = number_columns()
    if name not in found:
        raise ValueError(f"no measure called {name!r} in a survey; there are: {', '.join(found)}")
    return found[name]
