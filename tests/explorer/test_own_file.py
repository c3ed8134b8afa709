"""A person's own file on the page Concentrate: brought, refused with a sentence, linked to, and left nowhere."""
from __future__ import annotations

import gc
import hashlib
import inspect
import io
import json
import re
import tomllib
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
import torch
from starlette.formparsers import MultiPartParser
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

import linviz
from explorer import sweep
from explorer.concentrate import own_file, panel_work
from explorer.concentrate.concentrate_state import STATE
from explorer.concentrate.own_file import OWN
from explorer.concentrate.what_fits import best_fields, page_grid
from explorer.shared import url_history
from explorer.shared.number_tables import measure_value
from linviz import Grid, cli, clips
from linviz.clips import limits
from linviz.views import SourceFile, View, open_view
from linviz.views.load import view_of_file
from linviz.views.state_kinds import Source
from tests.clips import files
from tests.clips.test_decode import STREAMED, before, header_of

from .harness import quiet, said, tables, titles, type_specs, view, visit, well

PLAIN = {"source": OWN, "patches": "14", "specs": "softmax,relu_floor"}
SMALL = {"patches": "14"}
SHA = "0123456789abcdef" * 4


def bring(app: Any, data: bytes, name: str) -> Any:
    """Choose a file."""
    return well(app.file_uploader[0].set_value((name, data, "any/thing")).run())


def address(app: Any) -> dict[str, str]:
    """The address, a text a name."""
    return {name: text[0] if isinstance(text, list) else text for name, text in app.query_params.items()}


def words(app: Any) -> str:
    """Everything the page says of files, without the signs that keep a name from being read as Markdown."""
    return "\n".join(element.value for element in (*app.markdown, *app.info, *app.caption)).replace("\\", "")


@pytest.fixture(scope="module")
def opened() -> Any:
    """A visit in which a small clip was brought first."""
    return bring(visit(**PLAIN), files.video(), "first.mp4")


# ---------------------------------------------------------------- what is brought


def test_before_a_file_comes_a_sample_stays_and_the_page_says_what_happens_to_files() -> None:
    app = visit(**PLAIN | {"source": "coffee"})
    (invitation,) = [b for b in app.button if b.label.startswith("Bring your own")]
    well(invitation.click().run())
    assert app.session_state["concentrate_source"] == OWN and "Bring your own" not in [b.label for b in app.button]
    assert view(app)["title"] == clips.photograph("coffee").title and not said(app)
    assert view(visit(source=OWN, **SMALL))["title"] == clips.photograph("chelsea").title
    for sentence in (limits.limits_sentence(), "stays in the memory of this visit", "gone when the visit ends",
                     "HEIC, AVIF, TIFF, BMP, MP4, MOV"):
        assert sentence in words(app)


def test_a_clip_is_cut_in_its_own_form_and_its_numbers_are_linviz_s(opened: Any) -> None:
    sent, clip, grid = view(opened), clips.decode_clip(files.video(), "first.mp4", 8).clip, Grid(8, 10, 14)
    assert sent["grid"] == [8, 10, 14] and len(sent["frames"]) == 8 and sent["title"] == "first.mp4"
    q = clips.descriptors(clips.fit(clip, grid), grid, opened.session_state["concentrate"].temperature)[0]
    np.testing.assert_allclose(sent["panels"][0]["wire"]["q"], q[0, 0].numpy(), rtol=1e-6)
    assert ("first.mp4: 8 of 10 frames, evenly spaced in time, 32 x 24, 1.0 s; cut off, so that patches are square: "
            "1 of the 24 pixels of its height (4.2 %).") in words(opened).replace("**", "")
    assert "8 frames of 10 x 14 are 1,120 patches." in words(opened)


