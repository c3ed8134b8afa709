"""A researcher's q, k, v: what is read, what is refused and why, and that no file can do anything else."""
from __future__ import annotations

import io
import json
import pickle
import time
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from linviz import Grid, clips
from linviz.clips import limits
from linviz.clips.tensor_layout import AmbiguousLayout

X = np.random.default_rng(0).normal(size=(3, 16, 8)).astype(np.float32)


def saved(how: Any = np.savez, **arrays: Any) -> bytes:
    """What numpy writes."""
    file = io.BytesIO()
    how(file, **arrays)
    return file.getvalue()


def zipped(name: str, body: bytes, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of one member, q and k both."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for member in (name, "k.npy"):
            archive.writestr(member, body)
    return file.getvalue()


def header(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    """The header of an array, without the array."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def safe(told: Any, body: bytes = b"") -> bytes:
    """A safetensors file with this header."""
    head = told if isinstance(told, bytes) else json.dumps(told).encode()
    return len(head).to_bytes(8, "little") + head + body


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("make", [
    lambda: saved(q=X, k=2 * X, v=-X), lambda: saved(np.savez_compressed, q=X, k=2 * X, v=-X),
    lambda: saved(q=np.asfortranarray(X), k=(2 * X).astype(">f8"), v=-X[None]),
    lambda: safetensors.numpy.save({"q": X, "k": 2 * X, "v": -X}),
    lambda: safetensors.numpy.save({"q": X.astype(np.float64), "k": 2 * X, "v": -X}, {"model": "mine"})])
def test_every_way_to_save_gives_the_numbers(make: Any) -> None:
    found = clips.decode_tensors(make(), "a/b.npz")
    for got, wanted in zip((found.q, found.k, found.v), (X, 2 * X, -X)):
        assert got.dtype == torch.float32 and np.array_equal(got[0].numpy(), wanted)
    assert found.grid == Grid(1, 4, 4) and found.name == "b.npz"
    assert found.said == "3 heads of 16 tokens, 8 wide, on 4 x 4 patches"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_numbers_are_read(dtype: torch.dtype) -> None:
    x = torch.from_numpy(X).to(dtype)
    found = clips.decode_tensors(safetensors.torch.save({"q": x, "k": x.clone()}))
    assert torch.equal(found.q[0], x.float()) and "k is used as v" in found.said and torch.equal(found.v, found.k)


@pytest.mark.parametrize("shape, grid, said", [
    ((9, 4), Grid(1, 3, 3), "1 head of 9 tokens, 4 wide, on 3 x 3 patches"),
    ((10, 4), Grid(1, 3, 3, 1), "on 3 x 3 patches after 1 token without a position"),
    ((2, 5, 9, 4), Grid(1, 3, 3), "5 heads of 9 tokens, 4 wide, on 3 x 3 patches; v is missing, so k is used as v; "
     "the first of a batch of 2")])
def test_shapes_and_squares(shape: tuple[int, ...], grid: Grid, said: str) -> None:
    found = clips.decode_tensors(saved(q=np.ones(shape, np.float16), k=np.ones(shape)))
    assert found.grid == grid and said in found.said and found.q.shape[2] == len(grid)


@pytest.mark.parametrize("given, grid", [
    ([2, 8], Grid(1, 2, 8)), ([4, 2, 2], Grid(4, 2, 2)), ([3, 5], Grid(1, 3, 5, 1)),
    ([[2], [2], [3]], Grid(2, 2, 3, 4))])
def test_a_grid_says_where_tokens_lie(given: list[int], grid: Grid) -> None:
    assert clips.decode_tensors(saved(q=X, k=X, grid=given)).grid == grid
    assert clips.decode_tensors(safetensors.numpy.save({"q": X, "k": X, "grid": np.array(given)})).grid == grid


# ---------------------------------------------------------------- what is not


class Evil:
    """What a pickle could do."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was opened",))


def torch_saved() -> bytes:
    file = io.BytesIO()
    torch.save({"q": torch.ones(4, 4)}, file)
    return file.getvalue()


