"""A small video transformer, with any attention inside: linviz trains it to study what attention learns.

    clip -> tubelets -> + position codes -> L x (attention, MLP) -> mean over tokens -> classes

A tubelet is a box of pixels, a few frames deep: one token. Every token gets a learned code for its position and
one for its time. A block is x <- x + attention(norm x), once for every layer of its scheme, then
x <- x + MLP(norm x). Only the attention differs between arms, so every difference in results comes from it.
A hybrid, a/b/c, names the attention of every layer.

A photograph is a clip of one frame; a model for more frames gets it as a still clip.
"""
from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..grid import Grid
from ..shapes import Float
from .layer_specs import BETWEEN, layer_options, layer_specs
from .schemes import Scheme, scheme_scopes
from .trace import Traced

GREY, SPREAD = 0.5, 0.25  # pixels come in as (x - GREY) / SPREAD
CODES = 0.5               # initial spread of the codes of position and time; with 0.1, short runs learn little


@dataclass(frozen=True)
class Shape:
    """The size of a model. tubelet: frames, pixels down, pixels across; colours: 1 for grey, 3 for RGB.

    >>> len(Shape().grid), len(Shape(frames=1, tubelet=(1, 6, 6)).grid)
    (144, 36)
    """

    frames: int = 8
    side: int = 36
    tubelet: tuple[int, int, int] = (2, 6, 6)
    colours: int = 1
    channels: int = 48
    heads: int = 3
    blocks: int = 3
    wider: float = 2.0  # channels inside the MLP, as a multiple of `channels`
    scheme: str = "joint"

    @property
    def grid(self) -> Grid:
        """The grid of tubelets; ValueError if frames or pixels do not divide evenly."""
        deep, high, wide = self.tubelet
        if self.frames % deep or self.side % high or self.side % wide:
            raise ValueError(f"{self.frames} frames of {self.side} x {self.side} pixels cannot be cut into tubelets of "
                             f"{deep} x {high} x {wide}; take sizes that divide")
        return Grid(self.frames // deep, self.side // high, self.side // wide)

    @property
    def layers(self) -> int:
        """The number of attention layers, of all blocks together."""
        return self.blocks * len(scheme_scopes(self.scheme))


class VideoTransformer(nn.Module):
    """Frames (B, T, 3, Ypx, Xpx) in 0..1 to logits (B, classes), through the attention that `spec` names.

    spec: one attention for all layers, or one for each, as in "softmax/relu_floor/relu_floor". Parameters of the same
    name are drawn alike in every arm of a seed, so two arms begin as similar as possible. Options are those of
    `AttentionLayer`; in a hybrid each layer takes those that its mechanism has.

    >>> model = VideoTransformer("relu_floor+gate+shift", classes=8, shape=Shape(blocks=1))
    >>> model(torch.rand(2, 8, 3, 36, 36)).shape
    torch.Size([2, 8])
    """

    def __init__(self, spec: str = "softmax", classes: int = 8, shape: Shape | None = None, seed: int = 0,
                 **options: Any) -> None:
        super().__init__()
        self.spec, self.shape = spec, shape or Shape()
        self.grid = grid = self.shape.grid
        channels, pixels = self.shape.channels, self.shape.colours * torch.tensor(self.shape.tubelet).prod().item()
        with torch.random.fork_rng(devices=[]):
            self.embed = nn.Linear(int(pixels), channels)
            self.time, self.place = (nn.Parameter(torch.empty(n, channels)) for n in (grid.T, grid.Y * grid.X))
            self.blocks = nn.ModuleList(Block(one, self.shape, seed * 1000 + 10 * n, **own)
                                        for n, (one, own) in enumerate(block_specs(spec, self.shape, options)))
            self.norm, self.head = nn.LayerNorm(channels), nn.Linear(channels, classes)
        self.draw(seed)

    def draw(self, seed: int) -> None:
        """Draw all learned parameters again, every module's from its own name and the seed.

        A mechanism's own tables are not changed: it has drawn them itself, from the seed given to `make`.
        """
        with torch.random.fork_rng(devices=[]):
            for name, module in self.named_modules():
                if callable(reset := getattr(module, "reset_parameters", None)):
                    torch.default_generator.manual_seed(zlib.crc32(f"{seed} {name}".encode()))
                    reset()
            torch.default_generator.manual_seed(zlib.crc32(f"{seed} codes".encode()))
            for codes in (self.time, self.place):
                nn.init.normal_(codes, std=CODES)

    def take_over(self, coarse: VideoTransformer) -> None:
        """Copy the parameters of a model on another grid; what it learned about places and times is interpolated.

        >>> fine, coarse = VideoTransformer(shape=Shape(side=72, blocks=1)), VideoTransformer(shape=Shape(blocks=1))
        >>> fine.take_over(coarse); len(fine.place), len(coarse.place), torch.equal(fine.time, coarse.time)
        (144, 36, True)
        """
        learned, (old, new) = dict(coarse.state_dict()), (coarse.grid, self.grid)
        square = learned["place"].mT.unflatten(-1, (old.Y, old.X))[None]
        line = learned["time"].mT[None]
        learned["place"] = F.interpolate(square, (new.Y, new.X), mode="bicubic")[0].flatten(1).mT
        learned["time"] = F.interpolate(line, new.T, mode="linear")[0].mT
        for name, own in self.state_dict().items():
            if own.shape != learned[name].shape:  # a table of the mechanism with one row per token
                learned[name] = stretch_table(learned[name], old, new)
        self.load_state_dict(learned)

    def forward(self, frames: Float[Tensor, "B T 3 Ypx Xpx"]) -> Float[Tensor, "B classes"]:
        """Logits of every class."""
        return self.answer(self.blocks_of(self.tokens(frames)))

    def tokens(self, frames: Tensor) -> Tensor:
        """Tubelets with their codes, (B, N, C); ValueError for frames of another size."""
        x = self.embed(self.tubelets(frames))
        return x + (self.time[:, None] + self.place).flatten(0, 1)

    def blocks_of(self, x: Tensor) -> Tensor:
        """Tokens after every block, (B, N, C)."""
        for block in self.blocks:
            x = block(x)
        return x

    def answer(self, x: Tensor) -> Tensor:
        """Tokens to logits: the normed mean of the tokens through one linear map."""
        logits: Tensor = self.head(self.norm(x.mean(-2)))
        return logits

    def tubelets(self, frames: Tensor) -> Tensor:
        """Pixels of every tubelet, (B, N, colours * deep * high * wide), with mean about 0 and spread 1."""
        shape = self.shape
        if frames.ndim != 5 or frames.shape[-4] not in (1, shape.frames) or frames.shape[-3:] != (3, shape.side,
                                                                                                  shape.side):
            raise ValueError(f"this model takes clips (B, {shape.frames}, 3, {shape.side}, {shape.side}); got "
                             f"{tuple(frames.shape)}: clips.fit cuts and resizes a clip")
        x = frames.expand(-1, shape.frames, -1, -1, -1)  # a photograph is a still clip
        x = ((x.mean(-3, keepdim=True) if shape.colours == 1 else x) - GREY) / SPREAD
        for axis, size in zip((1, 4, 6), shape.tubelet, strict=True):  # (B, T, t, 3, Y, y, X, x)
            x = x.unflatten(axis, (-1, size))
        return self.grid.unfold(x.permute(0, 1, 4, 6, 2, 3, 5, 7).flatten(4))

    def trace(self, frames: Tensor) -> list[Traced]:
        """q, k, v of every attention layer as the forward pass makes them, first block first; no gradient.

        >>> model = VideoTransformer("relu_floor+gate", shape=Shape(blocks=1))
        >>> seen = model.trace(torch.rand(1, 8, 3, 36, 36))[0]
        >>> seen.name, seen.q.shape, seen.ratios[0].shape
        ('block 1', torch.Size([1, 3, 144, 16]), torch.Size([1, 3, 144, 16]))
        """
        with torch.no_grad():
            x, seen = self.tokens(frames), []
            for n, block in enumerate(self.blocks, 1):
                assert isinstance(block, Block)
                x, layers = block.traced(x, f"block {n}")
                seen += layers
            return seen


def stretch_table(table: Tensor, old: Grid, new: Grid) -> Tensor:
    """A table (..., N, C) with a row per token on another grid with as many frames, interpolated within each frame.

    >>> stretch_table(torch.ones(2, 4, 3), Grid(Y=2, X=2), Grid(Y=3, X=3)).shape
    torch.Size([2, 9, 3])
    """
    frames = table.unflatten(-2, (old.T, old.Y, old.X)).movedim(-1, -3)
    images = frames.reshape(-1, table.shape[-1], old.Y, old.X)
    fine = F.interpolate(images, (new.Y, new.X), mode="bicubic").reshape(*frames.shape[:-2], new.Y, new.X)
    return fine.movedim(-3, -1).flatten(-4, -2)


def block_specs(spec: str, shape: Shape, options: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Spec and options of every block; ValueError for a hybrid of another number of layers."""
    specs, each = layer_specs(spec, shape.layers), len(scheme_scopes(shape.scheme))
    if BETWEEN not in spec:
        return [(spec, options)] * shape.blocks
    own, parts = layer_options(specs, options), range(0, len(specs), each)
    return [(BETWEEN.join(specs[n:n + each]), reduce(or_, own[n:n + each])) for n in parts]


class Block(nn.Module):
    """The attention layers of a scheme, then an MLP on every token: (B, N, C) -> (B, N, C)."""

    def __init__(self, spec: str, shape: Shape, seed: int, **options: Any) -> None:
        super().__init__()
        inside = round(shape.wider * shape.channels)
        self.attention = Scheme(shape.scheme, spec, shape.heads, shape.channels, shape.grid, seed, **options)
        self.norm = nn.LayerNorm(shape.channels)
        self.mlp = nn.Sequential(nn.Linear(shape.channels, inside), nn.GELU(), nn.Linear(inside, shape.channels))

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention(x)
        return x + self.mlp(self.norm(x))

    def traced(self, x: Tensor, name: str) -> tuple[Tensor, list[Traced]]:
        """The output of `forward`, and the inputs of every attention layer."""
        layers, scopes = [], scheme_scopes(self.attention.scheme)
        for scope, (layer, norm) in zip(scopes, self.attention.steps(), strict=True):
            where = f", {scope}" if len(scopes) > 1 else ""
            layers.append(Traced(name + where, layer.attention, *layer.qkv(norm(x))))
            x = x + layer(norm(x))
        return x + self.mlp(self.norm(x)), layers
