"""One blob for all hosts: a tree of names, numbers and arrays as bytes that a browser reads without copying.

    b"LVIZ" | header bytes, uint32 | header, JSON, padded to 8 | buffers, each padded to 8

An array in the header is {"$": offset, "bytes", "dtype", "shape"}; equal buffers are stored once. The header's
`id` is a hash of the content, without `set`: the state of the view is not part of its content.
"""
from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import numpy as np

from .wires import Half

HEAVIEST = 64 << 20  # bytes; above this a browser tab suffers


class _Buffers:
    """Buffers one after the other, each at a multiple of 8 bytes; equal buffers are stored once."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.size = 0
        self.seen: dict[bytes, int] = {}

    def put(self, raw: bytes) -> int:
        """Where these bytes lie, counted from the first buffer."""
        key = hashlib.blake2b(raw, digest_size=16).digest()
        if key not in self.seen:
            self.seen[key] = self.size
            self.chunks.append(raw + b"\0" * (-len(raw) % 8))
            self.size += len(self.chunks[-1])
        return self.seen[key]

    def walk(self, x: Any) -> Any:
        """The same tree with every array and every bytes replaced by where it lies."""
        if isinstance(x, np.ndarray):
            scale = {"scale": x.scale} if isinstance(x, Half) else {}
            what = {"bytes": x.nbytes, "dtype": x.dtype.name, "shape": list(x.shape)}
            return {"$": self.put(x.tobytes()), **what, **scale}
        if isinstance(x, bytes):
            return {"$": self.put(x), "bytes": len(x), "dtype": "uint8", "shape": [len(x)]}
        if isinstance(x, dict):
            return {name: self.walk(value) for name, value in x.items()}
        return [self.walk(value) for value in x] if isinstance(x, (list, tuple)) else x


def encode_blob(content: dict[str, Any], wish: dict[str, Any]) -> bytes:
    """Content (arrays and bytes are allowed) and the state of the view, as a blob."""
    buffers = _Buffers()
    header = buffers.walk(content)
    body = b"".join(buffers.chunks)
    if len(body) > HEAVIEST:
        raise ValueError(f"this view would have {len(body) / 1e6:.0f} MB, more than a page should load "
                         f"({HEAVIEST / 1e6:.0f}): use a smaller grid, fewer panels or half=True")
    known = json.dumps(header, sort_keys=True, allow_nan=False).encode() + body
    return _join_blob(header | {"id": hashlib.blake2b(known, digest_size=8).hexdigest(), "set": wish}, body)


def replace_state(blob: bytes, wish: dict[str, Any]) -> bytes:
    """The same blob with `wish` in place of the same names in its state; the content is not packed again."""
    header, start = _read_header(blob)
    return _join_blob(header | {"set": header["set"] | wish}, blob[start:])


def _read_header(blob: bytes) -> tuple[dict[str, Any], int]:
    """The header as it is written, and where the buffers begin."""
    if blob[:4] != b"LVIZ":
        raise ValueError(f"these {len(blob)} bytes are not a linviz view")
    start = 8 + struct.unpack("<I", blob[4:8])[0]
    return json.loads(blob[8:start]), start


def _join_blob(header: dict[str, Any], body: bytes) -> bytes:
    head = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    head += b" " * (-len(head) % 8)
    return b"LVIZ" + struct.pack("<I", len(head)) + head + body


def unpack(blob: bytes) -> dict[str, Any]:
    """The header of a blob with its arrays as numpy: what the browser reads."""
    written, start = _read_header(blob)

    def walk(x: Any) -> Any:
        if isinstance(x, dict) and "$" in x:
            array = np.frombuffer(blob, x["dtype"], int(np.prod(x["shape"])), start + x["$"]).reshape(x["shape"])
            return array.astype(np.float32) * np.float32(x["scale"]) if "scale" in x else array
        if isinstance(x, dict):
            return {name: walk(value) for name, value in x.items()}
        return [walk(value) for value in x] if isinstance(x, list) else x

    header: dict[str, Any] = walk(written)
    return header
