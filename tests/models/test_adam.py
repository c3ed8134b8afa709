"""Adam takes the steps of torch's own, and a fit does not wait for torch's compiler to be imported."""
from __future__ import annotations

import subprocess
import sys

import torch

from linviz.models.adam import Adam

FIT = """
import sys
import torch
from linviz import Grid, make
from linviz.models import fit_gate
x = torch.randn(1, 1, 9, 8)
soft, gated = (make(s, 1, 8, Grid(Y=3, X=3)) for s in ("softmax", "relu_floor+gate"))
fit_gate(gated, soft.map(x, x, x), x, x, x, steps=2)
assert "torch._dynamo" not in sys.modules
"""


def test_it_takes_the_steps_of_torch():
    start = [torch.randn(4, 3, dtype=torch.float64) for _ in range(2)]
    mine, theirs = ([torch.nn.Parameter(p.clone()) for p in start] for _ in range(2))
    goal, weight = torch.randn(4, 3, dtype=torch.float64), torch.logspace(-4, 3, 12, dtype=torch.float64).view(4, 3)
    adam, reference = Adam(mine, rate=2e-2), torch.optim.Adam(theirs, lr=2e-2)
    for _ in range(200):
        for parameters in (mine, theirs):
            ((parameters[0].sin() * parameters[1] - goal).square() * weight).sum().backward()
        adam.step()
        reference.step()
        reference.zero_grad()
        for a, b in zip(mine, theirs):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
            assert a.grad is None


def test_a_parameter_without_a_gradient_stays():
    moved, still = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    adam = Adam([moved, still], rate=0.1)
    moved.sum().backward()
    adam.step()
    assert still.tolist() == [1, 1] and (moved < 1).all()


def test_a_fit_imports_no_compiler():
    done = subprocess.run([sys.executable, "-c", FIT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
