"""Waveform to normalised mel spectrogram, and back to seconds and hertz for the image."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from amdd.profiles import PreparationSettings

SILENCE = 0.0005  # leading samples at or below this are what arXiv 2412.00175 found to give fakes away


def samples_of(settings: PreparationSettings) -> int:
    """Samples that the audio branch looks at."""
    return round(settings.seconds * settings.sample_rate)


def shape_of(settings: PreparationSettings) -> tuple[int, int, int]:
    """Shape (1, n_mels, n_frames) of one spectrogram."""
    return 1, settings.n_mels, samples_of(settings) // settings.hop_length + 1


@lru_cache(maxsize=8)
def _transform(sample_rate: int, n_fft: int, hop_length: int, n_mels: int):
    from torchaudio.transforms import MelSpectrogram  # a second of imports, only where audio is looked at

    return MelSpectrogram(
        sample_rate=sample_rate,
        n_fft=n_fft,
        hop_length=hop_length,
        n_mels=n_mels,
        power=2.0,
        center=True,
        pad_mode="reflect",
        norm=None,
        mel_scale="htk",
    )


def trim_leading_silence(audio: np.ndarray, threshold: float = SILENCE) -> np.ndarray:
    """``audio`` (n,) from its first sample above ``threshold``; unchanged if there is none."""
    loud = np.abs(audio) > threshold
    return audio[int(loud.argmax()) :] if loud.any() else audio


def fit_length(audio: np.ndarray, n: int) -> np.ndarray:
    """``audio`` cut to its first ``n`` samples, or filled up with silence."""
    audio = np.asarray(audio, np.float32).reshape(-1)[:n]
    return np.pad(audio, (0, n - len(audio)))


def silence(settings: PreparationSettings) -> np.ndarray:
    """The spectrogram of no audio: float16 (1, n_mels, n_frames), -1 everywhere."""
    return np.full(shape_of(settings), -1, np.float16)


def mel_spectrogram(audio: np.ndarray, settings: PreparationSettings) -> np.ndarray:
    """Log-mel spectrogram of ``audio`` float (n,), mono, at ``settings.sample_rate``.

    Returns float16 (1, n_mels, n_frames) in [-1, 1]: power in decibels below the clip's loudest bin, cut at
    ``settings.top_db``; 1 is the loudest, -1 is ``top_db`` below it or less. Relative to the clip, since
    recording level says nothing of manipulation and differs between corpora. Digital silence is -1
    everywhere. Raises ``ValueError`` for anything but one channel.
    """
    audio = np.asarray(audio, np.float32)
    if audio.ndim != 1:
        raise ValueError(f"mel_spectrogram needs mono audio of shape (n,), not {audio.shape}")
    if settings.trim_silence:
        audio = trim_leading_silence(audio)
    audio = np.nan_to_num(fit_length(audio, samples_of(settings)), nan=0.0, posinf=1.0, neginf=-1.0)
    if not np.abs(audio).max(initial=0.0) > 1e-7:
        return silence(settings)
    import torch

    transform = _transform(settings.sample_rate, settings.n_fft, settings.hop_length, settings.n_mels)
    with torch.inference_mode():
        power = transform(torch.from_numpy(audio)).numpy()
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    decibels = np.maximum(decibels, decibels.max() - settings.top_db) - decibels.max()
    return np.clip(decibels * (2 / settings.top_db) + 1, -1, 1).astype(np.float16)[None]
