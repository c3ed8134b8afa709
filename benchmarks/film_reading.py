"""`linviz read` on a clip of 16 frames under three mechanisms: the command as a person runs it."""
from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

from linviz.cli import main

from .bench_races import Effort, run_race
from .bench_results import Cell, Result, Table
from .peak_memory import peak_mebibytes

SPECS = ("softmax", "relu_floor+gate", "linear")
CLIP = "digit"


def bench_read(effort: Effort) -> Result:
    """`linviz read` with three mechanisms, together and one by one."""
    result = Result("read", "linviz read on a clip")
    frames, patches = effort.pick((16, 14), (16, 7), (2, 3))
    chosen = effort.pick((SPECS, *((spec,) for spec in SPECS)), (SPECS,), (SPECS,))
    runs = {" ".join(specs): read_call(frames, patches, list(specs)) for specs in chosen}
    race = run_race(runs, min(effort.rounds, 3))
    rows: list[list[Cell]] = [[name, race.median(name)] for name in runs]
    result.tables.append(Table(f"linviz read {CLIP} --frames {frames} --patches {patches}: {frames * patches**2:,} "
                               "tokens", ["--mechanism", "seconds"], rows))
    if effort.memory:
        peak = peak_mebibytes("benchmarks.film_reading:read_call", frames=frames, patches=patches, specs=SPECS)
        result.tables.append(Table("Peak memory", ["--mechanism", "MiB"], [[" ".join(SPECS), peak]]))
    return result


def read_call(frames: int, patches: int, specs: list[str]) -> Callable[[], int]:
    """A run of the command, without its output; it returns the exit status, which must be 0."""
    command = ["read", CLIP, "--frames", str(frames), "--patches", str(patches), "--mechanism", *specs]

    def call() -> int:
        with contextlib.redirect_stdout(io.StringIO()):
            if main(command):
                raise ValueError(f"linviz {' '.join(command)} failed")
        return 0
    return call
