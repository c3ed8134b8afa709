"""Frames between the grader and a process with answers: JSON, and arrays as npz. Nothing is unpickled."""
from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

SIZES = struct.Struct("<QQ")                            # bytes of the JSON, bytes of the arrays
LARGEST = 2**28                                         # bytes: the exercises' arrays have less than a million
DTYPES = {str(d).removeprefix("torch."): d for d in vars(torch).values() if isinstance(d, torch.dtype)}


def write_array_frame(stream: Any, head: dict[str, Any], tensors: Sequence[Tensor] = ()) -> None:
    """Write one frame and flush it."""
    plain = [t.detach().resolve_conj().resolve_neg().contiguous() for t in tensors]
    kinds = [[str(t.dtype).removeprefix("torch."), list(t.shape)] for t in plain]
    said = json.dumps(head | {"tensors": kinds}).encode()
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **{f"t{n}": _bytes_of(t) for n, t in enumerate(plain)})
    stream.write(SIZES.pack(len(said), file.tell()) + said + file.getvalue())
    stream.flush()


def _bytes_of(t: Tensor) -> Any:
    """The memory of a tensor as bytes: numpy does not know all types."""
    return t.reshape(-1).view(torch.uint8).numpy() if t.numel() else np.empty(0, np.uint8)


def read_array_frame(stream: Any) -> tuple[dict[str, Any], list[Tensor]]:
    """Read one frame. EOFError at the end, ValueError for anything that is not a frame.

    >>> file = io.BytesIO()
    >>> write_array_frame(file, {"do": "call"}, [torch.ones(2)])
    >>> _ = file.seek(0)
    >>> read_array_frame(file)[1]
    [tensor([1., 1.])]
    """
    head, arrays = SIZES.unpack(_read_bytes(stream, SIZES.size))
    if head + arrays > LARGEST:
        raise ValueError("a frame that is too large")
    said = json.loads(_read_bytes(stream, head))
    file = io.BytesIO(_read_bytes(stream, arrays))
    with zipfile.ZipFile(file) as packed:               # a compressed array could fill the memory
        if any(i.compress_type != zipfile.ZIP_STORED or i.file_size > LARGEST for i in packed.infolist()):
            raise ValueError("a compressed array")
    with np.load(file, allow_pickle=False) as found:
        return said, [_tensor_of(found[f"t{n}"], *kind) for n, kind in enumerate(said["tensors"])]


def _tensor_of(raw: Any, dtype: str, shape: list[int]) -> Tensor:
    kind = DTYPES[dtype]
    if raw.dtype != np.uint8 or any(n < 0 for n in shape) or raw.size != kind.itemsize * math.prod(shape):
        raise ValueError("an array of another size than it says")
    return torch.frombuffer(bytearray(raw.tobytes()), dtype=kind).reshape(shape) if raw.size else torch.empty(
        shape, dtype=kind)


def _read_bytes(stream: Any, size: int) -> bytes:
    parts = []
    while size > 0:
        if not (part := stream.read(min(size, 2**20))):
            raise EOFError("the stream ended")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def describe_value(value: Any, tensors: list[Tensor], inner: bool = False) -> dict[str, Any]:
    """A value as JSON; its tensors are appended to a list. Of what cannot be sent only the name of its type is kept.

    >>> describe_value((1, len), [])
    {'tuple': [{'plain': 1}, {'other': 'builtin_function_or_method'}]}
    """
    if isinstance(value, Tensor) and value.layout == torch.strided:
        tensors.append(value.as_subclass(Tensor))
        return {"tensor": len(tensors) - 1}
    if value is None or isinstance(value, bool | int | float):
        return {"plain": value}
    if isinstance(value, tuple | list) and not inner:
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [describe_value(x, tensors, inner=True) for x in value[:20]]}
    return {"other": type(value).__name__[:80]}


def restore_value(said: dict[str, Any], tensors: Sequence[Tensor]) -> Any:
    """The value that `describe_value` described; in place of what could not be sent an object of the same type name.

    >>> restore_value({"tuple": [{"plain": 1}, {"plain": None}]}, [])
    (1, None)
    """
    [(kind, what)] = said.items()
    if kind == "tensor":
        return tensors[what]
    if kind == "plain" and (what is None or isinstance(what, bool | int | float)):
        return what
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(restore_value(x, tensors) for x in what)
    return type(str(what).replace("\0", "") or "object", (), {})()
