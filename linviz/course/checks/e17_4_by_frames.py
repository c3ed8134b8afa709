"""Exercise 17.4: a memory that fades, erases and writes one frame at a time."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .outputs import a_row_a_query
from .samples import E, normal, ratio

T, P, D = 3, 4, 5  # frames, patches of a frame, channels


def right(q: Tensor, k: Tensor, v: Tensor, gamma: float, beta: Tensor, size: int) -> Tensor:
    """Pair by pair. q, k (N, D), v (N, E), beta (N,), `size` tokens in a frame -> (N, E)."""
    S, out = torch.zeros(k.shape[1], v.shape[1], dtype=v.dtype), torch.zeros_like(v)
    for start in range(0, len(k), size):
        frame = range(start, start + size)
        S = gamma * S
        news = {i: beta[i] * (v[i] - k[i] @ S) for i in frame}
        S = S + sum(torch.outer(k[i], news[i]) for i in frame)
        for i in frame:
            out[i] = q[i] @ S
    return out


def run_memory(q: Tensor, k: Tensor, v: Tensor, gamma: float, beta: Tensor, size: int, *, fade: str = "first",
               erase: str = "faded", read: str = "after", weigh: str = "news") -> Tensor:
    """The memory with one thing done differently.

    >>> x = samples(0)
    >>> torch.allclose(run_memory(*x), right(*x))
    True
    """
    S, out = torch.zeros(k.shape[1], v.shape[1], dtype=v.dtype), []
    for a, b, x, rate in zip(*(t.split(size) for t in (q, k, v, beta)), strict=True):
        before, S = S, gamma * S if fade == "first" else S
        known = {"faded": b @ S, "unfaded": b @ before, "never": 0 * x, "added": -b @ S, "query": a @ S}[erase]
        news = rate[:, None] * (x - known) if weigh == "news" else rate[:, None] * x - known
        old, S = S, S + b.mT @ news
        S = gamma * S if fade == "last" else S
        out.append(a @ (old if read == "before" else S))
    return torch.cat(out)


def _token_after_token(q: Tensor, k: Tensor, v: Tensor, gamma: float, beta: Tensor, size: int) -> Tensor:
    """A frame fades once, but its tokens are written one after another."""
    S, out = torch.zeros(k.shape[1], v.shape[1], dtype=v.dtype), []
    for a, b, x, rate in zip(*(t.split(size) for t in (q, k, v, beta)), strict=True):
        S = gamma * S
        for key, value, r in zip(b, x, rate, strict=True):
            S = S + torch.outer(key, r * (value - key @ S))
        out.append(a @ S)
    return torch.cat(out)


WRONG: dict[str, Answer] = {
    "when the memory steps at every token": lambda q, k, v, g, b, n: run_memory(q, k, v, g, b, 1),
    "when the tokens of a frame are written one after another": _token_after_token,
    "when the memory fades at every token of a frame": lambda q, k, v, g, b, n: run_memory(q, k, v, g ** n, b, n),
    "when the memory never fades": lambda q, k, v, g, b, n: run_memory(q, k, v, 1.0, b, n),
    "when a frame fades after it was written and before it is read": lambda *x: run_memory(*x, fade="last"),
    "when what the memory knows is added to the value, not taken off": lambda *x: run_memory(*x, erase="added"),
    "when the query looks up what is to be erased": lambda *x: run_memory(*x, erase="query"),
    "when nothing is erased": lambda *x: run_memory(*x, erase="never"),
    "when the look-up is made before the memory fades": lambda *x: run_memory(*x, erase="unfaded"),
    "when a frame reads before it is written": lambda *x: run_memory(*x, read="before"),
    "when beta weights the value, and not what is taken off": lambda *x: run_memory(*x, weigh="value"),
    "when beta is forgotten": lambda q, k, v, g, b, n: run_memory(q, k, v, g, torch.ones_like(b), n),
    "when queries and keys are exchanged": lambda q, k, v, g, b, n: run_memory(k, q, v, g, b, n),
    "when the query is forgotten and the key reads": lambda q, k, v, g, b, n: run_memory(k, k, v, g, b, n),
    "when the keys are brought to length 1 once more":
        lambda q, k, v, g, b, n: run_memory(q, k / k.norm(dim=-1, keepdim=True), v, g, b, n),
    "when all tokens have the mean beta": lambda q, k, v, g, b, n: run_memory(q, k, v, g, b.mean().expand_as(b), n),
    "when beta weighs twice": lambda q, k, v, g, b, n: run_memory(q, k, v, g, b * b, n),
    "when the factor that was to be left out, D to the power -1/2, is still there":
        lambda q, k, v, g, b, n: run_memory(q, k, v, g, b, n) / q.shape[1] ** 0.5,
    "when every frame begins with an empty memory": lambda q, k, v, g, b, n: run_memory(q, k, v, 0.0, b, n),
}


def samples(seed: int) -> tuple[Any, ...]:
    """Three frames of four tokens: queries, short keys, values, a decay, betas, and the size of a frame."""
    k = normal(seed + 10, T * P, D)
    k = k / k.norm(dim=-1, keepdim=True) * P ** -0.5
    return (normal(seed, T * P, D), k, normal(seed + 20, T * P, E), (0.5, 0.7, 0.9)[seed % 3],
            ratio(seed + 30, T * P), P)


def no_order(a: Attempt) -> Finding | None:
    """The order of the patches of a frame does not matter."""
    q, k, v, gamma, beta, size = a.given
    turn = torch.arange(len(k)).unflatten(0, (-1, size)).flip(1).flatten()
    turned = a.ask(q[turn], k[turn], v[turn], gamma, beta[turn], size)[turn]
    off = first_difference(turned, a.got, 1e-6)
    return None if off is None else Finding(
        f"the patches of each frame reversed: at [{off.place}] the output should stay {off.wanted}; yours is {off.got}",
        "All tokens of a frame look up in the same memory, write together, and only then read.", True)


def fades_by_frames(a: Attempt) -> Finding | None:
    """A value of the first frame, read in the last one, has faded twice."""
    _, _, _, gamma, _, size = a.given
    k = torch.zeros(T * size, D, dtype=torch.float64)
    k[0, 0] = k[-1, 1] = 1
    v, q = torch.zeros(T * size, E, dtype=torch.float64), torch.zeros(T * size, D, dtype=torch.float64)
    v[0] = q[-1, 0] = 1
    got = a.ask(q, k, v, gamma, torch.ones(T * size, dtype=torch.float64), size)[-1]
    off = first_difference(got, torch.full((E,), gamma ** (T - 1), dtype=torch.float64), 1e-6)
    return None if off is None else Finding(
        f"a value of the first of {T} frames has faded {T - 1} times: {off.wanted} should be left; yours: {off.got}",
        "Fade once per frame, before the frame looks up and writes.", True)


by_frames = Exercise(
    "by_frames", "17.4", right, samples, (*FIRST[:2], a_row_a_query, *FIRST[2:], fades_by_frames, no_order, *LAST),
    WRONG, "Inside a frame there is no order, and the rate means the same for any number of patches.")
