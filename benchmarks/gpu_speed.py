"""The same operators on a GPU, up to a million tokens: time, memory, shares of the bandwidth and of the peak.

Bandwidth and peak are measured on the same device: a copy, and a product of two large matrices. On a machine without
a GPU the benchmark says so in one sentence. Equality with the plain formula is asserted first.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from linviz import cost

from .bench_inputs import Attend, einsum_attention, elu_features, make_line
from .bench_races import Effort, largest_difference
from .bench_results import Result, Table
from .peer_packages import peer_module

HEADS, WIDTH = 8, 64
SIZES = (1024, 4096, 16_384, 65_536, 262_144, 1_048_576)
QUADRATIC_UP_TO = 65_536
NO_GPU = "There is no GPU here, so nothing was measured: this benchmark needs one that torch can use (CUDA)."
SECONDS = 165       # what is left after these is not begun
COLUMNS = ["operator", "N", "numbers", "forward, ms", "both, ms", "peak, MiB", "of bandwidth, %", "of peak, %"]


def bench_gpu(effort: Effort) -> Result:
    """linear, gated, causal, delta and spectra, beside SDPA and fla, in bfloat16 and float32."""
    result = Result("gpu", "On a GPU")
    if effort.name != "tiny" and not torch.cuda.is_available():
        result.notes.append(NO_GPU)
        return result
    device, began = "cuda" if torch.cuda.is_available() else "cpu", time.perf_counter()
    sizes = effort.pick(SIZES, SIZES[:3], (16, 64))
    _assert_equal(sizes[0], device)
    limits = {dtype: device_limits(device, dtype, effort) for dtype in (torch.bfloat16, torch.float32)}
    rows = [_measure_operator(name, attend, tokens, dtype, device, limits[dtype])
            for tokens in sizes for dtype in limits for name, attend in operators(tokens, dtype, device).items()
            if time.perf_counter() - began < SECONDS]
    result.tables.append(Table(f"{device_name(device)}: {HEADS} heads, width {WIDTH}", COLUMNS, rows))
    spectra = [[n, *timed_call(spectrum_run(n, device), device)] for n in sizes[::2]]
    result.tables.append(Table("All singular values of linear attention", ["N", "ms", "peak, MiB"], spectra))
    _add_notes(result, limits)
    return result


def _add_notes(result: Result, limits: dict[torch.dtype, tuple[float, float]]) -> None:
    for dtype, (bandwidth, peak) in limits.items():
        result.notes.append(f"{type_name(dtype)}: a copy moves {bandwidth / 1e12:.3g} TB/s, a large product reaches "
                            f"{peak / 1e12:.3g} Tflop/s.")
    result.notes.append("The share of the bandwidth counts q, k, v and the output once, and the share of the peak the "
                        "matrix products that torch counts; both are of the forward pass.")


def device_name(device: str) -> str:
    """What torch calls the device."""
    return torch.cuda.get_device_name() if device == "cuda" else "CPU"


def type_name(dtype: torch.dtype) -> str:
    """float32 for torch.float32."""
    return str(dtype).removeprefix("torch.")


def device_limits(device: str, dtype: torch.dtype, effort: Effort) -> tuple[float, float]:
    """Bytes a second of a copy, and operations a second of a matrix product."""
    side = effort.pick(8192, 8192, 64)
    x, y = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    copy_ms, product_ms = timed_call(lambda: y.copy_(x), device)[0], timed_call(lambda: x @ y, device)[0]
    return 2 * x.nbytes / (copy_ms / 1e3), 2 * side**3 / (product_ms / 1e3)


def operators(tokens: int, dtype: torch.dtype, device: str) -> dict[str, Attend]:
    """The operators, linear ones at every length."""
    specs: dict[str, tuple[str, dict[str, Any]]] = {
        "linear": ("linear", {}), "gate": ("relu_floor+gate", {}), "causal": ("linear", {"causal": True}),
        "delta in chunks": ("delta", {})}
    found: dict[str, Attend] = {name: make_line(spec, tokens, WIDTH, HEADS, **options).to(device, dtype)
                                for name, (spec, options) in specs.items()}
    if tokens <= QUADRATIC_UP_TO:
        found["softmax (linviz)"] = make_line("softmax", tokens, WIDTH, HEADS).to(device, dtype)
        found["softmax (SDPA)"] = F.scaled_dot_product_attention
    fla = peer_module("fla.ops.linear_attn") if device == "cuda" else None
    return found if fla is None else found | {"causal (fla)": lambda q, k, v: fla_causal(fla, q, k, v)}


def fla_causal(fla: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """fla's causal linear attention, which keeps heads behind tokens."""
    q, k, v = (x.transpose(1, 2).contiguous() for x in (elu_features(q), elu_features(k), v))
    output: Tensor = fla.chunk_linear_attn(q, k, v, scale=1.0, normalize=True)[0]
    return output.transpose(1, 2)


