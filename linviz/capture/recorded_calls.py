"""Record q, k and v where a model attends, whatever library it comes from, during one forward pass.

    transformers    its AttentionInterface hands q, k and v over after norms and rotary positions
    torch           every call of F.scaled_dot_product_attention is seen by a TorchFunctionMode
    nn.MultiheadAttention, and the encoder layers around it: q, k and v are computed again from the layer's input
    a Linear called qkv in a module that multiplies by hand (TimeSformer): they are read from its output
    SANA in diffusers: they are computed again from the layer's input

The calls of one module may be several: one per image, or one per window.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .attention_calls import Recorder, evaluating
from .transformers_road import attention_interface


@contextmanager
def recording(model: nn.Module, recorder: Recorder) -> Iterator[None]:
    """A context in which every attention of the model is recorded. The model is left as it was."""
    names = {module: name or type(module).__name__ for name, module in model.named_modules()}
    fast = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        torch.backends.mha.set_fastpath_enabled(False)
        stack.enter_context(evaluating(model))
        stack.enter_context(hooked(recorder, names))
        stack.enter_context(attention_interface(model, recorder, names))
        yield


# ---------------------------------------------------------------- F.scaled_dot_product_attention


class ProductRecorder(TorchFunctionMode):
    """Sees every call of F.scaled_dot_product_attention; `where` holds the names of the modules that are running."""

    def __init__(self, recorder: Recorder, where: list[str]) -> None:
        super().__init__()
        self.recorder, self.where = recorder, where

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the function, and record its arguments."""
        kwargs = kwargs or {}
        if function is nn.functional.scaled_dot_product_attention and not self.recorder.quiet:
            self._record(*args, **kwargs)
        return function(*args, **kwargs)

    def _record(self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
                dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
                enable_gqa: bool = False) -> None:
        self.recorder.add(self.where[-1] if self.where else "model", query, key, value, scale, attn_mask, is_causal,
                          road="F.scaled_dot_product_attention")


@contextmanager
def hooked(recorder: Recorder, names: dict[nn.Module, str]) -> Iterator[None]:
    """Hooks on all modules: which of them is running, and the roads that read a module's input or output."""
    where: list[str] = []
    with ExitStack() as stack:
        for module, name in names.items():
            push = module.register_forward_pre_hook(lambda _m, _a, name=name: where.append(name))
            pop = module.register_forward_hook(lambda *_: where.pop() and None, always_call=True)
            road = road_of(module, name, recorder)
            for handle in (push, pop, *([] if road is None else [road])):
                stack.callback(handle.remove)
            if getattr(module, "fused_attn", None) is False:     # timm: the fused form calls the function above
                stack.callback(setattr, module, "fused_attn", False)
                module.fused_attn = True  # type: ignore[assignment]
        stack.enter_context(ProductRecorder(recorder, where))
        yield


def road_of(module: nn.Module, name: str, recorder: Recorder) -> Any:
    """The hook that reads q, k and v of a module that calls no fused attention; None where there is none."""
    if isinstance(module, nn.MultiheadAttention):
        return module.register_forward_pre_hook(
            lambda m, args, kwargs: record_multihead(recorder, name, m, *args, **kwargs), with_kwargs=True)
    if type(module).__name__ == "TimesformerSelfAttention":
        return module.qkv.register_forward_hook(  # type: ignore[union-attr]
            lambda _m, _a, out: record_fused(recorder, name, module, out))
    if type(getattr(module, "processor", None)).__name__ == "SanaLinearAttnProcessor2_0":
        return module.register_forward_pre_hook(
            lambda m, args, kwargs: record_sana(recorder, name, m, *args, **kwargs), with_kwargs=True)
    return None


def record_multihead(recorder: Recorder, name: str, module: nn.MultiheadAttention, query: Tensor, key: Tensor,
                     value: Tensor, key_padding_mask: Tensor | None = None, need_weights: bool = True,
                     attn_mask: Tensor | None = None, average_attn_weights: bool = True,
                     is_causal: bool = False) -> None:
    """q, k and v of nn.MultiheadAttention, from its input and its weights."""
    if module.bias_k is not None or module.add_zero_attn:
        raise ValueError(f"{name} adds a key that belongs to no token (add_bias_kv or add_zero_attn), so its map has "
                         "no place for it; name other layers with layers=")
    given = [x if x.ndim == 3 else x[None] for x in (query, key, value)]
    given = [x if module.batch_first or one.ndim == 2 else x.transpose(0, 1)
             for x, one in zip(given, (query, key, value))]
    weights = module.in_proj_weight.chunk(3) if module._qkv_same_embed_dim else (
        module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)
    biases = (None,) * 3 if module.in_proj_bias is None else module.in_proj_bias.chunk(3)
    q, k, v = (nn.functional.linear(x, w, b).unflatten(-1, (module.num_heads, -1)).transpose(1, 2)
               for x, w, b in zip(given, weights, biases))
    recorder.add(name, q, k, v, None, multihead_bias(attn_mask, key_padding_mask, module.num_heads),
                 road="nn.MultiheadAttention")


def multihead_bias(mask: Tensor | None, padding: Tensor | None, heads: int) -> Tensor | None:
    """The masks of nn.MultiheadAttention, in which True forbids, as one bias (B, H, N, S) or less."""
    added = []
    for x in (mask, None if padding is None else padding[:, None, None, :]):
        if x is not None:
            x = torch.zeros(x.shape, device=x.device).masked_fill(x, -torch.inf) if x.dtype == torch.bool else x.float()
            added.append(x.unflatten(0, (-1, heads)) if x.ndim == 3 else x)
    return None if not added else sum(added[1:], added[0])


def record_fused(recorder: Recorder, name: str, module: Any, out: Tensor) -> None:
    """q, k and v from the output of a Linear that makes all three, (B, N, 3 H D)."""
    q, k, v = out.unflatten(-1, (3, module.num_heads, -1)).permute(2, 0, 3, 1, 4)
    recorder.add(name, q, k, v, module.scale, road="its Linear qkv")


def record_sana(recorder: Recorder, name: str, module: Any, hidden_states: Tensor,
                encoder_hidden_states: Tensor | None = None, **_: Any) -> None:
    """q, k and v of diffusers' SANA, from its input: relu of q and k are its features."""
    around = hidden_states if encoder_hidden_states is None else encoder_hidden_states
    q, k, v = module.to_q(hidden_states), module.to_k(around), module.to_v(around)
    if getattr(module, "norm_q", None) is not None:
        q, k = module.norm_q(q), module.norm_k(k)
    q, k, v = (x.unflatten(-1, (module.heads, -1)).transpose(1, 2) for x in (q, k, v))
    recorder.add(name, q, k, v, 1.0, kind="relu", road="SanaLinearAttnProcessor2_0")
