"""Speech by a synthesiser that no real recording is spoken by: a small bank of forged utterances.

Six voices read 16 of the speech bank's sentences each; :mod:`amdd.puppets.voice.build_forged` made them with hibari.
They imitate nobody: a person gets a voice of their register. Nobody has listened to them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from amdd.puppets.person.people import Identity
from amdd.puppets.voice.bank import STEPS, Bank
from amdd.puppets.voice.speech import string_together
from amdd.puppets.voice.spoken import Speech
from amdd.puppets.voice.voices import SPREAD

PATH = Path(__file__).parent / "data" / "forged_speech.zip"
REGISTERS = ("low", "high")
VOICES_EACH = 3  # of each register


@lru_cache(maxsize=1)
def shipped() -> Bank:
    """Return the bank that comes with the library. Raises :class:`~amdd.puppets.voice.bank.BankError`."""
    return Bank(PATH, instead="")


def voice_of(identity: Identity) -> tuple[str, float]:
    """Return the name of a person's voice in the bank, of the person's register, and the factor on its pace and pitch.

    Always the same for a person; the factor is within 8 % of 1.
    """
    register = "low" if identity.gender == "men" else "high"
    fitting = [s.name for s in shipped().speakers if s.register == register]
    rng = np.random.default_rng(np.random.SeedSequence([313, identity.seed]))
    reach = int(SPREAD * STEPS)
    return str(rng.choice(fitting)), (STEPS + int(rng.integers(-reach, reach + 1))) / STEPS


def talk(identity: Identity, seconds: float, rng: np.random.Generator, sample_rate: int = 16_000) -> Speech:
    """Return random sentences in the person's forged voice, as :func:`amdd.puppets.voice.speech.talk` does; no phonemes."""
    name, factor = voice_of(identity)
    texts = shipped().speaker(name).texts
    return string_together(
        texts, lambda text: shipped().speak(name, text, factor, sample_rate), seconds, rng, sample_rate
    )
