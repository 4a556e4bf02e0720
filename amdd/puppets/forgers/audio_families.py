"""The families of forged audio, in one registry: the method of each, and the trace that it leaves.

The traces were measured on spectra (``tests/puppets/test_audio_families.py`` and the chapter on spectrograms); nobody has
listened to any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.signal import resample_poly

from amdd.puppets.forgers import lpc_vocoder, vocoder, voice_conversion
from amdd.puppets.person.people import Identity
from amdd.puppets.voice import forged, opus
from amdd.puppets.voice.speech import speak
from amdd.puppets.voice.spoken import Speech
from amdd.puppets.voice.voices import voice_for

Kind = Literal["conversion", "resynthesis", "formant synthesis", "neural synthesis"]


@dataclass(frozen=True)
class Order:
    """The speech to be forged: ``own``, of the person ``identity``; ``donor``, another person's, for families that take the
    donor's words; ``seed`` of what is drawn."""

    own: Speech
    donor: Speech | None
    identity: Identity
    seed: int


@dataclass(frozen=True)
class AudioFamily:
    """One way to forge speech.

    ``words`` are the donor's, the person's own, or new; ``in_time`` if they are said when the person says them, so that the
    lips of the real video fit; ``engine``, the engine of real recordings that the family cannot be distinguished from.
    ``make`` returns audio (n,) float32, as long as the person's own.
    """

    name: str
    kind: Kind
    does: str
    trace: str
    make: Callable[[Order], np.ndarray]
    words: Literal["donor", "own", "new"]
    in_time: bool = False
    engine: str = ""


def _fitted(audio: np.ndarray, n: int) -> np.ndarray:
    """Return ``audio`` cut or filled with silence to ``n`` samples."""
    return np.pad(audio[:n], (0, max(0, n - len(audio)))).astype(np.float32)


def _converted(order: Order) -> np.ndarray:
    if order.donor is None:
        raise ValueError("voice-conversion needs a donor's speech")
    rate = order.own.sample_rate
    return voice_conversion.forge_audio(order.donor.audio, rate, order.own.audio, order.seed)


def _mel(order: Order) -> np.ndarray:
    return vocoder.forge_audio(order.own.audio, order.own.sample_rate, None, order.seed)


def _lpc(order: Order) -> np.ndarray:
    return lpc_vocoder.forge_audio(order.own.audio, order.own.sample_rate, None, order.seed)


def _espeak(order: Order) -> np.ndarray:
    """Return the person's own text by espeak-ng, from the moment at which the person begins to speak.

    It takes the way through Opus that the speech bank took, so that the codec is no trace of the family.
    """
    own = order.own
    said = speak(own.text, voice_for(order.identity, engine="espeak"), opus.STORED_RATE).audio
    said = opus.decode(opus.encode(said, opus.BIT_RATE))
    common = int(np.gcd(own.sample_rate, opus.DECODED_RATE))
    said = resample_poly(said, own.sample_rate // common, opus.DECODED_RATE // common)
    lead = np.zeros(round((own.phonemes[0].start if own.phonemes else 0.0) * own.sample_rate), np.float32)
    return np.clip(_fitted(np.concatenate([lead, said]), len(own.audio)), -1, 1)


def _hibari(order: Order) -> np.ndarray:
    own, rng = order.own, np.random.default_rng(np.random.SeedSequence([337, order.seed]))
    said = forged.talk(order.identity, len(own.audio) / own.sample_rate, rng, own.sample_rate)
    return _fitted(said.audio, len(own.audio))


AUDIO_FAMILIES = {
    family.name: family
    for family in (
        AudioFamily(
            "voice-conversion", "conversion",
            "the donor's words, their pitch and mean spectral envelope moved to the person's",
            "a phase vocoder's phases, a fixed tint of the spectrum, less energy above 7.2 kHz",
            _converted, "donor",
        ),
        AudioFamily(
            "mel-vocoder", "resynthesis",
            "the person's own words, from 64 mel bands and back, phases by Griffin and Lim",
            "phases that no voice has; mel spectra hardly differ",
            _mel, "own", in_time=True,
        ),
        AudioFamily(
            "lpc-vocoder", "resynthesis",
            "the person's own words, from 18 poles, pitch and loudness every 10 ms",
            "pulses without noise between them, noise where unvoiced; less energy above 2 kHz",
            _lpc, "own", in_time=True,
        ),
        AudioFamily(
            "espeak", "formant synthesis",
            "the person's own text, read by the formant synthesiser espeak-ng",
            "regular formant tracks, slow changes of level, more energy at 2 to 3 kHz",
            _espeak, "own", engine="espeak",
        ),
        AudioFamily(
            "hibari", "neural synthesis",
            "other sentences, read by the neural synthesiser hibari in one of six voices",
            "one spectrum each 12.5 ms for pulses, noise and free phase",
            _hibari, "new",
        ),
    )
}  # fmt: skip


def families_beside(engine: str) -> tuple[str, ...]:
    """Return the names of the families that differ from real recordings by ``engine`` ("bank", "espeak" or "piper")."""
    return tuple(name for name, family in AUDIO_FAMILIES.items() if family.engine != engine)


def forge(name: str, order: Order) -> np.ndarray:
    """Return the audio (n,) float32 of ``order`` forged by the family ``name``; the same order gives the same samples.

    Raises ``ValueError`` for an unknown name, and without a donor for a family that takes the donor's words.
    """
    if name not in AUDIO_FAMILIES:
        raise ValueError(f"unknown audio family {name!r}; expected one of: {', '.join(AUDIO_FAMILIES)}")
    return AUDIO_FAMILIES[name].make(order)
