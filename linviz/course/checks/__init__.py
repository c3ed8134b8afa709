"""The check of every exercise, by name: `checks.features(features)` judges your function.

Checks are collected from the modules eNN_n_name.py of this folder.

>>> from linviz.course import checks
>>> checks.features(lambda x: x.relu())
✗ Exercise 13.1: not yet.
  a channel at -2.22 should give the floor alone, 1/sqrt(5) = 0.447; yours gives 0.000
  This is exactly what one gets without the floor.
"""
from importlib import import_module
from pkgutil import iter_modules

from ..exercise import Exercise

_MODULES = sorted(m.name for m in iter_modules(__path__) if m.name[:1] == "e" and m.name[1:3].isdigit())
_FOUND = [x for name in _MODULES for x in vars(import_module(f".{name}", __name__)).values() if isinstance(x, Exercise)]
ALL: dict[str, Exercise] = {x.name: x for x in _FOUND}
if len(ALL) < len(_FOUND):
    raise ImportError(f"two exercises share a name: {sorted(f'{x.name} {x.number}' for x in _FOUND)}")
__all__ = ["ALL", *ALL]


def __getattr__(name: str) -> Exercise:
    """The check of that name; AttributeError if there is none."""
    if name in ALL:
        return ALL[name]
    raise AttributeError(f"there is no check {name!r}; the checks are: {', '.join(ALL)}")
