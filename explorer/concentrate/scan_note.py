"""The order in which a memory takes the patches, drawn and said, beside the option that chooses it."""
from __future__ import annotations

from linviz.figures.scan_picture import SCAN_WORDS, scan_picture
from linviz.mechanisms import parse


def scan_with_words(spec: str, scan: str) -> str:
    """The drawing of a scan with its words, as HTML.

    >>> "row by row, from left to right</span>" in scan_with_words("delta", "raster")
    True
    """
    return f'<p class="linviz-scan">{scan_picture(parse(spec).name, scan)}<span>{SCAN_WORDS[scan]}</span></p>'
