"""The quizzes, by the name of their chapter, collected from the modules cNN_name.py of this folder."""
from importlib import import_module
from pkgutil import iter_modules

from ..quiz import Quiz

_MODULES = sorted(m.name for m in iter_modules(__path__) if m.name[:1] == "c" and m.name[1:3].isdigit())
_FOUND = {name: (module, quiz) for module in _MODULES
          for name, quiz in vars(import_module(f".{module}", __name__)).items() if isinstance(quiz, Quiz)}
ALL: dict[int, Quiz] = {int(module[1:3]): quiz for module, quiz in _FOUND.values()}
__all__ = ["ALL", *_FOUND]


def __getattr__(name: str) -> Quiz:
    """The quiz of that name; AttributeError if there is none."""
    if name in _FOUND:
        return _FOUND[name][1]
    raise AttributeError(f"there is no quiz {name!r}; the quizzes are: {', '.join(_FOUND)}")
