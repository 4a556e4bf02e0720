"""The speech bank: sentences of many synthetic speakers with exact phoneme times, shipped as one file.

The bank is a zip of Ogg Opus files, which any player opens, and an index ``bank.json``. It was made by
:mod:`amdd.puppets.voice.build_bank` with Kokoro-82M; no model is needed to read it. Nobody has listened to it: it was
assessed by automatic metrics only (``benchmarks/speech_bank.py``).
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from amdd.puppets.voice import opus
from amdd.puppets.voice.spoken import Phoneme, Speech

FORMAT = 1
INDEX = "bank.json"
PATH = Path(__file__).parent / "data" / "speech_bank.zip"
STEPS = 250  # factors on pace and pitch are multiples of 1/250


class BankError(RuntimeError):
    """The speech bank cannot be read; the message names the file and the remedy."""


@dataclass(frozen=True)
class Sentence:
    """One sentence of the bank: ``symbols`` (n) in the International Phonetic Alphabet, ``_`` for pauses; ``edges``
    (n + 1) in samples at the index's rate, so that sound k lasts from edge k to edge k + 1; ``stressed``, the numbers
    of the stressed sounds."""

    file: str
    text: str
    symbols: tuple[str, ...]
    edges: tuple[int, ...]
    stressed: frozenset[int]


@dataclass(frozen=True)
class BankSpeaker:
    """A speaker: ``register`` is "low" (as of most men) or "high" (as of most women), ``pitch`` the median in Hz."""

    name: str
    register: str
    pitch: float
    sentences: tuple[Sentence, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(s.text for s in self.sentences)


class Bank:
    """An open speech bank: ``speakers``, and :meth:`speak`.

    The file is read at once, so that processes that are forked later share no file position. ``instead`` is the setting
    that does without the file, for the message. Raises :class:`BankError`.
    """

    def __init__(self, path: Path = PATH, instead: str = "corpus.speech=espeak") -> None:
        self.path, self._instead = Path(path), instead
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(self.path.read_bytes()))
            index = json.loads(self._zip.read(INDEX))
            if index["format"] != FORMAT:
                raise BankError(self._message(f"format {index['format']}, expected {FORMAT}"))
            self.sample_rate = int(index["sample_rate"])
            self.speakers = tuple(_speaker(entry) for entry in index["speakers"])
        except BankError:
            raise
        except (
            Exception
        ) as error:  # of the file system, zipfile, zlib, json, and of an index with parts missing
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            raise BankError(self._message(reason)) from None
        self._by_name = {s.name: s for s in self.speakers}

    def _message(self, reason: str) -> str:
        choice = f", or choose {self._instead}" if self._instead else ""
        return (
            f"{self.path}: the speech bank cannot be read ({reason}); restore the file (git checkout -- {self.path}) "
            f"or install amdd again{choice}"
        )

    def speaker(self, name: str) -> BankSpeaker:
        """Return the speaker called ``name``; raises ``ValueError`` for an unknown name."""
        if name not in self._by_name:
            raise ValueError(f"unknown speaker {name!r}; expected one of: {', '.join(self._by_name)}")
        return self._by_name[name]

    def speak(
        self, speaker: str, sentence: int | str, factor: float = 1.0, sample_rate: int = 16_000
    ) -> Speech:
        """Return a sentence of ``speaker``, given by its number or its text, at ``sample_rate`` Hz.

        ``factor`` multiplies pace, pitch and formants alike: the audio is resampled and phoneme times are divided by
        it. It is rounded to a multiple of 1/250. The same arguments give the same samples. Raises ``ValueError`` for
        what the bank does not contain and for a factor outside 0.5 to 2, :class:`BankError` for a damaged file.
        """
        who = self.speaker(speaker)
        if isinstance(sentence, str):
            if sentence not in who.texts:
                raise ValueError(
                    f"{speaker} does not say {sentence!r}; the bank has {len(who.texts)} sentences"
                )
            sentence = who.texts.index(sentence)
        if not 0 <= sentence < len(who.sentences):
            raise ValueError(f"sentence {sentence} of {speaker}: expected 0 to {len(who.sentences) - 1}")
        if not 0.5 <= factor <= 2:
            raise ValueError(f"factor {factor}: expected 0.5 to 2")
        said, steps = who.sentences[sentence], round(factor * STEPS)
        up, down = sample_rate * STEPS, opus.DECODED_RATE * steps
        common = int(np.gcd(up, down))
        audio = resample_poly(self._decoded(said.file), up // common, down // common)
        audio = np.clip(audio, -1, 1).astype(np.float32)
        times = np.array(said.edges) / self.sample_rate * STEPS / steps
        times = np.minimum(times, len(audio) / sample_rate)
        phonemes = (
            Phoneme(symbol, float(times[k]), float(times[k + 1]), k in said.stressed)
            for k, symbol in enumerate(said.symbols)
        )
        return Speech(audio, sample_rate, tuple(p for p in phonemes if p.end > p.start), said.text)

    def _decoded(self, name: str) -> np.ndarray:
        try:
            return opus.decode(self._zip.read(name))
        except Exception as error:  # of zipfile, zlib and FFmpeg
            raise BankError(self._message(f"{name}: {error}")) from None


def _speaker(entry: dict) -> BankSpeaker:
    sentences = tuple(
        Sentence(u["file"], u["text"], tuple(u["symbols"]), tuple(u["edges"]), frozenset(u["stressed"]))
        for u in entry["utterances"]
    )
    for s in sentences:
        if len(s.edges) != len(s.symbols) + 1 or list(s.edges) != sorted(s.edges):
            raise ValueError(f"{s.file}: edges do not fit the symbols")
    return BankSpeaker(entry["name"], entry["register"], float(entry["pitch"]), sentences)


@lru_cache(maxsize=2)
def shipped(path: Path = PATH) -> Bank:
    """Return the bank that comes with the library, opened once a process. Raises :class:`BankError`."""
    return Bank(path)