def test_controls_work_on_it(opened: Any) -> None:
    app = bring(opened, files.animated("GIF", 5), "a.gif")
    assert view(app)["grid"] == [5, 10, 14] and "there are no more" in words(app)
    well(app.slider(key="concentrate_frames").set_value(3).run())
    assert view(app)["grid"] == [3, 10, 14] and "3 of 5 frames, evenly spaced" in words(app)
    well(app.selectbox(key="concentrate_source").set_value("coffee").run())
    assert view(app)["title"] == clips.photograph("coffee").title and address(app)["source"] == "coffee"
    well(app.selectbox(key="concentrate_source").set_value(OWN).run())
    assert view(app)["grid"] == [3, 10, 14] and address(app)["source"].startswith("a.gif@")
    well(app.slider(key="concentrate_frames").set_value(8).run())


def test_each_kind_has_fields_at_which_it_shows_best() -> None:
    own = View(SourceFile("a", SHA))
    assert [best_fields(own, size)["patches"] for size in (None, (1, 9, 9), (8, 9, 9))] == [28, 28, 16]
    assert best_fields(own, (1, 4, 4, 0))["temperature"] == 1 > best_fields(own, (8, 9, 9))["temperature"]


def halves(data: bytes, tmp_path: Path) -> bytes:
    """An MP4 with its index first, cut."""
    return files.faststart(data, tmp_path)[:-60]


@pytest.mark.parametrize("make, name, says", [
    (lambda _: files.still("PNG"), "really.mp4", "one picture, 32 x 24"),
    (lambda _: files.still("PNG"), "../../x.png", "x.png"),
    (lambda _: files.still("PNG", np.array([[[9, 9, 9]]], np.uint8)), "dot.png", "one picture, 1 x 1."),
    (lambda _: files.animated("GIF", 1), "one.gif", "one picture, 32 x 24"),
    (lambda _: files.heic(), "phone.heic", "one picture, 32 x 24"),
    (lambda _: files.video(stamps=(0, 1, 2, 30)), "phone.mov", "all 4 frames (8 were asked for)"),
    (lambda at: halves(files.video(), at), "cut.mp4", "is cut short after 7 of 10 frames: those were read"),
    (lambda _: files.animated("GIF")[:300], "cut.gif", "it is cut short after"),
    (lambda _: files.video("libvpx-vp9")[:-300], "cut.webm", "is cut short after")],
    ids=lambda x: x if isinstance(x, str) and "." in x and " " not in x else "")
def test_odd_files_that_can_be_shown(opened: Any, tmp_path: Path, make: Any, name: str, says: str) -> None:
    app = bring(opened, make(tmp_path), name)
    assert says in words(app) and not said(app) and view(app)["title"] == name.rsplit("/", 1)[-1]


BAD = {
    "empty": lambda: b"", "zeros": lambda: bytes(1000), "text": lambda: b"To be, or not to be",
    "header": lambda: files.video()[:40], "index lost": lambda: files.video()[:-900],
    "webm header": lambda: files.video("libvpx-vp9")[:300],
    "no frame": lambda: before(b"moof", files.video(movflags=STREAMED)), "sound": files.sound,
    "100 megapixels": lambda: header_of(10_000, 10_000), "400 megapixels": lambda: header_of(20_000, 20_000),
    "cut png": lambda: files.still("PNG")[:60], "cut heic": lambda: files.heic()[:-50],
    "cut gif": lambda: files.animated("GIF")[:40], "random": lambda: np.random.default_rng(0).bytes(500)}


def test_every_bad_file_gets_one_sentence_and_the_view_stays(opened: Any) -> None:
    app = bring(opened, files.still("PNG"), "good.png")
    there = view(app)["id"]
    for what, make in BAD.items():
        bring(app, make(), "x.mp4")
        (warning,) = app.warning
        assert warning.value.replace("\\", "").startswith("x.mp4 cannot be read: "), what
        assert "\n" not in warning.value and not app.error and view(app)["id"] == there, what
    bring(app, files.still("PNG"), "good.png")
    assert not said(app)


