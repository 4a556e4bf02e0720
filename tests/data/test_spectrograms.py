"""The mel spectrogram against one written out in numpy, and its edge cases."""

import dataclasses

import numpy as np
import pytest

from amdd.data.spectrograms import (
    mel_spectrogram,
    samples_of,
    shape_of,
    silence,
    trim_leading_silence,
)
from amdd.profiles import PROFILES, PreparationSettings

SETTINGS = PreparationSettings()


def naive(audio: np.ndarray, s: PreparationSettings) -> np.ndarray:
    """Frame by frame, bin by bin, from the definition: Hann window, power, HTK triangles, decibels."""
    n = samples_of(s)
    audio = np.pad(audio[:n].astype(np.float64), (0, max(0, n - len(audio))))
    padded = np.pad(audio, s.n_fft // 2, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(s.n_fft) / s.n_fft)
    power = np.stack(
        [
            np.abs(np.fft.rfft(padded[k : k + s.n_fft] * window)) ** 2
            for k in range(0, len(padded) - s.n_fft + 1, s.hop_length)
        ],
        axis=1,
    )
    hertz = np.arange(s.n_fft // 2 + 1) * s.sample_rate / s.n_fft
    top = 2595 * np.log10(1 + s.sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, s.n_mels + 2) / 2595) - 1)
    bank = np.zeros((s.n_mels, len(hertz)))
    for m in range(s.n_mels):
        low, mid, high = edges[m : m + 3]
        bank[m] = np.maximum(0, np.minimum((hertz - low) / (mid - low), (high - hertz) / (high - mid)))
    decibels = 10 * np.log10(np.maximum(bank @ power, 1e-10))
    decibels -= decibels.max()
    return np.clip(2 * np.maximum(decibels, -s.top_db) / s.top_db + 1, -1, 1)[None]


@pytest.mark.parametrize("profile", ["smoke", "demo", "paper"])
def test_equals_the_definition(profile):
    s = PROFILES[profile].preparation
    rng = np.random.default_rng(0)
    t = np.arange(samples_of(s)) / s.sample_rate
    audio = (0.3 * np.sin(2 * np.pi * (200 + 900 * t) * t) + 0.02 * rng.standard_normal(len(t))).astype("f4")
    got = mel_spectrogram(audio, s)
    assert got.shape == shape_of(s) and got.dtype == np.float16
    np.testing.assert_allclose(got.astype(float), naive(audio, s), atol=2e-3)
    assert got.min() >= -1 and got.max() == 1


def test_level_does_not_matter_and_a_tone_lands_in_its_band():
    t = np.arange(samples_of(SETTINGS)) / SETTINGS.sample_rate
    tone = np.sin(2 * np.pi * 1000 * t).astype("f4")
    loud, soft = mel_spectrogram(tone, SETTINGS), mel_spectrogram(0.1 * tone, SETTINGS)
    np.testing.assert_allclose(loud.astype(float), soft.astype(float), atol=2e-2)
    band = loud[0].mean(axis=1).argmax()
    top = 2595 * np.log10(1 + SETTINGS.sample_rate / 2 / 700)  # HTK's mel scale
    hertz = 700 * (10 ** (np.linspace(0, top, SETTINGS.n_mels + 2)[1:-1] / 2595) - 1)
    assert abs(hertz[band] - 1000) < 60


def test_short_long_silent_and_broken_sound():
    n = samples_of(SETTINGS)
    rng = np.random.default_rng(1)
    noise = rng.uniform(-0.5, 0.5, 2 * n).astype("f4")
    assert np.array_equal(mel_spectrogram(noise, SETTINGS), mel_spectrogram(noise[:n], SETTINGS))
    short = mel_spectrogram(noise[: n // 2], SETTINGS)
    assert (short[0, :, -10:] == -1).all() and (short[0, :, :10] > -1).any()
    assert np.array_equal(mel_spectrogram(np.zeros(n), SETTINGS), silence(SETTINGS))
    assert np.array_equal(mel_spectrogram(np.zeros(0), SETTINGS), silence(SETTINGS))
    broken = noise[:n].copy()
    broken[::100] = np.nan
    assert np.isfinite(mel_spectrogram(broken, SETTINGS)).all()
    with pytest.raises(ValueError, match="mono"):
        mel_spectrogram(np.zeros((2, n)), SETTINGS)


def test_leading_silence_is_cut_only_when_asked():
    n = samples_of(SETTINGS)
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, n).astype("f4")
    late = np.concatenate([np.full(8000, 0.0004, "f4"), noise])
    assert len(trim_leading_silence(late)) == n
    assert len(trim_leading_silence(np.zeros(10))) == 10
    trimming = dataclasses.replace(SETTINGS, trim_silence=True)
    assert np.array_equal(mel_spectrogram(late, trimming), mel_spectrogram(noise, SETTINGS))
    assert not np.array_equal(mel_spectrogram(late, SETTINGS), mel_spectrogram(noise, SETTINGS))
