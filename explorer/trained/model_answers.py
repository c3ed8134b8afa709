"""Trained models asked about one clip: what they answer, what they attended with, how concentrated that is.

Everything is cached on plain values. Shipped models are shared by all: what is altered is a twin.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
import torch
from torch import Tensor

import linviz
from linviz import Grid, clips
from linviz.mechanisms import parse
from linviz.models import Shape, Traced, VideoTransformer
from linviz.models.checkpoints import card, find, pretrained
from linviz.models.interventions import gate_strength, warmed
from linviz.models.looking import concentrated, touched
from linviz.models.recipe import Recipe

from .trained_choice import Choice

Film = tuple[str, int, int, str]  # setting of the task, seed, number and order of a clip


@dataclass(frozen=True, eq=False)
class Answer:
    """One model asked about one clip.

    key     all that it depends on, the model's name first;  told  the JSON beside the model
    shares  (C,) of the classes, in their order;  inked  (N,) bool, the patches that ink of the digit touches
    of      the clip;  layers  what each attended with
    """

    key: tuple[Any, ...]
    told: dict[str, Any]
    shape: Shape
    shares: Tensor
    inked: Tensor
    of: Film
    layers: list[Traced]

    @property
    def name(self) -> str:
        """A spec, and perhaps a variant."""
        return str(self.key[0])

    @property
    def title(self) -> str:
        """What the model is called."""
        return title(self.name)

    @property
    def family(self) -> str:
        """The family of its attention."""
        return self.layers[0].attention.family

    @property
    def says(self) -> int:
        """The class it finds likeliest."""
        return int(self.shares.argmax())

    def measures(self, layer: int) -> dict[str, float]:
        """How concentrated a layer (from 1) is on this clip, over all heads and patches."""
        return _measures(self.key, self.of, layer, self)


@st.cache_data(max_entries=64, show_spinner=False)
def title(name: str) -> str:
    """What a model is called: the title of its attention, and what no title says.

    >>> title("relu_floor+gate+shift"), title("relu_floor+gate:self"), title("relu_floor~wide")
    ('relu + floor + gate + shift', 'relu + floor + gate (self)', 'relu + floor, wider MLPs')
    """
    spec, _, variant = name.partition("~")
    sees = parse(spec).gate
    said = linviz.make(spec, heads=1, width=16, grid=Grid(2, 3, 3)).title
    said = said.replace(" + gate", f" + gate ({sees})") if sees not in (None, "", "qkv") else said
    return said + {"": "", "wide": ", wider MLPs"}.get(variant, f", {variant}")


@st.cache_resource(max_entries=64, show_spinner=False)
def model(name: str, seed: int, budget: str, temperature: float, strength: float) -> VideoTransformer:
    """A shipped model, or a twin of it whose softmax is warmer or whose gates are weaker."""
    found = pretrained(name, seed, budget)
    if temperature != 1:
        found = warmed(found, temperature)
    return gate_strength(found, strength) if strength != 1 else found


@st.cache_resource(max_entries=32, show_spinner="Making the clip: a few seconds, once.")
def task(setting: str, seed: int, number: int, order: str) -> clips.Task:
    """One clip of the motion task, from photographs and digits that nothing was trained on, in an order of time."""
    found = clips.motion_task(1, seed, "test", setting, first=number)
    if order == "reversed":
        return clips.reverse(found)
    return clips.shuffle(found, seed=number) if order == "shuffled" else found


def film(choice: Choice) -> Film:
    """The clip that a choice is about: drawn in the size that its models were made for."""
    recipe = Recipe.read(told(choice.arms[0], choice.seed, choice.budget)["recipe"])
    return recipe.setting, choice.clip_seed, choice.clip, choice.order


@st.cache_data(max_entries=64, show_spinner=False)
def told(name: str, seed: int, budget: str) -> dict[str, Any]:
    """What is recorded of a model."""
    return card(find(name, seed, budget))


def answers(choice: Choice) -> list[Answer]:
    """What every chosen model says of the clip; a slider that a model has no part for leaves it as it is."""
    out = []
    for name in choice.arms:
        spec = parse(name.partition("~")[0])
        warm, strong = choice.temperature if spec.name == "softmax" else 1.0, choice.strength if spec.gate else 1.0
        out.append(ask(name, choice.seed, choice.budget, warm, strong, film(choice)))
    return out


@st.cache_resource(max_entries=128, show_spinner=False)
def ask(name: str, seed: int, budget: str, temperature: float, strength: float, of: Film) -> Answer:
    """One model asked about one clip: its answer, and q, k and v of every layer."""
    asked, clip = model(name, seed, budget, temperature, strength), task(*of)
    with torch.no_grad():
        shares = asked(clip.frames).softmax(-1)[0]
        inked = touched(clip.masks, asked)[0]
        return Answer((name, seed, budget, temperature, strength), told(name, seed, budget), asked.shape, shares,
                      inked, of, asked.trace(clip.frames))


@st.cache_data(max_entries=256, show_spinner=False)
def _measures(key: tuple[Any, ...], of: Film, layer: int, _answer: Answer) -> dict[str, float]:
    with torch.no_grad():
        return concentrated(_answer.layers[layer - 1], _answer.inked[None])
