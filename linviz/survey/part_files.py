"""The task of one clip: read it, measure it, and write its rows into one file, named by what they depend on.

    survey.parts/4f1c...9a.json     {"rows": [...], "seconds": 0.81, "host": "node7"}

The name is the hash of the clip's content, the options, the model's weights and the code that measures. So a clip that
was measured is found again by whoever looks, under whichever name it has; and a changed clip, option or version of
linviz finds nothing.
"""
from __future__ import annotations

import hashlib
import json
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..atomic_write import write_atomically
from .clip_list import ClipName
from .clip_rows import clip_rows, model_digest, read_clip_bytes
from .code_digest import code_digest
from .survey_options import SurveyOptions


@dataclass(frozen=True)
class ClipTask:
    """One clip to measure: names and numbers, some hundred bytes. code: the `code_digest` of who asks."""

    clip: ClipName
    options: SurveyOptions
    folder: str
    code: str

    def part(self, content: str) -> Path:
        """The file of the rows of this content: a digest, or a sample's name."""
        told = asdict(self.options) | {"model": model_digest(self.options.model), "content": content, "code": self.code}
        name = hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()
        return Path(self.folder) / f"{name}.json"


def run_clip(task: ClipTask) -> str:
    """Measure a clip unless its file is there; the file's name. ValueError on a worker with another version of linviz.

    A file that cannot be opened is a row, too; its part is named by the reason, so that it is tried again.
    """
    if task.code != code_digest():
        raise ValueError(f"{platform.node()} has another linviz, or other packages, than the survey was started with: "
                         "install the same versions on every machine (see constraints.txt)")
    began, data, rows = time.process_time(), None, None
    try:
        data = read_clip_bytes(task.clip.path) if task.clip.path else None
        content = task.clip.name if data is None else hashlib.sha256(data).hexdigest()
    except ValueError as error:
        content, rows = f"unreadable: {error}", [{"why": str(error)}]
    path = task.part(content)
    if read_part(path) is None:
        rows = rows or clip_rows(task.clip.name, data, task.options)
        part = {"rows": rows, "seconds": time.process_time() - began, "host": platform.node()}
        write_atomically(path, json.dumps(part), folder=True)
    return path.name


def read_part(path: Path) -> dict[str, Any] | None:
    """The rows of a clip as they were written; None where they are missing or damaged.

    >>> print(read_part(Path("no such file.json")))
    None
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.keys() >= {"rows", "seconds", "host"} else None
