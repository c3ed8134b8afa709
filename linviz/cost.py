"""What an attention costs: operations counted, bytes kept, seconds measured.

Every class states what one head grows with ("N S D", "N D E"): N queries, S keys, D and E wide, M features, T frames
of Y rows and X columns. Counting holds it to that: matrix products are counted by torch while the attention runs;
elementwise work is not, and does not change what it grows with. Seconds depend on the machine: compare two methods only
in one run.
"""
from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from .grid import Grid

TOKENS = ("N", "S")  # the letters that grow with the picture or the clip
OTHER = 16  # what the other letters stand for when two grids are compared: widths, windows


def flops(run: Callable[..., Any], *tensors: Tensor) -> int:
    """Multiplications and additions in the matrix products of one call, two a pair.

    >>> flops(torch.matmul, torch.ones(3, 4), torch.ones(4, 5))
    120
    """
    fused = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _fused}
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=fused) as counter:
        run(*tensors)
    return counter.get_total_flops()


def _fused(q: Any, k: Any, v: Any, *rest: Any, **options: Any) -> int:
    """Torch's counter does not know its own fused softmax attention on the CPU: each pair, once for q.k, once for v."""
    (B, H, N, D), S, E = q, k[-2], v[-1]
    return int(2 * B * H * N * S * (D + E))


def power(cost: str) -> int:
    """How often N and S stand in one term of a stated cost, at most: 1 for what is called linear, 2 for quadratic.

    A word to sort and to label by, without any grid. It counts tokens only: where sides stand beside them, as in
    "N (T + Y + X) D", the cost grows faster than this says, and `growth` says how fast, from one grid to another.

    >>> power("N D E"), power("N S D"), power("N D + W N D"), power("N (T + Y + X) D")
    (1, 2, 1, 1)
    """
    return max(sum(term.split().count(letter) for letter in TOKENS) for term in cost.split("+"))


def growth(cost: str, short: Grid, long: Grid) -> float:
    """How many times its cost on `short` a stated cost is on `long`: N, S, T, Y, X are the grids', the rest stays.

    What counted operations are held to, on two grids; for the power alone, without grids, there is `power`.

    >>> growth("N S D", Grid(T=8), Grid(T=16)), growth("N (T + Y + X) D", Grid(8, 4, 4), Grid(16, 4, 4))
    (4.0, 3.0)
    """
    product = re.sub(r"(?<=[\w)]) +(?=[\w(])", " * ", cost).replace("^", "**")
    amounts = []
    for grid in (short, long):
        letters = dict.fromkeys(re.findall(r"[A-Za-z]+", cost), OTHER)
        here = {"N": len(grid), "S": len(grid), "T": grid.T, "Y": grid.Y, "X": grid.X}
        amounts.append(eval(product, {"__builtins__": {}}, letters | here))  # a class's own text, never a user's
    return float(amounts[1] / amounts[0])


def seconds(run: Callable[..., Any], *tensors: Tensor, repeat: int = 5) -> float:
    """Median wall time of one call in seconds, after one call to warm up.

    >>> seconds(torch.add, torch.ones(2), torch.ones(2)) < 1
    True
    """
    times = []
    with torch.no_grad():
        run(*tensors)
        for _ in range(repeat):
            start = time.perf_counter()
            run(*tensors)
            times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def held(thing: Any) -> int:
    """Bytes of the tensors that an object keeps: what a map needs in order to answer. Shared storage counts once.

    >>> held(torch.ones(10, dtype=torch.float64))
    80
    """
    storages: dict[int, int] = {}
    _collect(thing, storages, set())
    return sum(storages.values())


def _collect(thing: Any, storages: dict[int, int], met: set[int]) -> None:
    if id(thing) in met:
        return
    met.add(id(thing))
    if isinstance(thing, Tensor):
        storage = thing.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
    elif isinstance(thing, list | tuple):
        for item in thing:
            _collect(item, storages, met)
    elif hasattr(thing, "__dict__") and not isinstance(thing, type | torch.nn.Module) and not callable(thing):
        for item in vars(thing).values():
            _collect(item, storages, met)
