"""An honest answer has the same verdict in the learner's notebook and in the grader's other process."""
from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from linviz.course import checks
from linviz.grade.marks import Outcome
from linviz.grade.runner import Limits, Runner, _verdict_outcome

from .answers import ANSWERS
from .mutants import Change, _parameters

HEAD = ("import math\nfrom typing import Any\nimport torch\nfrom torch import Tensor, einsum\n"
        "from torch.nn.functional import elu, pad, scaled_dot_product_attention as attention\n")


def sources(name: str, answer: Any, every: int, first: int) -> Iterator[str]:
    """A right answer and every nth mutant of it, as code that binds the exercise's name."""
    text = textwrap.dedent(inspect.getsource(answer))
    home = inspect.getsource(inspect.getmodule(answer)) if "space_padded(" in text else ""
    tree, count = ast.parse(text), 0
    rest = "\n".join(ast.unparse(n) for n in ast.parse(home).body if isinstance(n, ast.FunctionDef))
    yield f"{rest}\n{text}\n{name} = {answer.__name__}"
    for place in range(len([n for n in ast.walk(tree) if isinstance(n, ast.expr)])):
        for way in range(8):
            change = Change(place, way, _parameters(tree))
            mutant = change.visit(ast.parse(text))
            if not change.said:
                break
            count += 1
            if count % every == first:
                made = ast.unparse(ast.fix_missing_locations(mutant))
                yield f"{rest}\n{made}\n{name} = {answer.__name__}"


def outcome_here(name: str, code: str, limits: Limits) -> Outcome:
    """The outcome without another process, as the learner's check gives it."""
    exercise, space = Runner(limits).exercises[name], {"__name__": "__main__"}
    for n, text in enumerate((HEAD, code)):
        file = f"<{exercise.number}, part {n + 1}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), space)
    return _verdict_outcome(exercise, space[name], exercise.judge(space[name]))


def differences(every: int, first: int, answers: slice) -> list[tuple[str, Outcome, Outcome]]:
    """(code, outcome here, outcome there) where they differ."""
    limits, found = Limits(), []
    runner = Runner(limits)
    rounds = [[(name, code) for answer in ANSWERS[name][answers] for code in sources(name, answer, every, first)]
              for name in checks.ALL]
    for n in range(max(map(len, rounds))):                      # one answer to every exercise in one process
        tasks = dict(r[n] for r in rounds if n < len(r))
        there, _ = runner.outcomes([{"name": name, "statements": [HEAD, code]} for name, code in tasks.items()])
        for name, code in tasks.items():
            if (here := outcome_here(name, code, limits)) != there[name]:
                found.append((code, here, there[name]))
    return found


def test_answers_have_the_same_verdict() -> None:
    """Of every second exercise a right answer or a mutant, in turn; the night has all of all."""
    limits = Limits()
    runner = Runner(limits)
    tasks = {name: list(islice(sources(name, ANSWERS[name][0], 1000, 7), 1 + n % 2))[-1]
             for n, name in enumerate(list(checks.ALL)[::2])}
    there, imports = runner.outcomes([{"name": name, "statements": [HEAD, code]} for name, code in tasks.items()])
    assert not imports and runner.started == 1
    for name, code in tasks.items():
        assert outcome_here(name, code, limits) == there[name], code
    assert {o.status for o in there.values()} > {"right", "wrong"}


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(6))
def test_all_answers_and_all_mutants_have_the_same_verdict(first: int) -> None:
    assert differences(6, first, slice(None)) == []
