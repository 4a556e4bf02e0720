"""Do lips and audio belong together? The lag at which mouth opening follows the audio's envelope best."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfilt


def mouth_opening(landmarks: np.ndarray) -> np.ndarray:
    """Gap between the middles of the inner lips over the length of the nose (T,), from landmarks (T, 68, 2).

    The nose turns and nods with the lips, and does not move when they do.
    """
    gap = np.linalg.norm(landmarks[:, 62] - landmarks[:, 66], axis=1)
    return gap / (np.linalg.norm(landmarks[:, 27] - landmarks[:, 33], axis=1) + 1e-6)


def envelope(audio: np.ndarray, sample_rate: int, fps: float, n_frames: int) -> np.ndarray:
    """Loudness of the voice at each frame (n_frames,), in decibels above its floor.

    Only 250-3000 Hz count, where vowels are: an s is loud with a nearly closed mouth.
    """
    band = butter(2, [250, min(3000, 0.45 * sample_rate)], "bandpass", fs=sample_rate, output="sos")
    audio = sosfilt(band, audio)
    hop = sample_rate / fps
    edges = (np.arange(n_frames + 1) * hop).astype(int)
    power = np.array(
        [np.mean(audio[a:b] ** 2) if b > a and a < len(audio) else 0.0 for a, b in itertools.pairwise(edges)]
    )
    level = 10 * np.log10(power + 1e-7)
    return np.clip(level - np.percentile(level, 10), 0, 30)


def audio_visual_offset(
    opening: np.ndarray, audio: np.ndarray, sample_rate: int, fps: float = 25.0, reach: int = 12
) -> tuple[int, float]:
    """``(offset, correlation)``: how many frames the image comes after the audio, and how well they agree.

    Both curves are smoothed a little and stripped of their slow drift before they are compared.
    """
    n = len(opening)
    loud = envelope(audio, sample_rate, fps, n)

    def sharpen(x):
        x = gaussian_filter1d(np.asarray(x, float), 1.0)
        x = x - gaussian_filter1d(x, 15)
        return x / (x.std() + 1e-9)

    a, b = sharpen(opening), sharpen(loud)
    best, at = -2.0, 0
    for lag in range(-reach, reach + 1):
        x, y = (a[lag:], b[: n - lag]) if lag >= 0 else (a[:lag], b[-lag:])
        value = float(np.mean(x * y))
        if value > best:
            best, at = value, lag
    return at, best
