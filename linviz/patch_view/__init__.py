"""The view: a picture lit by the attention of the patch under the pointer; one ES module and its three hosts.

    blob = pack(panels, clip, grid, query=...)            what the view draws, as bytes
    PatchView(panels, clip, grid, query=...)              in a notebook
    view_html(...), save_html(path, ...)                  one file that opens by double-click
    linviz.patch_view.streamlit.patch_view(blob, key)     in a Streamlit page
"""
from typing import TYPE_CHECKING, Any

from .blob import Panel, blob_with_state, gate_snapshots, pack
from .html import save_html, view_html
from .packing import unpack
from .source import module_source

if TYPE_CHECKING:
    from .widget import PatchView

__all__ = ["Panel", "PatchView", "blob_with_state", "gate_snapshots", "module_source", "pack", "save_html", "unpack",
           "view_html"]


def __getattr__(name: str) -> Any:
    """PatchView needs anywidget, which only notebooks have; the rest of the view does not."""
    if name == "PatchView":
        from .widget import PatchView
        return PatchView
    raise AttributeError(f"module 'linviz.patch_view' has no attribute {name!r}")
