"""The checks have teeth: right answers pass, wrong ones do not, and most are told what they did."""
from __future__ import annotations

import copy
import functools
import itertools
from typing import NamedTuple

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from linviz.course import checks
from linviz.course.exercise import Exercise
from linviz.course.tensor_equality import as_tensors, is_close

from ..cases import every_case
from .answers import ANSWERS, ORACLES
from .mutants import mutants

EXERCISES = list(checks.ALL.values())
ids = {"ids": lambda e: getattr(e, "name", None) or getattr(e, "__name__", None)}
RIGHT = [(checks.ALL[name], answer) for name, answers in ANSWERS.items() for answer in answers]


@every_case("exercise", EXERCISES)
def test_three_ways_of_writing_the_right_answer_are_at_hand(exercise: Exercise) -> None:
    assert len(ANSWERS[exercise.name]) >= 3 and len(exercise.seeds) >= 3


@pytest.mark.parametrize("exercise, answer", RIGHT, **ids)
def test_right_answers_pass(exercise: Exercise, answer) -> None:
    verdict = exercise.judge(answer)
    assert verdict.passed, str(verdict)


@pytest.mark.parametrize("exercise", EXERCISES, **ids)
def test_every_wrong_answer_of_the_table_is_rejected_and_named(exercise: Exercise) -> None:
    assert len(exercise.wrong) >= 6
    verdicts = {name: exercise.judge(wrong) for name, wrong in exercise.wrong.items()}
    assert [name for name, v in verdicts.items() if v.passed] == []
    told = [name for name, v in verdicts.items() if name in v.lines[-1]]
    assert len(told) >= 0.8 * len(verdicts), set(verdicts) - set(told)
    assert all(1 < len(v.lines) <= 3 and max(map(len, v.lines)) <= 160 for v in verdicts.values())


@every_case("exercise", EXERCISES)
def test_no_two_names_of_a_table_mean_the_same(exercise: Exercise) -> None:
    told = {name: exercise.diagnose(wrong) for name, wrong in exercise.wrong.items()}
    assert told == {name: name for name in exercise.wrong}


def _other(exercise: Exercise, answer, right) -> bool:
    """Whether a mutant says anything else than the right answer, on inputs that the check does not use."""
    for seed in range(50, 54):
        given = exercise.inputs(seed)
        try:
            got = as_tensors(answer(*copy.deepcopy(given)))
        except Exception:
            return True
        wanted = as_tensors(right(*copy.deepcopy(given)))
        if got is None or len(got) != len(wanted) or not all(map(is_close, got, wanted)):
            return True
    return False


