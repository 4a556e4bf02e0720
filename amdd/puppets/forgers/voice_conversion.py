"""Forged speech: voice conversion by spectral envelope and pitch."""

from __future__ import annotations

import numpy as np
import torch
import torchaudio
from scipy.ndimage import gaussian_filter1d
from scipy.signal import istft, resample_poly, stft

N_FFT, HOP = 512, 128


def _envelope(magnitude: np.ndarray, lifter: int = 26) -> np.ndarray:
    """Return the cepstrally smoothed magnitude (F, T): the vocal tract without the harmonics."""
    log = np.log(np.maximum(magnitude, 1e-6))
    cepstrum = np.fft.irfft(log, axis=0)
    cepstrum[lifter:-lifter] = 0
    return np.exp(np.fft.rfft(cepstrum, axis=0).real)


def median_pitch(audio: np.ndarray, sample_rate: int) -> float:
    """Return the median fundamental frequency of ``audio`` (n,) in Hz, 70 to 350, by autocorrelation.

    The louder half of 40 ms frames counts; 140 if none is voiced.
    """
    size, hop = int(0.04 * sample_rate), int(0.02 * sample_rate)
    frames = (
        np.lib.stride_tricks.sliding_window_view(audio, size)[::hop] if len(audio) >= size else audio[None]
    )
    loud = frames[(frames**2).mean(1) > np.percentile((frames**2).mean(1), 50)]
    low, high = int(sample_rate / 350), int(sample_rate / 70)
    pitches = []
    for frame in loud:
        frame = frame - frame.mean()
        correlation = np.fft.irfft(np.abs(np.fft.rfft(frame, 2 * size)) ** 2)[: high + 1]
        lag = low + int(np.argmax(correlation[low:]))
        if correlation[lag] > 0.3 * correlation[0]:
            pitches.append(sample_rate / lag)
    return float(np.median(pitches)) if pitches else 140.0


def shift_pitch(audio: np.ndarray, factor: float) -> np.ndarray:
    """Return ``audio`` (n,) with its pitch times ``factor``, float32 (n,): phase-vocoder stretch, then resampling."""
    spectrum = torch.stft(
        torch.from_numpy(audio), N_FFT, HOP, window=torch.hann_window(N_FFT), return_complex=True
    )
    advance = torch.linspace(0, np.pi * HOP, N_FFT // 2 + 1)[:, None]
    stretched = torchaudio.functional.phase_vocoder(spectrum, 1 / factor, advance)
    longer = torch.istft(stretched, N_FFT, HOP, window=torch.hann_window(N_FFT)).numpy()
    up, down = 1000, round(1000 * factor)
    out = resample_poly(longer, up, down)
    return np.pad(out, (0, max(0, len(audio) - len(out))))[: len(audio)].astype(np.float32)


def convert(audio: np.ndarray, target: np.ndarray, sample_rate: int = 16_000) -> np.ndarray:
    """Return ``audio`` (n,) with the pitch and the mean vocal-tract envelope of ``target`` (m,), float32 (n,)."""
    factor = np.clip(median_pitch(target, sample_rate) / median_pitch(audio, sample_rate), 0.6, 1.7)
    if abs(factor - 1) < 0.06:  # the same voice twice is no conversion
        factor = 1.12
    raised = shift_pitch(audio.astype(np.float32), float(factor))
    _, _, own = stft(audio, sample_rate, nperseg=N_FFT, noverlap=N_FFT - HOP)
    _, _, moved = stft(raised, sample_rate, nperseg=N_FFT, noverlap=N_FFT - HOP)
    _, _, other = stft(target, sample_rate, nperseg=N_FFT, noverlap=N_FFT - HOP)

    def colour(s):
        level = np.abs(s).mean(0)
        loud = np.log(_envelope(np.abs(s[:, level > np.percentile(level, 40)]))).mean(1)
        return gaussian_filter1d(loud - loud.mean(), 3)

    n = min(own.shape[1], moved.shape[1])
    own, moved = own[:, :n], moved[:, :n]
    # Keep what is said (the envelope of each moment), move it by what distinguishes the two voices.
    envelope = _envelope(np.abs(own)) / np.maximum(_envelope(np.abs(moved)), 1e-5)
    tint = np.exp(np.clip(colour(other) - colour(own), -1.6, 1.6))[:, None]
    _, out = istft(
        moved * np.clip(envelope, 0.05, 12) * tint, sample_rate, nperseg=N_FFT, noverlap=N_FFT - HOP
    )
    out = np.pad(out, (0, max(0, len(audio) - len(out))))[: len(audio)]
    loudness = np.sqrt(np.mean(audio**2) + 1e-12) / np.sqrt(np.mean(out**2) + 1e-12)
    return np.clip(out * loudness, -0.99, 0.99).astype(np.float32)


def forge_audio(
    audio: np.ndarray, sample_rate: int = 16_000, target_audio: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """Return the words of ``audio`` (n,) in the voice of ``target_audio`` (m,), float32 (n,) at equal loudness.

    ``seed`` has no effect. Raises ``ValueError`` without a sample of the voice to imitate.
    """
    if target_audio is None:
        raise ValueError("voice conversion needs target_audio, a sample of the voice to imitate")
    if np.ndim(audio) != 1 or np.ndim(target_audio) != 1:
        raise ValueError(
            f"forge_audio needs mono audio of shape (n,), not {np.shape(audio)}, {np.shape(target_audio)}"
        )
    audio, target = np.asarray(audio, np.float32), np.asarray(target_audio, np.float32)
    if (
        min(len(audio), len(target)) < 4 * N_FFT
        or not np.abs(audio).max() > 1e-6
        or not np.abs(target).max() > 1e-6
    ):
        return audio.copy()
    return convert(audio, target, sample_rate)
