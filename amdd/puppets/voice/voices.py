"""Voices of the speech synthesisers, assigned to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from amdd.puppets.person.people import Identity
from amdd.puppets.voice import bank

Engine = Literal["bank", "espeak", "piper"]
SPREAD = 0.08  # by so much the pace and pitch of people with the same speaker of the bank differ at most, either way

ACCENTS = (
    "en-us",
    "en",
    "en-gb-x-rp",
    "en-gb-scotland",
    "en-us-nyc",
    "en-029",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
)
MEN = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Alex", "Andy", "Denis", "Gene", "Gene2", "Jacky", "Lee", "Marco", "Michael", "Mike", "adam", "benjamin", "boris", "david", "ed", "edward", "ian", "john", "max", "paul", "quincy", "rob", "robert", "travis", "victor", "zac")  # fmt: skip
WOMEN = ("f1", "f2", "f3", "f4", "f5", "Alicia", "Andrea", "Annie", "anika", "aunty", "belinda", "linda", "steph", "steph2", "steph3", "shelby")  # fmt: skip


@dataclass(frozen=True)
class Voice:
    """A voice, and the ``engine`` that speaks with it.

    For espeak-ng: ``name``, "accent+variant"; ``rate`` in words a minute; ``pitch`` and ``range`` in 0..100. For a
    Piper voice: ``model``, its file; ``speaker``, which of its speakers. For the speech bank: ``bank_speaker``, a name
    of :class:`~amdd.puppets.voice.bank.BankSpeaker`; ``factor`` on its pace, pitch and formants.
    """

    name: str
    rate: int
    pitch: int
    range: int
    model: str = ""
    speaker: int = 0
    engine: Engine = "espeak"
    bank_speaker: str = ""
    factor: float = 1.0


def voice_for(identity: Identity, model: str = "", engine: Engine = "bank") -> Voice:
    """Return the voice of a person: always the same, of the person's gender, slower and lower with age.

    ``engine`` is "bank" or "espeak". With ``model``, a Piper voice file, that speaks instead; which of its speakers
    follows from the person, and gender is ignored. Raises :class:`~amdd.puppets.voice.bank.BankError` if the speech
    bank is needed and cannot be read, ``ValueError`` for the engine "piper" without ``model``.
    """
    if engine == "piper" and not model:
        raise ValueError("engine 'piper' needs a model, the file of a Piper voice")
    engine = "piper" if model else engine
    rng = np.random.default_rng(np.random.SeedSequence([307, identity.seed]))
    variant = rng.choice(MEN if identity.gender == "men" else WOMEN)
    old = np.clip((identity.age - 40) / 30, 0, 1)
    speaker, factor = _of_the_bank(identity, float(old)) if engine == "bank" else ("", 1.0)
    return Voice(
        name=f"{rng.choice(ACCENTS)}+{variant}",
        rate=int(np.clip(rng.normal(165 - 18 * old, 12), 125, 200)),
        pitch=int(np.clip(rng.normal(46 - 8 * old, 9), 20, 75)),
        range=int(np.clip(rng.normal(52, 12), 20, 90)),
        model=model,
        speaker=identity.seed if model else 0,
        engine=engine,
        bank_speaker=speaker,
        factor=factor,
    )


def _of_the_bank(identity: Identity, old: float) -> tuple[str, float]:
    """Return a speaker of the person's register and the factor on pace and pitch, within 8 % of 1."""
    register = "low" if identity.gender == "men" else "high"
    fitting = [s.name for s in bank.shipped().speakers if s.register == register]
    rng = np.random.default_rng(np.random.SeedSequence([311, identity.seed]))
    steps = bank.STEPS
    reach = int(SPREAD * steps)
    factor = (steps + int(rng.integers(-reach, reach + 1)) - round(0.02 * steps * old)) / steps
    return str(rng.choice(fitting)), float(np.clip(factor, 1 - SPREAD, 1 + SPREAD))
