"""The arrays of a tensor file, .npz or .safetensors, by name. Headers are read first; the limits hold for all.
"""
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
from .found import AGAIN, Unreadable, plain_name

WANTED = ("q", "k", "v", "grid", "key_grid", "frames")
HEADER = 10_000  # the most bytes of an array's header
JSON = 1_000_000  # the most bytes of a safetensors header
MEMBERS = 200  # the most arrays in a file
ENTRY = b"PK\x01\x02"  # the first bytes of an entry in a zip file's index
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the compressions that numpy writes
DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64,
          "I32": torch.int32, "I64": torch.int64}


@dataclass
class Arrays:
    """The arrays named in `WANTED` that the file has, and the names of its other arrays, which were not read."""

    there: dict[str, Tensor]
    others: list[str]


def check_array_size(name: str, shape: Sequence[Any], most: int | None = None) -> int:
    """How many numbers an array of this shape has. Raises Unreadable where they are more than `most` or the limit.

    >>> check_array_size("q", (2, 9, 4))
    72
    """
    if not all(isinstance(n, int) and n >= 0 for n in shape) or len(shape) > 8:
        raise Unreadable(f"{name} has an invalid shape: the file is damaged, so {AGAIN}")
    pictures = name == "frames" or name not in WANTED
    count, most = math.prod(shape), (limits.FRAME_NUMBERS if pictures else limits.NUMBERS) if most is None else most
    if count > most:
        fewer = "fewer frames, or smaller ones" if pictures else "one layer, or fewer heads"
        raise Unreadable(f"{name} has {count:,} numbers, and the limit is {most:,}: save {fewer}")
    return count


# ---------------------------------------------------------------- .npz


def read_npz(data: bytes) -> Arrays:
    """The arrays in a file written by np.savez or np.savez_compressed."""
    if data.count(ENTRY) > MEMBERS:
        raise Unreadable(f"it has more than {MEMBERS} arrays: save only q, k, v, grid and frames")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if any(name.endswith(".pkl") for name in members):
            raise Unreadable("it is a PyTorch file with a pickle inside, which can run code when it is opened: save it "
                             "with safetensors.torch.save_file({'q': q, 'k': k}, 'mine.safetensors')")
        there = {name: read_npz_member(archive, members[f"{name}.npy"], name)
                 for name in WANTED if f"{name}.npy" in members}
    others = [plain_name(name.removesuffix(".npy")) for name in members if name.removesuffix(".npy") not in WANTED]
    return Arrays(there, others)


def read_npz_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, most: int | None = None) -> Tensor:
    """One array of at most `most` numbers: its header, and then exactly as many bytes as the header announces."""
    if info.compress_type not in PACKED:
        raise Unreadable(f"{name} is compressed in a way that numpy does not use: save it with np.savez_compressed")
    with archive.open(info) as stream:
        first = io.BytesIO(stream.read(HEADER + 16))
        shape, fortran, dtype = read_npy_header(first)
        if dtype.hasobject:
            raise Unreadable(f"{name} holds Python objects, which only pickle can read: save an array of numbers")
        if dtype.kind not in "fiu" or dtype.itemsize > 8:
            raise Unreadable(f"{name} is {dtype}: q, k and v must be floating point")
        wanted = check_array_size(name, shape, most) * dtype.itemsize
        raw = bytearray(first.read(wanted))
        raw += stream.read(wanted - len(raw))
        if len(raw) != wanted or stream.read(1):  # reading one byte more makes zipfile check the checksum
            raise Unreadable(f"{name} does not have the size in its header; perhaps a copy was cut short: {AGAIN}")
    array = np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
    return torch.from_numpy(np.ascontiguousarray(array, dtype.newbyteorder("=")))


def read_npy_header(file: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array, by numpy's own header reader, which runs no code."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file, max_header_size=HEADER)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file, max_header_size=HEADER)
    raise Unreadable(f"an array is in version {version[0]} of numpy's format; only versions 1 and 2 can be read")


# ---------------------------------------------------------------- .safetensors


def is_safetensors(data: bytes) -> bool:
    """Whether a file begins with the length of a header and the brace that opens it.

    >>> is_safetensors((2).to_bytes(8, "little") + b"{}")
    True
    """
    return data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= JSON


def read_safetensors(data: bytes) -> Arrays:
    """The arrays in a safetensors file: a header of names, types, shapes and offsets, and then the numbers."""
    end = 8 + int.from_bytes(data[:8], "little")
    if end > len(data):
        raise Unreadable(f"it ends inside its header: {AGAIN}")
    told: dict[str, Any] = json.loads(data[8:end])
    notes = told.pop("__metadata__", None)
    if isinstance(notes, dict) and str(notes.get("format")).startswith("linviz capture"):
        raise Unreadable("it is a capture of a model's layers: choose one, as in linviz.view(path, layer=3) or "
                         "`linviz read FILE --layer 3`")
    there = {name: read_stored_tensor(name, told[name], memoryview(data)[end:]) for name in WANTED if name in told}
    return Arrays(there, [plain_name(name) for name in told if name not in WANTED])


def read_stored_tensor(name: str, told: dict[str, Any], body: memoryview) -> Tensor:
    """One array, if the header gives it exactly as many bytes as its shape needs."""
    if told["dtype"] not in DTYPES and (name, told["dtype"]) != ("frames", "U8"):
        raise Unreadable(f"{name} is {plain_name(str(told['dtype']))}: q, k and v must be F16, BF16, F32 or F64")
    dtype = DTYPES.get(told["dtype"], torch.uint8)
    count, (start, stop) = check_array_size(name, told["shape"]), told["data_offsets"]
    if not 0 <= start <= stop <= len(body) or stop - start != count * dtype.itemsize:
        raise Unreadable(f"{name} does not have the size in its header; perhaps a copy was cut short: {AGAIN}")
    if not count:
        return torch.zeros(told["shape"], dtype=dtype)
    return torch.frombuffer(bytearray(body[start:stop]), dtype=dtype).reshape(told["shape"])
