"""What differs between two JSON values: a page stores one figure whole, and of the others only what has changed.

    ["="]                      the same          ["=", value]             this value in its place
    ["{", {key: change}, [gone]]  an object      ["[", {number: change}]  a list of the same length
"""
from __future__ import annotations

from typing import Any

SAME = ["="]


def json_changes(old: Any, new: Any) -> list[Any]:
    """The changes that make `new` out of `old`, both JSON values; `apply_changes` makes them.

    >>> json_changes({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 3]})
    ['{', {'b': ['[', {1: ['=', 3]}]}, []]
    """
    if type(old) is type(new) and old == new:
        return SAME
    if isinstance(old, dict) and isinstance(new, dict):
        changed = {key: json_changes(old[key], x) if key in old else ["=", x] for key, x in new.items()}
        return ["{", {key: x for key, x in changed.items() if x != SAME}, [key for key in old if key not in new]]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and _nested(new):
        changed_items = {n: json_changes(a, b) for n, (a, b) in enumerate(zip(old, new))}
        return ["[", {n: x for n, x in changed_items.items() if x != SAME}]
    return ["=", new]


def _nested(items: list[Any]) -> bool:
    return any(isinstance(x, (dict, list)) for x in items) or len(items) < 4


def apply_changes(old: Any, change: list[Any]) -> Any:
    """The value that `json_changes` compared `old` with; `old` stays as it is.

    >>> old, new = {"a": 1, "b": [{"c": 2}]}, {"b": [{"c": 3}]}
    >>> apply_changes(old, json_changes(old, new)) == new
    True
    """
    kind, *rest = change
    if kind == "=":
        return rest[0] if rest else old
    if kind == "[":
        return [apply_changes(x, rest[0].get(n, rest[0].get(str(n), SAME))) for n, x in enumerate(old)]
    changes, gone = rest
    kept = {key: apply_changes(x, changes.get(key, SAME)) for key, x in old.items() if key not in gone}
    return kept | {key: x[1] for key, x in changes.items() if key not in old}
