"""Forged speech: a linear-predictive vocoder, pulses or noise through an all-pole filter (Atal & Hanauer 1971)."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from amdd.puppets.voice.pitch import pitch_track

ORDER = 18  # poles: a formant a kilohertz at 16 kHz, and two for the slope
HOP = 0.01  # seconds from one filter to the next
FLOOR = 1e-4  # of a frame's power, added to it so that no filter rings for long
LEAST = 0.05  # seconds; shorter audio has no pitch to be measured


def excitation(audio: np.ndarray, sample_rate: int, seed: int) -> np.ndarray:
    """Return the source (n,) of unit power for ``audio`` (n,): one pulse a period where voiced, else noise from ``seed``."""
    pitch, _ = pitch_track(audio, sample_rate)
    centres = np.arange(len(pitch)) * 0.01 + 0.025
    at = np.arange(len(audio)) / sample_rate
    nearest = np.clip(np.round((at - 0.025) / 0.01), 0, len(pitch) - 1).astype(int)
    voiced = pitch[nearest] > 0
    known = pitch > 0
    source = np.random.default_rng(np.random.SeedSequence([331, seed])).normal(size=len(audio))
    if not known.any():
        return source
    frequency = np.interp(at, centres[known], pitch[known])
    cycles = np.floor(np.cumsum(frequency / sample_rate))
    pulses = np.diff(cycles, prepend=0.0) > 0
    return np.where(voiced, pulses * np.sqrt(sample_rate / frequency), source)


def vocode(audio: np.ndarray, sample_rate: int = 16_000, seed: int = 0) -> np.ndarray:
    """Return ``audio`` (n,) resynthesised from filters, pitch and loudness only, float32 (n,) at equal loudness."""
    hop = round(HOP * sample_rate)
    size, tail = 2 * hop, 4 * hop
    x = np.pad(np.asarray(audio, np.float64), (hop, 2 * size))
    source = np.pad(excitation(audio, sample_rate, seed), (hop, 2 * size))
    window, out = np.hanning(size + 1)[:size], np.zeros(len(x) + tail)
    for first in range(0, len(audio) + hop, hop):
        frame = x[first : first + size] * window
        lags = np.correlate(frame, frame, "full")[size - 1 : size + ORDER]
        if lags[0] < 1e-9:
            continue
        lags[0] *= 1 + FLOOR
        taps = solve_toeplitz(lags[:-1], lags[1:])
        gain = np.sqrt(max(lags[0] - taps @ lags[1:], 0.0) / (window @ window))
        driven = np.pad(source[first : first + size] * window, (0, tail))
        out[first : first + size + tail] += gain * lfilter([1.0], [1.0, *-taps], driven)
    out = out[hop : hop + len(audio)]
    loudness = np.sqrt(np.mean(audio**2) + 1e-12) / np.sqrt(np.mean(out**2) + 1e-12)
    return np.clip(out * loudness, -0.99, 0.99).astype(np.float32)


def forge_audio(
    audio: np.ndarray, sample_rate: int = 16_000, target_audio: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """Return ``audio`` (n,) after the vocoder, float32 (n,); silence and audio under 50 ms unchanged.

    ``target_audio`` has no effect. Raises ``ValueError`` unless the audio is mono.
    """
    if np.ndim(audio) != 1:
        raise ValueError(f"forge_audio needs mono audio of shape (n,), not {np.shape(audio)}")
    audio = np.asarray(audio, np.float32)
    if len(audio) < LEAST * sample_rate or not np.abs(audio).max() > 1e-6:
        return audio.copy()
    return vocode(audio, sample_rate, seed)
