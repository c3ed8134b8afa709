"""Other people's libraries beside which linviz is measured, in fixed versions and in a folder of their own.

`python3 start.py bench --peers` installs what `peers.txt` lists into build/peers, which git ignores. They are not
needed otherwise: without them every benchmark compares with torch alone and says so.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
LIST, FOLDER = Path(__file__).with_name("peers.txt"), ROOT / "build" / "peers"
COMPILED = "pytorch-fast-transformers==0.4.0"       # idiap's: built from its source, with a C++ compiler
MISSING = "Other libraries did not take part: `python3 start.py bench --peers` installs them."
NO_COMPILED = ("idiap's C++ kernel (pytorch-fast-transformers 0.4.0) did not take part: it is built from its source, "
               "and that did not succeed here.")


def install_peers() -> list[str]:
    """Install all peers; return what is to be said: one sentence, and another if the C++ kernel was not built."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    _pip_install(["-r", str(LIST)], os.environ.copy()).check_returncode()
    said = [f"The other libraries are in {FOLDER.relative_to(ROOT)}."]
    built = _pip_install(["--no-build-isolation", COMPILED], compiler_environment())
    return said if built.returncode == 0 else [*said, NO_COMPILED]


def _pip_install(what: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """pip into the folder, without dependencies: the list names all of them but torch and numpy, which are here."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet",
               "--upgrade", "--no-deps", "--target", str(FOLDER), *what]
    return subprocess.run(command, env=environment)


def compiler_environment() -> dict[str, str]:
    """The environment without CUDA's compiler: with one on the PATH the build asks for the rest of CUDA."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return os.environ | {"PATH": os.pathsep.join(f for f in folders if not shutil.which("nvcc", path=f))}


def peer_module(name: str, wanted: bool = True) -> ModuleType | None:
    """A module of a peer, or None if it is not wanted or not installed."""
    if not wanted or not FOLDER.is_dir():
        return None
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))    # at the end: nothing of linviz's own is replaced
    try:
        return import_module(name)
    except ImportError:
        return None
