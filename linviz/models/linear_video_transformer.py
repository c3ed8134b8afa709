"""The video transformer of the feature fixation paper: nothing in it costs N^2, and its operations are counted.

    x <- norm(patches(frames)) + code of the frame         overlapping patches: 16 pixels wide, 14 apart
    12 x    x <- x + attention(norm x)   among the frames of one patch        k, v shifted in space
            x <- x + attention(norm x)   among the patches of one frame       k, v shifted in time
            x <- x + MLP(norm x)         with a 3 x 3 convolution inside each frame
    head(mean over all tokens of norm x)

Both attentions are relu_floor, gated or not. Only frames have position codes, not rows or columns. A patch's
position has an effect only through the shifts and the convolution, which read zeros beyond the border; so no parameter
depends on the size of the picture. A photograph is a clip of one frame.

Parameters, C = 512, D = 64, MLP 4 C wide: patches 393,728 and their norm 1,024; codes 8,192; a block
2 x 4 (C^2 + C) for the attentions, 3 x 2 C for the norms, 2,120,192 for the MLP, and 2 x 12,352 for each gate; last
norm 1,024; head 528,814 (174 classes) to 856,408 (600). In all 51.92 M (SSv2), 52.25 M (K600), 52.39 M (K400), and
242.8 GMACs a clip without gates, 264.7 with them (`count_macs`). The totals show that the MLP is 4 C wide and that no
linear map follows the attention in time (TimeSformer has one). The norms after the patches and after the last block are
too small to show in the totals; they follow the official code.

"Linear Video Transformer with Feature Fixation", 2022, arXiv 2210.08164; written from its equations and settings.
As in the official settings: sizes, gates shared (SSv2, K600) or separate (K400), into how many parts each shift cuts
the channels, pixels (x - 0.5) / 0.5, dropout of one half on the tokens before the mean and in the head, and the initial
values of parameters. Differences:
- Its Kinetics settings shift 16 frames as two groups of 8, between which nothing is shifted. Here all frames are.
- It keeps an unused linear map from C to the classes. Here there is none, and no count includes it.
- It starts from ImageNet weights that are not published with it. Here parameters are drawn from a seed, in its way.
- It takes q, k and v from one linear map; three maps have the same parameters. Row sums are a matrix product here.
- Joint, motion, softmax and Orthoformer attention, three-dimensional patches and shifts of 2: left out.
"""
from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..fixation import GATE_INPUTS
from ..grid import Grid
from ..mechanisms import Attention, parse
from ..mechanisms.specs import check_name
from ..shapes import Float
from .layer import AttentionLayer
from .trace import Traced

GREY = SPREAD = 0.5  # pixels come in as (x - GREY) / SPREAD
EPS = 1e-6           # of the norms in and after the blocks; the two others have torch's own


