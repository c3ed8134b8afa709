"""Zeros, ones, inputs, constants and noise of the right shape earn nothing in any exercise."""
from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from linviz.course import checks
from linviz.course.exercise import Exercise
from linviz.course.tensor_equality import as_tensors
from linviz.grade.runner import Limits, _verdict_outcome

SEED = random.randrange(10**6)


def idle_answers(exercise: Exercise, chance: random.Random) -> Iterator[tuple[str, Callable[..., Any]]]:
    """(name, answer) for every way of doing nothing."""
    noise = torch.Generator().manual_seed(chance.randrange(10**6))
    number = chance.uniform(-3, 3)

    def shaped(make: Callable[[Tensor, tuple[Any, ...]], Tensor]) -> Callable[..., Any]:
        def answer(*given: Any) -> Any:
            wanted = exercise.right(*given)
            made = tuple(make(x, given).to(x.dtype) for x in as_tensors(wanted) or ())
            return made if isinstance(wanted, tuple) else made[0]
        return answer

    def part(n: int, turned: bool) -> Callable[[Tensor, tuple[Any, ...]], Tensor]:
        def cut(x: Tensor, given: tuple[Any, ...]) -> Tensor:
            tensors = [t for t in given if isinstance(t, Tensor)]
            if not tensors:
                return torch.zeros_like(x)
            source = tensors[n % len(tensors)]
            flat = (source.mT if turned and source.ndim > 1 else source).flatten().double()
            return flat.repeat(x.numel() // len(flat) + 1)[:x.numel()].reshape(x.shape)
        return cut

    def whole(n: int) -> Callable[[Tensor, tuple[Any, ...]], Tensor]:
        def same(x: Tensor, given: tuple[Any, ...]) -> Tensor:
            fits = [t for t in given if isinstance(t, Tensor) and t.shape == x.shape]
            return fits[n % len(fits)].clone() if fits else torch.zeros_like(x)
        return same

    yield "zeros", shaped(lambda x, given: torch.zeros_like(x))
    yield "ones", shaped(lambda x, given: torch.ones_like(x))
    yield f"{number}", shaped(lambda x, given: torch.full_like(x, number))
    yield "noise", shaped(lambda x, given: torch.randn(x.shape, generator=noise))
    yield "shares of noise", shaped(lambda x, given: torch.rand(x.shape or (1,), generator=noise).softmax(-1))
    n = chance.randrange(5)
    yield f"input {n}", shaped(whole(n))
    yield f"the numbers of input {n}", shaped(part(n, chance.random() < 0.5))


@pytest.mark.parametrize("name", checks.ALL)
def test_doing_nothing_earns_nothing(name: str) -> None:
    print("seed", SEED)
    exercise = replace(checks.ALL[name], seeds=Limits().seeds)
    for how, answer in idle_answers(exercise, random.Random(SEED)):
        outcome = _verdict_outcome(exercise, answer, exercise.judge(answer))
        assert outcome.earned(10) == 0, (how, outcome)


@pytest.mark.parametrize("name", checks.ALL)
def test_half_is_earned_only_for_a_mistake_of_the_table(name: str) -> None:
    exercise = checks.ALL[name]
    for mistake, answer in list(exercise.wrong.items())[::4]:
        verdict = exercise.judge(answer)
        outcome = _verdict_outcome(exercise, answer, verdict)
        assert outcome.status in ("near", "wrong", "stopped")
        assert outcome.status != "near" or verdict.mistake == mistake
