"""What chapter 16 counts on the stereo pair: partners are true, lines hold them, and no map of low rank beats M / n."""
from __future__ import annotations

import pytest
import torch

from linviz.course.scenes import ch16

PAIR = ch16.stereo_patches()


def test_partners_lie_to_the_left_in_the_same_row_and_are_one_to_one() -> None:
    Y, X = PAIR.partner.shape
    step = (torch.arange(X) - PAIR.partner)[PAIR.known]
    assert 0 < step.min() <= step.max() <= 4 and 0.5 < PAIR.known.float().mean() < 0.9
    assert all(row[row >= 0].unique().numel() == (row >= 0).sum() for row in PAIR.partner)
    assert torch.allclose(PAIR.left.norm(dim=-1), torch.ones(Y, X), atol=1e-5)


@pytest.mark.parametrize("temperature", ch16.TEMPERATURES)
def test_depth_is_drawn_at_every_temperature(temperature: float) -> None:
    figure = ch16.disparity_figure(temperature, pair=PAIR)
    true, found = (torch.tensor(t.z) for t in figure.data)
    assert torch.allclose(true[PAIR.known], PAIR.disparity[PAIR.known]) and bool(true[~PAIR.known].isnan().all())
    exact = torch.arange(42) - ch16.line_weights(PAIR, temperature) @ torch.arange(42.0)
    assert torch.allclose(found[PAIR.known], exact.clamp(0, 4)[PAIR.known], atol=1e-5)
    off = (exact - true).abs()[PAIR.known].median().item()
    assert f"{off:.2f}" in figure.layout.title.text
    assert figure.layout.annotations[1].text.endswith(f"temperature {temperature:g}")


@pytest.mark.parametrize("words", [8, 64])
def test_a_codebook_stays_below_its_ceiling_and_uses_its_rank(words: int) -> None:
    a = ch16.codebook_weights(PAIR, words)
    assert torch.allclose(a.sum(-1), a.sum(-1).round(), atol=1e-4) and a.min() >= 0
    assert torch.linalg.matrix_rank(a) <= words
    assert 0 < ch16.partner_weight(PAIR, a) < words / int(PAIR.known.sum())


def test_the_truth_is_right_and_a_wrong_row_is_not() -> None:
    assert ch16.right_share(PAIR.partner, PAIR) == 1
    assert ch16.right_share(PAIR.partner, PAIR, torch.arange(28)[:, None] + 1) == 0
    sure = torch.nn.functional.one_hot(PAIR.partner.clamp_min(0), 42).float()
    assert ch16.partner_weight(PAIR, sure) == 1
