"""Where a command may write: never over what it reads, and over any other file only with `--force`."""
from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

FORCE = "replace the file if it exists; what the command reads is never replaced"


def check_output(path: str | Path, inputs: Iterable[str | Path] = (), force: bool = False) -> None:
    """ValueError, in one sentence, if a command may not write this file.

    inputs: the files that the command reads, and folders of which it reads every file;  force: an existing file may be
    replaced. Files are compared as the disk sees them: links, other spellings and other capitals name the same file. A
    write-protected file stays, with `force` too.

    >>> check_output(__file__)
    Traceback (most recent call last):
    ValueError: cannot write ...safe_output.py: the file exists; name another one, or replace it with --force
    >>> check_output(__file__, [__file__], force=True)
    Traceback (most recent call last):
    ValueError: cannot write ...safe_output.py: the command reads this file; name another one
    """
    path = Path(path)
    why = _why_folder_not(path) or _why_input(path, inputs) or _why_existing(path, force)
    if why:
        raise ValueError(f"cannot write {path}: {why}")


def one_line(text: str) -> str:
    """A message in one line without control characters, since the name of a file may hold any.

    >>> print(one_line("cannot read 'a\\nb\\x1b[2J.png'"))
    cannot read 'a\\nb\\x1b[2J.png'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def check_folder(folder: Path, names: Iterable[str], mark: str, force: bool = False) -> None:
    """ValueError, in one sentence, if files with these names may not be written to a folder; it need not exist yet.

    mark: what the folder's index.html contains if the same command wrote it, so that its files may be replaced.

    >>> check_folder(Path("no such folder"), ["index.html"], "our pages")
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"cannot write to {folder}: it is a file; name a folder")
    index = folder / "index.html"
    own = index.is_file() and mark in index.read_text("utf-8", errors="replace")
    for name in names if folder.is_dir() else ():
        check_output(folder / name, force=force or own)


def is_read(path: Path, read: Path) -> bool:
    """Whether a file or folder is what is read, or lies in a folder that is read, or is linked there.

    >>> is_read(Path(__file__), Path(__file__).parent), is_read(Path("new.txt"), Path(__file__))
    (True, False)
    """
    if not read.exists():
        return False
    linked = read.rglob("*") if read.is_dir() and path.is_file() else ()
    return any(_is_same(place, read) for place in _places_of(path)) or any(_is_same(one, path) for one in linked)


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _why_folder_not(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return "it is a folder; name a file" if path.is_dir() else ""


def _why_input(path: Path, inputs: Iterable[str | Path]) -> str:
    for read in map(Path, inputs):
        if is_read(path, read):
            return f"the command reads {f'all files in {read}' if read.is_dir() else 'this file'}; name another one"
    return ""


def _places_of(path: Path) -> Iterator[Path]:
    """A file, what it links to, and every folder in which one of them lies; a circle of links ends."""
    for end in (Path(os.path.realpath(path.parent), path.name), Path(os.path.realpath(path))):
        yield from (end, *end.parents)


def _why_existing(path: Path, force: bool) -> str:
    if not os.path.lexists(path):
        return ""
    mode = path.lstat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        return "it is not an ordinary file; name another one"
    if not force:
        return "the file exists; name another one, or replace it with --force"
    if stat.S_ISREG(mode) and not mode & 0o222:
        return "the file is write-protected; name another one"
    return ""
