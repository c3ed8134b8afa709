"""A visitor without a browser: says to the explorer's server what a browser would say, and hears what it would hear.

Streamlit 1.67 over its websocket. Widgets are found by their labels in what the server sends, every message tells
where all of them stand, and what asks to run again by itself is run again: ten of these are the load of ten browsers.
"""
from __future__ import annotations

import hashlib
import json
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import DoubleArray, FileUploaderState, FileURLs, StringArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

from linviz.patch_view import unpack

PATIENCE = 60.0  # seconds: no answer may take longer
TWICE = 5.0  # seconds after which a hand tries once more: the server may have dropped what overlapped another run
AGE = 2  # runs for which a browser keeps large messages, to be sent their names only
Path = tuple[int, ...]


def _picked(widget: Any) -> Any:
    """Where a menu of one stands, by the word that is shown."""
    if widget.set_value:
        return widget.raw_value
    return widget.options[widget.default] if widget.HasField("default") else None


def _slid(widget: Any) -> Any:
    """Where a slider stands: at numbers, or at words that it has for them."""
    if widget.type != widget.SELECT_SLIDER:
        return list(widget.value if widget.set_value else widget.default)
    return list(widget.raw_value) if widget.set_value else [widget.options[int(n)] for n in widget.default]


STANDS: dict[str, tuple[str, Callable[[Any], Any]]] = {  # kind of widget: field of its state, where it stands at first
    "slider": ("double_array_value", _slid),
    "number_input": ("double_value", lambda w: w.value if w.set_value else w.default),
    "text_input": ("string_value", lambda w: w.value if w.set_value else w.default),
    "checkbox": ("bool_value", lambda w: w.value if w.set_value else w.default),
    "selectbox": ("string_value", _picked), "radio": ("string_value", _picked),
    "multiselect": ("string_array_value", lambda w: list(w.raw_values) if w.set_value else [
        w.options[i] for i in w.default]),
    "file_uploader": ("file_uploader_state_value", lambda w: FileUploaderState()),
    "button": ("trigger_value", lambda w: None), "bidi_component": ("json_value", lambda w: None)}
VIEW = "linviz_patch_view"  # of the components of a page, the live view
WORDS = "string_array_value"  # of a slider that has words for its numbers
ARRAYS = {"double_array_value": DoubleArray, "string_array_value": StringArray}


def _field(kind: str, widget: Any) -> str:
    """The field of a widget's state."""
    return WORDS if kind == "slider" and widget.type == widget.SELECT_SLIDER else STANDS[kind][0]


