"""Gates as small pictures in a page's own HTML: quick to draw and to send, with their scale and their axes."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape
from io import BytesIO

from torch import Tensor

from linviz import Grid
from linviz.fixation import LOWEST, log_ratios
from linviz.models.gated_heads import RatioSpread
from linviz.palette import SEQUENTIAL
from linviz.patch_view.blob import frame_image
from linviz.patch_view.heat_png import heat_png, picture_url

from .number_tables import html_table, three_digits

RATIO_TICKS = ("0.0001", "0.001", "0.01", "0.1", "1")  # from LOWEST of log10 r to 0
SPREAD_HEADS = ("between channels", "between patches", "both at once")
SPREAD = ("The per cents say where log r differs, as parts of its variance. Between channels: the same in every patch. "
          "Between patches: the same in every channel.")
Tile = tuple[str, str]  # what it is called, its picture as a URL


def scale_html(title: str, ticks: Sequence[str], scale: str = "cividis") -> str:
    """A colour scale that lies, with its numbers under it."""
    stops = ", ".join(SEQUENTIAL[scale])
    numbers = "".join(f"<span>{escape(tick)}</span>" for tick in ticks)
    return (f'<div class="linviz-scale" aria-hidden="true"><b>{escape(title)}</b><i style="background:'
            f'linear-gradient(90deg, {stops})"></i><div>{numbers}</div></div>')


RATIO_SCALE = scale_html("ratio r, from shut (dark) to kept (bright)", RATIO_TICKS)


def ratio_url(r: Tensor) -> str:
    """Ratios (Y, X) as a picture, on the scale of all ratios."""
    return picture_url(heat_png(log_ratios(r).numpy(), LOWEST, 0.0))


def patches_in_frame(x: Tensor, grid: Grid, t: int) -> Tensor:
    """Numbers of tokens (N, M) as pictures of one frame of patches, (M, Y, X)."""
    return grid.fold(x.float())[t].movedim(-1, 0)


def patches_in_frames(x: Tensor, grid: Grid) -> Tensor:
    """One number a token (N,) as all frames of patches side by side, (Y, T X)."""
    return grid.fold(x[:, None].float())[..., 0].movedim(0, 1).flatten(1)


def frame_url(frames: Tensor, side: int = 144) -> str:
    """Frames (T, 3, Ypx, Xpx) side by side as one small picture."""
    image, out = frame_image(frames.movedim(0, 2).flatten(2, 3)), BytesIO()
    image.thumbnail((side * len(frames), side))
    image.save(out, "JPEG", quality=85)
    return picture_url(out.getvalue(), "jpeg")


def tile_html(title: str, tiles: Sequence[Tile], note: str = "", wide: bool = False) -> str:
    """A card: pictures side by side, each with its name over it, and under them what the card is about."""
    inside = "".join(f'<span>{escape(name)}<img src="{url}" alt=""></span>' for name, url in tiles)
    return (f'<figure{" class=wide" * wide}><div>{inside}</div><figcaption><b>{escape(title)}</b> '
            f"{escape(note)}</figcaption></figure>")


def tiles_html(cards: Sequence[str], alt: str, scale: str, kind: str = "linviz-tiles") -> str:
    """Cards beside each other as one picture with one alt text, and its scale."""
    return f'{scale}<div class="{kind}" role="img" aria-label="{escape(alt)}">{"".join(cards)}</div>'


def matrix_html(columns: Sequence[tuple[str, Tensor]], rows: Sequence[str], across: str, alt: str,
                mark: tuple[int, int] | None = None, parts: int = 1) -> str:
    """Tables of ratios (M, tokens) beside each other, a row per channel.

    mark  one token out of so many is framed;  parts  thin lines cut the tokens into so many equal parts.
    """
    names = "".join(f"<span>{escape(name)}</span>" for name in rows)
    over = "" if mark is None else (f'<i style="left:{100 * mark[0] / mark[1]:.3f}%;'
                                    f'width:{100 / mark[1]:.3f}%"></i>')
    over += "".join(f'<u style="left:{100 * n / parts:.3f}%"></u>' for n in range(1, parts))
    tables = "".join(f'<figure><figcaption>{escape(name)}</figcaption><div><img src="{ratio_url(r)}" alt="">{over}'
                     f"</div><small>{escape(across)}</small></figure>" for name, r in columns)
    return (f'<div class="linviz-matrix" style="--rows:{len(rows)}" role="img" aria-label="{escape(alt)}">'
            f'<div><em>channel</em>{names}</div>{tables}</div>')


def spread_table(rows: Sequence[tuple[str, RatioSpread]]) -> str:
    """Where the ratios differ, a row a side of a gate, as HTML."""
    heads = "".join(f'<th scope="col">{name} <span class="unit">(%)</span></th>' for name in SPREAD_HEADS)
    body = [f'<tr><th scope="row">{escape(name)}</th><td>{one.low:.2g} to {one.high:.2g}</td>' + "".join(
        f"<td>{three_digits(round(100 * x))}</td>" for x in (one.channels, one.tokens, one.both)) + "</tr>"
        for name, one in rows]
    return html_table(f'<th scope="col">four fifths of r <span class="unit">(from, to)</span></th>{heads}', "", body)
