"""The state of the page Trained: a `TrainedView`, settled on models that are shipped."""
from __future__ import annotations

from functools import lru_cache
from typing import Any

from linviz.models.checkpoints import FOLDER
from linviz.views import TrainedView
from linviz.views.load_trained import nearest_shipped, shipped_models

from ..shared.page_state import PageState

BUDGETS = {"long": "long: 2,400 steps", "short": "short: 800 steps", "fine": "fine: 1,024 patches"}
LIVE = ("query", *(name for name, one in TrainedView.flat_settings().items() if one.inside == "look"))


def models_here() -> dict[tuple[str, int], list[str]]:
    """Names of the models that are shipped for every budget and seed; the opening's first."""
    return _models_here(tuple((path.name, path.stat().st_mtime_ns) for path in sorted(FOLDER.glob("*/"))))


@lru_cache(maxsize=2)
def _models_here(folders: tuple[tuple[str, int], ...]) -> dict[tuple[str, int], list[str]]:
    return shipped_models()


class TrainedState(PageState[TrainedView]):
    """The page's state: not every model was trained with every seed."""

    def settle(self, state: TrainedView) -> tuple[TrainedView, list[str]]:
        return nearest_shipped(state, models_here())

    def from_widgets(self, values: dict[str, Any], last: TrainedView) -> TrainedView:
        """Where fewer models are chosen than can be compared, others stand beside them until more are chosen."""
        specs = list(values.get("specs", last.specs))
        names = models_here().get((values.get("budget", last.budget), values.get("seed", last.seed)), [])
        lacking = max(0, TrainedView.limits("specs")["low"] - len(specs))
        more = [name for name in names if name not in specs][:lacking]
        return super().from_widgets(values | {"specs": specs + more}, last)


STATE = TrainedState("trained", TrainedView(), LIVE)
