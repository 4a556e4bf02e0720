"""The clock of a clip: the instant at which each frame is shown, from the time stamps of the file.

The instant t = 0 is that at which the first video frame is shown; frames, audio and annotations count from there. A
frame's number is its place in the order of presentation, so that one number means one frame however it is reached.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np

from amdd.data.media.container import frame_rate, open_container, video_stream
from amdd.data.media.names import MediaError, frame_files

FOLDER_RATE = 25.0  # frames a second of a folder of images, which has no time stamps
LONGEST_FRAME = 10.0  # seconds that the last frame stays at most
MAX_PACKETS = 200_000  # that are listed: more than two hours at 25 frames a second
MAX_LISTED_BYTES = 4 << 30
# Formats that state when a frame is decoded, not when it is shown.
WITHOUT_PRESENTATION = {"avi", "h264", "hevc", "m4v", "mpegvideo"}
FIRST_PACKETS = 250  # that suffice for the first frame's time, whatever the order of decoding


@dataclass(frozen=True)
class Timeline:
    """Instants at which the frames of a file are shown.

    ``seconds`` float64 (n,), ascending, begins at 0; ``duration`` is the end of the last frame, in seconds; ``origin``
    is the file's own time at t = 0, in seconds; ``ticks`` int64 (n,) are the frames' time stamps in units of the
    stream's time base, or None where the file has none and frames are counted; ``stated`` is the number of frames that
    the container claims, or 0.
    """

    seconds: np.ndarray
    duration: float
    fps: float
    origin: float = 0.0
    ticks: np.ndarray | None = None
    stated: int = 0

    def __len__(self) -> int:
        return len(self.seconds)

    def first(self, n: int) -> Timeline:
        """The timeline of the first ``n`` frames."""
        if n >= len(self.seconds):
            return self
        ticks = None if self.ticks is None else self.ticks[:n]
        return replace(self, seconds=self.seconds[:n], duration=float(self.seconds[n]), ticks=ticks)

    def frames_at(self, instants: np.ndarray) -> np.ndarray:
        """Numbers of the frames shown at ``instants`` (seconds); the first or last one outside the clip."""
        shown = np.searchsorted(self.seconds, np.asarray(instants, float) + 1e-4, side="right") - 1
        return np.clip(shown, 0, max(0, len(self.seconds) - 1))


def read_timeline(path: str | Path) -> Timeline:
    """List the instants at which the frames of a file, or folder of images, are shown; nothing is decoded.

    Raises :class:`MediaError` for what cannot be opened or has no video stream.
    """
    path = Path(path)
    if os.path.isdir(path):
        return folder_timeline(len(frame_files(path)))
    with open_container(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise MediaError(path, "holds no video stream that can be decoded")
        return list_frames(container, stream)


def folder_timeline(n: int) -> Timeline:
    """Timeline of ``n`` images at 25 frames a second."""
    return Timeline(np.arange(n) / FOLDER_RATE, n / FOLDER_RATE, FOLDER_RATE, stated=n)


def list_frames(container, stream, limit: int = MAX_PACKETS) -> Timeline:
    """Timeline of the first ``limit`` packets of ``stream``, in the order of presentation."""
    shown: list[int] = []
    dts: list[int] = []
    durations: list[int] = []
    key: int | None = None
    packets = size = 0
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            packets += 1
            size += packet.size
            if packet.is_keyframe and key is None:
                key = packet.pts
            if not packet.is_discard:  # an edit list removes it
                if packet.pts is not None:
                    shown.append(packet.pts)
                if packet.dts is not None:
                    dts.append(packet.dts)
                durations.append(packet.duration or 0)
            if packets >= limit or size > MAX_LISTED_BYTES:
                break
    except (av.FFmpegError, OverflowError):
        pass  # the container breaks off here
    rate, base = frame_rate(stream), stream.time_base
    stated = max(int(stream.frames or 0), 0)
    n = len(durations)
    ticks = np.unique(np.array(shown, np.int64))
    if key is not None and len(ticks):
        ticks = ticks[ticks >= key]  # what precedes the first key frame cannot be decoded
    reordered = bool(stream.codec_context.has_b_frames) and container.format.name in WITHOUT_PRESENTATION
    exact = 2 * len(ticks) > n and not reordered
    if not exact:  # the order of decoding is not that of presentation, but the instants are the same
        ticks = np.unique(np.array(dts, np.int64))
    if not base or not 2 * len(ticks) > n:
        return Timeline(np.arange(n) / rate, n / rate, rate, start_of(stream), stated=stated)
    seconds = (ticks - ticks[0]) * float(base)
    steps = np.diff(seconds)
    if len(steps):
        measured = len(steps) / float(seconds[-1])
        rate = rate if abs(measured / rate - 1) < 0.02 else measured
    if np.abs(steps - 1 / rate).max(initial=0.0) < 0.1 / rate:
        duration = len(seconds) / rate  # constant rate, whatever the time stamps are rounded to
    else:  # a container's own duration of the last frame is often that of a nominal rate
        ends = durations[-1] * float(base)
        duration = float(seconds[-1]) + min(max(ends, float(steps[-1])), LONGEST_FRAME)
    origin = float(ticks[0] * base)
    return Timeline(seconds, duration, rate, origin, ticks if exact else None, stated)


def start_of(stream) -> float:
    """The instant that the container states as the stream's beginning, in the file's own seconds."""
    return float((stream.start_time or 0) * (stream.time_base or 0))


def first_shown(path: Path) -> float | None:
    """The file's own time at which its first video frame is shown, in seconds, or None without video."""
    with open_container(path) as container:
        stream = video_stream(container)
        if stream is None:
            return None
        timeline = list_frames(container, stream, FIRST_PACKETS)
        return timeline.origin if len(timeline) else None
