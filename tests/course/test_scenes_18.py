"""What chapter 18 draws and counts: powers that keep lengths, and a stranger that is as concentrated and finds less."""
from __future__ import annotations

import pytest
import torch

from linviz.course.scenes import ch18

X = torch.randn(30, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("power", ch18.POWERS)
def test_weights_are_drawn_at_every_power(power: float) -> None:
    figure = ch18.sharpness_figure(power, q=X, k=X, query=3)
    for line in figure.data:
        assert sum(line.y) == pytest.approx(30, rel=1e-4) and list(line.y) == sorted(line.y, reverse=True)
    assert f"power {power:g}" in figure.layout.title.text and len(figure.layout.meta["alt"]) > 20
    phi = ch18.power_features(X, power)
    assert torch.allclose(phi.norm(dim=-1), X.relu().norm(dim=-1), rtol=1e-5)


def test_a_stranger_is_as_concentrated_and_finds_less() -> None:
    q, k = ch18.photo_tokens("chelsea")
    found = ch18.compare_stranger(q, k, lambda x, y: ch18.kernel_map(x.relu(), y.relu()), seeds=(0, 1))
    assert found["bits"] == pytest.approx([found["bits"][0]] * 3, abs=1e-4)
    assert max(found["found"][1:]) < ch18.uniform_share(q, k) < found["found"][0] < 1
