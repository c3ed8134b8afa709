"""A sheet of paper with pictures, words, dots and rings on it, and its two printers: pixels (PNG) and SVG.

Lengths are in CSS pixels from the top left corner. Pixels are drawn with the one font that Pillow brings, which knows
plain letters only; an SVG keeps every letter.
"""
from __future__ import annotations

import base64
import io
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape

from PIL import Image, ImageColor, ImageDraw, ImageFont

PAPER, INK, SOFT = "#ffffff", "#1d232b", "#59616b"
DARK, HELD, EDGE = "#000000", "#ffd84d", "#ffffff"  # lines on any picture: under both, around what is held, the object
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
SHARPER = 4  # rings and dots are drawn so many times too large and shrunk: Pillow's own have steps


@dataclass(frozen=True, eq=False)
class Picture:
    """An image whose top left corner lies at x, y, shown `wide` and `high`."""

    x: float
    y: float
    wide: float
    high: float
    image: Image.Image


@dataclass(frozen=True)
class Words:
    """A line of text; x, y is where its baseline begins, or ends where `end`."""

    x: float
    y: float
    text: str
    size: float = 13
    fill: str = SOFT
    bold: bool = False
    end: bool = False


@dataclass(frozen=True)
class Dot:
    """A disc of radius r around x, y."""

    x: float
    y: float
    r: float
    fill: str


@dataclass(frozen=True)
class Ring:
    """A ring with a dark edge around x, y, white or `light`; faint where what it marks lies in another frame."""

    x: float
    y: float
    r: float
    faint: bool = False
    light: str = EDGE


@dataclass(frozen=True)
class Lines:
    """Straight lines (x, y, x, y), light on dark, so that they show on any picture; width and colour of the light."""

    ends: tuple[tuple[float, float, float, float], ...]
    width: float = 1.4
    light: str = HELD


Item = Picture | Words | Dot | Ring | Lines


@dataclass
class Sheet:
    """What is drawn, in order; `title` and `text` say it in words, `note` is the state it was drawn from."""

    wide: float
    high: float
    title: str = ""
    text: str = ""
    note: str = ""
    items: list[Item] = field(default_factory=list)


# ------------------------------------------------------------------------------------------------ pixels