@dataclass(frozen=True)
class Config:
    """The model's size and its attention; `side`, `patch` and `stride` are in pixels.

    spec: without a scope; +shift alone means a shift in space in the attention in time, and in time in the other.
    shift_parts: how many folds the shift in time cuts the channels into; two of them move. In space there are 16.
    wider: channels inside the MLP as a multiple of `channels`. hidden: channels inside the head.

    >>> Config().grid, len(Config().grid)
    (Grid(T=16, Y=17, X=17, prefix=0), 4624)
    """

    spec: str = "relu_floor+gate+shift"
    classes: int = 400
    shift_parts: int = 8
    frames: int = 16
    side: int = 224
    patch: int = 16
    stride: int = 14
    channels: int = 512
    heads: int = 8
    blocks: int = 12
    wider: int = 4
    hidden: int = 768
    dropout: float = 0.5

    def __post_init__(self) -> None:
        small = [f"{name}={n}" for name, n in vars(self).items() if isinstance(n, int) and n < 1]
        if small:
            raise ValueError(f"every size of a model must be at least 1; got {', '.join(small)}")

    @property
    def grid(self) -> Grid:
        """The grid of tokens; patches at the border extend half their width into grey."""
        along = (self.side + 2 * (self.patch // 2) - self.patch) // self.stride + 1
        return Grid(self.frames, along, along)


CONFIGS = {
    "ssv2": Config("relu_floor+gate:shared+shift", classes=174, shift_parts=4),
    "k600": Config("relu_floor+gate:shared+shift", classes=600),
    "k400": Config("relu_floor+gate+shift", classes=400),
}


class LinearVideoTransformer(nn.Module):
    """Frames (B, T, 3, Ypx, Xpx) in 0..1 to logits (B, classes); `config` is one of CONFIGS by name, or your own.

    One frame is given to a model of more frames as a still clip. Parameters of the same name are drawn alike for
    every spec.

    >>> small = Config(classes=5, frames=4, side=56, channels=64, heads=4, blocks=2, hidden=32)
    >>> LinearVideoTransformer(small)(torch.rand(1, 4, 3, 56, 56)).shape
    torch.Size([1, 5])
    """

    def __init__(self, config: Config | str = "k400", seed: int = 0) -> None:
        super().__init__()
        self.config = c = CONFIGS[check_name("configuration", config, CONFIGS)] if isinstance(config, str) else config
        self.grid = c.grid
        with torch.random.fork_rng(devices=[]):  # torch's layers draw when created; redrawn below
            self.patches = nn.Conv2d(3, c.channels, c.patch, c.stride, padding=c.patch // 2)
            self.patch_norm = nn.LayerNorm(c.channels)
            self.codes = nn.Parameter(torch.empty(c.frames, c.channels))
            self.blocks = nn.ModuleList(Block(c) for _ in range(c.blocks))
            self.norm = nn.LayerNorm(c.channels, EPS)
            self.thin = nn.Dropout(c.dropout)
            self.head = nn.Sequential(nn.LayerNorm(c.channels), nn.Linear(c.channels, c.hidden), nn.GELU(),
                                      nn.Dropout(c.dropout), nn.Linear(c.hidden, c.classes))
        self.draw(seed)

    def draw(self, seed: int) -> None:
        """Draw all parameters again, each module's from its name and the seed; a mechanism's own random parts stay."""
        nn.init.zeros_(self.codes)
        with torch.random.fork_rng(devices=[]):
            for name, module in self.named_modules():
                torch.default_generator.manual_seed(zlib.crc32(f"{seed} {name}".encode()))
                _draw_weights(module)

    def forward(self, frames: Float[Tensor, "B T 3 Ypx Xpx"]) -> Float[Tensor, "B classes"]:
        """Logits of every class."""
        return self.head(self.thin(self.encode(frames)).mean(-2))

    def encode(self, frames: Tensor) -> Tensor:
        """Tokens after the last block, normed: (B, N, C)."""
        x = self.tokens(frames)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def tokens(self, frames: Tensor) -> Tensor:
        """Patches with the codes of their frames, (B, N, C); ValueError for frames of another size."""
        c = self.config
        if frames.ndim != 5 or frames.shape[1] not in (1, c.frames) or frames.shape[2:] != (3, c.side, c.side):
            raise ValueError(f"this model takes clips (B, {c.frames}, 3, {c.side}, {c.side}), or one frame of "
                             f"them; got {tuple(frames.shape)}: clips.fit cuts and resizes a clip")
        x = self.patches((frames.flatten(0, 1) - GREY) / SPREAD)        # (B*T, C, Y, X)
        x = self.patch_norm(x.movedim(1, -1)).unflatten(0, frames.shape[:2])  # (B, T, Y, X, C)
        return self.grid.unfold(x + self.codes[:, None, None])          # a photograph is a still clip

    def trace(self, frames: Tensor) -> list[Traced]:
        """The inputs of every attention in a forward pass, first block first, time before space; no gradient.

        >>> small = Config(classes=5, frames=4, side=56, channels=64, heads=4, blocks=2, hidden=32)
        >>> seen = LinearVideoTransformer(small).trace(torch.rand(1, 4, 3, 56, 56))
        >>> [s.name for s in seen], seen[1].q.shape, seen[1].ratios[0].shape
        (['block 1, time', 'block 1, space', 'block 2, time', 'block 2, space'], torch.Size([1, 4, 100, 16]), \
torch.Size([1, 4, 100, 16]))
        """
        seen: list[Traced] = []
        hooks = [attention.register_forward_pre_hook(lambda a, qkv, name=name: seen.append(Traced(name, a, *qkv)))
                 for name, attention in self.attentions()]
        try:
            with torch.no_grad():
                self.encode(frames)
        finally:
            for hook in hooks:
                hook.remove()
        return seen

    def attentions(self) -> list[tuple[str, Attention]]:
        """Every attention with its place in the model, in the order of the forward pass."""
        return [(f"block {n}, {m.parsed.scope}", m)
                for n, block in enumerate(self.blocks, 1) for m in block.modules() if isinstance(m, Attention)]


class Block(nn.Module):
    """Attention in time and in space, MLP, each with a norm and a residual: (B, N, C) -> (B, N, C)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        c = config
        self.time = AttentionLayer(f"{c.spec}@time", c.heads, c.channels, c.grid)
        self.space = AttentionLayer(f"{c.spec}@space", c.heads, c.channels, c.grid, shift_parts=c.shift_parts)
        self.mlp = ConvMLP(c.channels, c.wider * c.channels, c.grid)
        self.time_norm, self.space_norm, self.mlp_norm = (nn.LayerNorm(c.channels, EPS) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.time(self.time_norm(x))
        x = x + self.space(self.space_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class ConvMLP(nn.Module):
    """Widen, a 3 x 3 convolution of every channel inside the frame, GELU, narrow: (B, N, C) -> (B, N, C)."""

    def __init__(self, channels: int, inside: int, grid: Grid) -> None:
        super().__init__()
        self.grid = grid
        self.widen, self.narrow = nn.Linear(channels, inside), nn.Linear(inside, channels)
        self.around = nn.Conv2d(inside, inside, 3, padding=1, groups=inside)

    def forward(self, x: Tensor) -> Tensor:
        x = self.grid.fold(self.widen(x))                                 # (B, T, Y, X, inside)
        y = self.around(x.flatten(0, 1).movedim(-1, 1)).movedim(1, -1)    # frames as a batch
        return self.narrow(nn.functional.gelu(self.grid.unfold(y.unflatten(0, x.shape[:2]))))


def _draw_weights(module: nn.Module) -> None:
    """Linear maps with standard deviation 0.02, convolutions with sqrt(2 / fan out), biases zero."""
    if isinstance(module, nn.LayerNorm):
        module.reset_parameters()
    elif isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d) and module.bias is not None:
        fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
        nn.init.zeros_(module.bias)


def count_macs(config: Config) -> dict[str, int]:
    """Multiplications for one clip in matrix products and convolutions, by purpose; relu_floor only.

    Elementwise work (norms, GELU, gating, shifts) is not counted. The official code computes row sums elementwise, so
    compare everything except "row sums" with counts of that code. A shared gate is one layer used twice, in both codes:
    it saves parameters, not work.

    >>> for spec in ("relu_floor", "relu_floor+gate+shift"):
    ...     parts = count_macs(Config(spec))
    ...     print(f"{(sum(parts.values()) - parts['row sums']) / 1e9:.1f} GMACs")
    242.8 GMACs
    264.7 GMACs
    """
    c, spec = config, parse(config.spec)
    if spec.name != "relu_floor":
        raise ValueError(f"these counts hold only for relu_floor; count {c.spec} with linviz.cost.flops while it runs")
    N, C, D, inside = len(c.grid), c.channels, c.channels // c.heads, c.wider * c.channels
    attended = 2 * c.blocks * N  # tokens that go through an attention, time or space
    return {
        "patches": N * C * 3 * c.patch**2,
        "q, k, v and o": attended * 4 * C * C,
        "attention": attended * 2 * C * D,
        "row sums": attended * C,
        "gates": attended * 2 * C * sum(GATE_INPUTS[spec.gate]) * D if spec.gate else 0,
        "MLP": c.blocks * N * 2 * C * inside,
        "convolution in the MLP": c.blocks * N * 9 * inside,
        "head": c.hidden * (C + c.classes),
    }
