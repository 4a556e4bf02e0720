"""A vocoder's trace: speech through a mel spectrogram and back, the phase guessed by Griffin and Lim (1984)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

N_FFT, HOP, MELS, ROUNDS = 1024, 256, 80, 24


@lru_cache(maxsize=4)
def _bank(sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangular mel filters (MELS, bins) and their pseudo-inverse (bins, MELS)."""
    hertz = np.linspace(0, sample_rate / 2, N_FFT // 2 + 1)
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, MELS + 2) / 2595) - 1)
    rise = (hertz[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz[None]) / (edges[2:] - edges[1:-1])[:, None]
    bank = np.clip(np.minimum(rise, fall), 0, None)
    return bank, np.linalg.pinv(bank)


def analyse(audio: np.ndarray) -> np.ndarray:
    """Short-time Fourier transform (bins, frames) with a Hann window."""
    padded = np.pad(audio.astype(np.float64), (N_FFT // 2, N_FFT))
    count = 1 + (len(padded) - N_FFT) // HOP
    view = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][:count]
    return np.fft.rfft(view * np.hanning(N_FFT + 1)[:-1], axis=1).T


def synthesise(spectrum: np.ndarray, n: int) -> np.ndarray:
    """The inverse of :func:`analyse` by weighted overlap-add; ``n`` samples."""
    window = np.hanning(N_FFT + 1)[:-1]
    pieces = np.fft.irfft(spectrum.T, n=N_FFT, axis=1) * window
    out = np.zeros(HOP * (len(pieces) - 1) + N_FFT)
    weight = np.zeros_like(out)
    for i, piece in enumerate(pieces):
        out[i * HOP : i * HOP + N_FFT] += piece
        weight[i * HOP : i * HOP + N_FFT] += window**2
    out = out / np.maximum(weight, 1e-3)
    out = out[N_FFT // 2 :][:n]
    return np.pad(out, (0, n - len(out)))


def griffin_lim(magnitude: np.ndarray, n: int, seed: int, rounds: int = ROUNDS) -> np.ndarray:
    """Samples (n,) whose spectrogram comes near ``magnitude`` (bins, frames), with momentum (Perraudin 2013)."""
    rng = np.random.default_rng(np.random.SeedSequence([701, seed]))
    phase = np.exp(2j * np.pi * rng.random(magnitude.shape))
    before = np.zeros_like(phase)
    for _ in range(rounds):
        rebuilt = analyse(synthesise(magnitude * phase, n))[:, : magnitude.shape[1]]
        step = rebuilt + 0.9 * (rebuilt - before)
        before = rebuilt
        phase = step / np.maximum(np.abs(step), 1e-9)
    return synthesise(magnitude * phase, n)


def forge_audio(
    audio: np.ndarray, sample_rate: int = 16_000, target_audio: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """``audio`` (n,) through the vocoder, float32 (n,), at its former loudness; ``target_audio`` changes nothing."""
    audio = np.asarray(audio, np.float64)
    if audio.ndim != 1:
        raise ValueError(f"forge_audio needs mono audio of shape (n,), not {audio.shape}")
    if not np.abs(audio).max(initial=0.0) > 1e-6:
        return audio.astype(np.float32)
    bank, inverse = _bank(sample_rate)
    mel = bank @ np.abs(analyse(audio))
    out = griffin_lim(np.maximum(inverse @ mel, 1e-8), len(audio), seed)
    out *= np.sqrt(np.mean(audio**2) / (np.mean(out**2) + 1e-12))
    return np.clip(out, -1, 1).astype(np.float32)
