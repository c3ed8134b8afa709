"""What the length of a query does: laws of homogeneous kernels, and the numbers of the method cards on one picture."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, clips, make, read
from linviz.query_length import FACTORS, LengthSensitivity, length_sensitivity

CAT = Grid(Y=28, X=28)
MEASURED = {  # name, options -> entropy or None, and largest weight times N, at q x 1/4, 1, 4, 16: the cards' table
    ("softmax", ()): ((9.49, 7.53, 2.99, 0.63), (4.8, 81, 376, 665)),
    ("agent", (("agents", 7),)): ((9.61, 8.97, 3.40, 0.82), (1.2, 24, 299, 608)),
    ("relu", ()): ((8.90,) * 4, (6.5,) * 4),
    ("relu_floor", ()): ((9.55, 9.50, 9.43, 9.39), (2.6, 3.3, 3.9, 4.2)),
    ("linear", ()): ((9.60, 9.57, 9.51, 9.48), (1.8, 2.1, 2.7, 2.9)),
    ("nala", (("rotate", False),)): ((7.03, 6.87, 6.87, 6.87), (51, 54, 54, 54)),
    ("nala", ()): (None, (46, 48, 48, 48)),
    ("mala", (("rotate", False),)): (None, (5.2, 7.8, 19, 62)),
    ("mala", ()): (None, (4.4, 6.8, 17, 57)),
    ("inline", ()): (None, (2.2, 5.9, 21, 80))}
EXPECTED = {"softmax": "sharper", "agent": "sharper", "relu": "none", "relu_floor": "slight", "linear": "slight",
            "nala": "until full", "mala": "contrast", "inline": "contrast"}


@pytest.fixture(scope="module")
def cat() -> tuple[torch.Tensor, ...]:
    return clips.descriptors(clips.fit(clips.load("chelsea"), CAT), CAT)


def printed(x: float) -> str:
    """As the table prints a number: two digits, three from 100 on."""
    return f"{x:.0f}" if x >= 9.95 else f"{x:.1f}"


@pytest.mark.parametrize("name, options", MEASURED)
def test_the_numbers_of_the_method_cards(cat, name, options) -> None:
    entropy, largest = MEASURED[name, options]
    found = length_sensitivity(read(make(name, 1, cat[0].shape[-1], CAT, **dict(options)), *cat))
    assert found.factors == FACTORS and found.answer == EXPECTED[name]
    assert [printed(x) for x in found.largest] == [printed(x) for x in largest]
    assert found.entropy is None if entropy is None else found.entropy == pytest.approx(entropy, abs=0.006)


def drawn(size: int = 12) -> tuple[torch.Tensor, ...]:
    return tuple(torch.randn(3, 1, 2, size, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64))


@pytest.mark.parametrize("name, part", [("relu", 1e-9), ("sana", 1e-6), ("cosformer", 1e-9), ("uniform", 1e-9),
                                        ("delta", 1e-5), ("vicinity", 1e-4), ("focused", 1e-4), ("mhla", 1e-4)])
def test_a_homogeneous_kernel_does_not_answer(name, part) -> None:
    """Where phi(c q) is c^p phi(q), the length stands above and below; delta makes all queries equally long first."""
    m = make(name, 2, 8, Grid(Y=3, X=4), **({"eps": 0.0} if name == "relu" else {}))
    found = length_sensitivity(read(m, *drawn()))  # part: what a method's own epsilon leaves
    assert found.answer == "none" and found.largest == pytest.approx([found.largest[1]] * 4, rel=part)


def test_where_nothing_divides_all_weights_grow_alike() -> None:
    found = length_sensitivity(read(make("retention", 2, 8, Grid(Y=3, X=4)), *drawn()))
    assert found.answer == "in proportion" and found.entropy is None
    assert found.largest == pytest.approx([found.largest[1] * factor for factor in FACTORS])


def test_contrast_is_the_length_of_the_query_for_inline() -> None:
    """A - 1/S is proportional to q, so the largest weight times N is 1 + factor times what it exceeds 1 by."""
    found = length_sensitivity(read(make("inline", 2, 8, Grid(Y=3, X=4)), *drawn()))
    over = found.largest[1] - 1
    assert found.largest == pytest.approx([1 + factor * over for factor in FACTORS])


def test_dead_rows_do_not_count_and_one_channel_can_be_asked() -> None:
    q, k, v = drawn()
    q[..., :6, :] = -q[..., :6, :].abs()
    reading = read(make("relu", 2, 8, Grid(Y=3, X=4)), q, k, v)
    found = length_sensitivity(reading)
    rows = reading.map.dense()
    live = (rows.amax(-1) * 12).masked_fill(reading.dead, torch.nan).nanmean(-1).mean().item()
    assert bool(reading.dead.any()) and found.largest[1] == pytest.approx(live)
    aft = read(make("aft_full", 2, 8, Grid(Y=3, X=4)), q, k, v, channel=3)
    assert length_sensitivity(aft).answer == "none"      # the query of an attention-free transformer chooses nothing


@pytest.mark.parametrize("factors", [(), (1.0,), (0.0, 1.0), (4.0, 1.0), (1.0, 1.0)])
def test_factors_that_make_no_sense_are_refused_in_a_sentence(factors) -> None:
    reading = read(make("softmax", 2, 8, Grid(Y=3, X=4)), *drawn())
    with pytest.raises(ValueError, match="two or more positive numbers in ascending order; got"):
        length_sensitivity(reading, factors)


@pytest.mark.parametrize("entropy, largest, answer", [
    ((5.0, 5.0, 5.0), (1.0, 2.0, 3.0), "none"), ((5.0, 4.9, 4.8), (1.0, 2.0, 3.0), "slight"),
    ((5.0, 4.0, 4.0), (1.0, 2.0, 3.0), "until full"), ((5.0, 4.0, 3.0), (1.0, 1.0, 1.0), "sharper"),
    (None, (1.0, 4.0, 16.0), "in proportion"), (None, (1.0, 1.5, 1.9), "slight"), (None, (1.0, 3.0, 9.0), "contrast"),
    ((3.0, 4.0, 5.0), (1.0, 1.0, 1.0), "flatter"), (None, (9.0, 3.0, 1.0), "flatter")])
def test_answers_follow_from_the_numbers(entropy, largest, answer) -> None:
    assert LengthSensitivity((1.0, 4.0, 16.0), entropy, largest).answer == answer
