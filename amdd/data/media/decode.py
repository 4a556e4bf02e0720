"""Frames of a file or a folder of pictures as one array.

What is read is bounded, so that a ten-hour or an 8K file costs no more than the frames that were wanted.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from amdd.data.media.container import _decode, frame_rate, open_container, video_stream
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
    path: str | Path, indices: Sequence[int] | None = None, max_frames: int | None = None
) -> Video:
    """Decode a file, or a folder of pictures, to RGB frames.

    ``indices`` (ascending) are the wanted frames; without them all frames up to ``max_frames`` (at most 3,000
    and 1 GB). Wanted frames past the end are replaced by the last one, since containers lie about their
    length; ``Video.short`` says so. Between wanted frames that lie far apart the decoder seeks. Raises
    :class:`MediaError` when not a single frame can be had; a file that breaks off in the middle gives what
    came before.
    """
    path = Path(path)
    limit = min(max_frames or MAX_FRAMES, MAX_FRAMES)
    wanted = None if indices is None else np.sort(np.maximum(np.asarray(indices, int), 0))
    if os.path.isdir(path):
        files = frame_files(path)
        if not files:
            raise MediaError(path, "a folder without pictures")
        wanted = np.arange(min(len(files), limit)) if wanted is None else wanted
        short = bool(len(wanted) and wanted[-1] >= len(files))
        frames = [read_picture(files[i]) for i in np.minimum(wanted, len(files) - 1)]
        return Video(stack(path, frames), 25.0, len(files), wanted, short, len(files))
    with open_container(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise MediaError(path, "holds no video stream that can be decoded")
        stream.thread_type = "NONE"  # clips are decoded side by side, not one faster
        try:
            if wanted is None:
                got, reached = _first_frames(container, stream, limit)
                wanted = np.arange(len(got))
            else:
                got, reached = _wanted_frames(container, stream, np.unique(wanted))
        except (av.FFmpegError, ValueError, OverflowError, MemoryError) as error:
            raise MediaError(path, f"no frame could be decoded ({words_of(error)})") from None
        if not got:
            raise MediaError(path, "no frame could be decoded; the file may be truncated")
        known = sorted(got)
        nearest = [known[max(0, bisect_right(known, i) - 1)] for i in wanted.tolist()]
        short = bool(reached <= wanted[-1]) if len(wanted) else False
        n_frames = reached if short else max(int(stream.frames or 0), reached)
        return Video(
            stack(path, [got[i] for i in nearest]), frame_rate(stream), n_frames, wanted, short, reached
        )


def _first_frames(container, stream, limit: int) -> tuple[dict[int, np.ndarray], int]:
    got: dict[int, np.ndarray] = {}
    size = 0
    for frame in _decode(container, stream):
        got[len(got)] = to_array(frame)
        size += got[len(got) - 1].nbytes
        if len(got) >= limit or size > MAX_BYTES:
            break
    return got, len(got)


def _wanted_frames(container, stream, wanted: np.ndarray) -> tuple[dict[int, np.ndarray], int]:
    """Frames by number, and one more than the number of the last frame that was seen."""
    fps, origin = frame_rate(stream), float((stream.start_time or 0) * stream.time_base)
    got: dict[int, np.ndarray] = {}
    pending = wanted.tolist()
    position: int | None = 0
    pixels, last = 0, None
    frames = _decode(container, stream)
    while pending:
        if position is not None and pending[0] - position > SEEK_GAP:
            try:
                target = max(0.0, origin + pending[0] / fps - 0.5)
                container.seek(int(target / stream.time_base), stream=stream, backward=True)
                frames, position = _decode(container, stream), None
            except av.FFmpegError:
                pass  # not seekable: go on decoding
        target_number = pending[0]
        for frame in frames:
            if position is None:  # after a seek the frame's own time says where we are
                at = target_number / fps if frame.time is None else float(frame.time) - origin
                position = max(0, round(at * fps))
            last, number = frame, position
            position += 1
            pixels += frame.width * frame.height
            if number >= pending[0] or pixels > MAX_PIXELS:
                break
        else:
            break  # the end
        if number < pending[0]:
            break  # as far as we go
        picture = to_array(frame)
        while pending and number >= pending[0]:
            got[pending.pop(0)] = picture
    reached = position or 0
    if pending and last is not None:
        got[max(reached - 1, 0)] = to_array(last)
    return got, reached if pending else max(reached, int(wanted[-1]) + 1 if len(wanted) else 0)