def test_where_a_second_reading_takes_too_long_the_first_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = own_file.read_upload(files.video(), "a.mp4", 8)

    def late(*args: Any) -> None:
        raise clips.Unreadable("decoding it took more than 8 s and was stopped")
    monkeypatch.setattr(clips, "decode_clip", late)
    here = own_file.own_scene(View(upload.source, frames=16, patches=14), upload)  # ten, of which eight are there
    assert here.grid.T == 8 == len(here.clip.frames) and "took too long" in here.file_note


# ---------------------------------------------------------------- where it lies


def test_a_file_lies_in_its_visit_alone_and_can_be_forgotten() -> None:
    data = files.still("PNG", files.picture(7))
    app = bring(visit(**PLAIN), data, "secret.png")
    (upload,) = app.session_state[own_file.UPLOADS].values()
    sha256 = upload.source.sha256
    assert upload.results._kept and not [key for key in panel_work.RESULTS._kept if sha256 in repr(key)]
    other = visit(**PLAIN | {"source": f"secret.png@{sha256}"})
    assert not other.get("bidi_component"), "what one brought is nobody else's"
    gone = weakref.ref(upload)
    del upload
    (forget,) = [b for b in app.button if b.label == "Forget this file"]
    well(forget.click().run())
    gc.collect()
    assert gone() is None and address(app)["source"] == OWN and not said(app)


def test_what_a_visit_brought_goes_when_the_visit_has_ended() -> None:
    """Streamlit's own store of closed visits lets go of nothing by itself; this is asked of a real one."""
    class Session:
        def __init__(self) -> None:
            self.id, self.me, self.file = "a", self, bytes(9)

    now = [0.0]
    storage = MemorySessionStorage(ttl_seconds=120)
    storage._cache._timer = lambda: now[0]  # type: ignore[attr-defined]
    runtime = SimpleNamespace(_session_mgr=SimpleNamespace(_session_storage=storage))
    session = Session()
    gone = weakref.ref(session)
    storage.save(SimpleNamespace(session=session))  # type: ignore[arg-type]
    del session
    assert [sweep.sweep(runtime), gone() is None] == [0, False]
    now[0] = 121.0
    assert [sweep.sweep(runtime), gone() is None] == [1, True]
    started = inspect.getsource(Runtime.__init__) + inspect.getsource(WebsocketSessionManager.__init__)
    assert "self._session_mgr = " in started and "self._session_storage = " in started
    assert config.get_option("server.disconnectedSessionTTL") + sweep.EVERY <= 180  # as the page says


def test_the_newest_files_are_kept_up_to_the_size_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(own_file.st, "session_state", state)
    monkeypatch.setattr(limits, "BYTES", 10)
    for name, size in (("a", 4), ("b", 5), ("c", 4), ("a", 4)):
        own_file.keep_upload(own_file.Upload(SourceFile(name, name * 64), bytes(size), (1, 1, 1)))
    assert list(state[own_file.UPLOADS]) == ["c" * 64, "a" * 64]


def test_limits_agree_and_nothing_is_spooled_to_a_disk() -> None:
    text = (Path(__file__).parents[2] / "explorer" / ".streamlit" / "config.toml").read_text("utf-8")
    most = tomllib.loads(text)["server"]["maxUploadSize"] << 20
    assert limits.BYTES <= most < 1.1 * limits.BYTES and most < MultiPartParser.spool_max_size


# ---------------------------------------------------------------- links


