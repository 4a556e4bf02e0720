"""Voices of the speech synthesiser, assigned to people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amdd.puppets.person.people import Identity

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
    """A synthesiser voice: ``accent+variant``, rate in words a minute, pitch and range in 0..100.

    With ``model``, a Piper voice file, that neural voice speaks in its place; ``speaker`` chooses among its speakers.
    """

    name: str
    rate: int
    pitch: int
    range: int
    model: str = ""
    speaker: int = 0


def voice_for(identity: Identity, model: str = "") -> Voice:
    """The voice of a person: always the same, of the person's gender, slower and lower with age.

    A neural ``model`` keeps the rate; which of its speakers speaks follows from the person, and no gender is asked.
    """
    rng = np.random.default_rng(np.random.SeedSequence([307, identity.seed]))
    variant = rng.choice(MEN if identity.gender == "men" else WOMEN)
    old = np.clip((identity.age - 40) / 30, 0, 1)
    return Voice(
        name=f"{rng.choice(ACCENTS)}+{variant}",
        rate=int(np.clip(rng.normal(165 - 18 * old, 12), 125, 200)),
        pitch=int(np.clip(rng.normal(46 - 8 * old, 9), 20, 75)),
        range=int(np.clip(rng.normal(52, 12), 20, 90)),
        model=model,
        speaker=identity.seed if model else 0,
    )
