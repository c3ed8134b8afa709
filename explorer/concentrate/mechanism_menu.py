"""The menu of mechanisms on the page Concentrate, and the words of a gate and a shift in their specs."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from linviz.mechanisms import REGISTRY, Kernel, parse
from linviz.views.panel_options import panel_text, read_panel
from linviz.views.state import SPECS

READS = {"self": "its own token", "qk": "q and k", "qkv": "q, k and v"}
SHIFTS = ("none", "time", "space")


def menu() -> list[str]:
    """Every mechanism, and every kernel with a gate: what the menu offers.

    >>> menu()[:3]
    ['softmax', 'relu_floor', 'relu_floor+gate']
    """
    every = [name + extra for name in sorted(REGISTRY) for extra in ("", "+gate")
             if not extra or issubclass(REGISTRY[name], Kernel)]
    return [*SPECS, *(spec for spec in every if spec not in SPECS)]


def spec_title(text: str) -> str:
    """What the menu calls a mechanism: its title, and the words of its spec.

    >>> spec_title("relu_floor+gate:qk"), spec_title("performer directions=64"), spec_title("no spec")
    ('relu + floor + gate (q and k)', 'Performer, directions=64', 'no spec')
    """
    try:
        spec, _ = read_panel(text)
    except ValueError:
        return text
    parsed, options = parse(spec), text.split()[1:]
    reads = f" ({READS[parsed.gate]})" if parsed.gate not in (None, "qkv") else ""
    gate = f" + gate{reads}{', one layer' * parsed.shared}" if parsed.gate else ""
    shift = f" + shift in {parsed.shift}" if parsed.shift else ""
    scope = "" if parsed.scope == "joint" else f", {spec.partition('@')[2]}"
    return ", ".join([REGISTRY[parsed.name].title + gate + shift + " + conv" * parsed.conv + scope, *options])


def gate_words(texts: list[str]) -> dict[str, Any]:
    """What the first gate reads, whether it has one layer for q and k, and its shift; {} where no panel is gated.

    >>> gate_words(["softmax", "relu+gate:qk:shared+shift:space"])
    {'reads': 'qk', 'shared': True, 'shift': 'space'}
    """
    for text in texts:
        try:
            parsed = parse(read_panel(text)[0])
        except ValueError:
            continue
        if parsed.gate:
            return {"reads": parsed.gate, "shared": parsed.shared, "shift": parsed.shift or "none"}
    return {}


def with_gate_words(text: str, reads: str, shared: bool, shift: str) -> str:
    """A panel's text with other words for its gate and its shift; what has no gate stays as it is.

    >>> with_gate_words("relu_floor+gate", "qk", True, "space"), with_gate_words("softmax", "qk", True, "space")
    ('relu_floor+gate:qk:shared+shift:space', 'softmax')
    """
    try:
        spec, options = read_panel(text)
    except ValueError:
        return text
    parsed = parse(spec)
    if not parsed.gate:
        return text
    changed = replace(parsed, gate=reads, shared=shared, shift=None if shift == "none" else shift)
    return panel_text(str(changed), options)


def means_panel(text: str, panel: str) -> bool:
    """Whether a text, as somebody may have typed it, means a panel.

    >>> means_panel("relu+gate:qkv", "relu+gate"), means_panel("no spec", "relu")
    (True, False)
    """
    try:
        return panel_text(*read_panel(text)) == panel
    except ValueError:
        return False