class Visitor:
    """One tab. page: what stands on it, by place; address: its parameters; drawn: when the last new view came.

    twice: how often a hand had to try once more.
    """

    def __init__(self, url: str, **address: str) -> None:
        self.url, self.address, self.page, self.blob, self.drawn = url, address, dict[Path, Any](), b"", 0.0
        self.twice = 0
        self._held, self._kept = dict[str, tuple[str, Any]](), dict[str, list[Any]]()
        self._timers, self._fragments = dict[str, list[float]](), dict[str, str]()
        self._mine, self._over, self._running, self._fragment = False, False, False, ""
        self._wanted: dict[str, str] = {}
        self._session, self._hash, self._now = "", "", ""
        self._urls: FileURLs | None = None
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=PATIENCE) as answer:
            self._xsrf = SimpleCookie(answer.headers["Set-Cookie"])["_streamlit_xsrf"].value
        self._leave = ExitStack()
        self._socket = self._leave.enter_context(connect(
            url.replace("http", "ws", 1) + "/_stcore/stream", origin=url, max_size=None, compression=None,
            subprotocols=["streamlit", self._xsrf], additional_headers={"Cookie": f"_streamlit_xsrf={self._xsrf}"}))
        self.opened = self._run()

    def close(self) -> None:
        """Leave."""
        self._leave.close()

    # ------------------------------------------------------------------------------------------- what a hand does

    def put(self, label: str, value: Any, **address: str) -> float:
        """Move a widget, by the words that it shows; seconds until the page that came of it is whole.

        address: what it has to say by then.
        """
        kind, widget, _ = self._widget(label)
        self._held[widget.id] = (_field(kind, widget), value)
        return self._run(self._fragments.get(widget.id, ""), address)

    def press(self, label: str, **address: str) -> float:
        """Press a button."""
        kind, widget, fragment = self._widget(label)
        self._held[widget.id] = (STANDS[kind][0], True)
        return self._run(fragment, address, once=widget.id)

    def pin(self, query: int, **address: str) -> float:
        """Pin a patch of the view, as its script tells of one."""
        [(view, fragment)] = [(widget, fragment) for _, widget, fragment in self.widgets("bidi_component")
                              if widget.component_name == VIEW]
        n = json.loads(self._held.get(view.id, ("", '{"query": {"n": 0}}'))[1])["query"]["n"] + 1
        told = {"query": query, "n": n, "trail": [query], "frame": 0, "strength": 1, "mode": "light"}
        self._held[view.id] = ("json_value", json.dumps({"query": told}))
        return self._run(fragment, address)

    def bring(self, name: str, data: bytes) -> float:
        """Upload a file where one is asked for; seconds until the page shows it."""
        [(_, widget, _)] = self.widgets("file_uploader")
        start, self._urls = time.monotonic(), None
        ask = BackMsg()
        ask.file_urls_request.CopyFrom(type(ask.file_urls_request)(
            request_id="1", file_names=[name], session_id=self._session))
        self._socket.send(ask.SerializeToString())
        self._until(lambda: self._urls is not None)
        assert self._urls is not None
        self._upload(self._urls.upload_url, name, data)
        state = FileUploaderState()
        state.uploaded_file_info.add(name=name, size=len(data), file_id=self._urls.file_id, file_urls=self._urls)
        self._held[widget.id] = ("file_uploader_state_value", state)
        self._run("", {"source": f"{name}@{hashlib.sha256(data).hexdigest()}"})
        return time.monotonic() - start

    def rest(self, seconds: float) -> None:
        """Look, for so long; what runs by itself goes on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._hear(end)

    def wait(self, seconds: float = PATIENCE) -> None:
        """Until nothing is on its way any more."""
        self._until(lambda: self.quiet, seconds)

    # ------------------------------------------------------------------------------------------- what it sees

    @property
    def quiet(self) -> bool:
        """Whether nothing is on its way."""
        return not self._timers and not self._running

    @property
    def view(self) -> dict[str, Any]:
        """What the canvas was sent last."""
        return unpack(self.blob)

    @property
    def titles(self) -> list[str]:
        """Of the canvas's panels."""
        return [panel["title"] for panel in self.view["panels"]]

    @property
    def tables(self) -> list[str]:
        """Every table of numbers, as HTML."""
        return [e.body for _, e, _ in self.widgets("html") if "linviz-numbers" in e.body]

    @property
    def said(self) -> list[str]:
        """Warnings and errors; what went wrong in the script first."""
        return [e.message for _, e, _ in self.widgets("exception")] + [e.body for _, e, _ in self.widgets("alert")]

    def widgets(self, *kinds: str) -> list[tuple[str, Any, str]]:
        """Elements of these kinds, each with its kind and its fragment."""
        there = [(e.WhichOneof("type"), e, fragment) for _, e, fragment in self.page.values()]
        return [(kind, getattr(e, kind), fragment) for kind, e, fragment in there if kind in (kinds or STANDS)]

    def _widget(self, label: str) -> tuple[str, Any, str]:
        found = [one for one in self.widgets() if getattr(one[1], "label", "") == label]
        if len(found) != 1:
            raise LookupError(f"{len(found)} widgets are called {label!r}; there are: "
                              f"{sorted({getattr(w, 'label', '') for _, w, _ in self.widgets()})}")
        return found[0]

    # ------------------------------------------------------------------------------------------- what it says

    def _run(self, fragment: str = "", address: dict[str, str] | None = None, once: str = "") -> float:
        """Ask for a run; seconds until it is over and the address says what it should."""
        start = time.monotonic()
        self._say(fragment)
        self._held.pop(once, None)
        self._mine, self._over, self._fragment, self._wanted = False, False, fragment, address or {}
        stood = dict(self._held)
        while not self._soon(start):
            if time.monotonic() - start > PATIENCE:
                raise TimeoutError(f"no answer within {PATIENCE:.0f} s at {urlencode(self.address)}, where "
                                   f"{self._wanted or 'any'} was asked for")
            self._held |= {name: stood[name] for name in self._held if name in stood}
            self.twice += 1
            self._say(self._fragment)
        return time.monotonic() - start

    def _soon(self, start: float) -> bool:
        """Whether the run is over before a hand would try once more."""
        end = time.monotonic() + TWICE
        while not self._over and time.monotonic() < end:
            self._hear(end)
        return self._over

    def _say(self, fragment: str = "", itself: bool = False) -> None:
        """Ask for a run of the page, or of one fragment, telling where everything stands."""
        ask = BackMsg()
        told = ask.rerun_script
        told.query_string, told.page_script_hash, told.fragment_id = urlencode(self.address), self._hash, fragment
        told.is_auto_rerun = itself
        told.cached_message_hashes.extend(self._kept)
        told.context_info.url, told.context_info.color_scheme, told.context_info.timezone = self.url, "light", "UTC"
        told.widget_states.widgets.extend(
            WidgetState(id=name, **{field: ARRAYS[field](data=value) if field in ARRAYS else value})
            for name, (field, value) in self._held.items() if value is not None)
        self._socket.send(ask.SerializeToString())

    def _upload(self, where: str, name: str, data: bytes) -> None:
        """As a form of one file."""
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        form = head.encode() + data + b"\r\n--x--\r\n"
        headers = {"X-Xsrftoken": self._xsrf, "Cookie": f"_streamlit_xsrf={self._xsrf}",
                   "Content-Type": "multipart/form-data; boundary=x"}
        with urllib.request.urlopen(urllib.request.Request(self.url + where, form, headers, method="PUT"),
                                    timeout=PATIENCE):
            return

    # ------------------------------------------------------------------------------------------- what it hears

    def _until(self, done: Callable[[], bool], seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(f"not quiet within {seconds:.0f} s at {urlencode(self.address)}")
            self._hear(end)

    def _hear(self, end: float) -> None:
        """One message, or none until `end`; and what runs by itself, when it is time."""
        now = time.monotonic()
        for fragment, timer in self._timers.items():
            if now >= timer[0]:
                timer[0] = now + timer[1]
                self._say(fragment, itself=True)
        soon = min([end, *(timer[0] for timer in self._timers.values())])
        try:
            data = self._socket.recv(timeout=max(0.001, soon - now))
        except TimeoutError:
            return
        heard = ForwardMsg.FromString(data)
        getattr(self, f"_on_{heard.WhichOneof('type')}", lambda message: None)(heard)

    def _on_new_session(self, heard: ForwardMsg) -> None:
        self._session, self._hash = heard.new_session.initialize.session_id, heard.new_session.page_script_hash
        run, self._running = heard.metadata.run, True
        self._now = run.script_run_id
        self._mine |= not run.fragment_ids or self._fragment in run.fragment_ids
        if not run.fragment_ids:
            self._timers.clear()

    def _on_script_finished(self, heard: ForwardMsg) -> None:
        """A run is over: that which was asked for, or a later one, as Streamlit drops the end of one that is overtaken.
        """
        whole = heard.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        part = heard.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
        self._running = heard.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
        if whole or part:
            self._over |= self._mine and self._wanted.items() <= self.address.items()
            self._forget(heard.metadata.run)
        if whole:
            self._kept = {name: [age + 1, kept] for name, (age, kept) in self._kept.items() if age < AGE}

    def _forget(self, run: Any) -> None:
        """What a run, of the page or of fragments, has not drawn again is gone."""
        ids = list(run.fragment_ids)
        self.page = {path: one for path, one in self.page.items()
                     if one[0] == run.script_run_id or (ids and one[2] not in ids)}
        alive = {widget.id for _, widget, _ in self.widgets()}
        self._held = {name: state for name, state in self._held.items() if name in alive}

    def _on_page_info_changed(self, heard: ForwardMsg) -> None:
        self.address = dict(parse_qsl(heard.page_info_changed.query_string))

    def _on_auto_rerun(self, heard: ForwardMsg) -> None:
        every = heard.auto_rerun.interval
        self._timers[heard.auto_rerun.fragment_id] = [time.monotonic() + every, every]

    def _on_stop_auto_rerun(self, heard: ForwardMsg) -> None:
        for fragment in heard.stop_auto_rerun.fragment_ids:
            self._timers.pop(fragment, None)

    def _on_file_urls_response(self, heard: ForwardMsg) -> None:
        self._urls = heard.file_urls_response.file_urls[0]

    def _on_ref_hash(self, heard: ForwardMsg) -> None:
        kept = self._kept[heard.ref_hash]
        kept[0] = 0
        self._draw(tuple(heard.metadata.delta_path), kept[1])

    def _on_delta(self, heard: ForwardMsg) -> None:
        if heard.metadata.cacheable:
            self._kept[heard.hash] = [0, heard.delta]
        self._draw(tuple(heard.metadata.delta_path), heard.delta)

    def _draw(self, path: Path, delta: Any) -> None:
        """Put an element in its place, and a widget that is new, or is told to move, where it stands."""
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        self.page[path] = (self._now, element, delta.fragment_id)
        kind = element.WhichOneof("type")
        if kind not in STANDS:
            return
        widget = getattr(element, kind)
        self._fragments[widget.id] = delta.fragment_id
        if kind == "bidi_component" and widget.component_name == VIEW:
            self.drawn = time.monotonic() if widget.bytes != self.blob else self.drawn
            self.blob = widget.bytes
        elif widget.id not in self._held or getattr(widget, "set_value", False):
            if (value := STANDS[kind][1](widget)) is not None:
                self._held[widget.id] = (_field(kind, widget), value)
