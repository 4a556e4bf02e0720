"""Decoded images as arrays: upright, of bounded size, and of one shape."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from amdd.data.media.hdr import is_hdr, to_srgb
from amdd.data.media.names import MediaError, words_of

MAX_SIDE = 1920  # larger images are scaled down while decoding


def to_array(frame: av.VideoFrame, aspect: Fraction | None = None) -> np.ndarray:
    """The frame as a player shows it: uint8 (H, W, 3), RGB, of square pixels, turned and mirrored by its matrix, PQ and
    HLG (high dynamic range) as on an ordinary screen.

    ``aspect`` is the width of a pixel over its height. Sides longer than ``MAX_SIDE`` are scaled down.
    """
    stretch = float(aspect) if aspect and 1 / 8 <= aspect <= 8 else 1.0
    width, height = frame.width * stretch, frame.height
    matrix = _matrix(frame)  # scaling drops it
    scale = min(1.0, MAX_SIDE / max(width, height))
    size = None
    if scale < 1.0:
        size = max(2, int(width * scale)), max(2, int(height * scale))
    elif stretch != 1.0:
        size = max(2, round(width)), height
    if is_hdr(frame):
        array = to_srgb(frame)
        if size:
            array = _fit(array, (size[1], size[0]))
    else:
        if size:
            frame = frame.reformat(width=size[0], height=size[1], format="rgb24")
        array = frame.to_ndarray(format="rgb24")
    turned = _turned(array, matrix)
    return np.ascontiguousarray(turned)


def _matrix(frame: av.VideoFrame) -> tuple[int, int, int, int] | None:
    """The part (a, b, c, d) of the display matrix that turns and mirrors: x' = a x + c y, y' = b x + d y."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    a, b, _, c, d = np.frombuffer(bytes(cast(Any, data)), "=i4", 5).tolist()
    return a, b, c, d


def _turned(array: np.ndarray, matrix: tuple[int, int, int, int] | None) -> np.ndarray:
    """``array`` (H, W, 3) by the nearest of the eight turns and mirrorings."""
    if matrix is None:
        return array
    a, b, c, d = matrix
    if abs(a) + abs(d) < abs(b) + abs(c):
        array, a, d = array.transpose(1, 0, 2), c, b
    return array[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def stack(path: Path, frames: list[np.ndarray]) -> np.ndarray:
    if not frames:
        raise MediaError(path, "no frame could be decoded; the file may be truncated")
    shape = frames[0].shape
    if any(f.shape != shape for f in frames):  # images of changing size: keep those of the first's
        frames = [f if f.shape == shape else _fit(f, shape[:2]) for f in frames]
    return np.stack(frames)


def _fit(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    return picture.reformat(width=size[1], height=size[0], format="rgb24").to_ndarray()


def read_picture(path: Path) -> np.ndarray:
    try:
        # The suffix may be missing, so the demuxer is named instead of guessed.
        data = path.read_bytes()
        demuxer = "png_pipe" if data[:4] == b"\x89PNG" else "jpeg_pipe"
        with av.open(str(path), format=demuxer) as container:
            for frame in container.decode(video=0):
                return to_array(frame, container.streams.video[0].sample_aspect_ratio)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(path, f"not a picture ({words_of(error)})") from None
    raise MediaError(path, "not a picture")
