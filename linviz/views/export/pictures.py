"""The view as still pictures: PNG, twice as fine as the screen, and SVG, both with the state that made them inside.

One panel a mechanism under one exposure, each lit (or tinted, or signed) as the live view draws it, with the pinned
patch in a ring, its three numbers below, and for a clip a strip of all frames with what each holds.
"""
from __future__ import annotations

import io
import json

import torch
from PIL import PngImagePlugin

from ... import clips
from ...patch_view.blob import FULL
from ...patch_view.still import HUES, SIGNED, is_signed
from ..sight import Lit, Sight
from .painting import WIDE, base, shares, told, under
from .sheet import INK, SOFT, Dot, Ring, Sheet, Words, length, pixels, svg_text

MARGIN, GAP, ABREAST, STRIP = 28, 18, 4, 8  # STRIP: frames side by side
TONED = {"root": ".", "linear": "; brightness is in proportion.", "log": "; brightness is logarithmic, three decades."}
HEAD, FACTS, THUMB, LINE = 26, 46, 15, 25  # pixels: over a panel, under it, under a small frame, a line of the title


def png(opened: Sight) -> bytes:
    """The view as PNG; its text chunk "linviz" holds the state as JSON.

    >>> from linviz.views import View
    >>> png(View("coffee", patches=7, specs=("uniform",)).open())[1:4]
    b'PNG'
    """
    page, out, note = drawn(opened), io.BytesIO(), PngImagePlugin.PngInfo()
    note.add_itxt("linviz", page.note)
    note.add_itxt("Description", page.text)
    pixels(page).save(out, "PNG", pnginfo=note, dpi=(192, 192), compress_level=4)
    return out.getvalue()


def svg(opened: Sight) -> str:
    """The view as SVG: words stay words, pictures are JPEG inside it; its metadata hold the state as JSON.

    >>> from linviz.views import View
    >>> svg(View("coffee", patches=7, specs=("uniform",)).open()).startswith("<svg")
    True
    """
    return svg_text(drawn(opened))


@torch.no_grad()
def drawn(opened: Sight) -> Sheet:
    """The sheet that both print: as its `look` has it."""
    opened, inside = opened.turned, inner(opened)
    page = sheet(opened, inside + _strip(opened))
    for n, shown in enumerate(opened.shown):
        x, y = corner(opened, n, inside + _strip(opened))
        panel(page, opened, shown, n, (x, y), opened.frame)
        _facts(page, opened, shown, x, y + HEAD + inside)
        _thumbs(page, opened, shown, x, y + HEAD + inside + FACTS + 6)
    return page


# ------------------------------------------------------------------------------------------------ the page


def inner(opened: Sight) -> float:
    """How high a panel's picture is."""
    return WIDE * opened.grid.Y / opened.grid.X


