"""The view as still pictures: PNG, at twice the resolution of a screen, and SVG; both hold the state that made them.

One panel per mechanism under one exposure, each lit (or tinted, or signed) as the live view draws it, with the pinned
patch in a ring, its three numbers below, and for a clip a strip of all frames, each with its share of the attention.
"""
from __future__ import annotations

import io
import json

import torch
from PIL import PngImagePlugin

from ... import clips
from ...palette import HUES, OTHER_HUE
from ...patch_view.light import FULL
from ...patch_view.still import SIGNED, is_signed, ring_radius
from ..drawable import Drawable, DrawablePanel
from ..row_stats import signed_statistics
from .painting import WIDE, baseline_panel, frame_shares, framed_overlay, panel_statistics, scale_items
from .pinned_pictures import pin_pictures, pin_rings, pin_sentence, pins_height
from .sheet import INK, SOFT, Dot, Ring, Sheet, Words, sheet_image, sheet_svg, shortened_text, text_length

MARGIN, GAP, ABREAST, STRIP = 28, 18, 4, 8  # STRIP: frames side by side
SMALL = (WIDE - 5 * (STRIP - 1)) / STRIP  # pixels: how wide a small frame is
TONED = {"root": ".", "linear": "; brightness is in proportion.", "log": "; brightness is logarithmic, three decades."}
HEAD, FACTS, THUMB, LINE = 26, 46, 15, 25  # pixels: over a panel, under it, under a small frame, a line of the title
SCALE = 26  # pixels: the scale with the space around it


def png_bytes(opened: Drawable) -> bytes:
    """The view as PNG; its text chunk "linviz" holds the state as JSON.

    >>> from linviz.views import View, open_view
    >>> png_bytes(open_view(View("coffee", patches=7, specs=("uniform",))))[1:4]
    b'PNG'
    """
    page, out, note = draw_sheet(opened), io.BytesIO(), PngImagePlugin.PngInfo()
    note.add_itxt("linviz", page.note)
    note.add_itxt("Description", page.text)
    sheet_image(page).save(out, "PNG", pnginfo=note, dpi=(192, 192), compress_level=4)
    return out.getvalue()


def svg_document(opened: Drawable) -> str:
    """The view as SVG: words stay words, pictures are JPEG inside it; its metadata hold the state as JSON.

    >>> from linviz.views import View, open_view
    >>> svg_document(open_view(View("coffee", patches=7, specs=("uniform",)))).startswith("<svg")
    True
    """
    return sheet_svg(draw_sheet(opened))


@torch.no_grad()
def draw_sheet(opened: Drawable) -> Sheet:
    """The sheet of the view, as its look says: PNG and SVG print the same one."""
    inside = picture_height(opened)
    below = _strip(opened) + pins_height(opened)
    page = empty_sheet(opened, inside + below)
    for n in range(len(opened.panels)):
        x, y = panel_corner(opened, n, inside + below)
        add_panel(page, opened, n, (x, y), opened.frame)
        _facts(page, opened, opened.panels[n], x, y + HEAD + inside)
        _thumbs(page, opened, opened.panels[n], x, y + HEAD + inside + FACTS + 6)
        corner = (x, y + HEAD + inside + FACTS + 6 + _strip(opened))
        page.items += pin_pictures(opened, opened.panels[n], corner, opened.frame)
    return page


# ------------------------------------------------------------------------------------------------ the page


def picture_height(opened: Drawable) -> float:
    """How high a panel's picture is."""
    return WIDE * opened.grid.Y / opened.grid.X