def test_a_link_restores_the_controls_and_asks_for_the_very_file() -> None:
    data = files.still("PNG", files.picture(5))
    app = bring(visit(**PLAIN), data, "mine <b>.png")
    well(app.select_slider(key="concentrate_temperature").set_value(1.6).run())
    link = address(app)
    assert set(link) == {"source", "patches", "specs", "temperature"} and link["source"].startswith("mine <b>.png@")
    friend = visit(**link)
    assert "This link shows the file **mine <b>.png**" in words(friend) and "<b>" not in friend.info[0].value
    assert not said(friend) and not friend.get("bidi_component") and address(friend) == link
    bring(friend, b"text", "mine.png")
    assert "it is text" in said(friend) and "This link shows" in words(friend) and address(friend) == link
    bring(friend, data, "another name.png")
    other = link["source"].replace("mine <b>.png", "another name.png")
    assert not said(friend) and address(friend) == link | {"source": other}
    assert view(friend)["panels"][0]["wire"]["q"].tolist() == view(app)["panels"][0]["wire"]["q"].tolist()


def test_a_token_before_the_picture_can_be_asked_and_is_named() -> None:
    x = np.random.default_rng(0).normal(size=(2, 51, 8)).astype("f4")
    data = io.BytesIO()
    np.savez(data, q=x, k=x, grid=np.array([7, 7]))
    link = PLAIN | {"source": f"a.npz@{hashlib.sha256(data.getvalue()).hexdigest()}", "query": "1"}
    app = bring(visit(**link | {"specs": "softmax,relu_floor+gate", "steps": "10"}), data.getvalue(), "a.npz")
    assert "The pinned token 2 of the 2 before the picture, beside the mean of all 51" in app.header[0].value
    assert address(app)["query"] == "1" and not said(app)
    (table,) = [one.proto.body for one in app.get("html") if "attended distance" in one.proto.body]
    assert table.count(">none</abbr>") == 2 and "nan" not in table.lower()  # its distance, under both mechanisms
    app.session_state.exports = True  # unfold the files
    assert "The query is a token before the picture" in words(well(app.run()))


def test_another_file_than_the_link_s_gets_a_warning_and_the_controls_stay() -> None:
    app = bring(visit(**PLAIN | {"source": f"a.png@{SHA}", "temperature": "2.0"}), files.still("PNG"), "b.png")
    (warning,) = app.warning
    assert "not the file of the link, a.png (sha256 01234567" in warning.value.replace("\\", "")
    assert view(app)["title"] == "b.png" and app.session_state["concentrate"].temperature == 2.0


def test_back_and_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url_history, "LATE", 0.0)  # nobody here waits as a person does
    app = bring(visit(**PLAIN), files.still("PNG"), "a.png")
    first = address(app)
    bring(app, files.still("PNG", files.picture(5)), "b.png")
    well(app.select_slider(key="concentrate_temperature").set_value(2.0).run())
    second = address(app)
    for there, title, temperature in ((first, "a.png", 2 / 3), (second, "b.png", 2.0)):
        app.query_params.clear()
        for name, text in there.items():
            app.query_params[name] = text
        well(app.run())
        assert view(app)["title"] == title and app.session_state["concentrate"].temperature == temperature
        assert address(app) == there and not said(app)


@pytest.mark.parametrize("name", ["../../x.png", "a\x00\x1b[31m\u202eb.png", "x" * 10_000 + ".png",
                                  "<img src=x onerror=alert(1)>.png", "**[a](http://example.org)**`$x$`.png", ""])
def test_hostile_names_are_shown_and_nothing_more(opened: Any, name: str) -> None:
    app = bring(opened, files.still("PNG"), name)
    (told,) = [m.value for m in app.markdown if "one picture" in m.value]
    shown, _, rest = told.partition("**: ")
    assert rest and len(shown) < 100 and not set("[]<>*`$") & set(re.sub(r"\\.", "", shown.removeprefix("**")))
    kept = address(app)["source"].rpartition("@")[0]
    assert len(kept) <= 40 and kept.isprintable() and "/" not in view(app)["title"]


@pytest.mark.parametrize("given, word", [
    ({"source": "a.png@../../etc"}, "64 hexadecimal digits"), ({"source": "a.png@" + "A" * 64}, "64 hexadecimal"),
    ({"source": OWN, "head": "257"}, "0 to 256"), ({"file": "a.png"}, "is called source now"),
    ({"source": OWN, "there": "9"}, "this page knows")])
