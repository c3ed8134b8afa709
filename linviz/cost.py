"""The cost of an attention: operations counted, bytes kept, seconds measured.

Every class states how the cost of one head grows ("N S D", "N D E"): N queries, S keys, D and E wide, M features, T
frames of Y rows and X columns. Tests compare this statement with counted operations. Torch counts the matrix products
while the attention runs; elementwise operations are not counted and do not change the growth. Seconds depend on the
machine: compare two methods only within one run.
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

TOKEN_LETTERS = ("N", "S")  # the letters that grow with the picture or the clip
OTHER_SIZE = 16  # value of all other letters (widths, windows) when two grids are compared


def flops(run: Callable[..., Any], *tensors: Tensor) -> int:
    """Multiplications and additions in the matrix products of one call: two operations per pair of numbers.

    >>> flops(torch.matmul, torch.ones(3, 4), torch.ones(4, 5))
    120
    """
    fused = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _fused_attention_flops}
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=fused) as counter:
        run(*tensors)
    return counter.get_total_flops()


def _fused_attention_flops(q: Any, k: Any, v: Any, *rest: Any, **options: Any) -> int:
    """Torch's counter does not know its fused softmax attention on the CPU: count every pair for q.k and for v."""
    (B, H, N, D), S, E = q, k[-2], v[-1]
    return int(2 * B * H * N * S * (D + E))


def cost_exponent(cost: str) -> int:
    """The largest number of factors N and S in one term of a stated cost: 1 for linear, 2 for quadratic.

    Used to sort and label methods without a grid. The exponent counts tokens only: with sides of the grid in the
    formula, as in "N (T + Y + X) D", the cost grows faster. `cost_growth` computes that growth between two grids.

    >>> cost_exponent("N D E"), cost_exponent("N S D"), cost_exponent("N D + W N D"), cost_exponent("N (T + Y + X) D")
    (1, 2, 1, 1)
    """
    return max(sum(term.split().count(letter) for letter in TOKEN_LETTERS) for term in cost.split("+"))


def cost_growth(cost: str, short: Grid, long: Grid) -> float:
    """The factor by which a stated cost grows from the grid `short` to the grid `long`.

    N, S, T, Y and X come from the grids; all other letters stay the same. Tests compare this factor with counted
    operations. For the exponent alone, without grids, use `cost_exponent`.

    >>> cost_growth("N S D", Grid(T=8), Grid(T=16)), cost_growth("N (T + Y + X) D", Grid(8, 4, 4), Grid(16, 4, 4))
    (4.0, 3.0)
    """
    product = re.sub(r"(?<=[\w)]) +(?=[\w(])", " * ", cost).replace("^", "**")
    amounts = []
    for grid in (short, long):
        letters = dict.fromkeys(re.findall(r"[A-Za-z]+", cost), OTHER_SIZE)
        here = {"N": len(grid), "S": len(grid), "T": grid.T, "Y": grid.Y, "X": grid.X}
        amounts.append(eval(product, {"__builtins__": {}}, letters | here))  # text of a class, never a user's
    return float(amounts[1] / amounts[0])


def median_seconds(run: Callable[..., Any], *tensors: Tensor, repeat: int = 5) -> float:
    """Median wall time of one call in seconds, after one warm-up call.

    >>> median_seconds(torch.add, torch.ones(2), torch.ones(2)) < 1
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


def tensor_bytes(thing: Any) -> int:
    """Bytes of all tensors that an object keeps, for example a map. Shared storage counts once.

    >>> tensor_bytes(torch.ones(10, dtype=torch.float64))
    80
    """
    storages: dict[int, int] = {}
    _collect_storages(thing, storages, set())
    return sum(storages.values())


def _collect_storages(thing: Any, storages: dict[int, int], met: set[int]) -> None:
    if id(thing) in met:
        return
    met.add(id(thing))
    if isinstance(thing, Tensor):
        storage = thing.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
    elif isinstance(thing, list | tuple):
        for item in thing:
            _collect_storages(item, storages, met)
    elif hasattr(thing, "__dict__") and not isinstance(thing, type | torch.nn.Module) and not callable(thing):
        for item in vars(thing).values():
            _collect_storages(item, storages, met)
