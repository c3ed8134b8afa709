"""Saved views come back whole; hostile ones get one sentence; nothing is ever half-written."""
from __future__ import annotations

import io
import json
import os
import struct
import zipfile

import pytest

from linviz.atomic_write import write_atomically
from linviz.clips import limits
from linviz.views import SourceFile, View
from linviz.views.export import bundle
from tests.clips.files import still


def made(*members, kind=zipfile.ZIP_STORED, **how):
    """A zip of these (name, data)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind, **how) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, compress_type=kind)
    return out.getvalue()


STATE = json.dumps(View("coffee").to_json())
PICTURE = still("PNG")
OWN = View(SourceFile.of("night.png", PICTURE), 4, specs=("softmax",))
OWN_STATE = json.dumps(OWN.to_json())
MILLIONS = made(("state.json", STATE))[:-10] + struct.pack("<II", 100_000_000, 0) + b"\0\0"


# ------------------------------------------------------------------------------------------------ there and back


@pytest.mark.parametrize("view, media", [(View("pan", causal=True), None), (OWN, PICTURE)], ids=["sample", "own"])
def test_a_saved_view_comes_back(view, media, tmp_path):
    path = bundle.save_view(tmp_path / "a.linviz", view, media)
    assert bundle.load_view(path) == (view, media) and list(tmp_path.iterdir()) == [path]
    assert bundle.is_bundle(path.read_bytes()) and not bundle.is_bundle(PICTURE)


def test_other_tools_open_it(tmp_path):
    path = bundle.save_view(tmp_path / "a.linviz", OWN, PICTURE)
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None and file.read("media/night.png") == PICTURE
        assert View.from_json(json.loads(file.read("state.json"))) == OWN


def test_one_that_was_packed_again_by_hand_opens():
    again = made(("state.json", OWN_STATE), ("media/night.png", PICTURE), kind=zipfile.ZIP_DEFLATED)
    assert bundle.unpack_bundle(again) == (OWN, PICTURE)


@pytest.mark.parametrize("view, media, said", [
    (OWN, None, "none were given"), (OWN, b"other", "another sha256"), (View("pan"), b"x", "saved without a file")])
def test_what_cannot_be_opened_again_is_not_saved(view, media, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        bundle.save_view(tmp_path / "a.linviz", view, media)
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------------------------ hostile


@pytest.mark.parametrize("data, said", [
    (b"", "does not end like"), (b"PK\3\4" + b"\0" * 99, "does not end like"),
    (made(("state.json", STATE))[:-5], "does not end like"),
    (made(), "holds 0"), (made(("../state.json", STATE)), "holds state.json"), (made(("a", "b")), "holds state.json"),
    (made(("state.json", STATE), ("media/../../x", "y")), "a sample needs no media"),
    (made(("state.json", OWN_STATE), ("media/../night.png", PICTURE)), "should hold 'media/night.png'"),
    (made(("state.json", OWN_STATE), ("/etc/night.png", PICTURE)), "should hold 'media/night.png'"),
    (made(("state.json", OWN_STATE)), "should hold 'media/night.png'"),
    (made(("state.json", OWN_STATE), ("media/night.png", b"another")), "another sha256"),
    (made(("state.json", STATE), ("a", ""), ("b", "")), "holds 3"), (made(("state.json", "[" * 60_000)), "nested"),
    (made(("state.json", b"\xff\xfe")), "or is damaged"), (made(("state.json", "{}")), "needs linviz"),
    (made(("state.json", "null")), "is a dictionary"),
    (made(("state.json", STATE), kind=zipfile.ZIP_LZMA), "does not read"),
    (made(("state.json", " " * 10_000_000), kind=zipfile.ZIP_DEFLATED), "larger than the 65,536 bytes"),
    (made(*[(f"n{n}" * 99, "") for n in range(400)]), "the list of its files has"), (MILLIONS, "has 100,000,000 bytes"),
])
def test_a_hostile_zip_is_one_sentence(data, said):
    with pytest.raises(ValueError, match=said) as found:
        bundle.unpack_bundle(data, "x.linviz")
    assert str(found.value).startswith("x.linviz is not a saved view") and len(str(found.value)) < 300


def test_a_bomb_is_read_no_further_than_its_limit(monkeypatch):
    monkeypatch.setattr(limits, "BYTES", 100_000)
    bomb = made(("state.json", OWN_STATE), ("media/night.png", bytes(5_000_000)), kind=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(ValueError, match="larger than the 100,000 bytes"):
        bundle.unpack_bundle(bomb)


def test_claimed_sizes_are_not_believed():
    """The list says 60 bytes and the file holds more: a wrong sum, not a crash."""
    data = bytearray(made(("state.json", STATE)))
    at = data.index(b"PK\1\2")
    data[at + 20:at + 28] = struct.pack("<II", 60, 60)
    with pytest.raises(ValueError, match="not a saved view"):
        bundle.unpack_bundle(bytes(data))


def test_accidents_are_a_sentence_or_the_view():
    data, hurt = bundle.pack_bundle(OWN, PICTURE), 0
    for at in range(0, len(data), 3):
        broken = bytearray(data)
        broken[at] ^= 0x41
        try:
            assert bundle.unpack_bundle(bytes(broken)) == (OWN, PICTURE)      # a byte that says nothing, like a date's
        except ValueError as error:
            hurt += 1
            assert "\n" not in str(error)
    assert hurt > len(data) // 4


@pytest.mark.parametrize("path, said", [("none.linviz", "cannot read .*none.linviz: No such"), ("", "is a folder")])
def test_a_path_that_is_no_file_is_said(path, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        bundle.load_view(tmp_path / path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "huge.linviz"
    with path.open("wb") as file:
        file.truncate(limits.BYTES + 1_000_000)         # a hole: it takes no room
    with pytest.raises(ValueError, match="has 201 MB and at most 200 MB are read"):
        bundle.load_view(path)


# ------------------------------------------------------------------------------------------------ whole or not at all


@pytest.mark.parametrize("when", ["fsync", "fdopen", "mkstemp"])
def test_ctrl_c_leaves_what_was_there(when, tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "a.txt", "before")

    def stop(*given, **how):
        raise KeyboardInterrupt
    monkeypatch.setattr(*(os, when) if when != "mkstemp" else ("tempfile.mkstemp",), stop)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "after")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match="cannot write .*a.txt: No space left on device"):
        write_atomically(tmp_path / "a.txt", "text")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ValueError, match="there is no folder"):
        write_atomically(tmp_path / "none" / "a.txt", "text")
