"""A user's own picture or frames as a clip."""
import numpy as np
import torch
from torch import Tensor

from ..shapes import Frames


def colours_last(values: np.ndarray) -> np.ndarray:
    """Pixels with the colours last, as torch has them first; a grey picture may have one colour.

    >>> colours_last(np.zeros((2, 3, 32, 48))).shape, colours_last(np.zeros((1, 32, 48))).shape
    ((2, 32, 48, 3), (32, 48, 3))
    """
    if values.ndim in (3, 4) and values.shape[-1] not in (1, 3, 4) and values.shape[-3] in (1, 3, 4):
        values = np.moveaxis(values, -3, -1)
    return values.repeat(3, -1) if values.ndim in (3, 4) and values.shape[-1] == 1 else values


def to_frames(array: np.ndarray | Tensor) -> Frames:
    """Pictures in the layout of other libraries -> (T, 3, Ypx, Xpx) float32 in 0..1.

    Takes uint8 (0..255), bool or floating point (0..1): a grey picture (Y, X), a colour picture (Y, X, 3), one with
    opacity (Y, X, 4; laid on white), or a stack of colour pictures (T, Y, X, 3 or 4). Raises ValueError for all else.

    >>> to_frames(np.zeros((32, 48, 3), dtype=np.uint8)).shape
    torch.Size([1, 3, 32, 48])
    """
    values = array.detach().cpu().numpy() if isinstance(array, Tensor) else np.asarray(array)
    given = f"got {values.shape} {values.dtype}"
    if values.dtype != np.uint8 and values.dtype.kind not in "bf":
        raise ValueError(f"colours must be uint8 in 0..255, bool, or floating point in 0..1; {given}")
    pictures = torch.from_numpy(values / np.float32(255) if values.dtype == np.uint8 else values.astype(np.float32))
    if pictures.ndim == 2:
        pictures = pictures[..., None].expand(-1, -1, 3)
    if pictures.ndim == 3:
        pictures = pictures[None]
    if pictures.ndim != 4 or pictures.shape[-1] not in (3, 4) or 0 in pictures.shape:
        raise ValueError(f"a picture is (Y, X), (Y, X, 3) or (Y, X, 4), a clip (T, Y, X, 3), colours last; {given}")
    if not (pictures.amin() >= 0 and pictures.amax() <= 1):  # also catches NaN
        low, high = pictures.amin().item(), pictures.amax().item()
        raise ValueError(f"floating point colours must lie in 0..1; {given} with {low:.3g}..{high:.3g}")
    if pictures.shape[-1] == 4:
        pictures = 1 + (pictures[..., :3] - 1) * pictures[..., 3:]
    return pictures.permute(0, 3, 1, 2).contiguous()
