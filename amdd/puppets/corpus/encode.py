"""Second encoding of a clip; real and forged clips alike are encoded twice."""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
from scipy.signal import resample_poly

from amdd.base.paths import atomic
from amdd.data.media import read_video, write_video, write_wav
from amdd.profiles import CorpusSettings
from amdd.puppets.corpus.layouts import Clip
from amdd.puppets.corpus.record import SAMPLE_RATE, seeds
from amdd.puppets.corpus.studios import STUDIOS, fps_of, side_of

WAV_RATE = 32_000


def write_clip(
    target: Path, clip: Clip, settings: CorpusSettings, frames: np.ndarray, sound, root: Path
) -> None:
    """Write ``clip`` to ``target`` in the format of the real dataset that its corpus imitates.

    ``frames`` uint8 (T, H, W, 3); ``sound`` float32 (n,) at 16 kHz, or None without an audio track. A separate WAV file
    goes below ``root``.
    """
    fps, side = fps_of(settings.fps, clip.corpus), side_of(settings.size, clip.corpus)
    if frames.shape[1] != side:
        frames = np.stack([cv2.resize(f, (side, side), interpolation=cv2.INTER_AREA) for f in frames])
    if clip.corpus == "puppet-timit":
        wide = resample_poly(sound, WAV_RATE // SAMPLE_RATE, 1).astype(np.float32)
        write_wav(root / clip.extra["wav"], wide, WAV_RATE)
        if not clip.fake:
            _write_pictures(target, frames, fps, bit_rate_of(settings, clip), STUDIOS[clip.corpus].codec)
            return
        codec = STUDIOS[clip.corpus].codec
        write_video(target, frames, fps=fps, bit_rate=bit_rate_of(settings, clip), codec=codec)
        return
    rate = None if "crf" in clip.extra else bit_rate_of(settings, clip)
    crf = clip.extra.get("crf", settings.crf)
    write_video(target, frames, fps=fps, audio=sound, sample_rate=SAMPLE_RATE, crf=crf, bit_rate=rate)


def bit_rate_of(settings: CorpusSettings, clip: Clip) -> int:
    """Return the video bit rate of a clip in bits per second, drawn for each clip, forged or not.

    Forged video compresses better than camera video. At a constant quality the file size would be a shortcut
    feature; a bit rate that is independent of the content is none.
    """
    rng = np.random.default_rng([seeds(settings, clip.shot, 9), zlib.crc32(clip.path.encode())])
    spread = np.exp(rng.uniform(-settings.bits_spread, settings.bits_spread))
    pixels = side_of(settings.size, clip.corpus) ** 2
    return round(settings.bits_per_pixel * pixels * fps_of(settings.fps, clip.corpus) * spread)


def _write_pictures(folder: Path, frames: np.ndarray, fps: int, rate: int, codec: str) -> None:
    """Write JPEG frames ``001``, ``002``, … without a suffix, after the same second encoding as the swaps."""
    with tempfile.TemporaryDirectory(prefix="puppets-") as name:
        path = Path(name) / "second.avi"
        write_video(path, frames, fps=fps, bit_rate=rate, codec=codec)
        frames = read_video(path).frames
    for i, frame in enumerate(frames, 1):
        good, data = cv2.imencode(".jpg", frame[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 96])
        if not good:
            raise RuntimeError(f"frame {i} could not be encoded as JPEG")
        with atomic(folder / f"{i:03d}") as temporary:
            temporary.write_bytes(data.tobytes())
