"""What an answer says about itself: its error and the line that caused it, and the letters of its types.

This module knows no exercise: the grader loads it into the process that runs the answers.
"""
from __future__ import annotations

import inspect
import linecache
import traceback
from collections.abc import Callable
from typing import Any


class AnswerError(Exception):
    """An error of an answer: its kind, its first line, and the line of the answer that caused it."""

    def __init__(self, kind: str, said: str, line: str) -> None:
        super().__init__(said)
        self.kind, self.said, self.line = kind, said, line


def describe_error(error: BaseException, answer: Any) -> AnswerError:
    """An error in words; an `AnswerError` stays as it is.

    >>> found = describe_error(ValueError("no\\nmore"), print)
    >>> found.kind, found.said, found.line
    ('ValueError', 'no', '')
    """
    if isinstance(error, AnswerError):
        return error
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip()[:100] if frames else ""
    return AnswerError(type(error).__name__, (str(error).splitlines() or [""])[0][:150], line)


def axis_letters(answer: Callable[..., Any]) -> list[list[str]]:
    """For every parameter of an answer the letters of its type; [] where it has none.

    >>> from jaxtyping import Float
    >>> def apply(A: Float[torch.Tensor, "N S"], n: int): ...
    >>> import torch
    >>> axis_letters(apply)
    [['N', 'S'], []]
    """
    if hasattr(answer, "letters"):
        letters: list[list[str]] = answer.letters
        return letters
    try:
        kinds = [p.annotation for p in inspect.signature(answer, eval_str=True).parameters.values()]
    except Exception:  # a function of torch has no signature, and a type may use an unknown name
        return []
    return [str(getattr(kind, "dim_str", "")).split() for kind in kinds]
