"""The checker behind the jaxtyping flag: beartype, with whole numbers accepted as floats (PEP 484).

jaxtyping would bind the arguments of every call anew, and compile its checks of a function inside another one at every
call of that: half the time of many tests. So it is left with the functions that speak of arrays. All others go to
beartype alone, which takes a microsecond; a function inside another one that speaks of none goes to mypy alone.
"""
from __future__ import annotations

import re
import typing
from collections.abc import Callable
from types import CodeType
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

Function = Callable[..., Any]
ARRAYS = re.compile(r"\b(Float|Int|Bool|Frames|Keys|PerRow|Queries|Rows|Spectrum|Tokens|Values)\b")  # linviz/shapes.py

tower = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=jaxtyping.TypeCheckError))
wrapped_by_jaxtyping = jaxtyping.jaxtyped
known: dict[CodeType, bool | None] = {}


def has_array(hint: Any) -> bool:
    """Whether there is an array in a type."""
    if isinstance(hint, list | tuple):
        return any(map(has_array, hint))
    return isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray) or has_array(typing.get_args(hint))


def speaks_of_arrays(function: Function) -> bool | None:
    """Whether a function's types have an array; None where they are not yet known, and no word says so."""
    try:
        return any(map(has_array, typing.get_type_hints(function, include_extras=True).values()))
    except Exception:  # a class that is being made, or what is imported for mypy alone
        return any(ARRAYS.search(str(hint)) for hint in function.__annotations__.values()) or None


def wrapped_where_needed(*, typechecker: Any) -> Callable[[Any], Any]:
    """`jaxtyping.jaxtyped`, of the functions and classes that need it."""
    usual = wrapped_by_jaxtyping(typechecker=typechecker)

    def wrap(thing: Any) -> Any:
        code = getattr(thing, "__code__", None)
        if isinstance(thing, type) or code is None:
            return usual(thing)
        if code not in known:
            known[code] = speaks_of_arrays(thing)
        if known[code]:
            return usual(thing)
        if "<locals>" in thing.__qualname__:
            return thing
        return usual(thing) if known[code] is None else tower(thing)
    return wrap


jaxtyping.jaxtyped = wrapped_where_needed  # before a module of linviz is imported
