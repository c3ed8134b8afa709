"""Trained models asked about one clip: their answers, what they attended with, how concentrated that is.

Everything is cached on plain values. Shipped models are shared by all visitors: what is altered is a twin.
"""
from __future__ import annotations

from typing import Any

import streamlit as st
import torch

from linviz import clips
from linviz.models import VideoTransformer
from linviz.models.checkpoints import find_checkpoint, read_card
from linviz.models.looking import row_measures
from linviz.views import TrainedView
from linviz.views.load_trained import altered_model, ask_model, clip_setting, model_title, motion_clip
from linviz.views.trained_panels import ModelAnswer

ClipKey = tuple[str, int, int, str]  # setting of the task, seed, number and order of a clip


@st.cache_data(max_entries=64, show_spinner=False)
def cached_title(name: str) -> str:
    """What a model is called."""
    return model_title(name)


@st.cache_resource(max_entries=64, show_spinner=False)
def _model(name: str, seed: int, budget: str, temperature: float, strength: float) -> VideoTransformer:
    return altered_model(name, seed, budget, temperature, strength)


@st.cache_resource(max_entries=32, show_spinner="Making the clip: a few seconds, once.")
def clip_task(setting: str, seed: int, number: int, order: str) -> clips.Task:
    """One clip of the motion task."""
    return motion_clip(setting, seed, number, order)


def clip_key(view: TrainedView) -> ClipKey:
    """The clip of a view, drawn in the size that its models were made for."""
    return _setting(view.specs[0], view.seed, view.budget), view.clip_seed, view.clip, view.order


@st.cache_data(max_entries=64, show_spinner=False)
def _setting(name: str, seed: int, budget: str) -> str:
    return clip_setting(TrainedView().with_values(specs=(name, name), seed=seed, budget=budget))


@st.cache_data(max_entries=64, show_spinner=False)
def _card(name: str, seed: int, budget: str) -> dict[str, Any]:
    return read_card(find_checkpoint(name, seed, budget))


def answer_key(view: TrainedView, name: str) -> tuple[Any, ...]:
    """All that the answer of one model depends on, its name first."""
    altered = view.altered(name)
    return name, view.seed, view.budget, altered.get("temperature", 1.0), altered.get("strength", 1.0)


def model_answers(view: TrainedView) -> tuple[ModelAnswer, ...]:
    """What every chosen model says of the clip; a slider that a model has no part for leaves it as it is."""
    return tuple(_answer(answer_key(view, name), clip_key(view)) for name in view.specs)


@st.cache_resource(max_entries=128, show_spinner=False)
def _answer(key: tuple[Any, ...], of: ClipKey) -> ModelAnswer:
    name, seed, budget, *_ = key
    return ask_model(_model(*key), name, _card(name, seed, budget), clip_task(*of))


def layer_measures(view: TrainedView, answer: ModelAnswer) -> dict[str, float]:
    """How concentrated the layer of the view is on this clip, over all heads and patches."""
    return _layer_measures(answer_key(view, answer.spec), clip_key(view), view.layer, answer)


@st.cache_data(max_entries=256, show_spinner=False)
def _layer_measures(key: tuple[Any, ...], of: ClipKey, layer: int, _answer: ModelAnswer) -> dict[str, float]:
    with torch.no_grad():
        return row_measures(_answer.layers[layer - 1], _answer.inked[None])
