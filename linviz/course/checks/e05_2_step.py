"""Exercise 5.2: one step of the recurrent network inside linear attention."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import E, M, normal, phi

State = tuple[Tensor, Tensor, Tensor]


def right(S: Tensor, z: Tensor, phi_q: Tensor, phi_k: Tensor, v: Tensor) -> State:
    """Number by number. S (M, E), z, phi_q, phi_k (M,), v (E,) -> S, z, and the output (E,)."""
    new_S, new_z, o = S.clone(), z.clone(), torch.zeros_like(v)
    for m in range(len(z)):
        new_z[m] += phi_k[m]
        for e in range(len(v)):
            new_S[m, e] += phi_k[m] * v[e]
    for e in range(len(v)):
        o[e] = sum(phi_q[m] * new_S[m, e] for m in range(len(z))) / sum(phi_q[m] * new_z[m] for m in range(len(z)))
    return new_S, new_z, o


def _outer(k: Tensor, v: Tensor) -> Tensor:
    return k[:, None] * v


def _read(S: Tensor, z: Tensor, q: Tensor) -> State:
    return S, z, q @ S / (q @ z)


def _old(S: Tensor, z: Tensor, q: Tensor, k: Tensor, v: Tensor) -> State:
    return S + _outer(k, v), z + k, q @ S / (q @ z)


def _written(read: Answer) -> Answer:
    """A token written as it should be, and the new state read in another way."""
    return lambda S, z, q, k, v: (S + _outer(k, v), z + k, read(S + _outer(k, v), z + k, q, k))


WRONG: dict[str, Answer] = {
    "when the state is read before the token is written": _old,
    "when S is not updated": lambda S, z, q, k, v: _read(S, z + k, q),
    "when z is not updated": lambda S, z, q, k, v: _read(S + _outer(k, v), z, q),
    "when the old state is returned": lambda S, z, q, k, v: (S, z, _read(S + _outer(k, v), z + k, q)[2]),
    "when the token replaces the state instead of being added": lambda S, z, q, k, v: _read(_outer(k, v), k, q),
    "when the token replaces S, while z is updated": lambda S, z, q, k, v: _read(_outer(k, v), z + k, q),
    "when the token is subtracted instead of added": lambda S, z, q, k, v: _read(S - _outer(k, v), z - k, q),
    "when the token is subtracted from S": lambda S, z, q, k, v: _read(S - _outer(k, v), z + k, q),
    "when the token is subtracted from z": lambda S, z, q, k, v: _read(S + _outer(k, v), z - k, q),
    "when the token is written twice": lambda S, z, q, k, v: _read(S + 2 * _outer(k, v), z + 2 * k, q),
    "when the query is written in place of the key": lambda S, z, q, k, v: _read(S + _outer(q, v), z + q, q),
    "when the query is added to z in place of the key": lambda S, z, q, k, v: _read(S + _outer(k, v), z + q, q),
    "when the output is read with the key in place of the query":
        lambda S, z, q, k, v: _read(S + _outer(k, v), z + k, k),
    "without dividing": _written(lambda S, z, q, k: q @ S),
    "when it is divided by the sum of z, without the query": _written(lambda S, z, q, k: q @ S / z.sum()),
    "when it is divided by the old z": _written(lambda S, z, q, k: q @ S / (q @ (z - k))),
    "when it is divided by the weight of this token alone": _written(lambda S, z, q, k: q @ S / (q @ k)),
    "when it is multiplied by q.z instead of divided": _written(lambda S, z, q, k: q @ S * (q @ z)),
    "when the value is written without its key": lambda S, z, q, k, v: _read(S + v, z + k, q),
    "when the key is written without its value": lambda S, z, q, k, v: _read(S + k[:, None], z + k, q),
    "when key and value are added, not multiplied": lambda S, z, q, k, v: _read(S + k[:, None] + v, z + k, q),
    "when key is divided by value": lambda S, z, q, k, v: _read(S + k[:, None] / v, z + k, q),
    "when the state is halved at every step": lambda S, z, q, k, v: _read((S + _outer(k, v)) / 2, (z + k) / 2, q),
    "when S is divided by z before it is returned":
        lambda S, z, q, k, v: ((S + _outer(k, v)) / (z + k)[:, None], z + k, q @ (S + _outer(k, v)) / (q @ (z + k))),
    "when an unnecessary eps is added": _written(lambda S, z, q, k: q @ S / (q @ z + 1e-6)),
}


def inputs(seed: int) -> tuple[Any, ...]:
    """A state that has seen something, and one token."""
    past = phi(seed, 4, M)
    return past.mT @ normal(seed + 5, 4, E), past.sum(0), phi(seed + 10, M), phi(seed + 20, M), normal(seed + 30, E)


def order(a: Attempt) -> Finding | None:
    """S, z, o in this order, which their shapes show."""
    shapes = [tuple(t.shape) for t in a.got]
    S, z, _, _, v = a.given
    wanted = [tuple(S.shape), tuple(z.shape), tuple(v.shape)]
    return None if shapes == wanted or sorted(shapes) != sorted(wanted) else Finding(
        f"expected shapes {wanted}, got {shapes}", "Return S, then z, then the output.", True)


def written(a: Attempt) -> Finding | None:
    S, z, _, k, v = a.given
    for name, grown, rise in (("S", a.got[0] - S, k[:, None] * v), ("z", a.got[1] - z, k)):
        if off := first_difference(grown, rise, 1e-6):
            return Finding(f"{name}[{off.place}] should rise by {off.wanted}; yours rises by {off.got}",
                           "Add the key's features times the value to S, and the key's features to z.", True)
    return None


def sees_itself(a: Attempt) -> Finding | None:
    """With an empty state, a token's output is its own value."""
    S, z, q, k, v = a.given
    got = a.ask(torch.zeros_like(S), torch.zeros_like(z), q, k, v)[2]
    off = first_difference(got, v, 1e-5)
    return None if off is None else Finding(
        f"the first token sees only itself, so it returns its value, {off.wanted}; yours is {off.got}",
        "Write first, then read: q.S over q.z, both including the token.", True)


step = Exercise(
    "step", "5.2", right, inputs, (*FIRST[:2], order, *FIRST[2:], written, sees_itself, *LAST), WRONG,
    "The state keeps this size, however long the clip is.")
