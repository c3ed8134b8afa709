"""Writing files atomically: a reader finds the old file or the complete new one, never half of one."""
from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

UMASK = os.umask(0o077)  # the umask can only be read by setting it: once, on import, and meanwhile to the strictest
os.umask(UMASK)


def write_atomically(path: str | Path, data: bytes | str, folder: bool = False) -> Path:
    """Write a file so that an existing one is replaced only by a complete one; return its path. Text becomes UTF-8.

    The data is written to a temporary file in the same folder and flushed to disk before the file is renamed. An
    interrupted write leaves nothing behind. `folder`: create missing folders. Raises ValueError, in one sentence, if
    the file cannot be written.

    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_atomically(Path(place) / "deep" / "a.txt", "whole", folder=True).read_bytes()
    b'whole'
    """
    path = Path(path)
    try:
        if folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.parent.is_dir():
            raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
        _replace_file(path, data if isinstance(data, bytes) else data.encode())
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror or error}; name a file in a folder you may write to"
                         ) from error
    return path


def _replace_file(path: Path, data: bytes) -> None:
    """Write a temporary file with the permissions of any new file, then rename it to `path`."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~UMASK)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first failure is the one to report
            Path(name).unlink()
        raise