def test_a_bad_parameter_of_a_link_has_no_effect_and_one_sentence(given: dict[str, str], word: str) -> None:
    app = visit(**given)
    (warning,) = app.warning
    assert word in warning.value.replace("\\", "")
    assert not isinstance(app.session_state["concentrate"].source, SourceFile)


def test_a_url_brings_a_file_s_name_back() -> None:
    view_ = View(SourceFile("a.mp4", SHA), patches=20, frames=3, specs=("softmax", "relu+gate+shift"), head=2)
    parameters = view_.to_parameters(View())
    assert View.from_parameters(parameters, STATE.base(parameters)) == (view_, [])


@pytest.mark.parametrize("size, patches, frames, grid", [
    ((1, 480, 640), 56, 8, Grid(1, 42, 56)), ((8, 1024, 576), 16, 8, Grid(8, 16, 9)),
    ((16, 576, 1024), 28, 16, Grid(7, 16, 28)), ((3, 9, 9), 14, 16, Grid(3, 14, 14)),
    ((1, 1, 900), 14, 8, Grid(1, 1, 112)),
    ((1, 40, 4000), 28, 8, Grid(1, 1, 100)), ((1, 2000, 100), 28, 8, Grid(1, 20, 1))])
def test_the_grid_follows_the_file(size: tuple[int, ...], patches: int, frames: int, grid: Grid) -> None:
    assert page_grid(View(SourceFile("a", SHA), patches=patches, frames=frames), size) == grid


@pytest.mark.parametrize("make", [files.video, lambda: files.animated("GIF", 13), lambda: clips.pack_clip(
    clips.Clip.plain(torch.rand(11, 3, 24, 32), "noise"))], ids=["video", "GIF", "saved clip"])
