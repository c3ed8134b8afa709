"""When the frames of a video are shown, and what each hangs on: read from its packets, of which none is unpacked."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from . import limits
from .found import AGAIN, Unreadable, Watched, broken_off

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.video.stream import VideoStream

SLACK = 0.25  # seconds by which a whole clip may end before the time that its header tells


@dataclass
class Timetable:
    """Time stamps of all frames, in ticks. A run is a key frame and what follows it until the next one.

    tick: its seconds; runs: time stamp -> number of its run, counted from 1; keys: time stamps of the key frames;
    after: the tick at which the last frame is over; notes: what is missing, as half-sentences.
    """

    tick: Fraction
    runs: dict[int, int] = field(default_factory=dict)
    keys: list[int] = field(default_factory=list)
    after: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, packet: Packet) -> None:
        """Enter the next frame, in the order in which they lie in the file."""
        assert packet.pts is not None
        if packet.is_keyframe:
            self.keys.append(packet.pts)
        self.runs[packet.pts] = len(self.keys)
        self.after = max(self.after, packet.pts + (packet.duration or 0))

    @property
    def end(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return float((self.after - min(self.runs)) * self.tick) if self.runs else 0.0

    def starts(self) -> list[float]:
        """When each frame comes on, in seconds after the first."""
        first = min(self.runs)
        return [float((stamp - first) * self.tick) for stamp in sorted(self.runs)]

    def needed(self, stamps: list[int]) -> set[int]:
        """The runs that these frames hang on: their own, and the one before for a frame shown before its key frame."""
        own = {self.runs[stamp] for stamp in stamps}
        return own | {self.runs[s] - 1 for s in stamps if self.runs[s] and s < self.keys[self.runs[s] - 1]}


def timetable(container: InputContainer, stream: VideoStream, file: Watched) -> Timetable:
    """The timetable of all frames that are there whole and within the limits; Unreadable where there is none."""
    table, reached, broken, left = Timetable(stream.time_base or Fraction(1, 1000)), 0.0, False, False
    for packet in packets(container):
        broken |= packet.is_corrupt
        if packet.pts is None or packet.is_corrupt:
            continue
        reached = max(reached, float((packet.pts + (packet.duration or 0)) * (packet.time_base or 0)))
        if packet.stream_index == stream.index and not packet.is_discard:
            table.add(packet)
            left = table.end > limits.DURATION or len(table.runs) >= limits.FRAMES or file.late(0.5)
            if left:
                break
    if not table.runs:
        raise Unreadable(f"no whole frame is in it, as when a copy breaks off: {AGAIN}")
    if left:
        table.notes.append(f"only the first {table.end:.1f} s of it were read")
    elif broken or reached < told(container) - SLACK:
        table.notes.append(broken_off(len(table.runs), stream.frames))
    return table


def packets(container: InputContainer, *streams: VideoStream) -> Iterator[Packet]:
    """The packets, in order, up to where the file breaks off."""
    from av.error import FFmpegError
    try:
        yield from container.demux(*streams)
    except FFmpegError:
        return


def told(container: InputContainer) -> float:
    """When the last stream ends by what the header says, in seconds."""
    return ((container.start_time or 0) + (container.duration or 0)) / 1e6
