"""Frames of a file or a folder of images as one array.

What is read is bounded, so that a ten-hour or an 8K file costs no more than the frames that were wanted.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import numpy as np

from amdd.data.media.clock import FOLDER_RATE, Timeline, read_timeline
from amdd.data.media.container import _decode, open_container, video_stream
from amdd.data.media.names import MediaError, frame_files, words_of
from amdd.data.media.pictures import read_picture, stack, to_array

MAX_FRAMES = 3000  # two minutes at 25 fps: what is decoded at most when no frames were named
MAX_BYTES = 1 << 30  # of decoded frames, in the same case
MAX_PIXELS = 20_000_000_000  # decoded for one call: 10,000 frames of 1080p, 600 of 8K
SEEK_GAP = 250  # frames; further apart than this, a seek is cheaper than decoding on


@dataclass(frozen=True)
class Video:
    """Decoded frames.

    ``frames`` is uint8 (T, H, W, 3), RGB; ``indices`` (T,) says which frames of the file they are.
    """

    frames: np.ndarray
    fps: float
    n_frames: int
    indices: np.ndarray
    short: bool = False  # the file ended before the last wanted frame
    reached: int = 0  # one more than the number of the last frame that was decoded


def read_video(
    path: str | Path,
    indices: Sequence[int] | np.ndarray | None = None,
    max_frames: int | None = None,
    timeline: Timeline | None = None,
) -> Video:
    """Decode a file, or a folder of images, to RGB frames.

    ``indices`` (ascending) are the wanted frames, numbered in the order of presentation; without them all frames up
    to ``max_frames`` (at most 3,000 and 1 GB). Wanted frames past the end are replaced by the last one;
    ``Video.short`` says so. Between wanted frames that lie far apart the decoder seeks. ``timeline``, where it is at
    hand, saves listing the file's frames once more. Raises :class:`MediaError` when no frame can be decoded; a file
    that breaks off in the middle gives what came before.
    """
    path = Path(path)
    limit = min(max_frames or MAX_FRAMES, MAX_FRAMES)
    wanted = None if indices is None else np.sort(np.maximum(np.asarray(indices, int), 0))
    if os.path.isdir(path):
        return _read_folder(path, wanted, limit)
    if timeline is None:
        timeline = read_timeline(path)
    with open_container(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise MediaError(path, "holds no video stream that can be decoded")
        stream.thread_type = "NONE"  # clips are decoded side by side, not one faster
        numbers = np.arange(limit) if wanted is None else np.unique(wanted)
        try:
            got, reached = _Reader(container, stream, timeline).read(numbers, everything=wanted is None)
        except (av.FFmpegError, ValueError, OverflowError, MemoryError) as error:
            raise MediaError(path, f"no frame could be decoded ({words_of(error)})") from None
    if not got:
        raise MediaError(path, "no frame could be decoded; the file may be truncated")
    if wanted is None:
        wanted = np.arange(max(got) + 1)
    known = sorted(got)
    nearest = [known[max(0, bisect_right(known, i) - 1)] for i in wanted.tolist()]
    short = bool(len(wanted) and reached <= wanted[-1])
    n_frames = reached if short else max(len(timeline), reached)
    return Video(stack(path, [got[i] for i in nearest]), timeline.fps, n_frames, wanted, short, reached)


def _read_folder(path: Path, wanted: np.ndarray | None, limit: int) -> Video:
    files = frame_files(path)
    if not files:
        raise MediaError(path, "a folder without pictures")
    wanted = np.arange(min(len(files), limit)) if wanted is None else wanted
    short = bool(len(wanted) and wanted[-1] >= len(files))
    frames = [read_picture(files[i]) for i in np.minimum(wanted, len(files) - 1)]
    return Video(stack(path, frames), FOLDER_RATE, len(files), wanted, short, len(files))


class _Reader:
    """Frames of an open stream by number; a frame's time stamp gives its number."""

    def __init__(self, container, stream, timeline: Timeline) -> None:
        self.container, self.stream, self.timeline = container, stream, timeline
        self.aspect = stream.sample_aspect_ratio
        self.counted = 0  # frames without a time stamp are counted
        self.pixels = 0
        self.stamps: set[int] | None = None  # of the wanted frames

    def read(self, wanted: np.ndarray, everything: bool) -> tuple[dict[int, np.ndarray], int]:
        """Frames by number, and one more than the number of the last frame that was seen."""
        got: dict[int, np.ndarray] = {}
        n = len(self.timeline)
        targets = wanted.tolist() if everything else sorted({min(i, max(0, n - 1)) for i in wanted.tolist()})
        if self.timeline.ticks is not None and n and not everything:
            self.stamps = {int(self.timeline.ticks[i]) for i in targets}
        frames, reached, size = self._numbered(), 0, 0
        last: tuple[int, av.VideoFrame] | None = None
        previous = None
        for target in targets:
            if target - (last[0] if last else -1) > SEEK_GAP:
                near = self._near(target)
                frames, last, previous = (near, None, None) if near else (frames, last, previous)
            ended = False
            while last is None or last[0] < target:
                frame = next(frames, None) if self.pixels <= MAX_PIXELS else None
                if frame is None:
                    ended = True
                    break
                previous, last = last, frame
                reached = max(reached, frame[0] + 1)
            if last is None:
                break
            # Where the wanted frame can't be decoded, the one before it stays on the screen.
            number, shown = previous if last[0] > target and previous is not None else last
            if ended and number in got:
                break
            got[number if ended else target] = picture = to_array(shown, self.aspect)
            size += picture.nbytes
            if ended or (everything and size > MAX_BYTES):
                break
        return got, reached

    def _numbered(self) -> Iterator[tuple[int, av.VideoFrame]]:
        for frame in _decode(self.container, self.stream, self.stamps):
            self.pixels += frame.width * frame.height
            ticks = self.timeline.ticks
            if ticks is None or frame.pts is None:
                number = self.counted
            else:
                number = int(np.searchsorted(ticks, frame.pts, side="right")) - 1
                if number < 0:  # not shown: before the first key frame
                    continue
            self.counted = number + 1
            yield number, frame

    def _near(self, number: int) -> Iterator[tuple[int, av.VideoFrame]] | None:
        """Frames from a key frame at or before ``number`` on, or None where seeking does not lead there."""
        ticks = self.timeline.ticks
        if ticks is None:
            return None
        for back in (0.0, 5.0):
            stamp = int(ticks[number]) - int(back / self.stream.time_base)
            try:
                self.container.seek(stamp, stream=self.stream, backward=True)
                frames = self._numbered()
                first = next(frames, None)
            except av.FFmpegError:
                return None  # not seekable: go on decoding
            if first is not None and first[0] <= number and first[1].key_frame:
                return chain([first], frames)
        self.container.seek(int(ticks[0]), stream=self.stream, backward=True)
        return self._numbered()
