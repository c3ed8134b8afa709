"""When the frames of a video are shown and which key frame each needs: read from its packets without decoding."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
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

    tick: seconds per tick; runs: time stamp -> number of its run, counted from 1; keys: run -> time stamp of its key
    frame; sizes: run -> its packets, hidden ones too; places: time stamp -> packets of its run so far; first, after:
    the ticks at which the first frame begins and the last one ends; notes: what is missing, as half-sentences.
    """

    tick: Fraction
    runs: dict[int, int] = field(default_factory=dict)
    keys: dict[int, int] = field(default_factory=dict)
    sizes: Counter[int] = field(default_factory=Counter)
    places: dict[int, int] = field(default_factory=dict)
    first: int = 0
    after: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, run: int, packet: Packet) -> None:
        """Add the next packet, in file order. A cut hides the packets before it, which are decoded but never shown."""
        self.sizes[run] += 1
        if packet.pts is None or packet.is_corrupt:
            return
        if packet.is_keyframe:
            self.keys[run] = packet.pts
        if not packet.is_discard:
            self.first = min(self.first, packet.pts) if self.runs else packet.pts
            self.runs[packet.pts], self.places[packet.pts] = run, self.sizes[run]
            self.after = max(self.after, packet.pts + (packet.duration or 0))

    @property
    def end(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return float((self.after - self.first) * self.tick)

    def stamps(self) -> list[int]:
        """The time stamps of all frames, rising."""
        return sorted(self.runs)

    def starts(self) -> list[float]:
        """When each frame appears, in seconds after the first."""
        return [float((stamp - self.first) * self.tick) for stamp in self.stamps()]

    def needed(self, stamps: Iterable[int], beside: bool = False) -> set[int]:
        """The runs that these frames need: their own, and the run before for a frame shown before its key frame.

        beside: and those of the frames before and after each.
        """
        if beside:
            every = self.stamps()
            place = {stamp: i for i, stamp in enumerate(every)}
            stamps = {near for stamp in stamps for near in every[max(place[stamp] - 1, 0):place[stamp] + 2]}
        own = {self.runs[stamp]: stamp for stamp in sorted(stamps, reverse=True)}  # of each run, the first frame
        return own.keys() | {run - 1 for run, stamp in own.items() if run and stamp < self.keys.get(run, stamp)}

    def work(self, runs: set[int], last: int) -> int:
        """How many packets are decoded for these runs, of the last of which no more than the frame at `last` needs."""
        end = self.runs[last]
        return sum(self.sizes[run] for run in runs if run < end) + self.places.get(last, self.sizes[end])

    def decodable(self, runs: set[int]) -> set[int]:
        """The frames that these runs give when only they are decoded: a frame may hang on the run before, too."""
        return {stamp for stamp, run in self.runs.items() if run in runs
                and (run - 1 in runs | {-1, 0} - self.sizes.keys() or stamp >= self.keys.get(run, stamp))}

    def cut(self, most: int) -> None:
        """Leave out all but the first frames."""
        stamps = self.stamps()
        if most < len(stamps):
            self.after = stamps[most]
            self.runs = {stamp: self.runs[stamp] for stamp in stamps[:most]}
            self.notes[:] = [f"only the first {self.end:.1f} s of it were read"]


def video_timetable(container: InputContainer, stream: VideoStream, file: Watched) -> Timetable:
    """The timetable of all complete frames within the limits. Raises Unreadable if there is none."""
    table, reached, broken, left = Timetable(stream.time_base or Fraction(1, 1000)), 0.0, False, False
    for run, packet in numbered_packets(container, stream):
        broken |= packet.is_corrupt
        if packet.pts is not None and not packet.is_corrupt:
            reached = max(reached, float((packet.pts + (packet.duration or 0)) * (packet.time_base or 0)))
        if packet.stream_index == stream.index and packet.size:
            table.add(run, packet)
            left = table.end > limits.DURATION or sum(table.sizes.values()) >= limits.FRAMES or file.late(0.5)
            if left:
                break
    if not table.runs:
        raise Unreadable(f"it has no complete frame; perhaps a copy was cut short: {AGAIN}")
    if left:
        table.notes.append(f"only the first {table.end:.1f} s of it were read")
    elif broken or not has_all(table, stream) and reached < stream_end(container) - SLACK:
        table.notes.append(truncation_note(len(table.runs), stream.frames))
    return table


def numbered_packets(container: InputContainer, stream: VideoStream) -> Iterator[tuple[int, Packet]]:
    """All packets, in order, up to where the file is cut short, each with the number of its stream's run so far.

    Both passes over a file number the runs here, so that they agree on packets that are hidden or damaged.
    """
    from av.error import FFmpegError
    run = 0
    try:
        for packet in container.demux():
            run += packet.stream_index == stream.index and packet.is_keyframe
            yield run, packet
    except FFmpegError:
        return


def has_all(table: Timetable, stream: VideoStream) -> bool:
    """Whether every packet in the index of an MP4 was there: times alone mislead where a cut falls into a frame."""
    index = getattr(stream, "index_entries", None) or range(stream.frames)  # PyAV before 16 has no index
    return 0 < stream.frames and sum(table.sizes.values()) >= len(index)


def stream_end(container: InputContainer) -> float:
    """When the last stream ends according to the header, in seconds; WebM counts from zero, not from the first frame.
    """
    start = 0 if container.format.name.startswith("matroska") else container.start_time or 0
    return (start + (container.duration or 0)) / 1e6