def sheet(opened: Sight, tall: float) -> Sheet:
    """An empty page for panels so `tall`: what to see above, where it comes from below."""
    columns = min(ABREAST, len(opened.shown))
    rows = -(-len(opened.shown) // columns)
    wide = page_width(opened)
    below = small(opened, _source(opened))
    high = 2 * MARGIN + top(opened) - 8 + rows * (HEAD + tall + FACTS + GAP) + 18 * len(below)
    page = Sheet(wide, high, opened.heading, f"{_asked(opened)} {opened.clip.alt}", json.dumps(opened.told()))
    (lines, size), asked = title(opened), small(opened, _asked(opened))
    page.items += [Words(MARGIN, MARGIN + 16 + LINE * n, x, size, INK, True) for n, x in enumerate(lines)]
    page.items += [Words(MARGIN, MARGIN + top(opened) - 18 * (len(asked) - n), x) for n, x in enumerate(asked)]
    page.items += [Words(MARGIN, high - MARGIN - 18 * (len(below) - 1 - n), x, 12) for n, x in enumerate(below)]
    return page


def page_width(opened: Sight) -> float:
    """How wide the page is."""
    columns = min(ABREAST, len(opened.shown))
    return 2 * MARGIN + columns * WIDE + (columns - 1) * GAP


def title(opened: Sight) -> tuple[list[str], int]:
    """The lines of the title and their size: a bold font of who opens the SVG may be much wider."""
    size = 20 if len(opened.shown) > 1 else 15
    return folded(opened.heading, 0.72 * (page_width(opened) - 2 * MARGIN), size), size


def small(opened: Sight, text: str) -> list[str]:
    """The lines of a text in small letters."""
    return folded(text, 0.86 * (page_width(opened) - 2 * MARGIN), 13)  # who opens the SVG may have a wider font


def top(opened: Sight) -> float:
    """How far below the margin panels begin."""
    return 40 + LINE * (len(title(opened)[0]) - 1) + 18 * len(small(opened, _asked(opened)))


def corner(opened: Sight, n: int, tall: float) -> tuple[float, float]:
    """Where panel n begins."""
    row, column = divmod(n, min(ABREAST, len(opened.shown)))
    return MARGIN + column * (WIDE + GAP), MARGIN + top(opened) + row * (HEAD + tall + FACTS + GAP)


def _asked(opened: Sight) -> str:
    t, y, x = opened.place
    place = f"The patch in row {y + 1}, column {x + 1}"
    if opened.grid.T == 1:
        return f"{place} asks."
    return f"{place} of frame {t + 1} asks; beside each frame stands its share of the attention."


def _source(opened: Sight) -> str:
    """What stands below: whose picture, how it was read, what brightness means."""
    return f"{credit(opened.clip)} {opened.made} {looked(opened)} linviz {opened.told()['linviz']}."


def looked(opened: Sight) -> str:
    """How it is drawn, in sentences."""
    look, gated = opened.look, any(shown.gate for shown in opened.shown)
    said = []
    if look.mode == "difference" and len(opened.shown) > 1:
        said.append(f"Drawn is each map less {opened.titles[0]}: orange is more, blue is less.")
    one = f"All panels have one exposure, full where a patch gets {FULL} times its equal share"
    said.append(("Each panel has its own exposure, full at its heaviest patch" if look.own else one) + TONED[look.tone])
    if look.strength != 1 and gated:
        said.append(f"Gates stand at strength {look.strength:.2f} of 1.")
    if look.share:
        line = "The line" if opened.outline is None else "The yellow line"
        said.append(f"{line} is around the fewest patches that hold {100 * look.share:.0f} % of the attention.")
    return " ".join(said)


def credit(clip: clips.Clip) -> str:
    """Whose pictures these are; one's own have only a name.

    >>> credit(clips.photograph("coffee"))
    'A cup of coffee: Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0.'
    """
    return f"{clip.title}." if clip.author == "your own" else f"{clip.title}: {clip.author}, {clip.licence}."


def folded(text: str, wide: float, size: float = 12) -> list[str]:
    """A text in lines at most so wide.

    >>> folded("one two three", 60)
    ['one two', 'three']
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        lines[-1:] = [longer] if length(longer, size) <= wide or not lines[-1] else [lines[-1], word]
    return lines


# ------------------------------------------------------------------------------------------------ a panel


def panel(page: Sheet, opened: Sight, shown: Lit, n: int, at: tuple[float, float], t: int) -> None:
    """A title and frame t under its attention, with the pinned patch in a ring."""
    (x, y), (asked, row, column), grid = at, opened.place, opened.grid
    page.items += [Dot(x + 5, y + 11, 5, HUES.get(shown.family, "#888888")),
                   Words(x + 18, y + 16, titled(opened, n)[:44], 15, INK, True)]
    page.items += under(opened, shown, t, (x, y + HEAD, WIDE, inner(opened)), 2 * WIDE)
    page.items.append(Ring(x + (column + 0.5) / grid.X * WIDE, y + HEAD + (row + 0.5) / grid.Y * inner(opened),
                           max(7.5, WIDE / grid.X / 2), t != asked))


def titled(opened: Sight, n: int) -> str:
    """What stands over a panel."""
    less = opened.look.mode == "difference" and base(opened, opened.shown[n]) is not None
    return opened.titles[n] + f" minus {opened.titles[0]}" * less


def _facts(page: Sheet, opened: Sight, shown: Lit, x: float, y: float) -> None:
    """Three numbers of the pinned patch, or why there are none."""
    found, note = told(opened, shown)
    if not found:
        signed = is_signed(shown.map, opened.query)
        page.items.append(Words(x, y + 22, f"signed: {SIGNED}" if signed else note, 13))
        return
    facts = ((three(found["entropy"]), "bits of entropy"), (three(found["effective_tokens"]), "effective patches"),
            (f"{three(100 * found['top_share'])} %", "in top 10"))
    for n, (number, what) in enumerate(facts):
        left = x + n * WIDE / 2.75
        page.items += [Words(left, y + 22, number, 16, INK, True), Words(left, y + 38, what, 12)]


def three(x: float) -> str:
    """A number with three digits, as the live view writes it.

    >>> three(0.0123), three(12.34), three(1568.0)
    ('0.01', '12.3', '1570')
    """
    return f"{float(f'{x:.3g}'):.0f}" if x >= 99.95 else f"{x:.1f}" if x >= 9.995 else f"{x:.2f}"


# ------------------------------------------------------------------------------------------------ a clip's frames


def _small(opened: Sight) -> float:
    return (WIDE - 5 * (STRIP - 1)) / STRIP


def _strip(opened: Sight) -> float:
    """How high the strip of frames is; nothing for a photograph."""
    rows = -(-opened.grid.T // STRIP) if opened.grid.T > 1 else 0
    return rows * (_small(opened) * opened.grid.Y / opened.grid.X + THUMB + 5) + 6 * (rows > 0)


def _thumbs(page: Sheet, opened: Sight, shown: Lit, x: float, y: float) -> None:
    """Every frame, small, and the share of the attention that it holds."""
    if opened.grid.T == 1:
        return
    side, parts = _small(opened), shares(opened, shown)
    high = side * opened.grid.Y / opened.grid.X
    for t in range(opened.grid.T):
        row, column = divmod(t, STRIP)
        left, top = x + column * (side + 5), y + row * (high + THUMB + 5)
        page.items += under(opened, shown, t, (left, top, side, high), round(3 * side))
        page.items.append(Words(left, top + high + 12, f"{parts[t]} %" if parts else f"{t + 1}", 11,
                                INK if t == opened.place[0] else SOFT))
