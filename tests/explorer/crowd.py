"""Many visitors at once: how long each waits for its controls, what each sees, what the server's memory does.

`python -m tests.explorer.crowd --actions 100` measures at length, on a server of its own, and prints what it found.
"""
from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import random
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import psutil
from PIL import Image

from explorer.concentrate.mechanism_menu import spec_title
from linviz.views import View
from tests.conftest import ROOT, free_port, serving

from .visitor import Visitor

MANY = 10
PAUSE = (2.0, 3.0)  # seconds between two actions: a hand's
PICTURES = ("astronaut", "chelsea", "coffee", "rocket", "camera", "hubble", "motorcycle", "pan", "digit", "crossing")
SPECS = ("linear", "efficient", "relu", "cosformer", "performer", "swin@window:7", "relu+gate", "")
MENU = f"Mechanisms side by side, one to {View.limits('specs')['high']}"
TEMPERATURE = View.flat_settings()["temperature"].setting.kind
STOPS = tuple(TEMPERATURE.write(x) for x in TEMPERATURE.stops() if 0.2 <= x <= 1.5)
HEAVY = ({"source": "chelsea", "patches": "56", "steps": "2000", "specs": "softmax,relu_floor+gate"},
         {"source": "rocket", "patches": "56", "specs": "softmax,relu_floor"})  # a long fit; a long spectrum


@dataclass(frozen=True)
class Did:
    """One action: whose, what, seconds to the whole page, and to its new view where there came one."""

    who: int
    what: str
    seconds: float
    view: float | None


Key = tuple[tuple[tuple[str, str], ...], str]  # an address, and something that it shows
NO_MATTER = {"query", "specs"}  # of an address: they decide which panels there are, not what one shows


