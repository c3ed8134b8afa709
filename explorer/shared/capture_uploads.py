"""Captures that a visitor brought: they lie in the visit, once for all of its pages, and nowhere else."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from linviz.capture import Capture
from linviz.capture.capture_file import unpack_capture
from linviz.clips import Unreadable, limits
from linviz.views import SourceFile

from .background_jobs import ResultCache

CAPTURES = "capture_uploads"  # the key of the session


@dataclass(frozen=True, eq=False)
class CaptureFile:
    """A capture that could be read, its bytes, and all that is computed of it."""

    source: SourceFile
    data: bytes
    capture: Capture
    results: ResultCache = field(default_factory=lambda: ResultCache(most=64))


def read_capture(data: bytes, name: str) -> CaptureFile:
    """A capture as it comes from a visitor, kept for the visit; Unreadable, in one sentence, where it is none.

    Of several the newest are kept: together they are no larger than one file may be.
    """
    if len(data) > limits.BYTES:
        raise Unreadable(f"the file has {len(data) / 1e6:,.0f} MB, and at most {limits.BYTES / 1e6:.0f} MB are read")
    source = SourceFile.of(name, data)
    kept: dict[str, CaptureFile] = st.session_state.setdefault(CAPTURES, {})
    found = kept.pop(source.sha256, None) or CaptureFile(source, data, unpack_capture(data, name))
    kept[source.sha256] = found
    while sum(len(one.data) for one in kept.values()) > limits.BYTES:
        del kept[next(iter(kept))]
    return found


def find_capture(source: Any) -> CaptureFile | None:
    """The capture of a source, where it has come to this visit."""
    found: CaptureFile | None = None
    if isinstance(source, SourceFile):
        found = st.session_state.get(CAPTURES, {}).get(source.sha256)
    return found


def newest_capture() -> CaptureFile | None:
    """The capture that came last."""
    kept: dict[str, CaptureFile] = st.session_state.get(CAPTURES, {})
    return next(reversed(kept.values()), None)


def forget_capture(source: SourceFile) -> None:
    """Drop a capture and all that was computed of it."""
    st.session_state.get(CAPTURES, {}).pop(source.sha256, None)
