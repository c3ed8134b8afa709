"""Files that are there whole or not at all."""
from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

UMASK = os.umask(0o077)  # only setting it tells it: once, on import, and meanwhile narrower than any
os.umask(UMASK)


def write_whole(path: str | Path, data: bytes | str, folder: bool = False) -> Path:
    """Write a file so that what is there is replaced only by a complete one; its path. Text becomes UTF-8.

    It is written beside its place and is on the disk before it goes there: stopped on the way, nothing is left behind.
    `folder`: make the folders that are missing. ValueError, in one sentence, where the file cannot be written.

    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_whole(Path(place) / "deep" / "a.txt", "whole", folder=True).read_bytes()
    b'whole'
    """
    path = Path(path)
    try:
        if folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.parent.is_dir():
            raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
        _exchange(path, data if isinstance(data, bytes) else data.encode())
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror or error}; name a file in a folder you may write to"
                         ) from error
    return path


def _exchange(path: Path, data: bytes) -> None:
    """Write beside, with the rights of any new file, and take the place."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~UMASK)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first failure is the one to tell
            Path(name).unlink()
        raise
