"""The order in which a memory takes the patches, drawn and said, beside the option that chooses it."""
from __future__ import annotations

from base64 import b64encode
from html import escape

from linviz.figures.scan_picture import SCAN_WORDS, scan_alt, scan_picture
from linviz.figures.theme import INK, mode_name
from linviz.mechanisms import parse


def scan_with_words(spec: str, scan: str, dark: bool = False) -> str:
    """The drawing of a scan with its words, as HTML. It is an image: Streamlit takes SVG out of what a page writes.

    >>> "row by row, from left to right</span>" in scan_with_words("delta", "raster")
    True
    """
    drawn = scan_picture(parse(spec).name, scan).replace("currentColor", INK[mode_name(dark)])
    named = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    source = f"data:image/svg+xml;base64,{b64encode(named.encode()).decode()}"
    return (f'<p class="linviz-scan"><img src="{source}" alt="{escape(scan_alt(scan))}">'
            f"<span>{SCAN_WORDS[scan]}</span></p>")
