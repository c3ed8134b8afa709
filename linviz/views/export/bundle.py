"""One file that holds a view: its state and, for a person's own picture or clip, the media.

    view.linviz     a zip, so that anybody can look inside: state.json, and media/NAME, the bytes as they were given

The HTML page is no such file: it holds frames as JPEG and maps in half precision. From the original bytes every number
can be computed again, and their SHA-256 in the state proves that they are the same. A sample needs no media: linviz has
it. Members are not compressed, since pictures and films already are. Nothing is ever unpacked to a folder: names in the
file are read as text, and the sizes that it claims are not trusted.
"""
from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path

from ...atomic_write import write_atomically
from ...clips import limits
from ..state import View
from ..state_kinds import SourceFile

ENDING, STATE, MEDIA = ".linviz", "state.json", "media/"
LARGEST = 65_536  # bytes of a state, and of the zip's own list
TAIL = 22  # bytes of a zip's last record, which says where its list lies
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


def save_view(path: str | Path, view: View, media: bytes | None = None) -> Path:
    """Write a view as one file that `load_view` opens; `media`: the bytes of a person's own file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_view(save_view(Path(folder) / "a.linviz", View("coffee"))) == (View("coffee"), None)
    True
    """
    return write_atomically(path, pack_bundle(view, media))


def load_view(path: str | Path) -> tuple[View, bytes | None]:
    """The view in a file that `save_view` wrote, and its media; ValueError, in one sentence, for any other file."""
    return unpack_bundle(read_file(path), Path(path).name)


def read_file(path: str | Path) -> bytes:
    """The bytes of a file; ValueError where there is none or where it is larger than the limit."""
    path = Path(path)
    try:
        if path.is_dir():
            raise ValueError(f"{path} is a folder; name a file")
        if path.stat().st_size > limits.BYTES + 2 * LARGEST:
            raise ValueError(f"{path} has {path.stat().st_size / 1e6:,.0f} MB and at most {limits.BYTES / 1e6:.0f} MB "
                             "are read")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error


# ------------------------------------------------------------------------------------------------ the zip


def pack_bundle(view: View, media: bytes | None = None) -> bytes:
    """What `save_view` writes, as bytes.

    >>> unpack_bundle(pack_bundle(View("coffee"))) == (View("coffee"), None)
    True
    """
    source = view.source
    if isinstance(source, SourceFile) != (media is not None):
        raise ValueError(f"a view of the sample {source!r} is saved without a file" if isinstance(source, str) else
                         f"{source.name}: its bytes are saved with the view, and none were given")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        file.writestr(zipfile.ZipInfo(STATE), json.dumps(view.to_json(), indent=1, allow_nan=False))
        if isinstance(source, SourceFile) and media is not None:
            check_media(source, media)
            file.writestr(zipfile.ZipInfo(MEDIA + source.name), media)
    return out.getvalue()


def check_media(source: SourceFile, media: bytes) -> bytes:
    """The bytes themselves, if they are those of the source."""
    if SourceFile.of(source.name, media).sha256 != source.sha256:
        raise ValueError(f"the media are not those of the view: {source.name} has another sha256")
    return media


def is_bundle(data: bytes) -> bool:
    """Whether these bytes begin as a saved view does: a zip whose first file is the state.

    >>> is_bundle(pack_bundle(View("coffee"))), is_bundle(b"PK\\3\\4 another zip")
    (True, False)
    """
    return data[:4] == b"PK\3\4" and data[30:30 + len(STATE)] == STATE.encode()


def unpack_bundle(data: bytes, name: str = "the file") -> tuple[View, bytes | None]:
    """The view that `pack_bundle` packed, and its media; ValueError, in one sentence, for any other bytes."""
    try:
        if len(data) > limits.BYTES + 2 * LARGEST:
            raise ValueError(f"it has {len(data) / 1e6:,.0f} MB")
        with zipfile.ZipFile(io.BytesIO(_short_list(data))) as file:
            return _members(file)
    except RecursionError as error:
        raise ValueError(f"{name} is not a saved view of linviz: its state is nested too deeply") from error
    except BROKEN as error:
        said = str(error) or "it is cut off"
        raise ValueError(f"{name} is not a saved view of linviz, or is damaged: {said}") from error


def _short_list(data: bytes) -> bytes:
    """The data, if they end like a small zip: a list of millions of files would fill the memory."""
    tail = data[-TAIL:]
    if len(tail) < TAIL or tail[:4] != b"PK\5\6" or data[-TAIL - 20:-TAIL - 16] == b"PK\6\7":
        raise ValueError("it does not end like a zip")
    if (listed := int.from_bytes(tail[12:16], "little")) > LARGEST:
        raise ValueError(f"the list of its files has {listed:,} bytes")
    return data


def _members(file: zipfile.ZipFile) -> tuple[View, bytes | None]:
    names = file.namelist()
    if names[:1] != [STATE] or len(names) > 2:
        raise ValueError(f"it holds {STATE} and then at most one file; this one holds {len(names)}")
    view = View.from_json(json.loads(_read(file, STATE, LARGEST)))
    wanted = [MEDIA + view.source.name] if isinstance(view.source, SourceFile) else []
    if names[1:] != wanted:
        raise ValueError(f"beside its state it should hold {wanted[0]!r}" if wanted else "a sample needs no media")
    if not isinstance(view.source, SourceFile):
        return view, None
    return view, check_media(view.source, _read(file, wanted[0], limits.BYTES))


def _read(file: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member of at most `most` bytes; the size that the zip claims is not trusted."""
    if file.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name!r:.80} uses a compression that linviz does not read")
    with file.open(name) as member:
        data = member.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{name!r:.80} is larger than the {most:,} bytes that are read")
    return data
