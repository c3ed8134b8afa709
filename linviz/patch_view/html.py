"""The view as one HTML file: it opens by double-click, without a server, and sends no request.

The page forbids itself every request but its own pictures (Content-Security-Policy), so what it shows can
come from nowhere else.
"""
from __future__ import annotations

import base64
import html as escape_html
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from ..atomic_write import write_atomically
from ..grid import Grid
from .blob import Panel, Pictured, pack
from .source import module_source

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:"
PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="$policy">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: clamp(14px, 3vw, 36px); max-width: 1160px; font: 16px/1.55 system-ui, sans-serif;
  background: light-dark(#ffffff, #0f1216); color: light-dark(#1d232b, #e9ecef); }
h1 { font-size: 1.4rem; font-weight: 600; line-height: 1.3; margin: 0 0 .25em; }
p { margin: 0 0 1.4em; max-width: 68ch; color: light-dark(#4c5560, #b3bac2); }
</style>
<main>
<h1>$title</h1>
<p>$text</p>
<div id="view"></div>
</main>
<script type="text/plain" id="blob">$blob</script>
<script type="module">
$source
</script>
</html>
""")


def view_html(panels: Sequence[Panel], clip: Pictured, grid: Grid, *, query: int, title: str, text: str = "",
         half: bool = True, **options: Any) -> str:
    """A page that holds a view, its title and a paragraph of text (both plain text); options as in `pack`.

    Numbers are in half precision by default, since such files are sent to others.

    >>> import torch
    >>> from linviz.clips import Clip
    >>> from linviz.maps import Dense
    >>> paper = Clip.plain(torch.ones(1, 3, 16, 16), "paper")
    >>> panel = Panel("uniform", "content-free", Dense(torch.ones(1, 1, 1, 1)))
    >>> page = view_html([panel], paper, Grid(), query=0, title="<paper>")
    >>> "<title>&lt;paper&gt;</title>" in page
    True
    """
    blob = pack(panels, clip, grid, query=query, title=title, half=half, **options)
    return blob_page(blob, ("host_page.js",), title, text)


def blob_page(blob: bytes, hosts: Sequence[str], title: str, text: str = "") -> str:
    """A page that hands a blob to the last of some files of this folder, under a title and a paragraph (plain text)."""
    module = module_source(*hosts)
    if "</script" in module.lower() or "<!--" in module:
        raise RuntimeError("the source of the view contains </script or <!--, which would end the page's script")
    return PAGE.substitute(policy=POLICY, title=escape_html.escape(title), text=escape_html.escape(text),
                           blob=base64.b64encode(blob).decode(), source=module)


def save_html(path: str | Path, panels: Sequence[Panel], clip: Pictured, grid: Grid, **options: Any) -> Path:
    """Write the page of `view_html`; an existing file is replaced only by a complete one.

    ValueError in one sentence where the file cannot be written; otherwise its path.
    """
    return write_atomically(path, view_html(panels, clip, grid, **options))