def empty_sheet(opened: Drawable, tall: float) -> Sheet:
    """A page without panels, which will be `tall`: the heading above, the sources below."""
    rows = -(-len(opened.panels) // ABREAST)
    below = small_lines(opened, _source(opened))
    high = 2 * MARGIN + header_height(opened) - 8 + rows * (HEAD + tall + FACTS + GAP) + SCALE + 18 * len(below)
    page = Sheet(page_width(opened), high, opened.heading, f"{_asked(opened)} {opened.clip.alt}",
                 json.dumps(opened.to_json()))
    (lines, size), asked = title_lines(opened), small_lines(opened, _asked(opened))
    page.items += [Words(MARGIN, MARGIN + 16 + LINE * n, x, size, INK, True) for n, x in enumerate(lines)]
    under = MARGIN + header_height(opened)
    page.items += [Words(MARGIN, under - 18 * (len(asked) - n), x) for n, x in enumerate(asked)]
    page.items += scale_items(opened, MARGIN, high - MARGIN - 18 * len(below) - SCALE / 2)
    page.items += [Words(MARGIN, high - MARGIN - 18 * (len(below) - 1 - n), x, 12) for n, x in enumerate(below)]
    return page


def page_width(opened: Drawable) -> float:
    """How wide the page is."""
    columns = min(ABREAST, len(opened.panels))
    return 2 * MARGIN + columns * WIDE + (columns - 1) * GAP


def title_lines(opened: Drawable) -> tuple[list[str], int]:
    """The lines of the title and their size: the bold font of an SVG viewer may be much wider."""
    size = 20 if len(opened.panels) > 1 else 15
    return wrap_lines(opened.heading, 0.72 * (page_width(opened) - 2 * MARGIN), size), size


def small_lines(opened: Drawable, text: str) -> list[str]:
    """The lines of a text in small letters."""
    return wrap_lines(text, 0.86 * (page_width(opened) - 2 * MARGIN), 13)  # the font of an SVG viewer may be wider


def header_height(opened: Drawable) -> float:
    """How far below the margin panels begin."""
    return 40 + LINE * (len(title_lines(opened)[0]) - 1) + 18 * len(small_lines(opened, _asked(opened)))


def panel_corner(opened: Drawable, n: int, tall: float) -> tuple[float, float]:
    """Where panel n begins."""
    row, column = divmod(n, ABREAST)
    return MARGIN + column * (WIDE + GAP), MARGIN + header_height(opened) + row * (HEAD + tall + FACTS + GAP)


def _asked(opened: Drawable) -> str:
    t, y, x = opened.place
    place = f"The patch in row {y + 1}, column {x + 1}"
    shares = f" of frame {t + 1} asks; below each frame stands its share of the attention."
    return place + (" asks." if opened.grid.T == 1 else shares) + pin_sentence(opened)


def _source(opened: Drawable) -> str:
    """The text below: whose picture it is, how it was read, what brightness means."""
    return (f"{credit_line(opened.clip)} {opened.provenance} {look_sentences(opened)} linviz "
            f"{opened.to_json()['linviz']}.")


def look_sentences(opened: Drawable) -> str:
    """How the view is drawn, in sentences."""
    look, gated = opened.look, any(panel.gate for panel in opened.panels)
    said = []
    if look.mode == "difference" and len(opened.panels) > 1:
        said.append(f"Each map is drawn minus {opened.titles[0]}: orange is more, blue is less.")
    one = f"All panels have one exposure, full where a patch gets {FULL} times its equal share"
    said.append(("Each panel has its own exposure, full at its heaviest patch" if look.own else one) + TONED[look.tone])
    if look.strength != 1 and gated:
        said.append(f"Gates stand at strength {look.strength:.2f} of 1.")
    if look.share:
        line = "The line" if opened.outline is None else "The yellow line"
        said.append(f"{line} encloses the fewest patches that hold {100 * look.share:.0f} % of the attention.")
    return " ".join(said)


def credit_line(clip: clips.Clip) -> str:
    """Title, author and licence; a person's own pictures have only a title.

    >>> credit_line(clips.photograph("coffee"))
    'A cup of coffee: Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0.'
    """
    return f"{clip.title}." if clip.author == "your own" else f"{clip.title}: {clip.author}, {clip.licence}."


def wrap_lines(text: str, wide: float, size: float = 12) -> list[str]:
    """A text in lines that are at most `wide`.

    >>> wrap_lines("one two three", 60)
    ['one two', 'three']
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        lines[-1:] = [longer] if text_length(longer, size) <= wide or not lines[-1] else [lines[-1], word]
    return lines


# ------------------------------------------------------------------------------------------------ a panel


def add_panel(page: Sheet, opened: Drawable, n: int, at: tuple[float, float], t: int) -> None:
    """Panel n: a title and frame t under its attention, with the pinned patch in a ring."""
    (x, y), (asked, row, column), grid, panel = at, opened.place, opened.grid, opened.panels[n]
    moment = f"frame {t + 1} of {grid.T}" if grid.T > 1 else ""
    room = 0.95 * (WIDE - 18 - (text_length(moment, 12) + 8 if moment else 0))  # in SVG it is bold
    page.items += [Dot(x + 5, y + 11, 5, HUES.get(panel.family, OTHER_HUE)),
                   Words(x + 18, y + 16, shortened_text(panel_title(opened, n), 15, room), 15, INK, True)]
    if moment:
        page.items.append(Words(x + WIDE, y + 16, moment, 12, end=True))
    page.items += framed_overlay(opened, panel, t, (x, y + HEAD, WIDE, picture_height(opened)), 2 * WIDE)
    high = picture_height(opened)
    page.items += pin_rings(opened, (x, y + HEAD), high, t) or [
        Ring(x + (column + 0.5) / grid.X * WIDE, y + HEAD + (row + 0.5) / grid.Y * high, ring_radius(grid, WIDE),
             t != asked)]


def panel_title(opened: Drawable, n: int) -> str:
    """The text above a panel."""
    less = opened.look.mode == "difference" and baseline_panel(opened, opened.panels[n]) is not None
    return opened.titles[n] + f" minus {opened.titles[0]}" * less


def _facts(page: Sheet, opened: Drawable, panel: DrawablePanel, x: float, y: float) -> None:
    """Three numbers of the pinned patch, and the reason where they are not those of a probability distribution."""
    found, note = panel_statistics(opened, panel)
    signs = signed_statistics(panel.map, opened.query)
    if signs:
        note = f"signed: {SIGNED}" if is_signed(panel.map, opened.query) else note
        under = three_digits(abs(signs["negative_sum"]))
        facts = [(f"{three_digits(100 * signs['negative_share'])} %", "negative"),
                 (f"−{under}" if signs["negative_sum"] else "0", "their sum"),
                 (three_digits(signs["largest_weight"]), "largest × N")]
    elif found:
        facts = [(three_digits(found["entropy"]), "bits of entropy"),
                 (three_digits(found["effective_tokens"]), "effective patches"),
                 (f"{three_digits(100 * found['top_share'])} %", "in top 10")]
    else:
        facts = []
    high = y - 5 * bool(signs)  # room for the reason below
    page.items += [Words(x, y + (48 if signs else 22), note, 12)] if note else []
    for n, (number, what) in enumerate(facts):
        left = x + n * WIDE / 2.75
        page.items += [Words(left, high + 22, number, 16, INK, True), Words(left, high + 38, what, 12)]


def three_digits(x: float) -> str:
    """A number with three digits, as the live view writes it.

    >>> three_digits(0.0123), three_digits(12.34), three_digits(1568.0)
    ('0.01', '12.3', '1570')
    """
    return f"{float(f'{x:.3g}'):.0f}" if x >= 99.95 else f"{x:.1f}" if x >= 9.995 else f"{x:.2f}"


# ------------------------------------------------------------------------------------------------ a clip's frames


def _strip(opened: Drawable) -> float:
    """How high the strip of frames is; nothing for a photograph."""
    rows = -(-opened.grid.T // STRIP) if opened.grid.T > 1 else 0
    return rows * (SMALL * opened.grid.Y / opened.grid.X + THUMB + 5) + 6 * (rows > 0)


def _thumbs(page: Sheet, opened: Drawable, panel: DrawablePanel, x: float, y: float) -> None:
    """Every frame as a thumbnail, with its share of the attention."""
    if opened.grid.T == 1:
        return
    parts, high = frame_shares(opened, panel), SMALL * opened.grid.Y / opened.grid.X
    for t in range(opened.grid.T):
        row, column = divmod(t, STRIP)
        left, top = x + column * (SMALL + 5), y + row * (high + THUMB + 5)
        page.items += framed_overlay(opened, panel, t, (left, top, SMALL, high), round(3 * SMALL))
        page.items.append(Words(left, top + high + 12, f"{parts[t]} %" if parts else f"{t + 1}", 11,
                                INK if t == opened.place[0] else SOFT))
