"""A digest of everything but the clip and the options on which a survey's numbers depend: linviz's code and others'."""
from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = ("grid.py", "scopes.py", "maps", "spectra.py", "row_block.py", "concentration.py", "signed_rows.py",
        "fixation.py", "mechanisms", "reading.py", "query_length.py", "clips", "models", "views/load.py",
        "views/panel_steps.py", "views/row_stats.py", "survey/clip_rows.py")
"""what measures; pages, charts and commands may change"""
PACKAGES = ("torch", "numpy", "scikit-image", "scikit-learn", "pillow", "pillow-heif", "av")


@cache
def code_digest() -> str:
    """A short hash of the code that measures, and of the versions of the packages that read clips and compute.

    >>> len(code_digest())
    16
    """
    found = hashlib.sha256()
    for path in (path for name in CODE for path in code_files(ROOT / name)):
        found.update(f"{path.relative_to(ROOT).as_posix()}\n".encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    found.update("\n".join(f"{name} {version}" for name, version in installed_packages().items()).encode())
    return found.hexdigest()[:16]


def code_files(path: Path) -> list[Path]:
    """A module, or every module in a folder, in one order on every system."""
    return [path] if path.suffix else sorted(path.rglob("*.py"))


def installed_packages() -> dict[str, str]:
    """The public versions of linviz and of these packages; those of an extra may be missing.

    >>> "torch" in installed_packages()
    True
    """
    found = {}
    for name in ("linviz", *PACKAGES):
        try:
            found[name] = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found
