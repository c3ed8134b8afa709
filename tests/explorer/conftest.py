"""What all tests of the explorer share."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

FEWER = 20  # steps of the fits beside trained gates: enough to tell them from what they start with


@pytest.fixture(scope="session", autouse=True)
def short_fits() -> Iterator[None]:
    """Every visit to Trained fits gates in the background: here with fewer steps, outside of the browser's server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.trained.layer_gates.STEPS", FEWER)
        yield
