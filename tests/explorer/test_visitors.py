"""Ten visitors at once, on a server of their own: none waits long, none sees what is another's, memory is bounded.

Each acts twelve times, with a hand's pauses, while the gate of one more is fitted for minutes and the
spectrum of another is on its way. What they saw is held to what the library makes of the same addresses. At length, by
hand: `python -m tests.explorer.crowd`.
"""
from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from explorer.concentrate import own_file, panel_work
from explorer.concentrate.concentrate_state import STATE
from explorer.concentrate.what_fits import page_grid
from explorer.shared.scenes import sample_scene
from linviz import clips
from linviz.patch_view import unpack
from linviz.views import SourceFile, View

from .crowd import HEAVY, MANY, Did, Hand, Key, crowd, drawing, hashed, merged, served, told
from .visitor import Visitor

pytestmark = [pytest.mark.budget, pytest.mark.nightly]  # two visitors at once, by day: test_browser.py
WAIT = 2.0  # seconds: the 95th percentile of a control
MEMORY = 300e6  # bytes that may come to the server's while the second half of all this is done
FILES = {f"hand{n}.png": drawing(n) for n in range(2)}


@dataclass(frozen=True)
class Met:
    """What came of it. there: what somebody sees who opens another's link to a file."""

    actions: int
    did: list[Did]
    looks: dict[Key, set[str]]
    memory: tuple[int, int]
    heavy: list[bool]
    there: Visitor


@pytest.fixture(scope="module", params=[12])
def met(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All of them at once, from the first page on; two hands begin with a file of their own."""
    with contextlib.ExitStack() as leave, served(tmp_path_factory.mktemp("visitors") / "log") as (url, server):
        with ThreadPoolExecutor(MANY) as doors:
            come = partial(Hand, url, actions=request.param // 2, pictures=clips.PHOTOGRAPHS)
            hands = list(doors.map(come, range(MANY)))
        for hand in hands[:2]:
            hand.do("own")
        files = [hand.visitor.address for hand in hands[:2]]
        heavy = [Visitor(url, **address) for address in HEAVY]
        for visitor in (*heavy, *(hand.visitor for hand in hands)):
            leave.callback(visitor.close)
        crowd(hands, heavy)
        before = server.memory_info().rss
        crowd(again := [hand.again() for hand in hands], heavy)
        other = leave.enter_context(contextlib.closing(Visitor(url, **files[0])))
        yield Met(request.param, [one for hand in hands + again for one in hand.did], merged(hands + again),
                  (before, server.memory_info().rss), [not one.quiet for one in heavy], other)


def test_controls_answer_while_another_s_fit_is_on_its_way(met):
    assert met.heavy[0], "the long fit was over too soon to say anything"
    assert len(met.did) >= MANY * met.actions and told(met.did, "a control, ten visitors") < WAIT


def test_nobody_sees_what_is_another_s(met):
    assert all(len(seen) == 1 for seen in met.looks.values())
    addresses = sorted({address for address, _ in met.looks})[::3]
    held = 0
    for address in addresses:
        for what, seen in truth(dict(address)).items():
            found = met.looks.get((address, what), {seen})
            assert found == {seen}, f"{what} at {dict(address)} is not what the library makes of it"
            held += (address, what) in met.looks
    assert held > MANY and any("@" in dict(address).get("source", "") for address, _ in met.looks)


def test_a_link_to_another_s_file_does_not_bring_it(met):
    assert not met.there.blob and "@" in met.there.address["source"]


def test_memory_is_bounded(met):
    before, after = met.memory
    print(f"memory: {before / 1e6:.0f} MB, then {after / 1e6:.0f} MB")
    assert after - before < MEMORY


def truth(address: dict[str, str]) -> dict[str, str]:
    """Picture and maps of an address as the library makes them here, without a server and without a visit."""
    chosen, problems = View.from_parameters(address, STATE.base(address))
    assert not problems
    if isinstance(chosen.source, SourceFile):
        upload = own_file.read_upload(FILES[chosen.source.name], chosen.source.name, chosen.frames)
        here = own_file.own_scene(chosen, upload)
    else:
        here = sample_scene(chosen.source, page_grid(chosen, None), chosen.temperature, chosen.causal)
    shown = [panel_work.plain_panel(spec, {}, here) for spec in ("softmax", "relu_floor")]
    titles = panel_work.panel_titles(shown)
    view = unpack(panel_work.view_blob(shown, titles, here, False, {}))
    return {"picture": hashed([frame["data"] for frame in view["frames"]])} | {
        title: hashed(panel["wire"]) for title, panel in zip(titles, view["panels"])}
