"""A survey of many clips in Python: `linviz.survey(...)`, and its steps."""
from __future__ import annotations

import json
import platform
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..mechanisms import parse
from ..models.checkpoints import read_card
from ..models.recipe import Recipe
from .clip_list import ClipName, find_clips
from .clip_rows import checkpoint_path, run_plugin
from .code_digest import code_digest, installed_packages
from .part_files import ClipTask, read_part, run_clip
from .survey_options import MECHANISMS, SurveyOptions
from .survey_table import import_arrow, rows_table, table_schema
from .task_runner import dask_client, run_tasks

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Report = Callable[[int, int], Any]  # clips that are done, of how many


def survey_clips(clips: str | Path | Sequence[str | Path] = (), *mechanisms: str, parts: str | Path | None = None,
                 dask: str | None = None, workers: int | None = None, plugin: str | Path | None = None,
                 **options: Any) -> pd.DataFrame:
    """Measure every clip x layer x head x mechanism: one row each, with the columns of `survey_columns`.

    clips      folders of pictures and videos, files, names of samples, one or several; default: every sample
    mechanisms specs; default: softmax and relu_floor, or with model= the model's own attention
    parts      a folder for one small file per clip, with which a survey that broke off goes on; default: none is kept
    dask       the address of a scheduler, whose workers see the same folders; or "local", with `workers` processes
    plugin     a Python file that registers mechanisms of your own
    options    model, patches, frames, temperature, keys, steps, seed: see `SurveyOptions`

    Every number is the mean over the rows of one head. ValueError, in one sentence, for what cannot be surveyed.

    >>> import linviz
    >>> found = linviz.survey("coffee", "softmax", "linear", patches=7)
    >>> found[["mechanism", "entropy"]].round(2).values.tolist()
    [['softmax', 3.63], ['linear', 5.57]]
    """
    given = [clips] if isinstance(clips, str | Path) else list(clips)
    text = "" if plugin is None else Path(plugin).read_text("utf-8")
    asked = SurveyOptions(default_mechanisms(mechanisms, options.get("model", "")), **options, plugin=text)
    with tempfile.TemporaryDirectory() as place, dask_client(dask, workers) as client:
        table, _ = measure_survey(find_clips(given), asked, Path(parts or place), client)
    return table.to_pandas()


def default_mechanisms(given: Sequence[str], model: str) -> tuple[str, ...]:
    """The mechanisms that were named; without any, those of a survey of descriptors.

    >>> default_mechanisms([], ""), default_mechanisms([], "softmax")
    (('softmax', 'relu_floor'), ())
    """
    return tuple(given) or (() if model else MECHANISMS)


def measure_survey(clips: Sequence[ClipName], options: SurveyOptions, folder: Path, client: Any = None,
               report: Report | None = None) -> tuple[pa.Table, dict[str, Any]]:
    """The table of a survey, and how it was made: versions, hosts and seconds.

    folder: where the parts are, one file per clip. report(done, total): called after every clip.
    """
    check_survey_options(options)
    import_arrow()  # before any work
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [ClipTask(clip, options, str(folder.resolve()), code_digest()) for clip in absolute_clips(clips)]
    names, lost = dict[int, str](), dict[int, str]()
    for n, name, why in run_tasks(run_clip, tasks, client):
        names[n], lost[n] = name, why
        if report is not None:
            report(len(names), len(tasks))
    record = Record()
    rows = survey_rows(clips, folder, names, lost, record)
    table = rows_table(rows, table_schema(options, installed_packages()["linviz"]))
    return table, record.as_dict(options)


def check_survey_options(options: SurveyOptions) -> None:
    """ValueError, in one sentence and before any work, for a plug-in, a spec or a model that can serve no clip."""
    run_plugin(options.plugin)
    for spec in options.mechanisms:
        parse(spec)
    if options.model and Recipe.read(read_card(checkpoint_path(options.model))["recipe"]).task.endswith("colour"):
        raise ValueError(f"{options.model} paints pictures; a survey takes models of clips, as in --model softmax")


def absolute_clips(clips: Sequence[ClipName]) -> list[ClipName]:
    """The same clips by absolute paths: a worker may stand in another folder."""
    return [ClipName(clip.name, str(Path(clip.path).resolve()) if clip.path else "") for clip in clips]


class Record:
    """How a survey was made: what is no number of a clip and differs from run to run."""

    def __init__(self) -> None:
        self.clips: list[tuple[str, float, str]] = []

    def as_dict(self, options: SurveyOptions) -> dict[str, Any]:
        """As JSON has it: versions, the processor's seconds and clips of every host, and those of every clip."""
        counts, seconds = Counter(host for _, _, host in self.clips), defaultdict[str, float](float)
        for _, took, host in self.clips:
            seconds[host] += took
        return {"code": code_digest(), "versions": installed_packages() | {"python": platform.python_version()},
                "mechanisms": list(options.mechanisms), "model": options.model,
                "hosts": {host: {"clips": counts[host], "seconds": round(seconds[host], 3)} for host in sorted(counts)},
                "clips": [[clip, round(took, 3), host] for clip, took, host in self.clips]}


def survey_rows(clips: Sequence[ClipName], folder: Path, names: dict[int, str], lost: dict[int, str],
                record: Record) -> Iterator[dict[str, Any]]:
    """The rows of all clips in their order, out of the parts; what is no number goes into the record."""
    for n, clip in enumerate(clips):
        if lost[n]:
            yield {"clip": clip.name, "why": lost[n]}
            continue
        part = read_part(folder / names[n])
        if part is None:
            raise ValueError(f"{folder / names[n]} was written and is gone: workers and driver need one common folder")
        record.clips.append((clip.name, part["seconds"], part["host"]))
        yield from ({"clip": clip.name} | row for row in part["rows"])


def record_text(record: dict[str, Any]) -> str:
    """The record as the text of a JSON file, one line per clip."""
    return json.dumps(record, separators=(",", ": ")).replace('],["', '],\n["').replace(',"clips"', ',\n"clips"') + "\n"
