"""Every reference vector is replayed: ours against what the authors' code returned."""
import torch

from ..cases import every_case
from . import adapters, rig

TOLERANCE = {"fastmax": 1e-7}  # all others 1e-9; both times the largest value of theirs
assert adapters


@every_case("name", rig.names())
@torch.no_grad()
def test_replays(name: str) -> None:
    key = rig.key_of(name)
    assert key is not None, f"no adapter for {name}; there are: {', '.join(sorted(rig.ADAPTERS))}"
    allowed = next((t for k, t in TOLERANCE.items() if name.startswith(k)), 1e-9)
    pairs = list(rig.ADAPTERS[key](rig.Vector(name)))
    assert pairs, f"the adapter of {name} compares nothing"
    for what, ours, theirs in pairs:
        assert ours.shape == theirs.shape, f"{name}, {what}: {tuple(ours.shape)} against {tuple(theirs.shape)}"
        worst = ((ours - theirs).abs().max() / theirs.abs().max()).item()
        assert worst <= allowed, f"{name}, {what}: off by {worst:.1e} of the largest value"


def test_there_are_vectors() -> None:
    assert rig.names(), f"no vectors in {rig.GOLDEN}"
