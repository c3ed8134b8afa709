"""Exercise 8.2: Kronecker attention in its KV form: attend to the lines of a picture."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal

Y, X, D, E = 4, 6, 5, 3  # rows, columns, channels, width of v


def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Place by place. q and k (Y, X, D), v (Y, X, E) -> (Y, X, E)."""
    keys = [row.sum(0) / len(row) for row in k] + [k[:, x].sum(0) / len(k) for x in range(k.shape[1])]
    values = [row.sum(0) / len(row) for row in v] + [v[:, x].sum(0) / len(v) for x in range(v.shape[1])]
    out = torch.zeros_like(v)
    for y in range(q.shape[0]):
        for x in range(q.shape[1]):
            w = torch.stack([(q[y, x] * key).sum().exp() for key in keys])
            out[y, x] = sum(a * value for a, value in zip(w / w.sum(), values, strict=True))
    return out


def line_means(x: Tensor) -> Tensor:
    """The means of all rows, then of all columns: (Y + X, channels)."""
    return torch.cat((x.mean(1), x.mean(0)))


Lines = Callable[[Tensor], Tensor]


def _attend(keys: Lines = line_means, values: Lines = line_means, scale: float = 1.0) -> Callable[..., Tensor]:
    return lambda q, k, v: (scale * q @ keys(k).mT).softmax(-1) @ values(v)


def _lines_ask(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    out = (line_means(q) @ line_means(k).mT).softmax(-1) @ line_means(v)
    return out[:len(q), None] + out[None, len(q):]


def _own_lines(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Axial attention: a query attends along its own row and its own column."""
    along, across = (torch.einsum(rule, q, k) for rule in ("yxd,yzd->yxz", "yxd,zxd->yxz"))
    w = torch.cat((along, across), -1).softmax(-1)
    return torch.einsum("yxz,yze->yxe", w[..., :q.shape[1]], v) + torch.einsum("yxz,zxe->yxe", w[..., q.shape[1]:], v)


def _own_means(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Two keys for a query: the means of its own row and of its own column."""
    keys, values = (torch.stack(torch.broadcast_tensors(x.mean(1)[:, None], x.mean(0)), -2) for x in (k, v))
    return ((q[..., None, :] * keys).sum(-1).softmax(-1)[..., None] * values).sum(-2)


WRONG = {
    "when only the rows are used": _attend(lambda x: x.mean(1), lambda x: x.mean(1)),
    "when only the columns are used": _attend(lambda x: x.mean(0), lambda x: x.mean(0)),
    "when the lines are sums, not means":
        _attend(lambda x: torch.cat((x.sum(1), x.sum(0))), lambda x: torch.cat((x.sum(1), x.sum(0)))),
    "when the values of a line are summed, not averaged": _attend(values=lambda x: torch.cat((x.sum(1), x.sum(0)))),
    "when the keys of a line are summed, not averaged": _attend(keys=lambda x: torch.cat((x.sum(1), x.sum(0)))),
    "when the values' rows and columns are in the other order":
        _attend(values=lambda x: torch.cat((x.mean(0), x.mean(1)))),
    "with 1/sqrt(D), which this method does not have": _attend(scale=D ** -0.5),
    "when all patches are keys, as in softmax attention without 1/sqrt(D)":
        _attend(lambda x: x.flatten(0, 1), lambda x: x.flatten(0, 1)),
    "when the mean of the whole picture is a line, too":
        _attend(lambda x: torch.cat((line_means(x), x.mean((0, 1))[None])),
                lambda x: torch.cat((line_means(x), x.mean((0, 1))[None]))),
    "when rows and columns get a softmax each, and both outputs are added":
        lambda q, k, v: (q @ k.mean(1).mT).softmax(-1) @ v.mean(1) + (q @ k.mean(0).mT).softmax(-1) @ v.mean(0),
    "when rows and columns get a softmax each, and the outputs are averaged":
        lambda q, k, v: ((q @ k.mean(1).mT).softmax(-1) @ v.mean(1) + (q @ k.mean(0).mT).softmax(-1) @ v.mean(0)) / 2,
    "when the lines ask, too: the QKV form": _lines_ask,
    "when a query sees the patches of its own lines: axial attention": _own_lines,
    "when the largest of a line takes the place of its mean":
        _attend(lambda x: torch.cat((x.amax(1), x.amax(0))), lambda x: torch.cat((x.amax(1), x.amax(0)))),
    "when the softmax is missing": lambda q, k, v: q @ line_means(k).mT @ line_means(v),
    "when all lines have the same weight": lambda q, k, v: line_means(v).mean(0).expand_as(v).clone(),
    "when the keys' rows and columns are in the other order":
        _attend(keys=lambda x: torch.cat((x.mean(0), x.mean(1)))),
    "when a query sees only the mean of its own row and the mean of its own column": _own_means,
}


def picture(seed: int) -> tuple[Any, ...]:
    """Queries, keys and values on a grid that is not square."""
    return normal(seed, Y, X, D), normal(seed + 10, Y, X, D), normal(seed + 20, Y, X, E)


def shares(a: Attempt) -> Finding | None:
    q, k, v = a.given
    off = row_difference(a.ask(q, k, torch.ones_like(v)), 1.0, 1e-6)
    return None if off is None else Finding(f"values that are all 1 should give 1; yours give {off.got}",
                                            "One softmax over all Y + X lines, and means of the values.", True)


def plaid(a: Attempt) -> Finding | None:
    """Moving a value within its row and its column by a plaid of zero line means changes nothing."""
    q, k, v = a.given
    extra = torch.zeros_like(v)
    extra[0, 0] = extra[1, 1] = 1
    extra[0, 1] = extra[1, 0] = -1
    return None if is_close(a.ask(q, k, v + extra), a.got, 1e-9) and is_close(
        a.ask(q, k + extra[..., :1], v), a.got, 1e-9) else Finding(
        "a change of keys or values that leaves the means of all rows and columns as they are should change nothing",
        "Keys and values are used through the means of lines alone.", True)


def one_line(a: Attempt) -> Finding | None:
    """With queries of zero all lines have the same weight."""
    q, k, v = a.given
    got, wanted = a.ask(0 * q, k, v)[0, 0, 0].item(), line_means(v).mean(0)[0].item()
    return None if abs(got - wanted) < 1e-9 else Finding(
        f"a query of zeros gives all {Y} + {X} lines the same weight: expected {wanted:.4f}, got {got:.4f}",
        f"There are {Y} rows and {X} columns, each with one mean.", True)


lines = Exercise(
    "lines", "8.2", right, picture, (*FIRST, shares, plaid, one_line, *LAST), WRONG,
    "N queries, and only Y + X keys.")
