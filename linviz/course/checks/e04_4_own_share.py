"""Exercise 4.4: the weight of every token on itself, without the table."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import M, N, phi
from .work_properties import linear_in_tokens


def right(phi_q: Tensor, phi_k: Tensor) -> Tensor:
    """Row by row. phi_q, phi_k (N, M) -> (N,)."""
    out = torch.zeros(len(phi_q), dtype=phi_q.dtype)
    for i in range(len(phi_q)):
        weights = [(phi_q[i] * phi_k[j]).sum() for j in range(len(phi_k))]
        out[i] = weights[i] / sum(weights)
    return out


def _own(q: Tensor, k: Tensor) -> Tensor:
    return (q * k).sum(-1)


WRONG = {
    "without dividing by the row sum": lambda q, k: _own(q, k),
    "when it is divided by the number of tokens": lambda q, k: _own(q, k) / len(q),
    "when it is divided by the column sum, not by the row sum":
        lambda q, k: _own(q, k) / (k @ q.sum(0)),
    "when it is divided by the sum of the whole table": lambda q, k: _own(q, k) / (q @ k.sum(0)).sum(),
    "when it is divided by the sum of all diagonal weights": lambda q, k: _own(q, k) / _own(q, k).sum(),
    "when it is divided by the mean of the row, not its sum": lambda q, k: _own(q, k) / (q @ k.mean(0)),
    "with a softmax of the weights": lambda q, k: (q @ k.mT).softmax(-1).diagonal(),
    "with a softmax of the diagonal weights": lambda q, k: _own(q, k).softmax(0),
    "with the cosine between a token's two features": lambda q, k: _own(q, k) / (q.norm(dim=-1) * k.norm(dim=-1)),
    "when the total weight of all other tokens is returned": lambda q, k: 1 - _own(q, k) / (q @ k.sum(0)),
    "when the row sum excludes the token itself": lambda q, k: _own(q, k) / (q @ k.sum(0) - _own(q, k)),
    "when the keys' features are not used": lambda q, k: _own(q, q) / (q @ q.sum(0)),
    "when the queries' features are not used": lambda q, k: _own(k, k) / (k @ k.sum(0)),
    "when the largest weight of a row is taken instead of the diagonal one":
        lambda q, k: ((q @ k.mT) / (q @ k.sum(0))[:, None]).amax(-1),
    "when the average over the channels is taken, not the sum": lambda q, k: (q * k).mean(-1) / (q @ k.sum(0)),
    "when each channel is divided by its own sum over the keys": lambda q, k: (q * k / k.sum(0)).sum(-1),
    "when the weight of the next token is taken":
        lambda q, k: _own(q, k.roll(-1, 0)) / (q @ k.sum(0)),
    "when the diagonal weight is computed without the key": lambda q, k: q.sum(-1) / (q @ k.sum(0)),
    "when the diagonal weight divides the features instead of multiplying them":
        lambda q, k: (q / k).sum(-1) / (q @ k.sum(0)),
    "when the square root of the row sum divides": lambda q, k: _own(q, k) / (q @ k.sum(0)).sqrt(),
}


def mixed(seed: int, tokens: int = N) -> tuple[Tensor, ...]:
    """Inputs: features of queries and of keys."""
    return phi(seed, tokens, M), phi(seed + 10, tokens, M)


def a_share(a: Attempt) -> Finding | None:
    low, high = a.got.min().item(), a.got.max().item()
    return None if low >= 0 and high <= 1 else Finding(
        f"a weight lies between 0 and 1; yours go from {low:.3g} to {high:.3g}",
        "Divide each diagonal weight by the sum of its row.", True)


def all_alike(a: Attempt) -> Finding | None:
    q, k = (torch.ones_like(x) for x in a.given)
    got = a.ask(q, k)
    off = row_difference(got, 1 / len(q), 1e-6, ".3f")
    return None if off is None else Finding(
        f"with {len(q)} equal tokens each keeps 1/{len(q)} = {off.wanted}; yours gives {off.got}",
        "The row sum of token i is phi(q_i) times the sum of phi(k) over all keys.", True)


def a_louder_query(a: Attempt) -> Finding | None:
    q, k = a.given
    factor = torch.linspace(1, 3, len(q), dtype=q.dtype)[:, None]
    return None if is_close(a.ask(factor * q, k), a.got, 1e-6) else Finding(
        "a factor on a query should cancel, because numerator and row sum contain it; yours changes",
        "Both the diagonal weight and the row sum use the same phi(q_i).", True)


own_share = Exercise(
    "own_share", "4.4", right, mixed,
    (*FIRST, a_share, all_alike, a_louder_query, *LAST,
     linear_in_tokens(lambda n: mixed(0, n), "A diagonal weight needs one query and one key, a row sum all keys.")),
    WRONG, "You have the diagonal of an N x N table that was never made.")
