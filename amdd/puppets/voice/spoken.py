"""Spoken sentences: audio with the times of its phonemes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Phoneme:
    """One sound: its symbol, start and end in seconds, and whether its syllable is stressed.

    The symbol is of the International Phonetic Alphabet if the sentence comes from the speech bank, else espeak-ng's
    mnemonic; ``_`` is a pause.
    """

    symbol: str
    start: float
    end: float
    stressed: bool


@dataclass(frozen=True)
class Speech:
    """``audio`` float32 (n,) in [-1, 1] at ``sample_rate`` Hz, its phonemes in order of time, and its text."""

    audio: np.ndarray
    sample_rate: int
    phonemes: tuple[Phoneme, ...]
    text: str

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.audio) / self.sample_rate
