"""Audio-visual synchrony: the lag at which the opening of the mouth follows the envelope of the audio best."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfilt


def mouth_opening(landmarks: np.ndarray) -> np.ndarray:
    """Return the gap between the inner lips over the length of the nose (T,), from ``landmarks`` (T, 68, 2) in pixels.

    The nose turns and nods with the lips but does not move when they do.
    """
    gap = np.linalg.norm(landmarks[:, 62] - landmarks[:, 66], axis=1)
    return gap / (np.linalg.norm(landmarks[:, 27] - landmarks[:, 33], axis=1) + 1e-6)


def envelope(audio: np.ndarray, sample_rate: int, fps: float, n_frames: int) -> np.ndarray:
    """Return the loudness of ``audio`` (n,) at each video frame (n_frames,), in dB above its floor, 0 to 30.

    Only 250-3000 Hz count, the range of vowels: an s is loud with a nearly closed mouth. Frames after the end of the
    audio are silent.
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
    """Return how many frames the image lags the audio, within ``reach``, and the correlation at that lag.

    ``opening`` (T,) is as :func:`mouth_opening` returns it, ``audio`` (n,) at ``sample_rate`` Hz. Both curves are
    smoothed and high-pass filtered before they are compared.
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
