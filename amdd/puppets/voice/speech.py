"""Speech with phoneme times: from the speech bank, from espeak-ng's library as a wheel ships it, or from Piper.

Nothing is downloaded.
"""

from __future__ import annotations

import _ctypes
import ctypes
import dataclasses
import os
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from amdd.puppets.voice import bank, neural_voice
from amdd.puppets.voice.spoken import Phoneme, Speech
from amdd.puppets.voice.voices import Voice

_LOCK = threading.Lock()  # the synthesiser keeps its state in the process
_PHONEME, _RETRIEVAL, _PHONEME_EVENTS, _UTF8 = 7, 1, 1, 1
STRESS = "'"
MIDDLE = 165  # words a minute of a voice that is neither slow nor fast


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Synthesiser:
    """espeak-ng's library, loaded and started. Raises ``RuntimeError`` if it does not start."""

    def __init__(self) -> None:
        import espeakng_loader

        self.library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        self.library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        folder = str(espeakng_loader.get_data_path()).encode()
        self.rate = self.library.espeak_Initialize(_RETRIEVAL, 500, folder, _PHONEME_EVENTS)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng could not be started; install espeakng-loader again")
        self.chunks: list[np.ndarray] = []
        self.events: list[tuple[int, str]] = []
        self._callback = _CALLBACK(self._receive)  # kept alive: the library holds only its address
        self.library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples, count, events) -> int:
        """Take ``count`` samples (int16) and the phoneme events that belong to them; 0 asks for more."""
        if samples and count > 0:
            self.chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        k = 0
        while events and events[k].type != 0:
            if events[k].type == _PHONEME:
                self.events.append((events[k].audio_position, events[k].id.string.decode("utf-8", "replace")))
            k += 1
        return 0

    def run(self, text: str, voice: Voice) -> tuple[np.ndarray, list[tuple[int, str]]]:
        """Return audio (n,) float32 and phoneme events (milliseconds, mnemonic). Raises ``ValueError`` for an
        unknown voice."""
        self.chunks, self.events = [], []
        if self.library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice.name!r}")
        for number, value in ((1, voice.rate), (2, 90), (3, voice.pitch), (4, voice.range)):
            self.library.espeak_SetParameter(number, value, 0)
        data = text.encode()
        self.library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        self.library.espeak_Synchronize()
        audio = np.concatenate(self.chunks) if self.chunks else np.zeros(0, np.int16)
        return audio.astype(np.float32) / 32768, self.events


@lru_cache(maxsize=256)
def _synthesise(text: str, voice: Voice) -> tuple[np.ndarray, tuple[tuple[int, str], ...], int]:
    """Return samples (n,) float32, phoneme events and the sample rate in Hz.

    The library is loaded anew for every utterance: it keeps static state (pitch flutter, random numbers seeded by the
    clock) that neither a new start nor a seed alone clears.
    """
    with _LOCK:
        engine = _Synthesiser()
        try:
            # Breath and jitter draw from two generators, both seeded by the clock at the start.
            engine.library.espeak_ng_SetRandSeed(ctypes.c_long(1))
            if os.name == "posix":
                ctypes.CDLL(None).srand(1)
            audio, events = engine.run(text, voice)
        finally:
            engine.library.espeak_Terminate()
            close = getattr(_ctypes, "dlclose", None) or _ctypes.FreeLibrary
            close(engine.library._handle)
        return audio, tuple(events), engine.rate


@lru_cache(maxsize=1)
def sentences() -> tuple[str, ...]:
    """Return the sentences that people say: our own, one a line in ``data/sentences.txt``."""
    text = (Path(__file__).parent / "data" / "sentences.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def texts_of(voice: Voice) -> tuple[str, ...]:
    """Return the sentences that ``voice`` can say: all, or those of its speaker in the speech bank."""
    return bank.shipped().speaker(voice.bank_speaker).texts if voice.engine == "bank" else sentences()


def speak(text: str, voice: Voice, sample_rate: int = 16_000) -> Speech:
    """Return ``text`` as spoken by ``voice``, at ``sample_rate`` Hz; the same arguments give the same samples.

    The speech bank says only the sentences of :func:`texts_of`. Raises ``ValueError`` for a text or speaker that the
    bank does not contain and for a voice that espeak-ng does not have, :class:`~amdd.puppets.voice.bank.BankError`, and
    :class:`~amdd.puppets.voice.neural_voice.VoiceError`.
    """
    if voice.engine == "bank":
        return bank.shipped().speak(voice.bank_speaker, text, voice.factor, sample_rate)
    if voice.model:
        plain = dataclasses.replace(voice, model="", speaker=0, engine="espeak")
        reference = speak(text, plain, sample_rate)
        return neural_voice.speak(text, reference, voice.model, voice.speaker, voice.rate / MIDDLE)
    audio, events, rate = _synthesise(text, voice)
    seconds = len(audio) / rate
    phonemes = []
    for i, (position, symbol) in enumerate(events):
        start = position / 1000
        end = events[i + 1][0] / 1000 if i + 1 < len(events) else seconds
        name = symbol.strip()
        if not name or end <= start:
            continue
        phonemes.append(Phoneme(name.lstrip("',%="), start, min(end, seconds), STRESS in name))
    if rate != sample_rate and len(audio):
        common = np.gcd(rate, sample_rate)
        audio = resample_poly(audio, sample_rate // common, rate // common).astype(np.float32)
    return Speech(audio, sample_rate, tuple(phonemes), text)


def talk(voice: Voice, seconds: float, rng: np.random.Generator, sample_rate: int = 16_000) -> Speech:
    """Return random sentences by ``voice`` with pauses between them, cut after ``seconds``, at ``sample_rate`` Hz.

    ``rng`` determines the sentences, the silence of 60 to 350 ms before the first and the pauses of 50 to 250 ms. No
    sentence follows itself. Raises what :func:`speak` raises.
    """
    return string_together(
        texts_of(voice), lambda text: speak(text, voice, sample_rate), seconds, rng, sample_rate
    )


def string_together(
    texts: Sequence[str],
    say: Callable[[str], Speech],
    seconds: float,
    rng: np.random.Generator,
    sample_rate: int = 16_000,
) -> Speech:
    """Return random ``texts``, each as ``say`` returns it at ``sample_rate`` Hz, strung together as :func:`talk` does."""
    lead = float(rng.uniform(0.06, 0.35))
    audio, phonemes, said = [np.zeros(int(lead * sample_rate), np.float32)], [], [""]
    now = len(audio[0]) / sample_rate
    while now < seconds:
        text = str(rng.choice([t for t in texts if t != said[-1]]))
        piece = say(text)
        phonemes += [Phoneme(p.symbol, p.start + now, p.end + now, p.stressed) for p in piece.phonemes]
        pause = np.zeros(int(rng.uniform(0.05, 0.25) * sample_rate), np.float32)
        audio += [piece.audio, pause]
        said.append(text)
        now += (len(piece.audio) + len(pause)) / sample_rate
    sound = np.concatenate(audio)[: round(seconds * sample_rate)]
    kept = tuple(p for p in phonemes if p.start < seconds)
    return Speech(sound, sample_rate, kept, " ".join(said[1:]))
