"""Moving pictures by known amounts: sampling between pixels, a window over a photograph, following the motion.

Places are in pixels, (down, across); the centre of the first pixel is (0, 0).
"""
import torch
import torch.nn.functional as F
from torch import Tensor


def pixel_places(side_y: int, side_x: int) -> Tensor:
    """Where every pixel of a frame is: (Ypx, Xpx, 2) float, down and across.

    >>> pixel_places(2, 3)[1, 2].tolist()
    [1.0, 2.0]
    """
    axes = torch.arange(side_y, dtype=torch.float32), torch.arange(side_x, dtype=torch.float32)
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)


def sample_images(images: Tensor, where: Tensor, mode: str = "bilinear", outside: str = "border") -> Tensor:
    """Images (T, C, Ypx, Xpx) at places (T, Y', X', 2) in pixels -> (T, C, Y', X').

    mode: "bilinear", "bicubic" or "nearest"; outside: "border" repeats the edge, "zeros" is black.

    >>> ramp = torch.arange(4.).reshape(1, 1, 1, 4)
    >>> sample_images(ramp, torch.tensor([[[[0., 1.25]]]])).item()
    1.25
    """
    size = torch.tensor(images.shape[-2:], dtype=where.dtype)
    unit = (2 * where + 1) / size - 1  # pixel centres to -1..1 from edge to edge
    return F.grid_sample(images, unit.flip(-1), mode=mode, padding_mode=outside, align_corners=False)


def warp_frames(frames: Tensor, motion: Tensor) -> Tensor:
    """What frame t + 1 shows where each pixel of frame t went: (T-1, C, Ypx, Xpx).

    frames (T, C, Ypx, Xpx), motion (T-1, 2, Ypx, Xpx) in pixels. Equal to frames[:-1] where the motion is valid.

    >>> frames, motion = torch.eye(3).reshape(3, 1, 1, 3), torch.tensor([0., 1.]).reshape(1, 2, 1, 1)
    >>> moved = warp_frames(frames, motion.expand(2, 2, 1, 3))
    >>> moved[0].flatten().tolist()
    [1.0, 0.0, 0.0]
    """
    return sample_images(frames[1:], pixel_places(*frames.shape[-2:]) + motion.permute(0, 2, 3, 1))


def inside_frame(where: Tensor, side_y: int, side_x: int) -> Tensor:
    """Which places (..., 2) lie within a frame of that size: (...) bool.

    >>> inside_frame(torch.tensor([[0., 0.], [0., 5.]]), 4, 4).tolist()
    [True, False]
    """
    return ((where >= 0) & (where <= torch.tensor([side_y - 1.0, side_x - 1.0]))).all(-1)


def moving_window(photo: Tensor, centre: Tensor, span: Tensor, side: int) -> Tensor:
    """A square window that moves and zooms over a photograph: (T, 3, side, side) in 0..1.

    photo (1, 3, Ypx, Xpx); centre (T, 2) and span (T,): the window's centre and side in the photograph's pixels.

    >>> moving_window(torch.ones(1, 3, 20, 20), torch.full((2, 2), 9.5), torch.tensor([20., 10.]), 8).shape
    torch.Size([2, 3, 8, 8])
    """
    shrink = min(1.0, side / span.max().item())
    if shrink < 1:  # remove detail that is too fine for the window, or it would flicker
        size = [max(1, round(n * shrink)) for n in photo.shape[-2:]]
        factor = torch.tensor(size) / torch.tensor(photo.shape[-2:])
        photo = F.interpolate(photo, size=size, mode="bilinear", antialias=True, align_corners=False)
    else:
        factor = torch.ones(2)
    where = (window_places(centre, span, side) + 0.5) * factor - 0.5
    return sample_images(photo.expand(len(span), -1, -1, -1), where, mode="bicubic").clamp(0, 1)


def window_places(centre: Tensor, span: Tensor, side: int) -> Tensor:
    """The place in the photograph under every pixel of a moving window: (T, side, side, 2).

    >>> window_places(torch.tensor([[10., 20.]]), torch.tensor([4.]), 2)[0, 0, 0].tolist()
    [9.0, 19.0]
    """
    from_middle = pixel_places(side, side) - (side - 1) / 2
    return centre[:, None, None] + from_middle * (span / side)[:, None, None, None]


def window_motion(centre: Tensor, span: Tensor, side: int) -> Tensor:
    """The exact motion of the photograph under a moving window: (T-1, 2, side, side) pixels down, across.

    >>> window_motion(torch.tensor([[9., 9.], [9., 11.]]), torch.tensor([8., 8.]), 8)[0, :, 0, 0].tolist()
    [0.0, -2.0]
    """
    source = window_places(centre[:-1], span[:-1], side)
    scale = (side / span[1:])[:, None, None, None]
    target = (source - centre[1:, None, None]) * scale + (side - 1) / 2
    return (target - pixel_places(side, side)).permute(0, 3, 1, 2).contiguous()
