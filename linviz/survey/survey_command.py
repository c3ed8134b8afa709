"""`linviz survey`: measure many clips into one table, go on with one that broke off, and print what a table holds.

    linviz survey videos/ --mechanism softmax relu_floor --out survey.parquet      survey.run.json: hosts, seconds
    linviz survey --show survey.parquet --measure effective_tokens
"""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from ..atomic_write import write_atomically
from ..safe_output import check_output
from .clip_list import ClipName, find_clips
from .clip_survey import Report, default_mechanisms, measure_survey, record_text
from .survey_columns import column_of
from .survey_options import SurveyOptions
from .survey_spread import Spread, missing_reasons, survey_spreads
from .survey_table import parquet_bytes, read_survey
from .task_runner import Lost, dask_client

PLACE_WIDTH, NAME_WIDTH, CELL_WIDTH = 18, 24, 9     # letters of a place, of a mechanism and of a number
HEADS = ("n", "mean", "95 % from", "to", "min", "median", "max")


def run_command(given: argparse.Namespace) -> int:
    """Show, list or measure, as the options say; the exit status, 130 after Ctrl-C."""
    if given.show is not None:
        print(spread_text(given.show, given.measure))
        return 0
    clips = limited_clips(find_clips(given.clips), given.limit)
    if given.list:
        print("\n".join(clip.name for clip in clips))
        return 0
    return measure_clips(clips, given)


def limited_clips(clips: list[ClipName], limit: int | None) -> list[ClipName]:
    """The first `limit` clips, or all; ValueError for fewer than one.

    >>> limited_clips([ClipName("a"), ClipName("b")], 1)
    [ClipName(name='a', path='')]
    """
    if limit is not None and limit < 1:
        raise ValueError(f"--limit takes a number of clips, 1 or more; got {limit}")
    return clips[:limit]


def measure_clips(clips: list[ClipName], given: argparse.Namespace) -> int:
    """Measure these clips and write the table; the exit status."""
    out, record_path, folder = given.out, given.out.with_suffix(".run.json"), given.out.with_suffix(".parts")
    if out.suffix.lower() != ".parquet":
        raise ValueError(f"{out}: the table is a Parquet file; name one that ends in .parquet")
    for path in (out, record_path):
        check_output(path, given.clips and [clip for clip in given.clips if Path(clip).exists()], given.force)
    options, done = asked_options(given), Done()
    try:
        with dask_client(given.dask, given.workers) as client, clip_progress(done) as report:
            table, record = measure_survey(clips, options, folder, client, report)
    except KeyboardInterrupt:
        print(f"\nStopped. {stopped_text(done, len(clips), folder)}")
        return 130
    except Lost as error:
        raise OSError(f"{error}. {stopped_text(done, len(clips), folder)}") from error
    size = write_atomically(out, parquet_bytes(table)).stat().st_size
    write_atomically(record_path, record_text(record))
    print(f"{out}: {table.num_rows:,} rows of {count_clips(len(clips))}, {size / 1e3:.1f} KB; {record_path.name} has "
          f"hosts and seconds.{reason_lines(missing_reasons(table))}\n"
          f"linviz survey --show {out} prints the distributions.")
    return 0


def asked_options(given: argparse.Namespace) -> SurveyOptions:
    """The options of a command line, as what is measured."""
    plugin = "" if given.plugin is None else given.plugin.read_text("utf-8")
    return SurveyOptions(default_mechanisms(given.mechanism, given.model), given.model, given.patches, given.frames,
                         given.temperature, given.keys, given.steps, given.seed, plugin)


@dataclass
class Done:
    """How many clips are measured."""

    clips: int = 0


def stopped_text(done: Done, total: int, folder: Path) -> str:
    """How far a survey came, and how to go on.

    >>> stopped_text(Done(3), 12, Path("survey.parts"))
    '3 of 12 clips are in survey.parts; the same command goes on with the others.'
    """
    return f"{done.clips:,} of {total:,} clips are in {folder}; the same command goes on with the others."


@contextmanager
def clip_progress(done: Done) -> Iterator[Report]:
    """A bar with the rate and the time left, on a terminal and in a log; `done` is kept up to date."""
    with tqdm(unit="clip", desc="measuring", leave=False, mininterval=0.5) as bar:
        def report(clips: int, total: int) -> None:
            done.clips, bar.total = clips, total
            bar.update(clips - bar.n)
        yield report


# ---------------------------------------------------------------------------------------- what a table holds


def spread_text(path: Path, measure: str) -> str:
    """The distributions in a table, for a terminal: mechanisms side by side under every layer and head."""
    column, table = column_of(measure), read_survey(path)
    spreads = survey_spreads(table, measure)
    clips = len(set(table.column("clip").to_pylist()))
    head = [f"{path}: {column.label}, over {count_clips(clips)}; the interval is that of the mean"]
    if not spreads:
        head.append("No row has this measure.")
    titles = " " * (PLACE_WIDTH + NAME_WIDTH) + "".join(f"{title:>{CELL_WIDTH + 1}}" for title in HEADS)
    lines = [spread_line(one, before) for one, before in zip(spreads, [None, *spreads])]
    return "\n".join([*head, *([titles] if spreads else []), *lines]) + reason_lines(missing_reasons(table))


def count_clips(count: int) -> str:
    """A number of clips in words.

    >>> count_clips(1), count_clips(1200)
    ('1 clip', '1,200 clips')
    """
    return f"{count:,} clip{'s' * (count != 1)}"


def spread_line(one: Spread, before: Spread | None = None) -> str:
    """One distribution as a line; its place is named where the line before has another."""
    place = "" if before is not None and before.place == one.place else one.place
    lowest, _, median, _, highest = one.quartiles
    numbers = one.mean, one.low, one.high, lowest, median, highest
    cells = "".join(f" {'-' if x != x else f'{x:.3g}':>{CELL_WIDTH}}" for x in numbers)
    return f"{place:{PLACE_WIDTH}}{one.mechanism:{NAME_WIDTH}.{NAME_WIDTH - 1}} {one.n:>{CELL_WIDTH}}{cells}"


def reason_lines(reasons: dict[str, int]) -> str:
    """One line for every reason why rows have no numbers, each on a line of its own; empty without any."""
    return "".join(f"\n{count:,} row{'s' * (count > 1)} without numbers: {why}" for why, count in reasons.items())
