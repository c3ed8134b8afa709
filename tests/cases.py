"""Many cases in one test, where pytest's own work on a test takes longer than the test itself."""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import conftest

Test = Callable[..., None]
TOLD = 3    # failures whose whole traceback is shown; all others are named


def every_case(names: str, values: Iterable[Any]) -> Callable[[Test], Test]:
    """`pytest.mark.parametrize`, in one test: each case is tried and seeded anew, and all that fail are named."""
    wanted, cases = [name.strip() for name in names.split(",")], list(values)
    assert cases, f"no case of {names}: the test would prove nothing"

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def all_cases(**others: Any) -> None:
            hold_for(cases, lambda case: test(**dict(zip(wanted, parts(case, len(wanted)), strict=True)), **others))
        signature = inspect.signature(test)
        all_cases.__signature__ = signature.replace(parameters=[  # type: ignore[attr-defined]
            one for name, one in signature.parameters.items() if name not in wanted])
        return all_cases
    return decorate


def parts(case: Any, count: int) -> tuple[Any, ...]:
    """What a case says of each name."""
    return (case,) if count == 1 else tuple(case)


def hold_for(cases: Iterable[Any], law: Callable[[Any], None], name: Callable[[Any], str] = repr) -> None:
    """Try a law on each case; those that break it are raised together, each with its name."""
    broken = list[BaseException]()
    for case in cases:
        conftest.seed_everything()
        try:
            law(case)
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(f"This is the case {name(case):.200}.")
            broken.append(error)
    if broken:
        named = "; ".join(note for error in broken for note in error.__notes__[-1:])
        raise BaseExceptionGroup(f"{len(broken)} cases fail. {named}", broken[:TOLD])
