"""Many visitors at once: how long each waits for its controls, what each sees, what the server's memory does.

`python -m tests.explorer.crowd --actions 100` measures at length, on a server of its own, and prints what it found.
"""
from __future__ import annotations

import contextlib
import hashlib
import io
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import numpy as np
import psutil
from PIL import Image

from explorer.choice import OPENING
from tests.conftest import ROOT, free_port, serving

from .visitor import Visitor

MANY = 10
PAUSE = (2.0, 3.0)  # seconds between two actions: a hand's
PICTURES = ("astronaut", "chelsea", "coffee", "rocket", "camera", "hubble", "motorcycle", "pan", "digit", "crossing")
SPECS = ("linear", "efficient", "relu", "cosformer", "performer", "swin@window:7", "relu+gate", "")
HEAVY = ({"clip": "chelsea", "patches": "56", "steps": "2000", "maps": "softmax,relu_floor+gate"},
         {"clip": "rocket", "patches": "56", "maps": "softmax,relu_floor"})  # a long fit; a long spectrum


@dataclass(frozen=True)
class Did:
    """One action: whose, what, seconds to the whole page, and to its new view where there came one."""

    who: int
    what: str
    seconds: float
    view: float | None


Look = tuple[str, str]  # what the view draws, and the tables: by their hashes


def drawing(n: int) -> bytes:
    """A small picture that nobody else has."""
    pixels = np.random.default_rng(n).integers(0, 255, (12, 16, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize((160, 120)).save(out, "PNG")
    return out.getvalue()


def look(visitor: Visitor) -> Look:
    """What a visitor sees once nothing is on its way."""
    tables = "".join(visitor.tables)
    return visitor.view["id"], hashlib.sha256(tables.encode()).hexdigest()[:16]


def key(visitor: Visitor) -> tuple[tuple[str, str], ...]:
    """The address, which decides all that is seen."""
    return tuple(sorted(visitor.address.items()))


class Hand(Thread):
    """A visitor and what its hand does: `actions` times, a pause after each. The first two have files of their own."""

    def __init__(self, url: str, who: int, actions: int, pause: tuple[float, float] = PAUSE) -> None:
        super().__init__(name=f"hand {who}")
        self.url, self.who, self.actions, self.pause, self.files = url, who, actions, pause, who < 2
        self.did, self.looks, self.failed = list[Did](), dict[tuple[tuple[str, str], ...], set[Look]](), ""
        self._random = random.Random(who)
        self.visitor = Visitor(url, clip=PICTURES[who % len(PICTURES)], temperature=str((50 + who) / 100))

    def run(self) -> None:
        """Act, look, rest."""
        try:
            for _ in range(self.actions):
                self.act()
                self.visitor.rest(self._random.uniform(*self.pause))
                self.note()
        except Exception as error:  # for whoever waits for this thread
            self.failed = f"{self.name}: {type(error).__name__}: {error}"

    def note(self) -> None:
        """What is seen, where nothing is on its way; and that nothing went wrong."""
        if self.visitor.said:
            raise AssertionError(f"the page says: {self.visitor.said}")
        if self.visitor.quiet:
            self.looks.setdefault(key(self.visitor), set()).add(look(self.visitor))

    def act(self) -> None:
        """One action."""
        start = time.monotonic()
        what = self._random.choices(("temperature", "mechanism", "seed", "picture", "pin"), (4, 2, 1, 1, 2))[0]
        if self.files and what == "picture":
            what = "forget" if "file" in self.visitor.address else "own"
        seconds = getattr(self, f"_{what}")()
        drawn = self.visitor.drawn - start
        self.did.append(Did(self.who, what, seconds, drawn if drawn > 0 else None))

    def _other(self, choices: tuple[str, ...], now: str) -> str:
        return self._random.choice([one for one in choices if one != now])

    def _temperature(self) -> float:
        now = self.visitor.address.get("temperature", "")
        value = self._other(tuple(str(n / 100) for n in range(30, 100)), now)
        return self.visitor.put("Temperature", [float(value)], temperature=value)

    def _mechanism(self) -> float:
        value = self._other(SPECS, self.visitor.address.get("spec", ""))
        return self.visitor.put("One more, by its spec", value, **({"spec": value} if value else {}))

    def _seed(self) -> float:
        value = self._other(tuple("123456789"), self.visitor.address.get("seed", "0"))
        return self.visitor.put("Seed", float(value), seed=value)

    def _picture(self) -> float:
        value = self._other(PICTURES, self.visitor.address.get("clip", OPENING.clip))
        [(_, menu, _)] = [one for one in self.visitor.widgets("selectbox")]
        called = next(option for option in menu.options if option.lower().startswith(f"{value} "))
        return self.visitor.put("Photograph or clip", called, **({"clip": value} if value != OPENING.clip else {}))

    def _pin(self) -> float:
        _, y, x = self.visitor.view["grid"]
        row, column = self._random.randrange(y), self._random.randrange(x)
        return self.visitor.pin(row * x + column)

    def _own(self) -> float:
        if self.visitor.address.get("clip") != "own":
            self.visitor.press("Bring your own picture, clip or tensors", clip="own")
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


def crowd(hands: list[Hand]) -> None:
    """Let all hands act at once; raises what went wrong in any."""
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert not any(hand.failed for hand in hands), "; ".join(hand.failed for hand in hands if hand.failed)


def told(did: list[Did], what: str) -> float:
    """Print how long actions took; the 95th percentile."""
    seconds = [one.seconds for one in did]
    half, most = np.quantile(seconds, [0.5, 0.95])
    print(f"{what}: p50 {half:.2f} s, p95 {most:.2f} s, longest {max(seconds):.2f} s of {len(seconds)}", flush=True)
    return float(most)


def merged(hands: list[Hand]) -> dict[tuple[tuple[str, str], ...], set[Look]]:
    """Every look that anybody had, by address."""
    out: dict[tuple[tuple[str, str], ...], set[Look]] = defaultdict(set)
    for hand in hands:
        for address, looks in hand.looks.items():
            out[address] |= looks
    return out


def alone(url: str, address: dict[str, str], files: dict[str, bytes]) -> Look:
    """What a visitor sees who comes to an address, with the file that it names."""
    visitor = Visitor(url, **address)
    with contextlib.closing(visitor):
        if address.get("file") in files:
            visitor.bring(address["file"], files[address["file"]])
        visitor.wait()
        assert not visitor.said, visitor.said
        return look(visitor)
