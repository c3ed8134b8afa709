"""The arrays q, k, v and grid in an .npz or a .safetensors file: headers first, and nothing larger than the limits."""
from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import limits
from .decode import plain_name
from .found import AGAIN, Unreadable

WANTED = ("q", "k", "v", "grid")
HEADER = 10_000  # bytes of an array's header
JSON = 1_000_000  # bytes of a safetensors header
MEMBERS = 200  # arrays in a file
ENTRY = b"PK\x01\x02"  # what an entry of a zip's index begins with
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # how numpy writes
DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64,
          "I32": torch.int32, "I64": torch.int64}


@dataclass
class Arrays:
    """The arrays that were looked for, by name, and the names of the others, of which nothing was read."""

    there: dict[str, Tensor]
    others: list[str]


def check(name: str, shape: Sequence[Any]) -> int:
    """How many numbers an array of this shape has; Unreadable for what is too large.

    >>> check("q", (2, 9, 4))
    72
    """
    if not all(isinstance(n, int) and n >= 0 for n in shape) or len(shape) > 8:
        raise Unreadable(f"{name} has no sensible shape: the file is damaged, so {AGAIN}")
    count = math.prod(shape)
    if count > limits.NUMBERS:
        raise Unreadable(f"{name} would have {count:,} numbers and at most {limits.NUMBERS:,} are read: save one "
                         "layer, or fewer heads")
    return count


# ---------------------------------------------------------------- .npz


def npz(data: bytes) -> Arrays:
    """What np.savez or np.savez_compressed wrote."""
    if data.count(ENTRY) > MEMBERS:
        raise Unreadable(f"it has more than {MEMBERS} arrays: save q, k, v and grid alone")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if any(name.endswith(".pkl") for name in members):
            raise Unreadable("it is a PyTorch file, a pickle inside, which can run programs when it is opened: save it "
                             "with safetensors.torch.save_file({'q': q, 'k': k}, 'mine.safetensors')")
        there = {name: member(archive, members[f"{name}.npy"], name) for name in WANTED if f"{name}.npy" in members}
    others = [plain_name(name.removesuffix(".npy")) for name in members if name.removesuffix(".npy") not in WANTED]
    return Arrays(there, others)


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Tensor:
    """One array: its header, and then exactly as many bytes as it tells of."""
    if info.compress_type not in PACKED:
        raise Unreadable(f"{name} is packed in a way that numpy does not write: save it with np.savez_compressed")
    with archive.open(info) as stream:
        first = io.BytesIO(stream.read(HEADER + 16))
        shape, fortran, dtype = header(first)
        if dtype.hasobject:
            raise Unreadable(f"{name} holds Python objects, which only pickle reads: save an array of numbers")
        if dtype.kind not in "fiu" or dtype.itemsize > 8:
            raise Unreadable(f"{name} is {dtype}: q, k and v are floating point")
        wanted = check(name, shape) * dtype.itemsize
        raw = bytearray(first.read(wanted))
        raw += stream.read(wanted - len(raw))
        if len(raw) != wanted or stream.read(1):  # asked for one byte more, zipfile compares the sum of all
            raise Unreadable(f"{name} has another size than its header says, as when a copy breaks off: {AGAIN}")
    array = np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
    return torch.from_numpy(np.ascontiguousarray(array, dtype.newbyteorder("=")))


def header(file: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array, by numpy's own reader, which evaluates nothing."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file, max_header_size=HEADER)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file, max_header_size=HEADER)
    raise Unreadable(f"an array is in version {version[0]} of numpy's format, and 1 and 2 are read")


# ---------------------------------------------------------------- .safetensors


def is_safetensors(data: bytes) -> bool:
    """Whether a file begins with the length of a header and the brace that opens it.

    >>> is_safetensors((2).to_bytes(8, "little") + b"{}")
    True
    """
    return data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= JSON


def safetensors(data: bytes) -> Arrays:
    """What safetensors wrote: a header of names, types, shapes and places, and then the numbers."""
    end = 8 + int.from_bytes(data[:8], "little")
    if end > len(data):
        raise Unreadable(f"it breaks off inside its header: {AGAIN}")
    told: dict[str, Any] = json.loads(data[8:end])
    told.pop("__metadata__", None)
    there = {name: stored(name, told[name], memoryview(data)[end:]) for name in WANTED if name in told}
    return Arrays(there, [plain_name(name) for name in told if name not in WANTED])


def stored(name: str, told: dict[str, Any], body: memoryview) -> Tensor:
    """One array, if its place in the file holds exactly as many bytes as its shape needs."""
    if told["dtype"] not in DTYPES:
        raise Unreadable(f"{name} is {plain_name(str(told['dtype']))}: q, k and v are F16, BF16, F32 or F64")
    dtype = DTYPES[told["dtype"]]
    count, (start, stop) = check(name, told["shape"]), told["data_offsets"]
    if not 0 <= start <= stop <= len(body) or stop - start != count * dtype.itemsize:
        raise Unreadable(f"{name} has another size than its header says, as when a copy breaks off: {AGAIN}")
    if not count:
        return torch.zeros(told["shape"], dtype=dtype)
    return torch.frombuffer(bytearray(body[start:stop]), dtype=dtype).reshape(told["shape"])