def test_a_file_is_decoded_once(make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where many patches leave room for fewer frames: they are those that decoding so few would give."""
    data = make()
    upload = own_file.read_upload(data, "a", 8)
    views = [View(upload.source, patches=side) for side in (14, 24, 28, 36, 56)]
    counts = [page_grid(view, upload.size).T for view in views]
    assert counts == [8, 7, 5, 3, 1]
    alone = {count: clips.decode_clip(data, "a", count) for count in counts}
    for decode in ("with_media", "unpack_clip"):
        monkeypatch.setattr(clips.decode, decode, lambda *given: pytest.fail("decoded twice"))
    for chosen, count in zip(views, counts, strict=True):
        here = own_file.own_scene(chosen, upload)
        assert here.grid.T == count and here.file_note.startswith(alone[count].said)
        assert torch.equal(upload.media(count).clip.frames, alone[count].clip.frames)


# ---------------------------------------------------------------- tensors


def arrays(**given: Any) -> bytes:
    """What numpy writes."""
    file = io.BytesIO()
    np.savez(file, **given)
    return file.getvalue()


def test_a_researcher_s_tensors_are_drawn_as_they_are() -> None:
    x = np.random.default_rng(0).normal(size=(2, 26, 8)).astype(np.float32)
    app = visit(source=OWN, specs="softmax,relu_floor+gate", steps="10")
    bring(app, arrays(q=x, k=-x, v=x[..., :3]), "run.npz")
    sent, wire = view(app), view(app)["panels"][0]["wire"]
    assert sent["grid"] == [1, 5, 5] and sent["prefix"] == 1 and "as they are in the file" in words(app)
    assert "2 heads of 26 tokens, 8 wide, on 5 x 5 patches after 1 token without a position." in words(app)
    np.testing.assert_array_equal(wire["q"], x[0])
    np.testing.assert_array_equal(wire["k"], -x[0])
    well(app.slider(key="concentrate_head").set_value(2).run())
    np.testing.assert_array_equal(view(app)["panels"][0]["wire"]["q"], x[1])
    assert address(app)["head"] == "2" and "temperature" not in address(app)
    assert titles(quiet(app))[1].endswith("fitted") and not said(app)
    well(app.select_slider(key="concentrate_temperature").set_value(0.5).run())
    np.testing.assert_allclose(view(app)["panels"][0]["wire"]["q"], x[1] * 2**0.5, rtol=1e-6)
    well(app.radio(key="concentrate_gate_shift").set_value("space").run())
    assert "is not shown" in said(app) and titles(app) == ["softmax"]
    bring(app, arrays(q=x, k=x, grid=[9, 9]), "bad.npz")
    assert "a grid of 9 x 9" in said(app) and view(app)["title"] == "run.npz"
    bring(app, files.still("PNG"), "a.png")
    assert view(app)["title"] == "a.png" and "head" not in address(app)


@pytest.mark.parametrize("shape, word", [
    ((3200, 2), "3,200 tokens"), ((16, 300), "300 numbers per token"), ((257, 4, 2), "257 heads")])
def test_more_than_a_browser_can_follow_is_refused(shape: tuple[int, ...], word: str) -> None:
    x = np.ones(shape, np.float32)
    with pytest.raises(clips.Unreadable, match=f"it has {word}, and at most"):
        own_file.read_upload(arrays(q=x, k=x, grid=[1, shape[-2]]), "a.npz", 8)


def test_one_head_of_tensors_is_on_the_page_what_it_is_on_record() -> None:
    """Head and temperature are taken in one place, so that a saved view has the page's numbers."""
    x = np.random.default_rng(1).normal(size=(3, 26, 8)).astype(np.float32)
    data = arrays(q=x, k=x + 1, v=x - 1)
    upload = own_file.read_upload(data, "run.npz", 8)
    view_ = view_of_file("run.npz", data, temperature=0.5, head=2, specs=("softmax",))
    here = own_file.own_scene(view_, upload)
    read = open_view(view_, data).panels[0].reading
    for mine, theirs in ((here.q, read.q), (here.k, read.k), (here.v, read.v)):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    np.testing.assert_allclose(here.q[0, 0].numpy(), x[1] / 0.5**0.5, rtol=1e-6)


def test_a_view_saved_in_python_opens_here_with_what_is_known_of_its_clip(tmp_path: Path) -> None:
    shown = linviz.view(clips.load("crossing", frames=3), "softmax", "relu_floor", patches=6, query=(1, 2, 3))
    app = bring(visit(source=OWN), shown.save(tmp_path / "crossing.linviz").read_bytes(), "crossing.linviz")
    assert address(app)["query"] == "1,2,3" and view(app)["grid"] == [3, 6, 6]
    assert app.session_state["concentrate"].with_values(look=shown.state.look, query=(1, 2, 3)) == shown.state
    scene = own_file.own_scene(shown.state, own_file.read_upload(shown.media or b"", shown.clip.name, 3))
    assert scene.mask is not None and scene.q.equal(shown.opened.tokens.q)


def test_tensors_say_what_they_are_and_show_their_picture_and_the_mean_of_all_heads() -> None:
    draw = np.random.default_rng(0)
    q, k, v = (draw.normal(size=(1, 26, 3, 8)).astype("f4") for _ in range(3))
    app = bring(visit(source=OWN, specs="softmax,relu_floor"), arrays(q=q, k=k, v=v, frames=files.picture(3)), "b7.npz")
    assert "Tensors: q, k, v of b7.npz, 3 heads, 5 x 5 + 1: 26 tokens" in words(app) and not said(app)
    assert "with its picture" in words(app) and "grid" in words(app) and "ViTModel" in words(app)
    sent = view(app)["frames"][0]["data"]
    well(app.slider(key="concentrate_head").set_value(0).run())
    assert address(app)["head"] == "0" and not said(app)
    assert np.array_equal(view(app)["frames"][0]["data"], sent)
    each = torch.softmax(torch.from_numpy(np.einsum("bnhd,bmhd->bhnm", q, k) / 8**0.5), -1)
    np.testing.assert_allclose(view(app)["panels"][0]["wire"]["rows"], each.mean(1)[0].numpy(), atol=1e-6)
    python = linviz.view({"q": q, "k": k, "v": v, "grid": (5, 5)}, "softmax", head=0)
    rows = python.readings["softmax"].map.dense()[0, 0].numpy()
    np.testing.assert_allclose(view(app)["panels"][0]["wire"]["rows"], rows, atol=1e-6)
    type_specs(app, "relu_floor+gate")
    assert titles(quiet(app))[2].endswith("fitted") and not said(app)


def test_an_ambiguous_layout_is_asked_for_and_a_link_brings_it_back() -> None:
    x = np.random.default_rng(0).normal(size=(1, 9, 16, 8)).astype("f4")
    data = arrays(q=x, k=x)
    app = bring(visit(source=OWN, specs="softmax"), data, "two.npz")
    assert "can be read in two ways" in words(app) and address(app)["layout"] == "BHND"
    assert view(app)["grid"] == [1, 4, 4]
    well(app.segmented_control(key="concentrate_layout").set_value("BNHD").run())
    assert view(app)["grid"] == [1, 3, 3] and address(app)["layout"] == "BNHD" and "two ways" not in words(app)
    link = address(app)
    friend = bring(visit(**link), data, "two.npz")
    assert view(friend)["grid"] == [1, 3, 3] and address(friend) == link and not said(friend)
    clear = bring(visit(source=OWN, specs="softmax"), arrays(q=x[:, :3], k=x[:, :3]), "clear.npz")
    well(clear.segmented_control(key="concentrate_layout").set_value("BNHD").run())
    assert "its 3 tokens form no square" in said(clear).replace("\\", "")
    assert view(clear)["grid"] == [1, 4, 4] and "layout" not in address(clear)


def test_keys_on_another_grid_are_drawn_where_they_lie_or_refused_in_a_sentence() -> None:
    draw = np.random.default_rng(0)
    q, k = (draw.normal(size=(2, n, 16)).astype("f4") for n in (36, 9))
    app = bring(visit(source=OWN, specs="softmax,linear,swin,relu_floor+gate,relu_floor+gate:self", steps="5"),
                arrays(q=q, k=k), "pooled.npz")
    assert [panel["keys"] for panel in view(app)["panels"]] == [[1, 3, 3, 0]] * 3 and view(app)["grid"] == [1, 6, 6]
    assert "swin needs queries and keys on one grid" in said(app) and "pairs query i with key i" in said(app)
    assert titles(quiet(app))[2].endswith("fitted") and "mean attended distance" not in tables(app)[0]
    well(app.toggle(key="concentrate_causal").set_value(True).run())
    assert "36 queries and 9 keys" in said(app)


@pytest.mark.parametrize("head, layout", [("2", "auto"), ("0", "BNHD")])
def test_page_python_and_command_line_give_the_same_numbers(head: str, layout: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    q, k, v = (draw.normal(size=(1, 25, 3, 8)).astype("f2") for _ in range(3))
    data = arrays(q=q, k=k, v=v, grid=[4, 6], frames=files.picture(3))
    (tmp_path / "run.npz").write_bytes(data)
    out = tmp_path / "numbers.json"
    assert cli.main(["read", str(tmp_path / "run.npz"), "--mechanism", "softmax", "linear", "--head", head, "--layout",
                     layout, "--query", "1,4", "--out", str(out)]) == 0
    typed = json.loads(out.read_text())["mechanisms"]
    shown = linviz.view(tmp_path / "run.npz", "softmax", "linear", head=int(head), layout=layout, query=(1, 4))
    given = linviz.view({"q": q, "k": k, "v": v, "grid": (4, 6), "frames": files.picture(3)}, "softmax", "linear",
                        head=int(head), layout=layout, query=(1, 4))
    numbers = [shown.table(), given.table()]
    link = dict(parse_qsl(shown.url.partition("?")[2]))
    assert link["head"] == head and link.get("layout", "auto") == layout
    app = quiet(bring(visit(**link), data, "run.npz"))
    assert not said(app) and address(app)["query"] == "0,1,4"
    page = next(table for table in tables(app) if any("entropy" in row for row in table))
    (cells,) = [cells for row, cells in page.items() if row.startswith("entropy ")]
    for n, one in enumerate(typed):
        patch, mean = one["patch"]["entropy"], one["mean"]["entropy"]
        for table in numbers:
            row = table[(table.spec == one["spec"]) & (table.measure == "entropy")].iloc[0]
            assert (row.patch, row["mean"]) == (patch, mean)
        assert cells[2 * n:2 * n + 2] == [measure_value("entropy", patch), measure_value("entropy", mean)]


# ---------------------------------------------------------------- at its own best setting


def press(app: Any, label: str) -> Any:
    """Click the button whose name begins so."""
    (button,) = [one for one in app.button if one.label.startswith(label)]
    return well(button.click().run())


def test_a_photograph_after_a_clip_opens_at_its_own_best_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the clip was forgotten, or there was no room for both; what a visitor set stays."""
    clip, photo = files.video(), files.still("PNG")
    app = bring(visit(source=OWN, specs="softmax"), clip, "a.mp4")
    assert view(app)["grid"] == [8, 12, 16]
    press(app, "Forget")
    assert view(app)["grid"] == [1, 28, 28] and "patches" not in address(app)
    assert view(bring(app, photo, "a.png"))["grid"] == [1, 21, 28]
    bring(app, clip, "a.mp4")
    monkeypatch.setattr(limits, "BYTES", len(clip) + 10)
    assert view(bring(app, photo, "a.png"))["grid"] == [1, 21, 28] and "patches" not in address(app)
    well(app.slider(key="concentrate_patches").set_value(20).run())
    assert view(bring(app, clip, "a.mp4"))["grid"][2] == 20 and address(app)["patches"] == "20"


@pytest.mark.parametrize("patches, grid", [({}, [8, 12, 16]), ({"patches": "28"}, [5, 21, 28])])
def test_a_link_to_a_clip_opens_as_it_was_made(patches: dict[str, str], grid: list[int]) -> None:
    link = {"source": Source().write(SourceFile.of("a.mp4", files.video())), "specs": "softmax"} | patches
    waits = visit(**link)
    assert address(waits) == link
    app = bring(waits, files.video(), "a.mp4")
    assert view(app)["grid"] == grid and address(app) == link


def test_with_a_file_its_limits_are_folded_away() -> None:
    app = visit(source=OWN, specs="softmax", **SMALL)
    assert not app.expander or "where a file stays" not in [one.label for one in app.expander]
    bring(app, files.still("PNG"), "a.png")
    (box,) = [one for one in app.expander if "where a file stays" in one.label]
    assert not box.proto.expanded and limits.limits_sentence() in box.caption[0].value
    assert limits.limits_sentence() not in "".join(one.value for one in app.main.caption if one not in box.caption)


def test_tensors_too_large_for_softmax_leave_the_page_standing() -> None:
    """Products of 1e20 overflow: each mechanism has its sentence, none its traceback, and uniform is drawn."""
    app = visit(source=OWN, specs="softmax,relu_floor+gate", steps="10")
    x = np.random.default_rng(0).normal(size=(2, 17, 8)).astype(np.float32)
    bring(app, arrays(q=x * 1e20, k=x * 1e20, v=x), "large.npz")
    assert not app.exception and "too large for float32" in said(app)
    assert [panel["title"] for panel in view(app)["panels"]] == ["uniform"]
