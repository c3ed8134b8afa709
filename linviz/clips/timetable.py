"""When the frames of a video are shown and which key frame each needs: read from its packets without decoding."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from . import limits
from .found import AGAIN, Unreadable, Watched, truncation_note

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.video.stream import VideoStream

SLACK = 0.25  # seconds by which a whole clip may end before the end time in its header


@dataclass
class Timetable:
    """Time stamps of all frames, in ticks. A run is a key frame and the frames up to the next key frame.

    tick: seconds per tick; runs: time stamp -> number of its run, counted from 1; keys: time stamps of the key frames;
    after: the tick at which the last frame ends; notes: what is missing, as half-sentences.
    """

    tick: Fraction
    runs: dict[int, int] = field(default_factory=dict)
    keys: list[int] = field(default_factory=list)
    after: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, packet: Packet) -> None:
        """Add the next frame, in file order."""
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
        """When each frame appears, in seconds after the first."""
        first = min(self.runs)
        return [float((stamp - first) * self.tick) for stamp in sorted(self.runs)]

    def needed(self, stamps: list[int]) -> set[int]:
        """The runs that these frames need: their own, and the run before for a frame shown before its key frame."""
        own = {self.runs[stamp] for stamp in stamps}
        return own | {self.runs[s] - 1 for s in stamps if self.runs[s] and s < self.keys[self.runs[s] - 1]}


def video_timetable(container: InputContainer, stream: VideoStream, file: Watched) -> Timetable:
    """The timetable of all complete frames within the limits. Raises Unreadable if there is none."""
    table, reached, broken, left = Timetable(stream.time_base or Fraction(1, 1000)), 0.0, False, False
    for packet in read_packets(container):
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
        raise Unreadable(f"it has no complete frame; perhaps a copy was cut short: {AGAIN}")
    if left:
        table.notes.append(f"only the first {table.end:.1f} s of it were read")
    elif broken or reached < stream_end(container) - SLACK:
        table.notes.append(truncation_note(len(table.runs), stream.frames))
    return table


def read_packets(container: InputContainer, *streams: VideoStream) -> Iterator[Packet]:
    """The packets, in order, up to where the file is cut short."""
    from av.error import FFmpegError
    try:
        yield from container.demux(*streams)
    except FFmpegError:
        return


def stream_end(container: InputContainer) -> float:
    """When the last stream ends according to the header, in seconds."""
    return ((container.start_time or 0) + (container.duration or 0)) / 1e6
