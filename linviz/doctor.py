"""The checks of `linviz doctor`: every part that linviz needs, whether it works, and what to do if it does not."""
from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

OPTIONAL = {"explorer": ("streamlit", "explore"), "lab": ("jupyterlab", "lab"), "dev": ("pytest", "test"),
            "survey": ("pyarrow", "survey"), "cluster": ("dask", "survey")}
"""extra -> a package by which it is known to be installed, and the command of start.py that installs it"""


def run_checks(root: Path) -> Iterator[tuple[bool, str]]:
    """(good, line) for Python, every dependency, torch, the parts beside the package, and a browser."""
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (3.11 or newer is needed)"
    parts = (part for part in metadata.requires("linviz") or () if not part.startswith("linviz["))
    yield from map(check_dependency, parts)
    yield check_torch()
    yield from (check_video(), check_heic())
    for name, what in (("explorer", "the explorer"), ("notebooks", "the notebooks")):
        there = (root / name).is_dir()
        yield there, f"{what}: {root / name}" if there else f"no {what}: run linviz from a complete clone"
    yield find_test_browser(root)


def check_dependency(text: str) -> tuple[bool, str]:
    """Whether a requirement in the form of package metadata is met, and a line about it.

    What only the explorer, the notebooks or the tests need may be missing together: a command of start.py adds it.

    >>> check_dependency("no-such-package>=1")
    (False, 'no-such-package is missing: python3 start.py explore installs it')
    """
    from packaging.requirements import Requirement

    wanted = Requirement(text)
    extra = next((e for e in OPTIONAL if wanted.marker and wanted.marker.evaluate({"extra": e})), None)
    package, command = OPTIONAL["explorer" if extra is None else extra]
    remedy = f"python3 start.py {command} installs"
    version = installed_version(wanted.name)
    if version is None and extra is not None and installed_version(package) is None:
        return True, f"{wanted.name} is not installed and only `{command}` needs it: {remedy} it"
    if version is None:
        return False, f"{wanted.name} is missing: {remedy} it"
    if wanted.specifier.contains(version, prereleases=True):
        return True, f"{wanted.name} {version}"
    return False, f"{wanted.name} {version} is not {wanted.specifier}: {remedy} a version that is"


def installed_version(name: str) -> str | None:
    """The version of an installed package.

    >>> print(installed_version("no-such-package"))
    None
    """
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def check_torch() -> tuple[bool, str]:
    """Whether torch can be imported and computes."""
    try:
        import torch
        good = float(torch.ones(2, 2).matmul(torch.ones(2, 2)).sum()) == 8
    except (ImportError, OSError, RuntimeError) as error:
        return False, f"torch does not run ({error}): remove .venv and run python3 start.py explore"
    return good, f"torch computes on {'the CPU and the GPU' if torch.cuda.is_available() else 'the CPU'}"


def check_video() -> tuple[bool, str]:
    """Whether common video formats can be read, and films written."""
    try:
        from av.codec import Codec
        [Codec(name, "r") for name in ("h264", "hevc", "vp8", "vp9", "av1")]
        Codec("libx264", "w")
    except (ImportError, OSError, ValueError) as error:
        return False, f"films cannot be read or written ({error}): pip install --force-reinstall 'linviz[video]'"
    return True, "films: H.264, HEVC, VP8, VP9 and AV1 can be read, H.264 can be written"


def check_heic() -> tuple[bool, str]:
    """Whether the pictures of telephones (HEIC) can be read, tested with a small one."""
    try:
        from io import BytesIO

        import pillow_heif
        from PIL import Image
        file = BytesIO()
        pillow_heif.from_pillow(Image.new("RGB", (64, 64), "navy")).save(file)
        pillow_heif.open_heif(file.getvalue()).to_pillow()
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        return False, f"HEIC pictures cannot be read ({error}): pip install --force-reinstall 'linviz[video]'"
    return True, "HEIC pictures can be read"


def find_test_browser(root: Path) -> tuple[bool, str]:
    """The browser that the tests would use, as start.py finds it."""
    spec = importlib.util.spec_from_file_location("start", root / "start.py")
    if spec is None or spec.loader is None or not (root / "start.py").is_file():
        return True, "browser: not checked, since there is no start.py"
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    try:
        found = start.find_browser()
    except start.Stop as stop:
        return False, str(stop)
    return True, f"browser: {found or 'your own; only the tests need Chromium, python3 start.py test installs it'}"
