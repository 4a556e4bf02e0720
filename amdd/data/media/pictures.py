"""Decoded pictures as arrays: upright, of bounded size, and of one shape."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from amdd.data.media.names import MediaError, words_of

MAX_SIDE = 1920  # larger pictures are scaled down while decoding


def to_array(frame: av.VideoFrame) -> np.ndarray:
    width, height = frame.width, frame.height
    scale = min(1.0, MAX_SIDE / max(width, height))
    if scale < 1.0:
        frame = frame.reformat(
            width=max(2, int(width * scale)), height=max(2, int(height * scale)), format="rgb24"
        )
    array = frame.to_ndarray(format="rgb24")
    turns = round(float(getattr(frame, "rotation", 0) or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(array, turns)) if turns else array


def stack(path: Path, frames: list[np.ndarray]) -> np.ndarray:
    if not frames:
        raise MediaError(path, "no frame could be decoded; the file may be truncated")
    shape = frames[0].shape
    if any(f.shape != shape for f in frames):  # pictures of changing size: keep those of the first's
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
                return to_array(frame)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(path, f"not a picture ({words_of(error)})") from None
    raise MediaError(path, "not a picture")
