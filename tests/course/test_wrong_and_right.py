"""Wrong answers that once passed, right answers that once failed, and sentences that contradicted themselves."""
from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from linviz.course import checks
from linviz.course.checks.e05_3_window import mixed
from linviz.course.comparison import number_pair
from linviz.course.tensor_equality import as_tensors

from .answers import ANSWERS
from .answers_05 import window_loop

SEED = random.randrange(10**6)


# ---------------------------------------------------------------- wrong answers


def first_below(s: Tensor, tolerance: float) -> Tensor:
    return (s > tolerance * s[..., :1]).int().argmin(-1)


def streamed_with(maximum: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Streaming with another running maximum."""
    def answer(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
        m, top, bottom = q.new_full((len(q), 1), -torch.inf), q.new_zeros(len(q), v.shape[1]), q.new_zeros(len(q), 1)
        for a, b in zip(k.split(size), v.split(size), strict=True):
            s = q @ a.mT / q.shape[1] ** 0.5
            new = torch.maximum(m, maximum(s))
            p, old = (s - new).exp(), (m - new).exp()
            top, bottom, m = top * old + p @ b, bottom * old + p.sum(-1, keepdim=True), new
        return top / bottom
    return answer


def queries_in_chunks(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    return torch.cat([(a @ k.mT / q.shape[1] ** 0.5).softmax(-1) @ v for a in q.split(size)])


def all_pieces_kept(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    scores = [q @ a.mT / q.shape[1] ** 0.5 for a in k.split(size)]
    most = torch.stack([s.amax(1) for s in scores]).amax(0)[:, None]
    weights = [(s - most).exp() for s in scores]
    total = sum(w.sum(1, keepdim=True) for w in weights)
    return sum(w @ b for w, b in zip(weights, v.split(size), strict=True)) / total


def numpy_stream(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    s = q.numpy() @ k.numpy().T / q.shape[1] ** 0.5
    w = np.exp(s - s.max(1, keepdims=True))
    return torch.from_numpy(w @ v.numpy() / w.sum(1, keepdims=True))


def moved(row: Tensor, channels: int, steps: Tensor, turn: Callable[[Tensor], Tensor]) -> Tensor:
    return ANSWERS["content_of"][0](row, channels, turn(steps))


@pytest.mark.parametrize("name, answer, says", [
    ("numerical_rank", first_below, "equal values all"),
    ("streamed", streamed_with(lambda s: s.max()), "for some queries"),
    ("streamed", streamed_with(lambda s: s[:1].amax(1, keepdim=True)), "no overflow"),
    ("streamed", queries_in_chunks, "numbers at once"), ("streamed", numpy_stream, "numbers at once"),
    ("streamed", all_pieces_kept, "keep the scores of all chunks"),
    ("content_of", lambda *x: moved(*x, lambda s: -s), "the opposite side"),
    ("content_of", lambda *x: moved(*x, lambda s: s.flip(1)), "dy and dx are exchanged")])
def test_wrong_answers_that_once_passed(name: str, answer: Callable[..., Any], says: str) -> None:
    verdict = checks.ALL[name].judge(answer)
    assert not verdict.passed and verdict.named and says in " ".join(verdict.lines)


# ---------------------------------------------------------------- dense tables outside torch


def table_lists(q: Tensor, k: Tensor) -> Any:
    keys = k.tolist()
    return np.array([[sum(map(operator.mul, x, y)) for y in keys] for x in q.tolist()])


def table_outer(q: Tensor, k: Tensor) -> Any:
    return sum(np.outer(q.numpy()[:, d], k.numpy()[:, d]) for d in range(q.shape[1]))


TABLES: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "matmul": lambda q, k: q.numpy() @ k.numpy().T, "dot": lambda q, k: np.dot(q.numpy(), k.numpy().T),
    "inner": lambda q, k: np.inner(q.numpy(), k.numpy()), "einsum": lambda q, k: np.einsum("id,jd->ij", q, k),
    "tensordot": lambda q, k: np.tensordot(q.numpy(), k.numpy(), (1, 1)), "outer": table_outer, "lists": table_lists,
    "rows": lambda q, k: np.stack([k.numpy() @ x for x in q.numpy()]),
    "broadcast": lambda q, k: (q.numpy()[:, None] * k.numpy()[None]).sum(-1),
    "apply": lambda q, k: np.apply_along_axis(lambda x: k.numpy() @ x, 1, q.numpy()),
    "asarray": lambda q, k: np.asarray(q).dot(np.asarray(k).T), "float32": lambda q, k: q.numpy() @ k.numpy().T,
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_dense_table_is_seen_wherever_it_is_made(kind: str) -> None:
    def answer(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return torch.from_numpy(np.asarray(TABLES[kind](q, k)) @ v.numpy() / len(k))
    assert "N x N table" in str(checks.keys_first.judge(answer))


def test_one_row_of_numpy_at_a_time_is_a_table_too_and_two_products_are_none() -> None:
    def rows(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return torch.from_numpy(np.stack([(k.numpy() @ x) @ v.numpy() for x in q.numpy()]) / len(k))

    def bracket(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return torch.from_numpy(q.numpy() @ (k.numpy().T @ v.numpy()) / len(k))
    assert "N x N table" in str(checks.keys_first.judge(rows))
    assert checks.keys_first.judge(bracket).passed


# ---------------------------------------------------------------- right answers


def chunks_together(phi_q: Tensor, phi_k: Tensor, v: Tensor, size: int) -> Tensor:
    """All chunks in one batch, padded to a whole number of chunks."""
    N = len(v)
    both = torch.cat((v, v.new_ones(N, 1)), 1)
    q, k, x = (torch.nn.functional.pad(t, (0, 0, 0, -N % size)).unflatten(0, (-1, size)) for t in (phi_q, phi_k, both))
    states = (k.mT @ x).cumsum(0)
    before = torch.cat((torch.zeros_like(states[:1]), states[:-1]))
    out = ((q @ k.mT).tril() @ x + q @ before).flatten(0, 1)[:N]
    return out[:, :-1] / out[:, -1:]


def test_all_chunks_in_one_batch_are_right_and_no_chunks_are_not() -> None:
    verdict = checks.chunked.judge(chunks_together)
    assert verdict.passed, str(verdict)

    def token_by_token(phi_q: Tensor, phi_k: Tensor, v: Tensor, size: int) -> Tensor:
        return ANSWERS["up_to_now"][2](phi_q, phi_k, v)
    assert not checks.chunked.judge(token_by_token).passed


def test_a_list_in_place_of_a_tuple_is_named() -> None:
    verdict = checks.step.judge(lambda *x: list(ANSWERS["step"][0](*x)))
    assert verdict.mistake and "a tuple of 3 tensors, got a list of 3" in verdict.lines[1]


# ---------------------------------------------------------------- sentences


NUMBERS = re.compile(r"(-?\d[\d.e+-]*\d|\d)")


@pytest.mark.parametrize("name", checks.ALL)
def test_no_sentence_contradicts_itself(name: str) -> None:
    """One number a little off: what is expected and what is there must not look the same."""
    print("seed", SEED)
    chance, exercise = random.Random(f"{SEED} {name}"), checks.ALL[name]
    for size in (1e-2, 1e-5, 1e-7):
        def answer(*given: Any, size: float = size) -> Any:
            wanted = ANSWERS[name][0](*given)
            made = [x.double().clone() if x.is_floating_point() else x.clone() for x in as_tensors(wanted) or ()]
            spoilt = next(x for x in reversed(made) if x.is_floating_point() or len(made) == 1)
            at = chance.randrange(spoilt.numel())
            spoilt.view(-1)[at] += 1 if not spoilt.is_floating_point() else size * spoilt.abs().max()
            return tuple(made) if isinstance(wanted, tuple) else made[0]
        verdict = exercise.judge(answer)    # once: another call spoils another number
        said = "" if verdict.passed else verdict.lines[1]
        said = re.sub(r"\[[\d, ]*\]", "", said)         # the place
        said = re.sub(r" for (?:head )?-?[\d.e-]+$", "", said)      # "yours has A for B"
        due, _, yours = said.rpartition(";") if ";" in said else said.rpartition(", got ")
        got = NUMBERS.findall(yours)
        assert not got or NUMBERS.findall(due.split("expected")[-1])[-len(got):] != got, said


@pytest.mark.parametrize("wanted, got", [(7.96303, 7.9630300001), (1.0, 1 - 1e-7), (0.0, 1e-12), (5.0, float("nan"))])
def test_two_numbers_are_told_apart(wanted: float, got: float) -> None:
    assert len(set(number_pair(wanted, got, ".3f"))) == 2


@pytest.mark.parametrize("name, answer, says", [
    ("apply", lambda A, v: (A.float() @ v.float()).double(), "float32"),
    ("soft_lookup", lambda q, k, v: ANSWERS["soft_lookup"][0](q.float(), k.float(), v.float()).double(), "float32"),
    ("apply", lambda A, v: (A @ v).float(), "shorter type"), ("apply", lambda A, v: (A @ v).long(), "whole numbers"),
    ("effective_rank", lambda s: (-((s / s.sum(-1, True)) * (s / s.sum(-1, True) + 1e-6).log()).sum(-1)).exp(), "eps"),
    ("up_to_now", lambda q, k, v: (q @ k.mT).tril() @ v / ((q @ k.mT).tril().sum(-1, True) + 1e-6), "eps"),
    ("own_share", lambda q, k: (q * k).sum(-1) / (q @ k.sum(0) + 1e-6), "eps")])
def test_float32_and_an_eps_are_named(name: str, answer: Callable[..., Any], says: str) -> None:
    assert says in checks.ALL[name].judge(answer).mistake


# ---------------------------------------------------------------- one off, and turned


def shifted_window(first: int, leaves: int) -> Callable[..., Tensor]:
    def answer(phi_q: Tensor, phi_k: Tensor, v: Tensor, W: int) -> Tensor:
        S, z, out = 0 * phi_k[0][:, None] * v[0], 0 * phi_k[0], []
        for i in range(len(phi_q)):
            S, z = S + phi_k[i][:, None] * v[i], z + phi_k[i]
            if i >= W + first:
                S, z = S - phi_k[i - W + leaves][:, None] * v[i - W + leaves], z - phi_k[i - W + leaves]
            out.append(phi_q[i] @ S / (phi_q[i] @ z))
        return torch.stack(out)
    return answer


def heads_turned(split: Callable[..., Tensor], join: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def answer(q: Tensor, k: Tensor, v: Tensor, H: int) -> Tensor:
        a, b, c = (split(x, H) for x in (q, k, v))
        return join((a @ b.mT / a.shape[-1] ** 0.5).softmax(-1) @ c, len(q))
    return answer


CUT, FOLD = (lambda x, H: x.unflatten(1, (H, -1)).transpose(0, 1)), (lambda x, H: x.reshape(H, len(x), -1))


def test_the_right_window_and_heads_pass() -> None:
    assert torch.allclose(shifted_window(0, 0)(*mixed(0), 3), window_loop(*mixed(0), 3))
    assert checks.multihead.judge(heads_turned(CUT, lambda o, N: o.transpose(0, 1).reshape(N, -1))).passed


@pytest.mark.parametrize("name, answer", [
    *(("window", shifted_window(*off)) for off in ((1, 0), (-1, 0), (0, 1), (1, 1), (-1, 1), (0, -1), (1, -1))),
    ("multihead", heads_turned(CUT, lambda o, N: o.reshape(N, -1))),
    ("multihead", heads_turned(CUT, lambda o, N: o.mT.reshape(N, -1))),
    ("multihead", heads_turned(CUT, lambda o, N: o.permute(1, 2, 0).reshape(N, -1))),
    ("multihead", heads_turned(FOLD, lambda o, N: o.transpose(0, 1).reshape(N, -1))),
    ("multihead", heads_turned(FOLD, lambda o, N: o.reshape(N, -1))),
    ("multihead", heads_turned(CUT, lambda o, N: o.transpose(0, 2).reshape(N, -1))),
    ("multihead", heads_turned(CUT, lambda o, N: o.permute(2, 0, 1).reshape(-1, N).T))])
def test_one_off_and_a_transpose_by_reshape_are_named(name: str, answer: Callable[..., Any]) -> None:
    verdict = checks.ALL[name].judge(answer)
    assert not verdict.passed and verdict.mistake, str(verdict)
