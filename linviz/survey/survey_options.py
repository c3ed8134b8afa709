"""What a survey measures, and the options of `linviz survey`. Torch is not imported here, so `--help` is fast."""
from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from ..safe_output import FORCE

MECHANISMS = ("softmax", "relu_floor")
LOCAL = "local"
KEYS = ("own", "around")


@dataclass(frozen=True)
class SurveyOptions:
    """What is measured of every clip. ValueError, in one sentence, for a value that is wrong.

    mechanisms   specs; empty with a model: only the model's own attention
    model        "" for descriptors of patches; else the name of a shipped model, or the path of a checkpoint
    patches, frames, temperature, keys   how descriptors are made, as for `linviz read`; a model has its own sizes
    steps, seed  of the fit of a gate;  plugin  the text of a Python file that registers mechanisms

    >>> SurveyOptions(("softmax",), patches=0)
    Traceback (most recent call last):
    ValueError: patches takes a whole number from 1 to 112; got 0
    """

    mechanisms: tuple[str, ...] = ()
    model: str = ""
    patches: int = 14
    frames: int = 4
    temperature: float = 1.0
    keys: str = "own"
    steps: int = 300
    seed: int = 0
    plugin: str = ""

    def __post_init__(self) -> None:
        for name, low, high in (("patches", 1, 112), ("frames", 1, 32), ("steps", 1, 10_000), ("seed", 0, 2**32 - 1)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} takes a whole number from {low} to {high:,}; got {getattr(self, name)}")
        if not 0.01 <= self.temperature <= 100:
            raise ValueError(f"the temperature takes a number from 0.01 to 100; got {self.temperature:g}")
        if self.keys not in KEYS:
            raise ValueError(f"keys takes {' or '.join(KEYS)}; got {self.keys!r}")
        if len(set(self.mechanisms)) < len(self.mechanisms):
            raise ValueError(f"a survey measures each mechanism once; got {', '.join(self.mechanisms)}")
        if not self.mechanisms and not self.model:
            raise ValueError("a survey needs a mechanism or a model, as in --mechanism softmax relu_floor+gate")


def add_survey_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of `linviz survey` to a parser."""
    sub.add_argument("clips", nargs="*", metavar="CLIPS",
                     help="folders of pictures and videos, single files, or names of samples; default: every sample")
    sub.add_argument("--mechanism", nargs="+", action="extend", default=[], metavar="SPEC",
                     help="what to measure, as in: --mechanism softmax relu_floor+gate; default: softmax relu_floor, "
                          "or with --model the model's own attention")
    sub.add_argument("--model", default="", metavar="NAME",
                     help="measure the layers and heads of a shipped model (softmax) or of a checkpoint "
                          "(runs/softmax.0.safetensors) instead of descriptors of patches")
    sub.add_argument("--out", type=Path, default=Path("survey.parquet"), metavar="PATH",
                     help="the table; its parts are in a folder beside it; default: survey.parquet")
    sub.add_argument("--force", action="store_true", help=FORCE)
    sub.add_argument("--limit", type=int, metavar="N", help="only the first N clips")
    sub.add_argument("--list", action="store_true", help="print the clips that would be measured, and measure nothing")
    sub.add_argument("--show", type=Path, metavar="TABLE", help="print the distributions in a table of before")
    sub.add_argument("--measure", default="entropy", metavar="NAME",
                     help="the column that --show prints; default: entropy")
    _add_measuring_options(sub)
    add_cluster_options(sub)


def _add_measuring_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--patches", type=int, default=14, help="patches along the longer side; default: 14")
    sub.add_argument("--frames", type=int, default=4, help="frames of a clip at most; default: 4")
    sub.add_argument("--temperature", type=float, default=1.0, help="of descriptors; default: 1")
    sub.add_argument("--keys", choices=KEYS, default=KEYS[0], help="what keys describe: see `linviz read --help`")
    sub.add_argument("--steps", type=int, default=300, help="steps with which a gate is fitted; default: 300")
    sub.add_argument("--seed", type=int, default=0, help="seed of a gate's fit; default: 0")
    sub.add_argument("--plugin", type=Path, metavar="FILE",
                     help="a Python file that registers mechanisms of your own; it is the only code that is sent to "
                          "workers, and it runs there as it stands")


def add_cluster_options(sub: argparse.ArgumentParser) -> None:
    """Add the options that say where the work is done: in this process, or by workers of Dask."""
    sub.add_argument("--dask", metavar="WHERE",
                     help="let workers of Dask do it: the address of a scheduler (tcp://host:8786), or `local` for "
                          "workers on this computer; default: this process")
    sub.add_argument("--workers", type=int, metavar="N",
                     help="with --dask local: how many workers; default: one per core")
