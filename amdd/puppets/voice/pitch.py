"""Fundamental frequency by normalised autocorrelation (Boersma 1993)."""

from __future__ import annotations

import numpy as np

LOWEST, HIGHEST = 60.0, 420.0  # Hz
VOICED = 0.55  # least normalised autocorrelation of a voiced frame


def pitch_track(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pitch in Hz, 0 where unvoiced, and loudness in dB below the loudest frame, (frames,) each, every 10 ms.

    Windows are 50 ms Hann windows of ``audio`` (n,). A frame is voiced if it is less than 35 dB below the loudest and
    the autocorrelation divided by the window's own reaches 0.55. Of peaks nearly as high the shortest lag is taken.
    """
    size, hop = int(0.05 * sample_rate), int(0.01 * sample_rate)
    if len(audio) < size:
        return np.zeros(0), np.zeros(0)
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(audio, np.float64), size)[::hop] * window
    frames = frames - frames.mean(1, keepdims=True) * window / window.mean()
    power = (frames**2).mean(1)
    level = 10 * np.log10(power / (power.max() + 1e-20) + 1e-12)
    n = 2 * size
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, n, axis=1)) ** 2, axis=1)[:, :size]
    own = np.fft.irfft(np.abs(np.fft.rfft(window, n)) ** 2)[:size]
    low, high = int(sample_rate / HIGHEST), int(sample_rate / LOWEST)
    shape = correlation[:, : high + 1] / (correlation[:, :1] + 1e-20) / (own[: high + 1] / own[0])
    part = shape[:, low:]
    # Small cost of long lags: a period's double is as good a period.
    part = part * (1 - 0.12 * np.arange(part.shape[1]) / part.shape[1])
    best = part.argmax(1)
    strength = shape[np.arange(len(shape)), low + best]
    edge = (best == 0) | (best == part.shape[1] - 1)
    return np.where((strength > VOICED) & (level > -35) & ~edge, sample_rate / (low + best), 0.0), level


def median_pitch(audio: np.ndarray, sample_rate: int) -> float:
    """Return the median pitch of ``audio`` (n,) over its voiced frames, in Hz; ``nan`` if none is voiced."""
    pitch, _ = pitch_track(audio, sample_rate)
    voiced = pitch[pitch > 0]
    return float(np.median(voiced)) if len(voiced) else float("nan")
