"""Measures of signed rows: by hand, rows of zeros, one key, ties; and a reading has them in place of entropy."""
from __future__ import annotations

import pytest
import torch

from linviz import make, read
from linviz.maps import Memory
from linviz.measure import MEASURES
from linviz.signed_rows import SIGNED_MEASURES


@pytest.mark.parametrize("row, share, under, most", [
    ([0.0, 0.0, 0.0], 0.0, 0.0, 0.0), ([-2.0], 1.0, -2.0, 2.0), ([0.25, 0.25, 0.25, 0.25], 0.0, 0.0, 1.0),
    ([1.0, -1.0], 0.5, -1.0, 2.0), ([0.5, -0.5, -0.25, 0.0], 2 / 3, -0.75, 2.0)])
def test_by_hand(row: list[float], share: float, under: float, most: float) -> None:
    found = [MEASURES[name].function(torch.tensor(row)).item() for name in SIGNED_MEASURES]
    assert found == pytest.approx([share, under, most])


def test_half_of_the_triangle_of_a_delta_map_is_negative_though_no_product_is() -> None:
    """Positive keys: without erasing no weight is negative; with it half of the triangle, a quarter of the table."""
    x = torch.rand(2, 1, 1, 60, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    q, k = x / x.norm(dim=-1, keepdim=True)
    terms = torch.zeros(1, 1, 60, 1, dtype=torch.float64), torch.full((1, 1, 60, 1), 0.5, dtype=torch.float64)
    share = MEASURES["negative_share"].function
    fades, erases = Memory(q, k, *terms), Memory(q, k, *terms, erase=1.0)
    assert share(fades.dense()).max() == 0
    assert 0.4 < share(erases.dense())[0, 0, 20:].mean() < 0.6 and (erases.dense() < 0).double().mean() < 0.3


def test_a_reading_has_them_in_place_of_entropy() -> None:
    q, k, v = torch.randn(3, 1, 2, 12, 8, generator=torch.Generator().manual_seed(1))
    r = read(make("gated_delta", 2, 8, (3, 4)), q, k, v)
    found, a = r.summary(spectrum=False), r.map.dense()
    assert set(SIGNED_MEASURES) <= found.keys() and "entropy" not in found
    assert found["negative_share"] == pytest.approx(((a < 0).sum(-1) / (a != 0).sum(-1)).mean().item(), rel=1e-5)
    assert found["negative_sum"] == pytest.approx(a.clamp_max(0).sum(-1).mean().item(), rel=1e-4)
    assert torch.allclose(r.rows("largest_weight"), 12 * a.abs().amax(-1), rtol=1e-4)
    with pytest.raises(ValueError, match="entropy needs rows that are probability distributions"):
        r.rows("entropy")
    assert "entropy" in read(make("softmax", 2, 8, (3, 4)), q, k, v).summary(spectrum=False)
