"""What a measurement depends on: processor, versions, threads, and how busy the machine was when it began."""
from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "numpy", "scipy", "plotly", "pillow", "av")
PROCESSORS = Path("/proc/cpuinfo")


def machine_facts() -> dict[str, Any]:
    """Processor, cores, versions, threads and load, for the page and the JSON.

    >>> machine_facts()["threads"] == torch.get_num_threads()
    True
    """
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {"processor": processor_name(), "cores": os.cpu_count(), "system": f"{platform.system()}",
            "python": platform.python_version(), "threads": torch.get_num_threads(), "load": load,
            "versions": {name: package_version(name) for name in PACKAGES}}


def processor_name() -> str:
    """The processor's name, as far as the system says it."""
    text = PROCESSORS.read_text("utf-8") if PROCESSORS.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    wide = " with AVX-512" if " avx512f" in text else ""
    return (found[1] if found else platform.processor() or platform.machine()) + wide


def package_version(name: str) -> str:
    """The installed version of a package, or "missing"."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"
