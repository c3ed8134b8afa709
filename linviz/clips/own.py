"""Somebody's own picture or frames as a clip."""
import numpy as np
import torch
from torch import Tensor

from ..shapes import Frames


def to_frames(array: np.ndarray | Tensor) -> Frames:
    """Pictures as they come from other libraries -> (T, 3, Ypx, Xpx) float32 in 0..1.

    Takes uint8 (0..255), bool or floating point (0..1): one grey picture (Y, X), one in colour (Y, X, 3), with opacity
    (Y, X, 4; laid on white), or a stack of colour pictures (T, Y, X, 3 or 4). Raises ValueError for anything else.

    >>> to_frames(np.zeros((32, 48, 3), dtype=np.uint8)).shape
    torch.Size([1, 3, 32, 48])
    """
    pictures = array.detach().cpu() if isinstance(array, Tensor) else torch.from_numpy(np.ascontiguousarray(array))
    given = f"got {tuple(pictures.shape)} {str(pictures.dtype).removeprefix('torch.')}"
    if pictures.ndim == 2:
        pictures = pictures[..., None].expand(-1, -1, 3)
    if pictures.ndim == 3:
        pictures = pictures[None]
    if pictures.ndim != 4 or pictures.shape[-1] not in (3, 4) or 0 in pictures.shape:
        raise ValueError(f"a picture is (Y, X), (Y, X, 3) or (Y, X, 4) and a clip (T, Y, X, 3), colours last; {given}")
    frames = _unit(pictures, given)
    if frames.shape[-1] == 4:
        frames = 1 + (frames[..., :3] - 1) * frames[..., 3:]
    return frames.permute(0, 3, 1, 2).contiguous()


def _unit(pictures: Tensor, given: str) -> Tensor:
    if pictures.dtype == torch.uint8:
        return pictures.float() / 255
    if pictures.dtype != torch.bool and not pictures.is_floating_point():
        raise ValueError(f"colours are uint8 in 0..255, bool, or floating point in 0..1; {given}")
    frames = pictures.float()
    if not (frames.amin() >= 0 and frames.amax() <= 1):
        raise ValueError(f"floating point colours lie in 0..1; {given} with {frames.amin():.3g}..{frames.amax():.3g}")
    return frames