NAN = X.copy()
NAN[0, 0, :2] = np.nan, np.inf
BAD = {
    "pickle": (lambda: pickle.dumps({"q": Evil()}), "it is a pickle, which can run code"),
    "torch": (torch_saved, "it is a PyTorch file with a pickle inside"),
    "objects": (lambda: saved(q=np.array([Evil()], object), k=X), "q holds Python objects, which only pickle can read"),
    "one array": (lambda: header((4, 4)), "it holds one array without a name"),
    "no k": (lambda: saved(q=X, keys=X), "there is no k in it, it has keys: save q and k with np.savez"),
    "empty": (lambda: saved(), "there is no q in it, it is empty"),
    "whole numbers": (lambda: saved(q=X.astype(int), k=X), "q is int64: q, k and v must be floating point"),
    "texts": (lambda: saved(q=np.array(["a"]), k=X), "q is <U1: q, k and v must be floating point"),
    "complex": (lambda: saved(q=X * 1j, k=X), "q is complex64"),
    "one axis": (lambda: saved(q=X[0, 0], k=X), "q has the shape (8,); expected (N, D), (H, N, D) or (B, H, N, D)"),
    "no tokens": (lambda: saved(q=X[:, :0], k=X), "q has the shape (3, 0, 8)"),
    "not finite": (lambda: saved(q=NAN, k=X), "2 of the 384 numbers of q are not finite"),
    "too far for float32": (lambda: saved(q=X.astype(float) * 1e300, k=X), "numbers of q are not finite"),
    "other heads": (lambda: saved(q=X, k=X[:1]), "q is 3 x 16 x 8 and k is 1 x 16 x 8: both need the same heads"),
    "other v": (lambda: saved(q=X, k=X, v=X[:, :9]), "v is 3 x 9 x 8 and k is 3 x 16 x 8: every k needs one v"),
    "no square": (lambda: saved(q=X[:, :14], k=X[:, :14]), "its 14 tokens form no square"),
    "small grid": (lambda: saved(q=np.ones((64, 4)), k=np.ones((64, 4)), grid=[2, 3]), "a grid of 2 x 3 has 6 tokens"),
    "large grid": (lambda: saved(q=X, k=X, grid=[4, 5]), "a grid of 4 x 5 has 20 tokens, and q has 16"),
    "odd grid": (lambda: saved(q=X, k=X, grid=[0, 16]), "grid holds [0, 16]"),
    "grid of reals": (lambda: saved(q=X, k=X, grid=[4.0, 4.0]), "grid holds no whole numbers"),
    "huge by header": (lambda: zipped("q.npy", header((10**6, 10**6))), "q has 1,000,000,000,000 numbers"),
    "negative": (lambda: zipped("q.npy", header((-1, 4))), "q has an invalid shape"),
    "bomb": (lambda: zipped("q.npy", header((9, 4)) + bytes(10**8)), "q does not have the size in its header"),
    "header bomb": (lambda: zipped("q.npy", b"\x93NUMPY\x02\x00" + (10**8).to_bytes(4, "little") + b" " * 10**8),
                    "it is damaged or cut short"),
    "lzma": (lambda: zipped("q.npy", header((9, 4)), zipfile.ZIP_LZMA), "q is compressed in a way that numpy does not"),
    "short": (lambda: zipped("q.npy", header((9, 4)) + bytes(100)), "q does not have the size in its header"),
    "cut": (lambda: saved(q=X, k=X)[:-30], "it is damaged or cut short"),
    "many": (lambda: saved(**{f"a{n}": X[0, 0, :1] for n in range(201)}), "it has more than 200 arrays"),
    "safe: cut header": (lambda: safe(b"{" + b" " * 99)[:20], "it ends inside its header"),
    "safe: no JSON": (lambda: safe(b"{q:1}"), "it is damaged"), "safe: deep": (lambda: safe(b'{"q":' + b"[" * 50_000),
                                                                               "it is damaged"),
    "safe: cut": (lambda: safetensors.numpy.save({"q": X, "k": X})[:-4], "does not have the size in its header"),
    "safe: huge": (lambda: safe({"q": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]}}), "the limit"),
    "safe: outside": (lambda: safe({"q": {"dtype": "F32", "shape": [1, 1], "data_offsets": [-4, 0]}}, b"abcd"),
                      "q does not have the size"),
    "safe: odd shape": (lambda: safe({"q": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4]}}), "an invalid"),
    "safe: odd type": (lambda: safe({"q": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"a"), "q is U8")}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_read_gets_one_sentence_and_is_not_unpacked(what: str) -> None:
    make, sentence = BAD[what]
    data = make()
    tracemalloc.start()
    began = time.perf_counter()
    assert clips.is_tensors(data)
    with pytest.raises(clips.Unreadable) as left:
        clips.decode_tensors(data, "../x.npz")
    assert str(left.value).startswith("x.npz cannot be read: ") and sentence in str(left.value)
    assert "\n" not in str(left.value) and len(str(left.value)) < 300
    assert tracemalloc.get_traced_memory()[1] < 30e6 and time.perf_counter() - began < 10
    tracemalloc.stop()


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(q=X, k=X)
    for name, value, said in (("TENSOR_BYTES", 1000, "limit for tensors is 0 MB"), ("NUMBERS", 383, "limit is 383")):
        with monkeypatch.context() as patch, pytest.raises(clips.Unreadable, match=said):
            patch.setattr(limits, name, value)
            clips.decode_tensors(data)


