"""A spec names an attention everywhere: in Python, on the command line, in a link, in a checkpoint.

    name[+gate[:self|:qk|:qkv][:shared]][+shift[:time|:space]][+conv][@scope[:side]]

    softmax    relu_floor+gate    relu_floor+gate:qk:shared+shift:time@space    swin@window:7

Options with numbers are passed beside the spec. By default +gate reads q, k and v with separate layers, and
+shift shifts in time, or in space if the scope is @time. Specs with slashes between them, a/b/c, name the layers of a
model (`linviz.models.VideoTransformer`), never one attention.
"""
from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from ..fixation import GATE_INPUTS
from ..scopes import DEFAULT_SIDES, SCOPES, WINDOW
from .base import REGISTRY

FORM = "name[+gate[:self|:qk|:qkv][:shared]][+shift[:time|:space]][+conv][@scope[:side]]"
PATTERN = re.compile(r"(?P<name>\w+)(?P<extras>(?:\+\w+(?::\w+)*)*)(?:@(?P<scope>\w+)(?::(?P<side>\d+))?)?")


@dataclass(frozen=True)
class Spec:
    """A parsed spec. gate: what the gate reads, or None; shift: "time", "space" or None."""

    name: str
    gate: str | None = None
    shared: bool = False
    shift: str | None = None
    conv: bool = False
    scope: str = "joint"
    side: int = WINDOW

    def __str__(self) -> str:
        gate = "" if self.gate is None else "+gate" + ("" if self.gate == "qkv" else f":{self.gate}")
        natural = "space" if self.scope == "time" else "time"
        shift = "" if self.shift is None else "+shift" + ("" if self.shift == natural else f":{self.shift}")
        side = f":{self.side}" if self.scope in DEFAULT_SIDES else ""
        scope = "" if self.scope == "joint" else f"@{self.scope}{side}"
        return self.name + gate + ":shared" * self.shared + shift + "+conv" * self.conv + scope


def parse(spec: str) -> Spec:
    """Parse a spec; ValueError says in one sentence what is wrong and what is available.

    >>> parse("relu_floor+gate:qk+shift@space")
    Spec(name='relu_floor', gate='qk', shared=False, shift='time', conv=False, scope='space', side=7)
    >>> str(parse("relu_floor+gate:qkv+shift:time@space"))
    'relu_floor+gate+shift@space'
    """
    found = PATTERN.fullmatch(spec) if isinstance(spec, str) else None
    if not found:
        if isinstance(spec, str) and "/" in spec:
            raise ValueError(f"{spec!r:.80} is not a spec of one mechanism: a/b/c names the layers of a model, for "
                             "linviz.models.VideoTransformer, linviz.models.Recipe and linviz train --mechanism")
        raise ValueError(f"{spec!r} is not a spec; the form is {FORM}")
    name = check_name("mechanism", found["name"], REGISTRY)
    scope = check_name("scope", found["scope"] or "joint", SCOPES)
    if found["side"] and (scope not in DEFAULT_SIDES or int(found["side"]) < 1):
        raise ValueError(f"{spec!r}: only {', '.join(DEFAULT_SIDES)} take a side, of at least one patch")
    words: dict[str, list[str]] = {}
    for extra in found["extras"].split("+")[1:]:
        key, *rest = extra.split(":")
        if check_name("extra", key, ("gate", "shift", "conv")) in words:
            raise ValueError(f"{spec!r} names +{key} twice")
        words[key] = rest
    gate, shared = _parse_gate(spec, words.get("gate"))
    return Spec(name, gate, shared, _parse_shift(spec, words.get("shift"), scope), _parse_conv(spec, words.get("conv")),
                scope, int(found["side"] or DEFAULT_SIDES.get(scope, WINDOW)))


MOST_LISTED = 24  # names in one sentence


def check_name(what: str, name: str, there: object) -> str:
    """Return `name` if it exists; otherwise raise ValueError with the closest name and the list of all names."""
    names = list(there)  # type: ignore[call-overload]
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, 1)
    few = len(names) <= MOST_LISTED
    listed = f"there are: {', '.join(sorted(names))}" if few else f"linviz.names() lists all {len(names)}"
    raise ValueError(f"no {what} called {name!r}{f', did you mean {near[0]!r}?' if near else ';'} {listed}")


def _parse_gate(spec: str, words: list[str] | None) -> tuple[str | None, bool]:
    if words is None:
        return None, False
    sees = [w for w in words if w in GATE_INPUTS]
    if set(words) - set(GATE_INPUTS) - {"shared"} or len(sees) > 1 or len(words) > len(set(words)):
        raise ValueError(f"{spec!r}: a gate is +gate, then one of :self :qk :qkv, then :shared for one common layer")
    return (sees or ["qkv"])[0], "shared" in words


def _parse_shift(spec: str, words: list[str] | None, scope: str) -> str | None:
    if words is None:
        return None
    if len(words) > 1 or set(words) - {"time", "space"}:
        raise ValueError(f"{spec!r}: a shift is +shift, +shift:time or +shift:space")
    return words[0] if words else "space" if scope == "time" else "time"


def _parse_conv(spec: str, words: list[str] | None) -> bool:
    if words:
        raise ValueError(f"{spec!r}: +conv takes no further word")
    return words is not None
