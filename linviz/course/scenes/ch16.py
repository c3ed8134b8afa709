"""What chapter 16 draws and counts: a stereo pair as patches with true disparities, and matches along its rows."""
from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import clips
from ...clips import Clip
from ...figures import heat

TEMPERATURES = (0.005, 0.01, 0.02, 0.05, 0.1)  # the slider of section 4
SEEN = 0.7  # of the pixels of a patch must have a measured partner
SIDE, POOL = 16, 4  # pixels: of a patch, and of a square that is averaged


class StereoPair(NamedTuple):
    """Two pictures as patches: descriptors (Y, X, D) of length 1, true disparity in patches (Y, X), where it is known.

    A known patch has its partner inside the right picture, at the column `partner` (Y, X); elsewhere it is -1. No two
    patches have the same partner.
    """

    clip: Clip
    left: Tensor
    right: Tensor
    disparity: Tensor
    partner: Tensor

    @property
    def known(self) -> Tensor:
        """Where a partner is known: (Y, X) bool."""
        return self.partner >= 0


@cache
def stereo_patches() -> StereoPair:
    """The motorcycle from the left and from the right camera, in 28 x 42 patches.

    >>> pair = stereo_patches()
    >>> pair.left.shape, bool((pair.partner <= torch.arange(42)).all())
    (torch.Size([28, 42, 192]), True)
    """
    clip = clips.load("motorcycle", frames=2)
    assert clip.motion is not None and clip.known is not None
    Y, X = (n // SIDE for n in clip.size[1:])
    left, right = (_window_descriptors(x, Y, X) for x in clip.frames)
    known = clip.known[0].float()[None, None]
    seen = F.avg_pool2d(known, SIDE)[0, 0]
    moved = F.avg_pool2d(-clip.motion[:1, 1:] * known, SIDE)[0, 0] / seen.clamp_min(1e-9) / SIDE
    partner = (torch.arange(X) - moved).round().long()
    partner = partner.where((seen > SEEN) & (partner >= 0), -1)
    taken = (partner[:, :, None] == partner[:, None]).tril(-1).any(-1)  # by a patch further left: one to one
    return StereoPair(clip, left, right, moved, partner.where(~taken, -1))


def _window_descriptors(picture: Tensor, Y: int, X: int) -> Tensor:
    """Each patch with a border of half a patch, averaged over squares; mean 0 and length 1: (Y, X, 192)."""
    small = F.avg_pool2d(F.pad(picture[None], (SIDE // 2,) * 4, mode="reflect"), POOL)
    x = F.unfold(small, 2 * SIDE // POOL, stride=SIDE // POOL)[0].mT
    x = x - x.mean(1, keepdim=True)
    return (x / x.norm(dim=1, keepdim=True).clamp_min(1e-9)).unflatten(0, (Y, X))


def line_weights(pair: StereoPair, temperature: float) -> Tensor:
    """Softmax of every left patch over the right patches of its row: (Y, X, X)."""
    return (torch.einsum("yxd,yjd->yxj", pair.left, pair.right) / temperature).softmax(-1)


def disparity_figure(temperature: float, *, pair: StereoPair) -> Any:
    """True disparity, and that of the mean match along each row at a temperature; unknown patches are left out."""
    column = torch.arange(pair.left.shape[1], dtype=torch.float32)
    found = column - line_weights(pair, temperature) @ column
    off = (found - pair.disparity).abs()[pair.known].median().item()
    maps = torch.stack((pair.disparity, found.clamp(0, 4))).where(pair.known, torch.nan)
    said = f"Temperature {temperature:g}: the median error of the matches is {off:.2f} patches. Near parts of the " \
           "motorcycle have the largest disparity, the wall the smallest."
    return heat.patch_panels(maps.numpy(), ["true disparity", f"mean match, temperature {temperature:g}"],
                             bar="disparity, patches", top=4.0, columns=2, said=said,
                             title=f"Half of the patches are wrong by less than {off:.2f} patches")


def right_share(best: Tensor, pair: StereoPair, row: Tensor | None = None) -> float:
    """The share of known patches whose best match is the right column, and the own row if `row` is given.

    >>> pair = stereo_patches()
    >>> right_share(pair.partner, pair)
    1.0
    """
    good = best == pair.partner
    if row is not None:
        good = good & (row == torch.arange(len(pair.left))[:, None])
    return good[pair.known].float().mean().item()


def partner_weight(pair: StereoPair, weights: Tensor) -> float:
    """The mean weight of known patches on their true partner, from rows over one line (Y, X, X) or all (N, N)."""
    Y, X = pair.partner.shape
    at = pair.partner.clamp_min(0)
    if weights.ndim == 2:
        found = weights.gather(1, (torch.arange(Y)[:, None] * X + at).view(-1, 1)).view(Y, X)
    else:
        found = weights.gather(-1, at[..., None])[..., 0]
    return found[pair.known].mean().item()


def codebook_weights(pair: StereoPair, words: int, seed: int = 0) -> Tensor:
    """A map of rank at most `words`: every patch is replaced by the nearest of some right patches, (N, N).

    Patches that are replaced by the same word see each other, and nobody else. A row without partners is zero.
    """
    left, right = pair.left.flatten(0, 1), pair.right.flatten(0, 1)
    draw = torch.randperm(len(right), generator=torch.Generator().manual_seed(seed))[:words]
    one, other = (F.one_hot((x @ right[draw].mT).argmax(1), words).float() for x in (left, right))
    return one @ (other / other.sum(0).clamp_min(1)).mT
