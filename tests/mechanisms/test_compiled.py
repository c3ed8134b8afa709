"""Every kernel mechanism compiles in one graph and maps over a further axis: its checks stay out of the way."""
from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from linviz import Grid, make
from linviz.mechanisms import REGISTRY
from linviz.mechanisms.base import Kernel
from tests.conftest import ROOT

KERNELS = sorted(name for name, c in REGISTRY.items() if issubclass(c, Kernel) and c.__module__.startswith("linviz."))
FORMS = [[(spec, causal) for causal in ((False, True) if REGISTRY[name].takes_causal else (False,))
          for spec in (name, f"{name}+gate")] for name in KERNELS]
EVERY = [form for forms in FORMS for form in forms]
SOME = [forms[n % len(forms)] for n, forms in enumerate(FORMS)]
ALONE = """
import torch
from linviz import Grid, make
torch.set_num_threads(1)
grid = Grid(Y=3, X=4)
for spec, causal in FORMS:
    m = make(spec, 2, 8, grid, causal=causal)
    q, k, v = torch.randn(3, 2, 1, 2, len(grid), 8, generator=torch.Generator().manual_seed(0))
    plain = torch.stack([m(*one) for one in zip(q, k, v)])
    torch._dynamo.reset()
    compiled = torch.compile(m, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(q[0], k[0], v[0]), plain[0])
    torch.testing.assert_close(torch.vmap(m)(q, k, v), plain)
    print("done", spec, causal)
"""


@pytest.mark.parametrize("forms", [SOME, pytest.param(EVERY, marks=pytest.mark.nightly)], ids=["some", "every"])
def test_kernels_compile_in_one_graph_and_map_over_an_axis(forms: list[tuple[str, bool]]) -> None:
    """In an interpreter of its own: the tests' type checker cannot be compiled. One form of each; at night all."""
    done = subprocess.run([sys.executable, "-c", ALONE.replace("FORMS", str(forms))], cwd=ROOT, capture_output=True,
                          text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split("\n")[:-1] == [f"done {spec} {causal}" for spec, causal in forms] and len(EVERY) >= 20


def test_outside_of_both_nan_is_still_refused() -> None:
    x, grid = torch.randn(1, 2, 12, 8), Grid(Y=3, X=4)
    with pytest.raises(ValueError, match="k contains NaN or infinity"):
        make("linear", 2, 8, grid)(x, x / 0, x)
