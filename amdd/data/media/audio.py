"""Audio of a file as one array."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np

from amdd.data.media.container import _decode, audio_stream, open_container
from amdd.data.media.names import MediaError, words_of

MAX_CHANNELS = 8  # of sound


def read_audio(
    path: str | Path, sample_rate: int = 16_000, seconds: float | None = None, start: float = 0.0
) -> np.ndarray:
    """The sound of a file as float32 (n,), mono, at ``sample_rate`` Hz, in [-1, 1].

    At most ``seconds`` from ``start`` are decoded. Raises :class:`MediaError` when there is no sound.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise MediaError(path, "a folder of pictures has no sound")
    bound = int(sample_rate * (min(seconds, 600.0) if seconds is not None else 600.0))
    skip: int | None = int(start * sample_rate)
    chunks: list[np.ndarray] = []
    total = 0
    with open_container(path) as container:
        stream = audio_stream(container)
        if stream is None:
            raise MediaError(path, "holds no sound")
        if not 1000 <= (stream.rate or 0) <= 768_000:
            raise MediaError(path, f"states a sample rate of {stream.rate} Hz")
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=sample_rate)
        try:
            if start > 30:
                container.seek(int((start - 5) / stream.time_base), stream=stream, backward=True)
                skip = None
            kind = None
            for frame in _decode(container, stream):
                # A stream that turns from 1 to 53 channels midway makes the resampler read past its memory.
                this = frame.format.name, frame.layout.nb_channels, frame.sample_rate
                kind = kind or this
                if this != kind or frame.layout.nb_channels > MAX_CHANNELS:
                    break
                if skip is None:
                    skip = max(0, int((start - float(frame.time or 0)) * sample_rate))
                for out in resampler.resample(frame):
                    chunks.append(out.to_ndarray().reshape(-1))
                    total += chunks[-1].size
                if total >= bound + (skip or 0):
                    break
            for out in resampler.resample(None):  # the resampler holds back its last samples
                chunks.append(out.to_ndarray().reshape(-1))
        except (av.FFmpegError, ValueError, OverflowError, MemoryError) as error:
            if not chunks:
                raise MediaError(path, f"no sound could be decoded ({words_of(error)})") from None
    if not chunks:
        raise MediaError(path, "no sound could be decoded; the file may be truncated")
    sound = np.concatenate(chunks).astype(np.float32)[skip or 0 :][:bound]
    return np.clip(np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
