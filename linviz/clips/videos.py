"""Videos (MP4, MOV, WebM) read by PyAV from memory: first the times of all frames, then the frames that are kept.

The first pass decodes nothing, so half a minute of video takes milliseconds. The second pass begins at the key frame
that a kept frame needs, and skips every run of frames in which none is kept: telephones begin a run every second.
Where it shows that some packets give no frame, or frames of their own times, every frame is decoded to list the times.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from . import limits
from .found import AGAIN, Found, Unreadable, Watched, check_size, evenly_spaced, frames_ahead, room_ahead
from .timetable import Timetable, numbered_packets, video_timetable
from .video_frames import Picture, deinterlace_frames, display_frames, stream_display

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

CODECS = ("h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "mjpeg", "prores")
OPTIONS = {"codec_whitelist": ",".join(CODECS), "max_pixels": str(limits.VIDEO_PIXELS)}
OPACITY = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # decoders that read transparency, which FFmpeg's own do not
OTHER_TRACK = "of {count} video tracks, the one that players show first is read"


def read_video(file: Watched, kind: str, count: int, ahead: bool = False) -> Found:
    """The frames of a video for `count` moments, evenly spaced in time; `kind` is FFmpeg's name of the format.

    ahead: and those for fewer, as far as there is room.
    """
    with open_video(file, kind) as container:
        stream = picture_stream(container)
        table = video_timetable(container, stream, file)
        width, height = stream.codec_context.width, stream.codec_context.height
        tracks = len(picture_streams(container))
    most = int(limits.VIDEO_WORK // (width * height))  # frames that may be decoded
    room = room_ahead(width, height) if ahead else 0
    shown, decoder = chosen_pictures(file, kind, table, count, most, room)
    if decoder.surprises(table):
        table = decoded_timetable(file, kind, table, most)
        shown, decoder = chosen_pictures(file, kind, table, count, most, room)
    if not shown.pictures:
        raise Unreadable(f"none of its frames can be decoded: it is damaged, so {AGAIN}")
    made, stamps = dict(zip(shown.chosen, shown.pictures)), table.stamps()
    remarks = [OTHER_TRACK.format(count=tracks)] * (tracks > 1)
    return Found(table.starts(), {i: picture.pixels for i, picture in made.items()}, set(shown.chosen), table.end,
                 shown.pictures[0].size, table.notes, remarks + decoder.display.remarks(),
                 {i for i, picture in made.items() if picture.stamp != stamps[i]}, file.seconds * file.late())


def open_video(file: Watched, kind: str) -> InputContainer:
    """The file from its beginning. Only `kind` is tried, so no playlist or script in it can open other files."""
    try:
        import av
    except ImportError as error:
        raise Unreadable("videos need PyAV: pip install 'linviz[video]'") from error
    file.seek(0)
    try:
        return av.open(file, "r", format=kind, options=OPTIONS, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise Unreadable(f"its index is missing or damaged; perhaps a copy was cut short: {AGAIN}") from error


def picture_streams(container: InputContainer) -> list[VideoStream]:
    """The video streams; the cover picture of a piece of music does not count."""
    from av.stream import Disposition
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def picture_stream(container: InputContainer) -> VideoStream:
    """The video stream that players show: the first one that the file marks as its default, else the first."""
    from av.stream import Disposition
    streams = picture_streams(container)
    if not streams:
        raise Unreadable("it has sound but no pictures" if container.streams.audio else "it has no pictures")
    stream = next((s for s in streams if s.disposition & Disposition.default), streams[0])
    context = stream.codec_context
    if context is None or context.name not in CODECS:
        raise Unreadable("its video codec is not supported: export it as MP4 with H.264")
    check_size(context.width, context.height, limits.VIDEO_PIXELS, "frame")
    return stream


# ---------------------------------------------------------------- the second pass


@dataclass
class Shown:
    """The chosen frames, by their numbers in the timetable, and their pictures; fewer if decoding ended before."""

    chosen: list[int]
    pictures: list[Picture]


def chosen_pictures(file: Watched, kind: str, table: Timetable, count: int, most: int,
                    room: int) -> tuple[Shown, RunDecoder]:
    """The pictures for `count` moments; with the frames beside them where two fields are to become one frame.

    most: frames that may be decoded. If it is too few, the timetable is cut at its end. room: pictures that may be kept
    for fewer moments.
    """
    for beside in (False, True):
        while True:
            stamps = table.stamps()
            chosen = evenly_spaced(table.starts(), count)
            wanted = [stamps[i] for i in chosen]
            runs = table.needed(wanted, beside)
            if table.work(runs, wanted[-1]) <= most or len(stamps) <= 1:
                break
            table.cut(len(stamps) * 3 // 4)
        further = frames_ahead(table.starts(), count, room)
        stamps_further = [stamps[i] for i in further]
        runs_further = table.needed(stamps_further, beside)
        chosen = sorted(set(chosen))
        if table.work(runs_further, stamps_further[-1]) <= most:
            chosen, runs = further, runs_further
        wanted = [stamps[i] for i in chosen]
        decoder = RunDecoder(file, kind, runs, last=wanted[-1])
        pictures = decoder.pictures(wanted, beside)
        if beside or not decoder.interlaced:
            break
    return Shown(chosen, pictures), decoder


@dataclass
class RunDecoder:
    """The frames of some runs, and what was seen of them: the times of all, a frame of two fields, errors."""

    file: Watched
    kind: str
    runs: set[int]
    last: int
    seen: set[int] = field(default_factory=set)
    interlaced: bool = False
    errors: int = 0

    def pictures(self, wanted: list[int], fields: bool) -> list[Picture]:
        """The pictures at these times; none if a frame has two fields and `fields` are not expected."""
        with open_video(self.file, self.kind) as container:
            stream = picture_stream(container)
            self.display = stream_display(stream)
            frames: Iterator[VideoFrame] = self.frames(container, stream)
            if fields:
                frames = deinterlace_frames(frames, stream, self.display)
            else:
                frames = takewhile(lambda _: not self.interlaced, frames)
            found = list(display_frames(frames_at(frames, wanted), self.display))
        return found if fields or not self.interlaced else []

    def frames(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        """The frames in the order in which they are shown; frames that cannot be decoded are left out."""
        for frame in self._decoded(container, stream):
            self.seen.add(frame.pts or 0)
            self.interlaced |= frame.interlaced_frame
            yield frame

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        context, fed = video_decoder(stream), False
        for run, packet in numbered_packets(container, stream):
            if self.file.late():
                return
            if packet.stream_index != stream.index:
                continue
            if run in self.runs:
                yield from self._unpack(context, packet)
            elif fed:  # drain the decoder, so that the next run begins fresh
                yield from self._unpack(context, None)
                context.flush_buffers()
            fed = run in self.runs
        yield from self._unpack(context, None)

    def _unpack(self, context: VideoCodecContext, packet: Packet | None) -> list[VideoFrame]:
        """The frames that the decoder returns for a packet; for None, those that it still holds."""
        from av.error import EOFError, FFmpegError
        try:
            return [frame for frame in context.decode(packet) if frame.pts is not None]
        except EOFError:  # the decoder was drained before
            return []
        except FFmpegError:
            self.errors += 1
            return []

    def surprises(self, table: Timetable) -> bool:
        """Whether packets gave no frame, or frames had other times than their packets, although nothing is damaged."""
        if self.errors or self.file.late():
            return False
        expected = {stamp for stamp in table.decodable(self.runs) if stamp <= self.last}
        return not expected <= self.seen <= table.runs.keys()


def video_decoder(stream: VideoStream) -> VideoCodecContext:
    """A decoder for a stream, which reads its transparency."""
    import av
    plain = stream.codec_context
    found, options = plain, OPTIONS
    if stream.metadata.get("alpha_mode") == "1" and plain.name in OPACITY:
        name = OPACITY[plain.name]
        found = cast("VideoCodecContext", av.CodecContext.create(name, "r"))
        options = OPTIONS | {"codec_whitelist": name}
        found.extradata = plain.extradata
    found.thread_count, found.options = 1, options
    return found


def decoded_timetable(file: Watched, kind: str, table: Timetable, most: int) -> Timetable:
    """The timetable of the frames that the decoder gives, where its packets do not tell: all of them are decoded."""
    run, decoder = 0, RunDecoder(file, kind, set(table.sizes), last=0)
    runs: dict[int, int] = {}
    keys = sorted((stamp, run) for run, stamp in table.keys.items())
    with open_video(file, kind) as container:
        for frame in takewhile(lambda _: len(runs) < most, decoder.frames(container, picture_stream(container))):
            while keys and keys[0][0] <= (frame.pts or 0):
                run = keys.pop(0)[1]
            runs[frame.pts or 0] = table.runs.get(frame.pts or 0, run)
    within = {stamp: run for stamp, run in runs.items() if stamp <= max(table.runs)}
    if not within:
        return table
    return replace(table, runs=within, first=min(within))


def frames_at(frames: Iterable[VideoFrame], stamps: list[int]) -> Iterator[VideoFrame]:
    """The frame visible at each time stamp (rising): the one that begins then, or else the last before it."""
    todo, before = list(stamps), None
    for frame in frames:
        while todo and todo[0] <= (frame.pts or 0):
            yield frame if before is None or frame.pts == todo[0] else before
            todo.pop(0)
        if not todo:
            return
        before = frame
