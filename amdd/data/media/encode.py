"""Arrays to video and audio files: the one encoder of the project."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np

from amdd.base.paths import atomic


def write_video(
    path: str | Path,
    frames: np.ndarray,
    fps: int = 25,
    audio: np.ndarray | None = None,
    sample_rate: int = 16_000,
    crf: int = 23,
    preset: str = "veryfast",
    bit_rate: int | None = None,
    codec: Literal["h264", "mpeg4"] = "h264",
) -> Path:
    """Write ``frames`` uint8 (T, H, W, 3) as H.264 or MPEG-4 part 2 (4:2:0) with ``audio`` float32 (n,) as mono
    AAC, 64 kbit/s.

    ``crf`` fixes H.264's quality; ``bit_rate``, in bits a second, where given, fixes the image's size instead.
    The same arrays give the same bytes: one encoder thread, no dates, no encoder banner. Raises ``ValueError``
    for frames of another shape or type, or with an odd side, which 4:2:0 can't hold.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be uint8 (T, H, W, 3), not {frames.dtype} {frames.shape}")
    if frames.shape[1] % 2 or frames.shape[2] % 2:
        raise ValueError(f"H.264 in 4:2:0 needs even sides, not {frames.shape[2]} x {frames.shape[1]}")
    with atomic(path) as temporary:
        options = {"movflags": "+faststart"} if temporary.suffix == ".mp4" else {}
        with av.open(str(temporary), "w", options=options) as container:
            container.flags |= 0x0400  # AVFMT_FLAG_BITEXACT: no dates, no library version
            video = container.add_stream("libx264" if codec == "h264" else codec, rate=Fraction(fps))
            video.width, video.height = frames.shape[2], frames.shape[1]
            video.pix_fmt = "yuv420p"
            video.codec_context.thread_count = 1
            # x264's AVX-512 code decides from memory that it has not written, so that the same frames give other bytes
            # at every call; what does not depend on the processor is the same everywhere.
            if codec == "h264":
                video.options = {"preset": preset, "threads": "1", "x264-params": "cpu-independent=1"}
            if codec == "mpeg4":
                video.codec_context.bit_rate = int(bit_rate or 4 * frames.shape[1] * frames.shape[2])
            elif bit_rate is None:
                video.options = video.options | {"crf": str(crf)}
            else:
                video.codec_context.bit_rate = int(bit_rate)
            sound = None
            if audio is not None:
                sound = container.add_stream("aac", rate=sample_rate, layout="mono")
                sound.bit_rate = 64_000
                sound.codec_context.thread_count = 1
            for array in frames:
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")
                container.mux(video.encode(picture))
            container.mux(video.encode(None))
            if sound is not None:
                pcm = np.clip(np.asarray(audio, np.float32), -1, 1).reshape(1, -1)
                step = 1024
                for first in range(0, pcm.shape[1], step):
                    chunk = av.AudioFrame.from_ndarray(
                        np.ascontiguousarray(pcm[:, first : first + step]), format="fltp", layout="mono"
                    )
                    chunk.sample_rate = sample_rate
                    chunk.pts = first
                    container.mux(sound.encode(chunk))
                container.mux(sound.encode(None))
    return Path(path)


def write_wav(path: str | Path, audio: np.ndarray, sample_rate: int = 16_000) -> Path:
    """Write ``audio`` float32 (n,) as 16-bit mono PCM."""
    pcm = (np.clip(audio, -1, 1) * 32767).round().astype("<i2")
    with atomic(path) as temporary, wave.open(str(temporary), "wb") as handle:
        handle.setnchannels(1)
        handle.setsampwidth(2)
        handle.setframerate(sample_rate)
        handle.writeframes(pcm.tobytes())
    return Path(path)
