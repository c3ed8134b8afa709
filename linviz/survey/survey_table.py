"""A survey as a table of Arrow and as a Parquet file, whose metadata hold the units of all columns and the options."""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .survey_columns import Column, survey_columns
from .survey_options import SurveyOptions

if TYPE_CHECKING:
    import pyarrow as pa

WRITER = "linviz survey"
CHUNK = 10_000  # rows that are Python's at a time
DETAILS = ("title", "symbol", "unit", "range", "source")
NO_ARROW = ("a survey's table needs pyarrow, which is not installed: `python3 start.py survey --help` installs it in a "
            "clone, pip install 'linviz[survey]' elsewhere")


def import_arrow() -> Any:
    """pyarrow, imported when it is used; ValueError, in one sentence, where it is missing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError(NO_ARROW) from None
    return pyarrow


def table_schema(options: SurveyOptions, linviz: str) -> pa.Schema:
    """The columns with what each is, and what was asked; linviz: the version that measured."""
    pa = import_arrow()
    kinds = {"string": pa.string(), "int32": pa.int32(), "double": pa.float64()}

    def field(column: Column) -> pa.Field:
        details = {name: text for name in DETAILS if (text := getattr(column, name))}
        return pa.field(column.name, kinds[column.kind], metadata=details)

    asked = {name: list(x) if isinstance(x, tuple) else x for name, x in vars(options).items()}
    return pa.schema([field(column) for column in survey_columns()],
                     metadata={"writer": WRITER, "linviz": linviz, "options": json.dumps(asked, sort_keys=True)})


def rows_table(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """A table of rows in their order; what a row does not name is missing."""
    pa = import_arrow()
    batches = [pa.RecordBatch.from_pylist(part, schema=schema) for part in row_chunks(rows)]
    return pa.Table.from_batches(batches, schema=schema).combine_chunks()


def row_chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows in lists of at most CHUNK.

    >>> [len(part) for part in row_chunks({} for _ in range(10_001))]
    [10000, 1]
    """
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == CHUNK:
            yield part
            part = []
    if part:
        yield part


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as a Parquet file, compressed."""
    pa = import_arrow()
    out = pa.BufferOutputStream()
    pa.parquet.write_table(table, out, compression="zstd")
    return bytes(out.getvalue())


def read_survey(source: str | Path | bytes) -> pa.Table:
    """The table in a file that `linviz survey` wrote, or in its bytes; ValueError, in one sentence, for any other."""
    pa = import_arrow()
    name = "the file" if isinstance(source, bytes) else str(source)
    try:
        table = pa.parquet.read_table(pa.BufferReader(source) if isinstance(source, bytes) else str(source))
    except OSError as error:
        missing = not isinstance(source, bytes) and not Path(source).exists()
        why = "there is no such file" if missing else f"it is no Parquet file ({str(error)[:80]})"
        raise ValueError(f"{name} cannot be read: {why}; `linviz survey` writes one") from error
    except pa.ArrowException as error:
        raise ValueError(f"{name} cannot be read: it is no Parquet file; `linviz survey` writes one") from error
    if (table.schema.metadata or {}).get(b"writer") != WRITER.encode():
        raise ValueError(f"{name} is a table of something else: `linviz survey` writes the tables that are read here")
    missing_columns = [c.name for c in survey_columns() if c.name not in table.column_names]
    if missing_columns:
        raise ValueError(f"{name} lacks the columns {', '.join(missing_columns)}: measure again with this linviz")
    return table


def table_options(table: pa.Table) -> dict[str, Any]:
    """What was asked of the survey that wrote a table, by name; see `SurveyOptions`."""
    return dict(json.loads(table.schema.metadata[b"options"]))
