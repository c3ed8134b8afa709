"""Exercise 11.4: the rows of a kernel as mixtures of templates, one template per feature."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import first_difference, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import RELATIVE
from .samples import M, N, S, phi


def right(phi_q: Tensor, phi_k: Tensor) -> tuple[Tensor, Tensor]:
    """Number by number. phi_q (N, M), phi_k (S, M) -> mixture (N, M) and templates (M, S); all rows sum to one."""
    mixture, rows = torch.zeros_like(phi_q), torch.zeros_like(phi_k.mT)
    for m in range(phi_k.shape[1]):
        total = sum(phi_k[:, m].tolist())
        for j in range(len(phi_k)):
            rows[m, j] = phi_k[j, m] / total
        for i in range(len(phi_q)):
            mixture[i, m] = phi_q[i, m] * total
    for i in range(len(phi_q)):
        mixture[i] /= sum(mixture[i].tolist())
    return mixture, rows


def _rows(x: Tensor) -> Tensor:
    return x / x.sum(-1, keepdim=True)


def _mix(p: Tensor, k: Tensor) -> Tensor:
    return _rows(p * k.sum(0))


WRONG = {
    "when the mixture is not multiplied by the templates' sums":
        lambda p, k: (_rows(p), _rows(k.mT)),
    "when the mixture is not divided by its sum": lambda p, k: (p * k.sum(0), _rows(k.mT)),
    "when the query features themselves are returned as the mixture": lambda p, k: (p, _rows(k.mT)),
    "when the templates are not divided by their sums": lambda p, k: (_mix(p, k), k.mT),
    "when the mixture is divided by the templates' sums instead of multiplied":
        lambda p, k: (_rows(p / k.sum(0)), _rows(k.mT)),
    "when phi_k is divided by its sums over the features, not over the keys": lambda p, k: (_mix(p, k), _rows(k).mT),
    "when templates come back as columns": lambda p, k: (_mix(p, k), _rows(k.mT).mT),
    "when mixture and templates come back in the wrong order": lambda p, k: (_rows(k.mT), _mix(p, k)),
    "when the mixture is divided by its sums over the queries, not over the features":
        lambda p, k: ((p * k.sum(0)) / (p * k.sum(0)).sum(0), _rows(k.mT)),
    "with a softmax in place of the division, for the templates": lambda p, k: (_mix(p, k), k.mT.softmax(-1)),
    "with a softmax in place of the division, for the mixture": lambda p, k: ((p * k.sum(0)).softmax(-1), _rows(k.mT)),
    "with the largest weight of a template in place of its sum":
        lambda p, k: (_rows(p * k.amax(0)), k.mT / k.mT.amax(-1, keepdim=True)),
    "with lengths (the root of the sum of squares) in place of sums":
        lambda p, k: (_rows(p * k.square().sum(0).sqrt()), k.mT / k.mT.square().sum(-1, keepdim=True).sqrt()),
    "when the mixture is multiplied by the sums twice": lambda p, k: (_rows(p * k.sum(0) ** 2), _rows(k.mT)),
    "when the map itself comes back in place of the templates": lambda p, k: (_mix(p, k), _rows(p @ k.mT)),
    "when the mixture is multiplied by the sums over the queries, not over the keys":
        lambda p, k: (_rows(p * p.sum(0)), _rows(k.mT)),
}


def features(seed: int) -> tuple[Tensor, Tensor]:
    """Inputs: features of queries and keys; those of the keys differ in size from feature to feature."""
    return phi(seed, N, M), phi(seed + 10, S, M) * torch.linspace(0.5, 2, M, dtype=torch.float64)


def template_shares(a: Attempt) -> Finding | None:
    off = row_difference(a.got[1].sum(-1), 1.0, RELATIVE, ".3g")
    return None if off is None else Finding(
        f"a template sums to one over the keys; your template {off.place} sums to {off.got}",
        "Divide column m of phi(k) by its own sum: this gives one row per feature.", True)


def one_feature(a: Attempt) -> Finding | None:
    """A query with one feature has that feature's template as its row."""
    k = a.given[1]
    mixture, rows = a.ask(torch.eye(M, dtype=torch.float64), k)
    if off := first_difference(rows, _rows(k.mT), form=".3f"):
        return Finding("template m should be column m of phi(k) divided by its sum, which is "
                       f"{off.wanted} at [{off.place}]; yours has {off.got}",
                       "The templates are phi_k.mT, divided by its sums over the keys.", True)
    off = first_difference(mixture, torch.eye(M, dtype=torch.float64), form=".3f")
    return None if off is None else Finding(
        "a query that has only feature m should get weight 1 on template m and 0 elsewhere; yours at "
        f"[{off.place}] is {off.got}, not {off.wanted}",
        "The mixture of a query sums to one: divide each row by its sum.", True)


def mixture_shares(a: Attempt) -> Finding | None:
    off = row_difference(a.got[0].sum(-1), 1.0, RELATIVE, ".3g")
    return None if off is None else Finding(
        f"a mixture sums to one; your mixture of query {off.place} sums to {off.got}",
        "Divide each row of the mixture by its own sum.", True)


def the_map(a: Attempt) -> Finding | None:
    p, k = a.given
    wanted, got = _rows(p @ k.mT), a.got[0] @ a.got[1]
    off = first_difference(got, wanted, 1e-7, ".4f")
    return None if off is None else Finding(
        f"mixture times templates is the map: A[{off.place}] = {off.wanted}; yours is {off.got}",
        "Each template was divided by its sum over the keys, so the mixture must be multiplied by this sum.", True)


templates = Exercise(
    "templates", "11.4", right, features, (*FIRST, template_shares, one_feature, mixture_shares, the_map, *LAST), WRONG,
    "Mixture times templates is the map, and the rows of both sum to one.")
