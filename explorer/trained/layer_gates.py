"""Learned gates of trained models, and gates fitted beside them in the background. No widget stands here."""
from __future__ import annotations

from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor

from linviz.models import Traced
from linviz.models.gated_heads import GatedHead, LayerGates, fit_beside, gated_heads
from linviz.views import TrainedView
from linviz.views.trained_panels import ModelAnswer

from ..shared.background_jobs import Job, JobList, Report, ResultCache
from .model_answers import answer_key, clip_key

STEPS = 300  # of a fit, for each layer
RESULTS = ResultCache(most=48)  # of a dozen models on their clips
POOL = ThreadPoolExecutor(1, "gates")


def gated_layers(answer: ModelAnswer) -> dict[int, Traced]:
    """The layers of a model that have a gate, by their numbers from 1: all, none, or in a hybrid some."""
    return {n: layer for n, layer in enumerate(answer.layers, 1) if layer.attention.gate is not None}


def gates_key(view: TrainedView, answer: ModelAnswer) -> Hashable:
    """What the gates of a model on a clip depend on."""
    return answer_key(view, answer.spec), clip_key(view)


def learned_gates(view: TrainedView, answer: ModelAnswer) -> list[list[GatedHead]]:
    """The gates of a model, gated layer by gated layer and head by head."""
    return RESULTS.keep(("learned", gates_key(view, answer)), lambda: [
        gated_heads(layer.attention, layer.q, layer.k, layer.v) for layer in gated_layers(answer).values()])


class FittedGates:
    """One visitor's fits on their way; their results are kept for all visitors."""

    def __init__(self) -> None:
        self.jobs, self.failed = JobList(), dict[Hashable, str]()

    def wanted(self, key: Hashable, answer: ModelAnswer) -> list[LayerGates]:
        """Every gated layer with a gate fitted beside its own; empty while fits are on their way: they begin here."""
        found: list[LayerGates] | None = RESULTS.get(key)
        self._collect()
        if found is None and key not in self.failed:
            self.jobs.want({key: lambda: Job(lambda report: _fit_layers(report, answer), POOL,
                                             lambda done: RESULTS.put(key, done))})
        else:
            self.jobs.want({})
        return found or []

    def stop(self) -> None:
        """Nothing is wanted any more."""
        self.jobs.want({})

    @property
    def due(self) -> bool:
        """Whether a fit has ended that the page should show now."""
        return any(job.over for job in self.jobs.jobs.values())

    @property
    def progress(self) -> tuple[int, int] | None:
        """Steps done and to do; None where nothing is on its way."""
        job = next(iter(self.jobs.running), None)
        return None if job is None else (job.step, job.steps)

    def _collect(self) -> None:
        for key, job in list(self.jobs.jobs.items()):
            if job.over:
                del self.jobs.jobs[key]
                try:
                    job.result()
                except Exception as error:  # whatever it was, the page says it and stays usable
                    self.failed[key] = str(error) or type(error).__name__


def _fit_layers(report: Report, answer: ModelAnswer) -> list[LayerGates]:
    """Fit a gate in every gated layer; where the fit is stopped, as far as it came."""
    found, layers = list[LayerGates](), gated_layers(answer).values()

    def layer_report(step: int, steps: int, kl: float) -> bool:
        return report(len(found) * steps + step, len(layers) * steps, kl)
    for layer in layers:
        one = fit_beside(layer, STEPS, progress=layer_report)
        if one is None:
            break
        found.append(one)
    return found
