"""Forged speech: a vocoder's round trip, the phase guessed as Griffin and Lim (1984) do."""

from __future__ import annotations

import numpy as np
import torch
import torchaudio


def vocode(audio: np.ndarray, sample_rate: int = 16_000, n_mels: int = 64, seed: int = 0) -> np.ndarray:
    """Return ``audio`` (n,) after a vocoder's round trip: mel spectrogram and back, float32 (n,) at equal loudness.

    Phase by 24 iterations of Griffin and Lim (IEEE TASSP 32(2), 1984) from a start drawn from ``seed``.
    """
    n_fft, hop = 1024, 256
    mel = torchaudio.transforms.MelSpectrogram(sample_rate, n_fft, hop_length=hop, n_mels=n_mels)
    x = mel(torch.from_numpy(audio.astype(np.float32)))
    bank = mel.mel_scale.fb
    magnitude = (torch.linalg.pinv(bank).T @ x).clamp(min=1e-8).sqrt()
    generator = torch.Generator().manual_seed(seed)
    phase = torch.exp(2j * np.pi * torch.rand(magnitude.shape, generator=generator))
    window = torch.hann_window(n_fft)
    spectrum = magnitude * phase
    for _ in range(24):
        sound = torch.istft(spectrum, n_fft, hop, window=window, length=len(audio))
        again = torch.stft(sound, n_fft, hop, window=window, return_complex=True)
        spectrum = magnitude * again / again.abs().clamp(min=1e-8)
    out = torch.istft(spectrum, n_fft, hop, window=window, length=len(audio)).numpy()
    loudness = np.sqrt(np.mean(audio**2) + 1e-12) / np.sqrt(np.mean(out**2) + 1e-12)
    return np.clip(out * loudness, -0.99, 0.99).astype(np.float32)


def forge_audio(
    audio: np.ndarray, sample_rate: int = 16_000, target_audio: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """Return ``audio`` (n,) after the vocoder's round trip, float32 (n,); silence and under 2048 samples unchanged.

    ``target_audio`` has no effect. Raises ``ValueError`` unless the audio is mono.
    """
    if np.ndim(audio) != 1:
        raise ValueError(f"forge_audio needs mono audio of shape (n,), not {np.shape(audio)}")
    audio = np.asarray(audio, np.float32)
    if len(audio) < 2048 or not np.abs(audio).max() > 1e-6:
        return audio.copy()
    return vocode(audio, sample_rate, seed=seed)
