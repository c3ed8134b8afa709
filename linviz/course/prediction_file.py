"""What a learner predicted, in one small file beside the notebooks: `predictions.json`.

The file maps numbers to words: `{"4.2": {"words": "about fifty", "earlier": ["all of them"]}}`. Number 4.2 is the
second prediction that chapter 4 asks for. A file that is damaged is put aside as `predictions.json.bak`, never lost.
"""
from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic_write import write_atomically
from .learner_files import backup_path, folder_prompts

FILE = "predictions.json"
OTHER_FILE = "LINVIZ_PREDICTIONS"       # an environment variable that names another file
LARGEST = 1_000_000                     # bytes; a whole course of long predictions has a tenth of that
NUMBER = re.compile(r"\d{1,3}\.\d{1,3}")


@dataclass(frozen=True)
class Prediction:
    """What was predicted, and what a later call in the notebook has replaced."""

    words: str
    earlier: tuple[str, ...] = ()


def predictions_path() -> Path:
    """The file of this notebook: in the folder where its kernel runs, which is the notebook's own.

    >>> predictions_path().name
    'predictions.json'
    """
    return Path(os.environ.get(OTHER_FILE) or FILE).absolute()


def check_number(number: Any) -> str:
    """The number of a prediction; ValueError, in one sentence, for anything else.

    >>> check_number("4.2")
    '4.2'
    """
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        raise ValueError(f"a prediction has a number in quotes, chapter and count, such as \"4.2\"; got {number!r}")
    return number


def number_order(number: str) -> tuple[int, ...]:
    """A key that sorts 4.2 before 4.10.

    >>> sorted(["4.10", "4.2"], key=number_order)
    ['4.2', '4.10']
    """
    return tuple(map(int, number.split(".")))


def read_predictions(path: Path) -> dict[str, Prediction]:
    """Number -> prediction, in order; {} where there is no file. Entries of another form are left out.

    Raises ValueError, in one sentence, where the file cannot be read.

    >>> read_predictions(Path("no such file"))
    {}
    """
    found = {n: Prediction(entry["words"], tuple(entry["earlier"])) for n, entry in _read_entries(path).items()
             if _is_entry(n, entry)}
    return {n: found[n] for n in sorted(found, key=number_order)}


def store_prediction(path: Path, number: str, words: str, keep: bool = False) -> str:
    """Write one prediction into the file. Returns "", or a sentence if a damaged file was put aside.

    keep: words that are replaced stay in the file as `earlier`. Raises ValueError, in one sentence, where the file can
    be neither read nor written; it is then as it was.
    """
    said = ""
    try:
        entries = _read_entries(path)
    except DamagedFile as error:
        said, entries = _put_aside(path, error), {}
    old = entries.get(number)
    if old is not None and not _is_entry(number, old):
        said, old = _put_aside(path, DamagedFile(path)), None
    earlier = list(old["earlier"]) if old else []
    if keep and old and old["words"] not in ("", words):
        earlier = [*(e for e in earlier if e != old["words"]), old["words"]]
    if old is None or (old["words"], old["earlier"]) != (words, earlier):
        text = json.dumps(entries | {number: {"words": words, "earlier": earlier}}, indent=1, ensure_ascii=False)
        write_atomically(path, (text + "\n").encode("utf-8", "replace"))
    return said


def prediction_report(folder: Path) -> str:
    """Every prediction in a folder of notebooks, each below its prompt. ValueError where the file cannot be read.

    >>> prediction_report(Path("no such folder"))
    'no such folder has no predictions yet; type them into the boxes of the notebooks'
    """
    found, prompts = read_predictions(folder / FILE), folder_prompts(folder)
    texts = [f"{number}  {prompts.get(number, '')}\n" + "".join(f"      {line}\n" for line in p.words.splitlines())
             for number, p in found.items() if p.words.strip()]
    return "\n".join(texts).rstrip() or f"{folder} has no predictions yet; type them into the boxes of the notebooks"


class DamagedFile(ValueError):
    """The file is there, and holds no predictions."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is damaged and cannot be read as predictions")


def _put_aside(path: Path, error: DamagedFile) -> str:
    kept = backup_path(path)
    write_atomically(kept, path.read_bytes())
    return f"{error}; it is kept as {kept.name}, and a new file was begun."


def _read_entries(path: Path) -> dict[str, Any]:
    """Everything in the file, also entries of another form."""
    try:
        if path.stat().st_size > LARGEST:
            raise DamagedFile(path)
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError):
        raise DamagedFile(path) from None
    if not isinstance(entries, dict):
        raise DamagedFile(path)
    found: dict[str, Any] = entries
    return found


def _is_entry(number: str, entry: Any) -> bool:
    return (NUMBER.fullmatch(number) is not None and isinstance(entry, dict) and isinstance(entry.get("words"), str)
            and isinstance(entry.get("earlier"), list) and all(isinstance(e, str) for e in entry["earlier"]))