def _cancels(exercise: Exercise, answer) -> bool:
    """The oracle of the one exercise with many right answers: the map itself, pair by pair."""
    for seed in range(3):
        N, M = exercise.inputs(seed)
        try:
            r_q, r_k = (r.double() for r in answer(N, M))
            p, k = torch.rand(2, N, M, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.1
            plain, gated = (a / a.sum(-1, keepdim=True) for a in (p @ k.T, (p * r_q) @ (k * r_k).T))
            kept = r_q.shape == r_k.shape == (N, M) and 0 < min(r_q.min(), r_k.min()) < max(r_q.max(), r_k.max()) < 1
            lively = [r.amax(d) / r.amin(d) for r, d in ((r_q, 0), (r_q, 1), (r_k, 1))]
            if not kept or (gated - plain).abs().max() > 1e-5 or min(x.min() for x in lively) < 1.5:
                return False
        except Exception:
            return False
    return True


class Fate(NamedTuple):
    """What became of the mutants of an exercise's right answers."""

    count: int
    alive: list[str]
    silent: list[str]
    stopped: int  # by Python, which has named it: not counted as ours

    @property
    def spoke(self) -> int:
        return self.count - self.stopped - len(self.alive)


def fate(name: str, every: int = 1) -> Fate:
    """Every mutant of every right answer of an exercise, or one of so many, judged once."""
    exercise, alive, silent, stopped, count = checks.ALL[name], [], [], 0, 0
    same = {"cancelling": functools.partial(_cancels, checks.cancelling), **ORACLES}.get(name)
    for answer in ANSWERS[name]:
        for change, mutant in itertools.islice(mutants(answer), 0, None, every):
            if same(mutant) if same else not _other(exercise, mutant, answer):
                continue  # the change changed nothing
            verdict, count = exercise.judge(mutant), count + 1
            assert len(verdict.lines) <= 3
            if verdict.passed:
                alive.append(change)
            elif "it stopped with" in verdict.lines[1]:
                stopped += 1
            elif not verdict.named:
                silent.append(f"{change} | {verdict.lines[1]}")
    print(f"{name}: {count} mutants, {stopped} stopped by Python", "alive:", *alive, "not named:", *silent, sep="\n")
    return Fate(count, alive, silent, stopped)


def hold_together(fates: list[Fate], least: int) -> None:
    """Mutants of all exercises together are killed and named."""
    count, alive, silent, spoke = (sum(x) for x in zip(*(
        (f.count, len(f.alive), len(f.silent), f.spoke) for f in fates)))
    print(f"{count} mutants, {alive} alive, {spoke - silent} of {spoke} named")
    assert count > least
    assert alive <= 0.05 * count
    assert spoke - silent >= 0.6 * spoke


def test_mutants_of_all_exercises_are_killed_and_named() -> None:
    """One in four; the night has all, exercise by exercise."""
    fates = [fate(exercise.name, 4) for exercise in EXERCISES]
    assert all(one.count for one in fates)
    hold_together(fates, 150)


@pytest.mark.nightly
def test_all_mutants_are_killed_and_named() -> None:
    fates = {exercise.name: fate(exercise.name) for exercise in EXERCISES}
    hold_together(list(fates.values()), 600)
    for name, found in fates.items():
        assert found.count > 10, name
        assert len(found.alive) <= 0.05 * found.count, (name, found.alive)
        assert len(found.silent) <= 0.6 * found.spoke, (name, found.silent)


def test_an_answer_still_to_be_written_passes_through() -> None:
    def features(x):
        raise NotImplementedError("Exercise 13.1: features is still to be written.")
    with pytest.raises(NotImplementedError, match="still to be written"):
        checks.features(features)


def _stops(x):
    return x.no_such_thing()


def _writes(x):
    return x.relu_().add_(x.shape[-1] ** -0.5)


@pytest.mark.parametrize("answer, words", [
    (_stops, "AttributeError"), (_writes, "changed its input"), (lambda x: None, "returned nothing"),
    (lambda x: x.tolist(), "got list"), (lambda x: (x, x), "2 tensors"),
    (lambda x: x[:, :2], "expected shape (7, 5), got (7, 2)"),
    (lambda x: (x.relu() + x.shape[-1] ** -0.5).float(), "float32"), (lambda x: x / 0, "infinite"),
    (torch.ones(3), "Pass the function itself"), (lambda: None, "TypeError")])
def test_every_kind_of_broken_answer_gets_help_and_no_traceback(answer, words) -> None:
    verdict = checks.features.judge(answer)
    assert not verdict.passed and words in str(verdict) and len(verdict.lines) <= 3


def test_the_line_that_stopped_is_shown() -> None:
    assert checks.features.judge(_stops).lines[-1].strip() == "It stopped at: return x.no_such_thing()"


def _other_way_round(A: Float[Tensor, "N S"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N E"]:
    return v @ A


def _a_row_too_few(A: Float[Tensor, "N S"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N E"]:
    return (A @ v)[:, 0]


@pytest.mark.parametrize("answer", [_other_way_round, _a_row_too_few])
def test_where_sizes_do_not_meet_the_letters_are_told(answer) -> None:
    verdict = checks.apply.judge(answer)
    assert "ere N = 7, S = 6, E = 3." in verdict.lines[-1] and len(verdict.lines) == 3


def test_an_error_of_another_kind_is_told_without_letters() -> None:
    def unknown(A: Float[Tensor, "N S"], v: Float[Tensor, "S E"]):
        return A.no_such_thing(v)
    assert "N = " not in str(checks.apply.judge(unknown))


def test_a_table_written_out_is_told_from_the_bracket_that_does_not_grow() -> None:
    def table(p, k, v, s, t):
        w = (p * s) @ (k * t).mT
        return w @ v / (w.sum(-1, keepdim=True) + 1e-6)
    assert "N x N table" in str(checks.gated_attention.judge(table))
