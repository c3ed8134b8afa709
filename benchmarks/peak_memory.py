"""Peak memory of one call, measured in a process of its own: `python -m benchmarks.peak_memory MODULE:FUNCTION JSON`.

The function makes everything that the call needs and returns the call. The peak is the largest resident size during
the call minus the size before it. glibc would keep freed memory under 32 MiB; MALLOC_MMAP_THRESHOLD_ makes it return
everything, so nothing is hidden.
"""
from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REFERENCES = Path("/proc/self/clear_refs")      # writing 5 to it sets the largest size back
RETURN_ALL = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def peak_mebibytes(case: str, **arguments: Any) -> float | None:
    """MiB that a call adds at its peak; None where the system does not say (not Linux).

    case: "module:function", a function of these arguments that returns the call. ValueError, with the last line of
    its output, if it fails.
    """
    if not REFERENCES.exists():
        return None
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | RETURN_ALL | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-m", "benchmarks.peak_memory", case, json.dumps(arguments)],
                          env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"the memory of {case} could not be measured: {done.stderr.strip().splitlines()[-1:]}")
    return float(done.stdout.split()[-1])


def resident_mebibytes(name: str) -> float:
    """VmRSS (now) or VmHWM (at its largest) of this process, in MiB."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def main(case: str, arguments: dict[str, Any]) -> None:
    """Print the peak of a call, which is warmed up once."""
    module, _, function = case.partition(":")
    call = getattr(import_module(module), function)(**arguments)
    call()
    gc.collect()
    REFERENCES.write_text("5")
    before = resident_mebibytes("VmRSS")
    kept = call()
    print(resident_mebibytes("VmHWM") - before)
    del kept


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