def sheet_image(sheet: Sheet, scale: float = 2.0, even: bool = False) -> Image.Image:
    """The sheet as an RGB image, `scale` pixels for one of its own; `even`: sides that a video may have.

    >>> sheet_image(Sheet(10, 8, items=[Dot(5, 4, 3, "#ff0000")])).size
    (20, 16)
    """
    wide, high = (round(x * scale) // 2 * 2 if even else round(x * scale) for x in (sheet.wide, sheet.high))
    image = Image.new("RGB", (wide, high), PAPER)
    for item in sheet.items:
        if isinstance(item, Picture):
            ends = [round(at * scale) for at in (item.x, item.y, item.x + item.wide, item.y + item.high)]
            size = (max(1, ends[2] - ends[0]), max(1, ends[3] - ends[1]))
            image.paste(item.image.resize(size, Image.Resampling.LANCZOS), (ends[0], ends[1]))
        elif isinstance(item, Words):
            ImageDraw.Draw(image).text((item.x * scale, item.y * scale), plain_letters(item.text), item.fill,
                                       _font(item.size * scale), "rs" if item.end else "ls")
        elif isinstance(item, Lines):
            pen = ImageDraw.Draw(image)
            for width, colour in _strokes(item):
                for end in item.ends:
                    pen.line([at * scale for at in end], colour, max(1, round(width * scale)))
        else:
            _mark(image, item, scale)
    return image


@lru_cache(maxsize=32)
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@lru_cache(maxsize=4096)
def text_length(text: str, size: float) -> float:
    """How long a line of text is.

    >>> text_length("ii", 12) < text_length("mm", 12)
    True
    """
    return _font(size).getlength(plain_letters(text))


def shortened_text(text: str, size: float, wide: float) -> str:
    """As much of a text as fits into `wide` pixels; three points stand for the rest.

    >>> shortened_text("softmax", 15, 200), shortened_text("softmax and others", 15, 80)
    ('softmax', 'softmax...')
    """
    kept = text
    while kept and text_length(kept if kept == text else kept + "...", size) > wide:
        kept = kept[:-1].rstrip()
    return kept if kept == text else kept + "..."


def _mark(image: Image.Image, item: Dot | Ring, scale: float) -> None:
    """Draw a dot or a ring on a stamp that is too large, and lay the shrunk stamp on the image."""
    side = round(2 * (item.r + 3) * scale)
    big = Image.new("RGBA", (side * SHARPER,) * 2, (0, 0, 0, 0))
    pen, middle, unit = ImageDraw.Draw(big), side * SHARPER / 2, scale * SHARPER

    def circle(r: float, **how: object) -> None:
        ends = (middle - r * unit, middle - r * unit, middle + r * unit, middle + r * unit)
        pen.ellipse(ends, **how)  # type: ignore[arg-type]

    if isinstance(item, Dot):
        circle(item.r, fill=item.fill)
    else:
        strong = 110 if item.faint else 255
        circle(item.r + 1.2, outline=(0, 0, 0, strong * 3 // 4), width=round(3.2 * unit))
        circle(item.r + 0.6, outline=(*ImageColor.getrgb(item.light), strong), width=round(1.5 * unit))
    stamp = big.resize((side, side), Image.Resampling.LANCZOS)
    image.paste(stamp, (round(item.x * scale - side / 2), round(item.y * scale - side / 2)), stamp)


def plain_letters(text: str) -> str:
    """A text in letters that Pillow's font has: without accents, and ? for what is left.

    >>> plain_letters("Müller – 2 × 3")
    'Muller - 2 x 3'
    """
    for letter, like in (("–", "-"), ("−", "-"), ("×", "x"), ("’", "'"), ("ß", "ss"), ("…", "...")):
        text = text.replace(letter, like)
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in bare)


# ------------------------------------------------------------------------------------------------ SVG


def sheet_svg(sheet: Sheet) -> str:
    """The sheet as one SVG that fetches nothing: pictures are inside, words stay words.

    >>> sheet_svg(Sheet(10, 8, "a < b", items=[Words(1, 7, "é & <b>")])).count("<text")
    1
    """
    wide, high = _short(sheet.wide), _short(sheet.high)
    body = "\n".join(_element(item) for item in sheet.items)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{wide}" '
            f'height="{high}" viewBox="0 0 {wide} {high}" role="img" aria-labelledby="title text" '
            f'font-family="{escape(FONT)}">\n<title id="title">{_clean(sheet.title)}</title>\n'
            f'<desc id="text">{_clean(sheet.text)}</desc>\n<metadata>{_clean(sheet.note)}</metadata>\n'
            f'<rect width="100%" height="100%" fill="{PAPER}"/>\n{body}\n</svg>\n')


def _strokes(item: Lines) -> tuple[tuple[float, str], ...]:
    """The width and the colour of both strokes."""
    return (item.width + 2, DARK), (item.width, item.light)


def _element(item: Item) -> str:
    if isinstance(item, Lines):
        path = "".join(f"M{_short(a)} {_short(b)}L{_short(c)} {_short(d)}" for a, b, c, d in item.ends)
        return "".join(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{_short(width)}"/>'
                       for width, colour in _strokes(item))
    x, y = _short(item.x), _short(item.y)
    if isinstance(item, Picture):
        return (f'<image x="{x}" y="{y}" width="{_short(item.wide)}" height="{_short(item.high)}" '
                f'preserveAspectRatio="none" xlink:href="data:image/jpeg;base64,{_jpeg(item.image)}"/>')
    if isinstance(item, Words):
        how = ' font-weight="600"' * item.bold + ' text-anchor="end"' * item.end
        how += f' font-size="{_short(item.size)}" fill="{item.fill}"'
        return f'<text x="{x}" y="{y}"{how}>{_clean(item.text)}</text>'
    if isinstance(item, Dot):
        return f'<circle cx="{x}" cy="{y}" r="{_short(item.r)}" fill="{item.fill}"/>'
    strong = 0.43 if item.faint else 1
    return (f'<g fill="none" opacity="{strong}"><circle cx="{x}" cy="{y}" r="{_short(item.r - 1)}" stroke="#000" '
            f'stroke-opacity=".75" stroke-width="4.4"/><circle cx="{x}" cy="{y}" r="{_short(item.r - 1)}" '
            f'stroke="{item.light}" stroke-width="2"/></g>')


def _short(x: float) -> str:
    return f"{x:.2f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    """Text that XML may hold."""
    return escape("".join(c for c in text if c.isprintable() or c in "\n\t"))


def _jpeg(image: Image.Image) -> str:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return base64.b64encode(out.getvalue()).decode()
