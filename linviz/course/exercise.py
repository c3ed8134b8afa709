"""Exercises and their checks: how an answer is judged.

An exercise has a right answer, a function that makes inputs, properties that an answer must have (checked in
order) and a table of named wrong answers. When a property fails, the answer's output is compared with the output
of every wrong answer. If one of them matches, the learner reads its name from the table.
"""
from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from torch import Tensor

from .answer_words import axis_letters, describe_error
from .common_mistakes import common_mistake
from .tensor_equality import RELATIVE, as_tensors, is_close

Answer = Callable[..., Any]


@dataclass(frozen=True)
class Finding:
    """One mistake: what was observed, a hint, and whether the finding names the mistake."""

    seen: str
    hint: str = ""
    names: bool = False


@dataclass(frozen=True)
class Attempt:
    """One call of an answer: its inputs, the right result, and the result of the answer."""

    theirs: Answer
    right: Answer
    given: tuple[Any, ...]
    after: tuple[Any, ...]  # the inputs as the answer left them
    got: Any = None
    error: Exception | None = None

    @cached_property
    def expected(self) -> Any:
        """The right answer's result for the same inputs."""
        return self.right(*copy.deepcopy(self.given))

    def ask(self, *given: Any) -> Any:
        """The answer's result for other inputs."""
        return self.theirs(*copy.deepcopy(given))


Property = Callable[[Attempt], Finding | None]


@dataclass(frozen=True)
class Verdict:
    """The result of a check: at most three `lines`, whether the mistake was named, and its name if there is one."""

    passed: bool
    lines: tuple[str, ...]
    named: bool = False
    mistake: str = ""

    def __str__(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Exercise:
    """A check: call it with an answer. `judge` returns the verdict without printing it.

    number "13.1"; right: the reference; inputs(seed) -> arguments; wrong: a description -> a wrong answer.
    """

    name: str
    number: str
    right: Answer
    inputs: Callable[[int], tuple[Any, ...]]
    properties: tuple[Property, ...]
    wrong: Mapping[str, Answer]
    well_done: str
    seeds: tuple[int, ...] = (0, 1, 2)
    relative: float = field(default=RELATIVE)

    def __call__(self, theirs: Any) -> None:
        """Judge an answer and print the verdict. An unsolved exercise raises its NotImplementedError."""
        print(self.judge(theirs))

    def judge(self, theirs: Any) -> Verdict:
        """The verdict on an answer: check every property for every seed, until one fails."""
        if not callable(theirs):
            return self._refuse(theirs, Finding(f"got a {type(theirs).__name__}, not a function",
                                                f"Pass the function itself: checks.{self.name}({self.name})."))
        for seed in self.seeds:
            attempt = self.attempt(theirs, seed)
            for ask in self.properties:
                finding = _ask_property(ask, attempt)
                if finding is not None:
                    return self._refuse(theirs, finding)
        return Verdict(True, (f"✓ Exercise {self.number}: right. {self.well_done}",))

    def attempt(self, theirs: Answer, seed: int) -> Attempt:
        """Call an answer on the inputs of a seed."""
        given = self.inputs(seed)
        after = copy.deepcopy(given)
        try:
            return Attempt(theirs, partial(self._expected, seed), given, after, got=theirs(*after))
        except NotImplementedError:
            raise
        except Exception as error:
            return Attempt(theirs, partial(self._expected, seed), given, after, error=error)

    def _expected(self, seed: int, *given: Any) -> Any:
        """The right answer's result for the inputs of a seed, computed once."""
        if seed not in self._known:
            self._known[seed] = self.right(*given)
        return self._known[seed]

    @cached_property
    def _known(self) -> dict[int, Any]:
        return {}

    def diagnose(self, theirs: Answer) -> str | None:
        """The name of the wrong answer with the same results for two seeds; None if there is none."""
        attempts = [self.attempt(theirs, seed) for seed in self.seeds[:2]]
        if any(a.error is not None for a in attempts):
            return None
        for name in self.wrong:
            if all(same_result(a, self._mistake(name, n), self.relative) for n, a in enumerate(attempts)):
                return name
        return common_mistake([(a.got, a.expected) for a in attempts])

    def _mistake(self, name: str, n: int) -> Attempt:
        """The wrong answer of this name on the seed number n, called once."""
        if (name, n) not in self._mistakes:
            self._mistakes[name, n] = self.attempt(self.wrong[name], self.seeds[n])
        return self._mistakes[name, n]

    @cached_property
    def _mistakes(self) -> dict[tuple[str, int], Attempt]:
        return {}

    def _refuse(self, theirs: Any, finding: Finding) -> Verdict:
        name = self.diagnose(theirs) if callable(theirs) else None
        last = finding.hint if name is None else f"This is exactly what one gets {name}."
        lines = (f"✗ Exercise {self.number}: not yet.", "  " + finding.seen, *(["  " + last] if last else []))
        if name is None and finding.names and callable(theirs) and self._is_right(theirs):
            name = finding.seen                         # too much work, or one case that was forgotten
        return Verdict(False, lines, named=finding.names or name is not None, mistake=name or "")

    def _is_right(self, theirs: Answer) -> bool:
        """Whether the results for all seeds are right."""
        return all(same_result(self.attempt(theirs, s), self.attempt(self.right, s), self.relative) for s in self.seeds)


def _ask_property(ask: Property, attempt: Attempt) -> Finding | None:
    """Check one property; an error of the answer on the property's own inputs becomes a finding."""
    if attempt.error is not None:
        return error_finding(attempt.error, attempt.theirs, attempt.given)
    try:
        return ask(attempt)
    except NotImplementedError:
        raise
    except Exception as error:
        return error_finding(error, attempt.theirs)


def error_finding(error: Exception, theirs: Answer, given: tuple[Any, ...] = ()) -> Finding:
    """The finding for an answer that raised: the error's first line, and the line of the answer that caused it.

    If the error is about sizes, the hint lists the exercise's letters with their sizes.
    """
    found = describe_error(error, theirs)
    letters = letter_sizes(theirs, given) if re.search("size|shape", found.said, re.IGNORECASE) else ""
    hints = [f"It stopped at: {found.line}" if found.line else "", f"Here {letters}." if letters else ""]
    return Finding(f"it stopped with {found.kind}: {found.said}", ". ".join(filter(None, hints)))


def letter_sizes(theirs: Answer, given: tuple[Any, ...]) -> str:
    """The sizes that the letters in an answer's types stand for; "" for an answer without types.

    >>> from jaxtyping import Float
    >>> def apply(A: Float[Tensor, "N S"], v: Float[Tensor, "S E"]): ...
    >>> import torch
    >>> letter_sizes(apply, (torch.ones(7, 6), torch.ones(6, 3)))
    'N = 7, S = 6, E = 3'
    """
    found: dict[str, int] = {}
    for letters, x in zip(axis_letters(theirs), given, strict=False):
        if isinstance(x, Tensor) and len(letters) == x.ndim:
            found |= zip(letters, x.shape, strict=True)
    return ", ".join(f"{letter} = {size}" for letter, size in found.items())


def same_result(a: Attempt, b: Attempt, relative: float) -> bool:
    """Whether two answers gave the same results and left their inputs in the same state."""
    x, y = as_tensors(a.got), as_tensors(b.got)
    if x is None or y is None:
        return False
    left = (as_tensors(tuple(t for t in s.after if isinstance(t, Tensor))) or () for s in (a, b))
    pairs = [(x, y), tuple(left)]
    return all(len(p) == len(q) and all(is_close(s, t, relative) for s, t in zip(p, q, strict=True)) for p, q in pairs)
