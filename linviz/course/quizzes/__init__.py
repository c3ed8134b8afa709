"""The quizzes, by the name of their chapter: words in cNN_name.toml, what counts their numbers again in cNN_name.py."""
from importlib import import_module
from pathlib import Path

from ..quiz import Quiz, read_quiz

_FILES = {file.stem: file for file in sorted(Path(__file__).parent.glob("c[0-9][0-9]_*.toml"))}
_FOUND = {stem: read_quiz(file, import_module(f".{stem}", __name__)) for stem, file in _FILES.items()}
_NAMED = {stem[4:]: quiz for stem, quiz in _FOUND.items()}
ALL: dict[int, Quiz] = {int(stem[1:3]): quiz for stem, quiz in _FOUND.items()}
__all__ = ["ALL", *_NAMED]


def __getattr__(name: str) -> Quiz:
    """The quiz of that name; AttributeError if there is none."""
    if name in _NAMED:
        return _NAMED[name]
    raise AttributeError(f"there is no quiz {name!r}; the quizzes are: {', '.join(_NAMED)}")