def drawing(n: int) -> bytes:
    """A small picture that nobody else has."""
    pixels = np.random.default_rng(n).integers(0, 255, (12, 16, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize((160, 120)).save(out, "PNG")
    return out.getvalue()


def look(visitor: Visitor) -> dict[Key, str]:
    """What a visitor sees, by what it depends on: picture and maps, once nothing is on its way tables too; as hashes.

    Nothing where a file is awaited: what was there before stays until it comes.
    """
    if visitor.address.get("source") == "own":
        return {}
    whole = tuple(sorted(visitor.address.items()))
    own, view = tuple(item for item in whole if item[0] not in NO_MATTER), visitor.view
    out = {(own, "picture"): hashed([frame["data"] for frame in view["frames"]])}
    out |= {(own, panel["title"]): hashed(panel["wire"]) for panel in view["panels"]
            if not panel["title"].endswith(("fitting", "not fitted"))}
    return out | ({(whole, "tables"): hashed(visitor.tables)} if visitor.quiet else {})


def hashed(x: Any) -> str:
    """A hash of a tree of arrays and words."""
    if isinstance(x, dict):
        x = [[name, hashed(x[name])] for name in sorted(x)]
    elif isinstance(x, list):
        x = [hashed(one) for one in x]
    said = x.tobytes() if isinstance(x, np.ndarray) else repr(x).encode()
    return hashlib.sha256(said).hexdigest()[:16]


class Hand(Thread):
    """A visitor and what its hand does: `actions` times, a pause after each. The first two have files of their own."""

    def __init__(self, url: str, who: int, actions: int, pictures: Sequence[str] = PICTURES,
                 visitor: Visitor | None = None) -> None:
        super().__init__(name=f"hand {who}")
        self.url, self.who, self.actions, self.pictures, self.files = url, who, actions, tuple(pictures), who < 2
        self.did, self.looks, self.failed = list[Did](), defaultdict[Key, set[str]](set), ""
        self._random = random.Random(f"{who} {visitor and visitor.address}")
        clip, temperature = self.pictures[who % len(self.pictures)], str((50 + who) / 100)
        self.visitor = visitor or Visitor(url, source=clip, temperature=temperature)

    def again(self) -> Hand:
        """The same visitor, to act once more."""
        return Hand(self.url, self.who, self.actions, self.pictures, self.visitor)

    def run(self) -> None:
        """Act, look, rest."""
        try:
            for _ in range(self.actions):
                self.act()
                self.visitor.rest(self._random.uniform(*PAUSE))
                self.note()
        except Exception as error:  # for whoever waits for this thread
            self.failed = f"{self.name}: {type(error).__name__}: {error}"

    def note(self) -> None:
        """What is seen, where nothing is on its way; and that nothing went wrong."""
        if self.visitor.said:
            raise AssertionError(f"the page says: {self.visitor.said}")
        for key, seen in look(self.visitor).items():
            self.looks[key].add(seen)

    def act(self) -> None:
        """One action, whichever."""
        what = self._random.choices(("temperature", "mechanism", "seed", "picture", "pin"), (4, 2, 1, 1, 2))[0]
        if self.files and what == "picture":
            what = "forget" if "@" in self.visitor.address.get("source", "") else "own"
        self.do(what)

    def do(self, what: str) -> None:
        """One action, by its name."""
        start = time.monotonic()
        seconds = getattr(self, f"_{what}")()
        drawn = self.visitor.drawn - start
        self.did.append(Did(self.who, what, seconds, drawn if drawn > 0 else None))

    def _other(self, choices: tuple[str, ...], now: str) -> str:
        return self._random.choice([one for one in choices if one != now])

    def _temperature(self) -> float:
        now = self.visitor.address.get("temperature", "")
        value = self._other(STOPS, now)
        own = View.best(source).temperature if (source := self._sample()) else View().temperature
        return self.visitor.put("Temperature", [value], **({"temperature": value} if float(value) != own else {}))

    def _sample(self) -> str:
        """The photograph or clip that is shown; empty for a file."""
        source = self.visitor.address.get("source", View().source)
        return "" if source == "own" or "@" in source else source

    def _mechanism(self) -> float:
        now = self.visitor.address.get("specs", ",".join(View().specs)).split(",")
        value = self._other(SPECS, now[-1] if now[-1] in SPECS else "")
        [(_, menu, _)] = [one for one in self.visitor.widgets("multiselect") if one[1].label == MENU]
        shown = [spec for spec in now if spec not in SPECS] + [value] * bool(value)
        specs = ",".join(shown)
        known = [title if (title := spec_title(spec)) in menu.options else spec for spec in shown]
        return self.visitor.put(MENU, known,
                                **({"specs": specs} if specs != ",".join(View().specs) else {}))

    def _seed(self) -> float:
        value = self._other(tuple("123456789"), self.visitor.address.get("seed", "0"))
        return self.visitor.put("Seed", float(value), seed=value)

    def _picture(self) -> float:
        value = self._other(self.pictures, self._sample())
        return self._choose(value, **({"source": value} if value != View().source else {}))

    def _choose(self, word: str, **address: str) -> float:
        """Pick from the menu of pictures what begins with a word."""
        [menu] = [menu for _, menu, _ in self.visitor.widgets("selectbox") if menu.label == "Photograph or clip"]
        called = next(option for option in menu.options if re.match(rf"{word}\b", option, re.I))
        return self.visitor.put(menu.label, called, **address)

    def _pin(self) -> float:
        _, y, x = self.visitor.view["grid"]
        row, column = self._random.randrange(y), self._random.randrange(x)
        return self.visitor.pin(row * x + column)

    def _own(self) -> float:
        if self.visitor.address.get("source") != "own":
            self._choose("your own", source="own")
        return self.visitor.bring(f"hand{self.who}.png", drawing(self.who))

    def _forget(self) -> float:
        return self.visitor.press("Forget this file")


# ---------------------------------------------------------------- the server


@contextlib.contextmanager
def served(log: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The explorer on a server of its own; its address and its process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["-m", "explorer.serve", "--server.address", "127.0.0.1", "--server.port", port, "--server.headless",
               "true", "--server.fileWatcherType", "none"]
    with serving(command, f"{url}/_stcore/health", log, ROOT):
        [server] = [one for one in psutil.Process().children() if str(port) in one.cmdline()]
        yield url, server
        server.kill()  # it would first end a spectrum that takes minutes


def crowd(hands: Sequence[Hand], watching: Sequence[Visitor] = ()) -> None:
    """Let all hands act at once, while others only watch; raises what went wrong in any."""
    over = Event()
    others = [Thread(target=watch, args=(one, over), daemon=True) for one in watching]
    for thread in (*hands, *others):
        thread.start()
    for hand in hands:
        hand.join()
    over.set()
    for thread in others:
        thread.join()
    assert not any(hand.failed for hand in hands), "; ".join(hand.failed for hand in hands if hand.failed)


def watch(visitor: Visitor, over: Event) -> None:
    """Look on until it is over."""
    while not over.is_set():
        visitor.rest(0.3)


def told(did: list[Did], what: str) -> float:
    """Print how long actions took; the 95th percentile."""
    seconds = [one.seconds for one in did]
    half, most = np.quantile(seconds, [0.5, 0.95])
    print(f"{what}: p50 {half:.2f} s, p95 {most:.2f} s, longest {max(seconds):.2f} s of {len(seconds)}", flush=True)
    return float(most)


def merged(hands: list[Hand]) -> dict[Key, set[str]]:
    """Everything that anybody saw, by what it depends on: of each there must be one."""
    out: dict[Key, set[str]] = defaultdict(set)
    for hand in hands:
        for key, seen in hand.looks.items():
            out[key] |= seen
    return out


def main() -> None:
    """Measure at length: after every 20 actions of each, how long they took and what memory the server holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actions", type=int, default=100, help="of each visitor")
    parser.add_argument("--heavy", action="store_true", help="beside a fit and a spectrum that take minutes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "log") as (url, server):
        heavy = [Visitor(url, **address) for address in HEAVY if given.heavy]
        hands = [Hand(url, n, 20) for n in range(MANY)]
        looks: dict[Key, set[str]] = defaultdict(set)
        for n in range(0, given.actions, 20):
            crowd(hands, heavy)
            told([one for hand in hands for one in hand.did], f"actions {n + 1} to {n + 20}")
            print(f"    memory {server.memory_info().rss / 1e6:.0f} MB", flush=True)
            for key, seen in merged(hands).items():
                looks[key] |= seen
            hands = [hand.again() for hand in hands]
        mixed = [key for key, seen in looks.items() if len(seen) > 1]
        print(f"{len(looks)} pictures, maps and tables seen; not always the same: {mixed or 'none'}")


if __name__ == "__main__":
    main()
