"""The title of a view: what is to be seen on this picture, from its numbers."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..mechanisms import parse

GENERAL = "One patch asks, and this is where it looks"
MEAN = "a patch"  # on average
LITTLE = "changes little"
ALIKE = 1.05  # two numbers of patches are told apart where one is at least so many times the other


@dataclass(frozen=True)
class Spread:
    """Over how many patches a map spreads its attention: its effective patches; None where that is not known."""

    spec: str
    title: str
    patches: float | None


def view_heading(maps: Sequence[Spread], of: int, who: str = MEAN, causal: bool = False) -> str:
    """What to see: what a gate changes, if a map is there with and without it, or the sharpest map and the flattest.

    of  how many patches there are;  who  whose numbers these are: "a patch" for means over all rows.

    >>> soft, floor, gated = (Spread(s, t, x) for s, t, x in (
    ...     ("softmax", "softmax", 172.0), ("relu_floor", "relu + floor", 710.0), ("relu_floor+gate", "fitted", 201.0)))
    >>> view_heading([soft, floor, gated], 784)
    'The gate gathers attention: from 710 to 201 of 784 patches (softmax: 172)'
    >>> view_heading([soft, floor], 784)
    'A patch looks at 172 of 784 patches under softmax, at 710 under relu + floor'
    """
    known = [one for one in maps if one.patches is not None]
    said = _gate_heading(known, of, who) or _contrast_heading(known, of, who)
    if not causal:
        return said
    return "No patch sees a later one" + (f". {said}" if known else "")


def _gate_heading(known: Sequence[Spread], of: int, who: str) -> str:
    """A map with a gate beside the same map without one."""
    plain = {one.spec: one for one in known if not parse(one.spec).gate}
    for one in known:
        base = plain.get(str(replace(parse(one.spec), gate=None, shared=False)))
        if parse(one.spec).gate and base:
            soft = "" if "softmax" not in plain else f" (softmax: {patch_count(plain['softmax'].patches)})"
            return (f"The gate {_change(one.patches, base.patches, who)}: from {patch_count(base.patches)} to "
                    f"{patch_count(one.patches)} of {of:,} patches{soft}")
    return ""


def _change(with_gate: float | None, without: float | None, who: str = MEAN) -> str:
    assert with_gate is not None and without is not None
    what = "attention" if who == MEAN else f"{who}'s attention"
    if with_gate * ALIKE < without:
        return f"gathers {what}"
    return f"spreads {what}" if with_gate > without * ALIKE else LITTLE


def _contrast_heading(known: Sequence[Spread], of: int, who: str) -> str:
    """The map that looks at the fewest patches, and the one that looks at the most."""
    if not known:
        return GENERAL
    low, high = (pick(known, key=lambda one: one.patches or 0) for pick in (min, max))
    whose = f"{who[0].upper()}{who[1:]} looks at {patch_count(low.patches)} of {of:,} patches"
    if _change(low.patches, high.patches) == LITTLE:
        return whose + (f" under each of the {len(known)} maps" if len(known) > 1 else f" under {low.title}")
    first, last = (one.title.removesuffix(", causal") for one in (low, high))  # the title says it once
    return f"{whose} under {first}, at {patch_count(high.patches)} under {last}"


def patch_count(patches: float | None) -> str:
    """A number of patches with at most three digits, and one decimal below ten.

    >>> patch_count(6.04), patch_count(201.4), patch_count(2048.0)
    ('6.0', '201', '2,050')
    """
    x = patches or 0.0
    return f"{x:.1f}" if x < 9.95 else f"{float(f'{x:.3g}'):,.0f}"