def test_pictures_are_no_tensors_and_accidents_give_tensors_or_a_sentence() -> None:
    assert not any(map(clips.is_tensors, (b"", b"\x89PNG\r\n\x1a\n", b"....ftypqt  ", b"RIFF....WEBP", b"{}")))
    good = [saved(np.savez_compressed, q=X, k=X), saved(q=X, k=X, grid=[4, 4]),
            safetensors.numpy.save({"q": X, "k": X})]
    draw, read = np.random.default_rng(1), 0
    for n in range(300):
        data = bytearray(good[n % 3])
        for i in draw.integers(0, min(len(data), 400 if n % 2 else len(data)), 3):
            data[i] = draw.integers(256)
        try:
            read += torch.isfinite(clips.decode_tensors(bytes(data), "x").q).all().item()
        except clips.Unreadable as error:
            assert str(error).startswith("x cannot be read: ") and "\n" not in str(error)
    assert 20 < read < 250


# ---------------------------------------------------------------- layouts, keys elsewhere, pictures


def filled(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape, grid, layout, heads", [
    ((1, 12, 197, 8), None, "BHND", 12), ((1, 197, 12, 8), None, "BNHD", 12), ((197, 16, 8), None, "BNHD", 16),
    ((2, 24, 3, 8), [2, 3, 4], "BNHD", 3), ((3, 24, 8), [4, 6], "BHND", 3), ((24, 24, 8), None, "BHND", 24),
    ((1, 201, 6, 8), [14, 14], "BNHD", 6), ((4, 8, 8), [2, 2], "BNHD", 8), ((9, 8), None, "BHND", 1)])
def test_a_layout_is_recognised_by_the_grid(shape: tuple[int, ...], grid: Any, layout: str, heads: int) -> None:
    x = filled(*shape)
    if shape == (24, 24, 8):  # 24 tokens form no square, so that neither layout fits
        with pytest.raises(clips.Unreadable, match="its 24 tokens form no square"):
            clips.decode_tensors(saved(q=x, k=x))
        return
    found = clips.decode_tensors(saved(q=x, k=x, **({} if grid is None else {"grid": grid})))
    assert (found.layout, found.q.shape[1]) == (layout, heads)
    first = x if x.ndim < 4 else x[0]
    want = first.swapaxes(0, 1) if layout == "BNHD" else first
    assert np.array_equal(found.q[0].numpy(), want.reshape(found.q.shape[1:]))


def test_an_ambiguous_layout_is_asked_for() -> None:
    data = saved(q=filled(1, 9, 16, 4), k=filled(1, 9, 16, 4))
    with pytest.raises(AmbiguousLayout, match=r"q \(1, 9, 16, 4\) can be read in two ways: say which layout it has, "
                       r"BHND \(9 heads of 16 tokens\) or BNHD \(16 heads of 9 tokens\)"):
        clips.decode_tensors(data)
    for layout, grid in (("BHND", Grid(1, 4, 4)), ("BNHD", Grid(1, 3, 3))):
        found = clips.decode_tensors(data, layout=layout)
        assert (found.grid, found.layout) == (grid, layout) and found.q.shape[1] == 25 - len(grid)
    other = saved(q=filled(1, 9, 16, 4), k=filled(1, 4, 16, 4))  # keys on another grid leave one way
    assert clips.decode_tensors(other).layout == "BNHD" and clips.decode_tensors(other).key_grid == Grid(1, 2, 2)


