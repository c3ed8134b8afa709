"""A seal on the checks: whether they are unchanged after an answer has run.

An answer runs in the process that judges it, because a check counts the numbers it computes and reads the line where it
stopped. So an answer can reach the checks. The seal finds replaced parts, and tests that the checks still reject a
wrong answer of their own table.
"""
from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any


class Seal:
    """Created before an answer runs; `broken` afterwards names a change, or returns an empty text."""

    def __init__(self) -> None:
        self.parts = dict(_course_parts())

    def broken(self, exercise: Any) -> str:
        """One sentence if a part was replaced or the check no longer rejects a wrong answer; empty otherwise."""
        now = dict(_course_parts())
        changed = sorted(name for name, part in self.parts.items() if now.get(name) is not part)
        if changed:
            return f"it changes the checks themselves ({changed[0]}), so their verdicts do not count"
        try:
            passed = [name for name, wrong in exercise.wrong.items() if exercise.judge(wrong).passed]
        except BaseException as error:
            return f"after it, the checks stop with {type(error).__name__}, so their verdicts do not count"
        return "after it, the check accepts wrong answers, so its verdicts do not count" if passed else ""


def _course_parts() -> Iterator[tuple[str, Any]]:
    """Every function, class and constant of the course's modules, and the code of each function, by its full name."""
    modules = sorted(name for name in sys.modules if name.startswith("linviz.course"))
    for module in modules:
        for name, value in list(vars(sys.modules[module]).items()):
            yield from _parts_within(f"{module}.{name}", value, deep=getattr(value, "__module__", None) == module)


def _parts_within(name: str, value: Any, deep: bool) -> Iterator[tuple[str, Any]]:
    yield name, value
    if hasattr(value, "__code__"):
        yield f"{name}()", value.__code__
    inner = vars(value).items() if deep and hasattr(value, "__dict__") and not callable(value) else ()
    inner = vars(value).items() if deep and isinstance(value, type) else inner
    for key, part in list(inner):
        if not key.startswith("__") or key == "__call__":
            yield from _parts_within(f"{name}.{key}", part, deep=False)
