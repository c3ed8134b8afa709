"""The road of transformers: its AttentionInterface hands over q, k and v, after norms and rotary positions."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from .attention_calls import Recorder

NAME = "linviz_record"  # under which transformers knows our attention
LISTENING: list[tuple[Recorder, dict[nn.Module, str]]] = []


def record_attention(module: nn.Module, query: Tensor, key: Tensor, value: Tensor,
                     attention_mask: Tensor | None = None, **options: Any) -> Any:
    """The attention of transformers under the name NAME: record, then attend as "sdpa" does."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    recorder, names = LISTENING[-1]
    causal = options.get("is_causal")
    causal = getattr(module, "is_causal", False) if causal is None else causal
    recorder.add(names.get(module, type(module).__name__), query, key, value, options.get("scaling"), attention_mask,
                 bool(causal) and attention_mask is None and query.shape[2] > 1, road="AttentionInterface")
    before, recorder.quiet = recorder.quiet, True
    try:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    finally:
        recorder.quiet = before


@contextmanager
def attention_interface(model: nn.Module, recorder: Recorder, names: dict[nn.Module, str]) -> Iterator[None]:
    """A model of transformers attends through `record_attention`; any other model is left alone."""
    found: list[Any] = [getattr(module, "config", None) for module in names]
    configs = {id(config): config for config in found if hasattr(config, "_attn_implementation_internal")}
    if not configs:
        yield
        return
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask
    AttentionInterface.register(NAME, record_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    before = {key: config._attn_implementation_internal for key, config in configs.items()}
    LISTENING.append((recorder, names))
    try:
        for config in configs.values():
            config._attn_implementation_internal = NAME   # its setter would change other parts' choices as well
        yield
    finally:
        LISTENING.pop()
        for key, config in configs.items():
            config._attn_implementation_internal = before[key]
