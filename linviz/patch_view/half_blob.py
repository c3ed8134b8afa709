"""A view's blob in half precision, made from the blob itself: for pages that hold many views."""
from __future__ import annotations

from typing import Any

from .packing import encode_blob, replace_state, unpack
from .wires import wire_arrays


def half_blob(blob: bytes, **wish: Any) -> bytes:
    """The blob of the same view with its maps in float16, as `pack(half=True)` writes it; `wish` as in `replace_state`.

    >>> import numpy as np
    >>> from linviz.patch_view.packing import encode_blob
    >>> wire = {"kind": "rows", "rows": np.ones((64, 64), np.float32)}
    >>> blob = encode_blob({"panels": [{"wire": wire}]}, {"query": 0})
    >>> 8000 < len(half_blob(blob)) < 9000 < len(blob)
    True
    """
    content = unpack(blob)
    state = content.pop("set")
    content.pop("id")
    for panel in content["panels"]:
        panel["wire"] = wire_arrays(panel["wire"], half=True, at=f"the map of panel {panel.get('title', '')!r}")
    made = encode_blob(content, state)
    return replace_state(made, wish) if wish else made
