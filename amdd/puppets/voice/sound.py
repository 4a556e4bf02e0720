"""The room and the microphone around a voice."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve, lfilter


def in_a_room(audio: np.ndarray, seed: int, sample_rate: int = 16_000) -> np.ndarray:
    """Return ``audio`` (n,) at ``sample_rate`` Hz with a room's reflections, room tone and a random level, float32.

    Reverberation decays within 40 to 160 ms (to 1/e); room tone with mains hum lies 24 to 40 dB below the speech,
    whose root mean square becomes -27 to -19 dB of full scale. ``seed`` determines all of it.
    """
    rng = np.random.default_rng(np.random.SeedSequence([503, seed]))
    n = len(audio)
    decay = rng.uniform(0.04, 0.16)
    t = np.arange(int(decay * 4 * sample_rate)) / sample_rate
    tail = rng.normal(size=len(t)) * np.exp(-t / decay) * rng.uniform(0.004, 0.02)
    tail[0] = 1.0
    wet = fftconvolve(audio, tail)[:n]
    hiss = rng.normal(size=n)
    tone = lfilter([1.0], [1.0, -rng.uniform(0.6, 0.97)], hiss)
    hum = np.sin(2 * np.pi * rng.choice([50.0, 60.0]) * np.arange(n) / sample_rate + rng.uniform(0, 6))
    tone = tone / (tone.std() + 1e-9) + 0.3 * hum
    loud = np.sqrt(np.mean(wet**2)) + 1e-9
    wet = wet / loud + tone * 10 ** (-rng.uniform(24, 40) / 20)
    level = 10 ** (rng.uniform(-27, -19) / 20)
    return np.clip(wet * level, -0.99, 0.99).astype(np.float32)
