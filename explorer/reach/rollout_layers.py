"""Attention rollout through the layers of a scheme, or of a trained model, by three rules that are public.

The layers of a scheme have two heads, so that heads can be fused. In one a patch looks for patches like itself, in the
other for patches with such surroundings. Nothing of that is learned. A trained model brings its own heads.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd

import streamlit as st
import torch
from torch import Tensor

import linviz
from linviz import Grid, clips, flow
from linviz.fixation import PARTS
from linviz.maps import Map
from linviz.mechanisms import Attention
from linviz.models import VideoTransformer
from linviz.models.checkpoints import pretrained
from linviz.views import TrainedView
from linviz.views.load_trained import clip_setting, model_title, motion_clip
from linviz.views.panel_options import read_panel
from linviz.views.trained_maps import moment_pictures

from ..shared.number_tables import percent_text
from ..shared.scenes import sample_scene
from .reach_schemes import SCHEMES, scheme_specs
from .reach_state import ReachView

SHOWN = ("published", "columns", "product")  # side by side
OPENS = TrainedView()  # the budget, the seed and the clip of the models


@dataclass(frozen=True, eq=False)
class Rollouts:
    """What each rule says of one query. rows: rule -> (N,), not scaled; through: what the layers are, in words."""

    grid: Grid
    clip: clips.Clip
    query: int
    rows: dict[str, Tensor]
    through: str
    heads: str

    @property
    def shares(self) -> dict[str, Tensor]:
        """The shown rules, each scaled to a total of one: only so can they be compared."""
        return {name: self.rows[name] / self.rows[name].sum() for name in SHOWN}


def find_rollouts(choice: ReachView) -> Rollouts:
    """The rollouts that a visitor asks for. ValueError, in one sentence, where weights are negative."""
    if choice.rollout not in ("left", "right"):
        return _model_rollouts(choice.rollout, choice.asked - 1)
    scheme = getattr(choice, choice.rollout)
    specs = scheme_specs(scheme, choice.attention, choice.side)
    rows = {name: flow.roll_back([_spec_mixing(spec, choice.source, choice.grid, name) for spec in specs], choice.query)
            for name in flow.RULES}
    clip = sample_scene(choice.source, choice.grid, 1.0).clip
    return Rollouts(choice.grid, clip, choice.query, rows, f"three layers of {SCHEMES[scheme].called}",
                    "Two heads: one looks for patches like the query, the other for patches with such surroundings. "
                    "Both compare descriptors of this clip; nothing was learned.")


# ------------------------------------------------------------------------------------------------ a scheme


@st.cache_resource(max_entries=4, show_spinner=False)
def _spec_table(spec: str, source: str, grid: Grid) -> Tensor:
    """The weights of all pairs in both heads of an attention, (2, N, N)."""
    scenes = [sample_scene(source, grid, 1.0, keys=keys) for keys in ("own", "around")]
    q, k, v = (torch.cat([getattr(scene, name) for scene in scenes], 1) for name in "qkv")
    spec, options = read_panel(spec)
    m = linviz.make(spec, len(scenes), q.shape[-1], grid, **options)
    with torch.no_grad():
        return map_table(m, m.map(q, k, v), q.shape[1], len(grid))


@st.cache_resource(max_entries=16, show_spinner=False)
def _spec_mixing(spec: str, source: str, grid: Grid, rule: str) -> Tensor:
    return flow.RULES[rule].mixing(_spec_table(spec, source, grid))


def map_table(m: Attention, a: Map, heads: int, tokens: int) -> Tensor:
    """The weights of a map on the tokens from which its values come, (H, N, N)."""
    table = flow.layer_table(a.apply, tokens, heads)
    if not m.parsed.shift:
        return table
    parts = PARTS[m.parsed.shift]
    return flow.shifted_table(table, m.values, parts // gcd(parts, heads))


# ------------------------------------------------------------------------------------------------ a trained model


def asked_clip(name: str) -> tuple[VideoTransformer, clips.Task]:
    """A trained model, and the clip on which its maps are rolled out."""
    view = replace(OPENS, specs=(name, OPENS.specs[name == OPENS.specs[0]]))
    model = pretrained(name, view.seed, view.budget)
    return model, motion_clip(clip_setting(view), view.clip_seed, view.clip, view.order)


@st.cache_resource(max_entries=8, show_spinner=False)
def _model_mixings(name: str) -> tuple[Grid, clips.Clip, dict[str, list[Tensor]]]:
    model, task = asked_clip(name)
    tables, clip = model_tables(model, task.frames), task.clip(0)
    seen = replace(clip, frames=moment_pictures(clip.frames, model.shape.tubelet[0]), mask=None)
    return model.shape.grid, seen, {name: [rule.mixing(table) for table in tables] for name, rule in flow.RULES.items()}


@torch.no_grad()
def model_tables(model: VideoTransformer, frames: Tensor) -> list[Tensor]:
    """The weights of all pairs in every layer of a model on a clip, (H, N, N) each."""
    return [map_table(layer.attention, layer.map, model.shape.heads, len(model.shape.grid))
            for layer in model.trace(frames)]


def _model_rollouts(name: str, query: int) -> Rollouts:
    grid, clip, mixings = _model_mixings(name)
    rows = {rule: flow.roll_back(tables, query) for rule, tables in mixings.items()}
    return Rollouts(grid, clip, query, rows, f"the layers of a trained model, {model_title(name)}",
                    f"The maps are those of the trained model (*Trained* has it, budget {OPENS.budget}) on its clip.")


# ------------------------------------------------------------------------------------------------ in words


def rollout_heading(found: Rollouts) -> str:
    """What is to be seen: how far two other rules are from the published one, from their numbers."""
    near, far = sorted(flow.total_variation(found.rows[name], found.rows["published"]) for name in SHOWN[1:])
    return (f"Through {found.through}, two public programs place {percent_text(near)} and {percent_text(far)} of the "
            "attention elsewhere than the published rollout")


def rule_note(found: Rollouts, name: str) -> str:
    """What a rule does, its total mass, and by how much and where it disagrees with the published one."""
    rule, mass = flow.RULES[name], found.rows[name].sum().item()
    said = f"{WHAT[name]} ({rule.source}). Total mass {mass:.3g}."
    if name == "published":
        return said
    apart = found.shares[name] - found.shares["published"]
    by_frame = apart.view(found.grid.T, -1).sum(-1)
    t, n = int(by_frame.abs().argmax()), int(apart.abs().argmax())
    _, y, x = found.grid.place(n)
    return (f"{said} {percent_text(apart.abs().sum().item() / 2)} of it lies elsewhere (total variation). The patch "
            f"that differs most is row {y + 1}, column {x + 1} of frame {found.grid.place(n)[0] + 1}: "
            f"{_more(apart[n].item())}. Of all frames, frame {t + 1} differs most: {_more(by_frame[t].item())}.")


WHAT = {"published": "Mean of the heads, plus the identity, each row divided by its sum",
        "columns": "Largest of the heads, the lowest 90 % dropped, plus the identity, but columns are divided in place "
                   "of rows",
        "product": "Mean of the heads, and no identity: what a patch has of its own is forgotten"}


def _more(part: float) -> str:
    return f"{percent_text(abs(part))} {'more' if part > 0 else 'less'}"


def undivided_note(found: Rollouts) -> str:
    """A fourth program, whose picture is that of the published rule wherever rows sum to one."""
    mass, apart = found.rows["undivided"].sum().item(), flow.total_variation(*(
        found.rows[name] for name in ("undivided", "published")))
    same = "is the published one" if apart < 1e-4 else f"has {percent_text(apart)} of its mass elsewhere"
    return (f"A fourth program ({flow.RULES['undivided'].source}) adds the identity and divides nothing: its picture "
            f"{same}, with total mass {mass:.3g}.")


def rollout_alt(found: Rollouts, picture: str) -> str:
    """What the frames show, for visitors who cannot see them."""
    masses = {name: [percent_text(share) for share in found.shares[name].view(found.grid.T, -1).sum(-1).tolist()]
              for name in SHOWN}
    said = "; ".join(f"{flow.RULES[name].title}: {', '.join(parts)}" for name, parts in masses.items())
    return f"Frames of a clip, lit by the share of each patch in the query. Mass by frame. {said}. {picture}"


def layer_masses(rows: Sequence[Tensor], grid: Grid) -> list[list[str]]:
    """The share of every frame, a list per row, in words."""
    return [[percent_text(share) for share in row.view(grid.T, -1).sum(-1).tolist()] for row in rows]
