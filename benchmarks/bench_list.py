"""The benchmarks by name: the module, its function, and what it compares."""
from __future__ import annotations

BENCHES = {
    "spectrum": ("factored_spectrum", "bench_spectrum", "all singular values of linear attention (G1, G2)"),
    "topk": ("top_spectrum", "bench_topk", "the largest singular values of softmax attention (G3)"),
    "rowstats": ("streamed_statistics", "bench_rowstats", "measures of every row of a softmax map (G4)"),
    "linrow": ("linear_rows", "bench_linrow", "questions to a linear map of 100,000 tokens (G5)"),
    "linear": ("linear_forward", "bench_linear", "linear attention, forward (G6, G7)"),
    "train": ("linear_training", "bench_train", "linear attention, forward and backward (G8)"),
    "crossover": ("linear_training", "bench_crossover", "from how many tokens on linear attention wins (G8)"),
    "causal": ("causal_attention", "bench_causal", "causal linear attention (G9)"),
    "methods": ("method_forms", "bench_methods", "methods in the form of their authors (G10)"),
    "rank": ("rank_honesty", "bench_rank", "the numerical rank where it is known (G11)"),
    "explorer": ("explorer_pictures", "bench_explorer", "what the explorer draws (G12)"),
    "growth": ("cost_growth", "bench_growth", "the cost of every mechanism over the number of tokens"),
    "step": ("training_steps", "bench_step", "a step of training"),
    "memory": ("memory_recurrence", "bench_memory", "memories in chunks, and token by token"),
    "hover": ("hover_rows", "bench_hover", "one row of 12,544 tokens while the pointer moves"),
    "read": ("film_reading", "bench_read", "linviz read on 16 frames under three mechanisms"),
    "threads": ("thread_counts", "bench_threads", "one thread and two, also on a busy machine"),
    "gpu": ("gpu_speed", "bench_gpu", "the same on a GPU, if there is one"),
}
