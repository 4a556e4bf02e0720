"""Spoken sentences: audio with the times of its phonemes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Phoneme:
    """One audio: the synthesiser's mnemonic, start and end in seconds, and whether its syllable is stressed."""

    symbol: str
    start: float
    end: float
    stressed: bool


@dataclass(frozen=True)
class Speech:
    """``audio`` float32 (n,) in [-1, 1] at ``sample_rate`` and its phonemes."""

    audio: np.ndarray
    sample_rate: int
    phonemes: tuple[Phoneme, ...]
    text: str

    @property
    def seconds(self) -> float:
        return len(self.audio) / self.sample_rate
