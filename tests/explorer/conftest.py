"""Pages of one file's browser tests share a context: what the first has loaded, the others need not load again."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import watch

FEWER = 20  # steps of the fits beside trained gates: enough to tell them from what they start with


@pytest.fixture(scope="module")
def context(chromium: Any) -> Iterator[Any]:
    """One visitor's browser; whoever has to be somebody else makes another."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """A tab, a visit of its own. `page.problems` lists console errors, page errors, requests to other hosts."""
    page = context.new_page()
    page.problems = watch(page)
    yield page
    page.close()


@pytest.fixture(scope="session", autouse=True)
def short_fits() -> Iterator[None]:
    """Every visit to Trained fits gates in the background: here with fewer steps, outside of the browser's server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.trained.layer_gates.STEPS", FEWER)
        yield