def test_keys_may_lie_on_another_grid() -> None:
    q, k = filled(3, 50, 8), filled(3, 13, 8)
    found = clips.decode_tensors(saved(q=q, k=k, grid=[7, 7], key_grid=[3, 4]))
    assert (found.grid, found.key_grid) == (Grid(1, 7, 7, 1), Grid(1, 3, 4, 1)) and found.v.shape == (1, 3, 13, 8)
    assert "13 keys on 3 x 4 patches after 1 token without a position" in found.said
    assert clips.decode_tensors(safetensors.numpy.save({"q": q, "k": k[:, :9]})).key_grid == Grid(1, 3, 3)


@pytest.mark.parametrize("frames, how_many", [
    (np.full((40, 60, 3), 200, np.uint8), 1), (np.full((1, 3, 40, 60), 0.5, np.float16), 1), (np.zeros((40, 60)), 1),
    (np.zeros((4, 40, 60, 3), np.uint8), 2)])
def test_frames_are_the_picture_under_the_tokens(frames: np.ndarray, how_many: int) -> None:
    x = filled(2, 8, 4)
    grid = np.array([how_many, 2, 4 // how_many])
    for data in (saved(frames=frames, q=x, k=x, grid=grid),  # in the order in which a saved clip begins
                 safetensors.numpy.save({"q": x, "k": x, "grid": grid, "frames": frames})):
        assert clips.is_tensors(data)
        found = clips.decode_tensors(data)
        assert found.frames is not None and found.frames.shape == (how_many, 3, 40, 60)
        assert found.frames.max() == pytest.approx(frames.max() / (255 if frames.dtype == np.uint8 else 1), abs=1e-3)
        assert "with " in found.said


BROKEN = {
    "dark frames": ({"frames": np.full((8, 8, 3), np.nan)}, "frames cannot be shown: floating point colours must lie"),
    "normalised": ({"frames": np.full((8, 8, 3), -2.0)}, "must lie in 0..1"),
    "odd frames": ({"frames": np.zeros((2, 2), np.int64)}, "colours must be uint8 in 0..255"),
    "few frames": ({"frames": np.zeros((8, 8, 3)), "grid": [2, 2, 4]}, "frames has 1 picture, and the grid has 2"),
    "five axes": ({"frames": np.zeros((1, 1, 8, 8, 3))}, "a picture is (Y, X), (Y, X, 3)"),
    "no key square": ({"k": X[:, :14]}, "its 14 keys form no square, so their positions are unknown: add key_grid"),
    "small key grid": ({"k": X[:, :14], "key_grid": [4, 4]}, "a key_grid of 4 x 4 has 16 tokens, and k has 14"),
    "odd key grid": ({"k": X[:, :14], "key_grid": [[0]]}, "key_grid holds [0]"),
    "same keys elsewhere": ({"key_grid": [2, 8]}, "q and k have 16 tokens each, but key_grid is not grid"),
    "huge grid": ({"grid": np.full(50_000, 3)}, "grid holds no whole numbers"),
    "overflow": ({"grid": [2**62, 2**62]}, "has 21,267,647,932,558,653,966,460,912,964,485,513,216 tokens, and q"),
    "other width": ({"k": X[..., :4]}, "q is 3 x 16 x 8 and k is 3 x 16 x 4: both need the same heads and width"),
    "hostile names": ({"k": None, "\n<b>" * 99: X}, "there is no k in it, it has ")}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_beside_the_tensors_gets_one_sentence(what: str) -> None:
    arrays, sentence = BROKEN[what]
    whole = {"q": X, "k": X} | arrays
    data = saved(**{name: x for name, x in whole.items() if x is not None})
    with pytest.raises(clips.Unreadable) as left:
        clips.decode_tensors(data, "x.npz")
    assert sentence in str(left.value) and "\n" not in str(left.value) and len(str(left.value)) < 400
    if what == "hostile names":
        assert "<b><b>" not in str(left.value) or len(str(left.value)) < 200