def random_tensors(tokens: int, dtype: torch.dtype, device: str) -> list[Tensor]:
    """q, k and v on the device."""
    torch.manual_seed(0)
    return [torch.randn(1, HEADS, tokens, WIDTH, device=device, dtype=dtype) for _ in range(3)]


def _assert_equal(tokens: int, device: str) -> None:
    qkv, made = random_tensors(tokens, torch.float32, device), operators(tokens, torch.float32, device)
    weights = torch.tril(elu_features(qkv[0]) @ elu_features(qkv[1]).mT)
    causal = weights @ qkv[2] / (weights.sum(-1, keepdim=True) + 1e-6)
    with torch.no_grad():
        largest_difference("linear", made["linear"](*qkv), einsum_attention(*qkv), rtol=1e-3)
        for name in made.keys() & {"causal", "causal (fla)"}:
            largest_difference(name, made[name](*qkv), causal, rtol=1e-2)


def _measure_operator(name: str, attend: Attend, tokens: int, dtype: torch.dtype, device: str,
                      limits: tuple[float, float]) -> list[Any]:
    """A row; an operator that fails (too little memory, not for this device) is a finding."""
    start = [name, tokens, type_name(dtype)]
    try:
        qkv = random_tensors(tokens, dtype, device)
        with torch.no_grad():
            forward, memory = timed_call(lambda: attend(*qkv), device)
        leaves = [x.requires_grad_() for x in qkv]
        both = timed_call(lambda: torch.autograd.grad(attend(*leaves).sum(), leaves), device)[0]
        moved, operations = 4 * qkv[0].nbytes, cost.flops(attend, *qkv)
    except (RuntimeError, ValueError, NotImplementedError) as error:
        return [*start, type(error).__name__, None, None, None, None]
    finally:
        if device == "cuda":
            torch.cuda.empty_cache()
    shares = [100 * amount / (forward / 1e3) / limit for amount, limit in zip((moved, operations), limits)]
    return [*start, forward, both, memory, shares[0], shares[1] if operations else None]


def spectrum_run(tokens: int, device: str) -> Callable[[], Tensor]:
    """A run for all singular values of linear attention, all heads."""
    a = make_line("linear", tokens, WIDTH, HEADS).to(device).map(*random_tensors(tokens, torch.float32, device))
    return a.singular_values


def timed_call(run: Callable[[], Any], device: str, least: int = 3, most: float = 1.0) -> tuple[float, float | None]:
    """Median milliseconds of a call after a warm-up, and peak MiB above what was there before."""
    run()
    if device == "cpu":
        return 1e3 * sorted(_elapsed_seconds(run) for _ in range(least))[least // 2], None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before, began = torch.cuda.memory_allocated(), time.perf_counter()
    times: list[float] = []
    while len(times) < least or (len(times) < 20 and time.perf_counter() - began < most):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return sorted(times)[len(times) // 2], (torch.cuda.max_memory_allocated() - before) / 2**20


def _elapsed_seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
