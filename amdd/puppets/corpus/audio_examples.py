"""The same recordings by every family of forged audio: material for attribution from audio alone, without images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from amdd.profiles import CorpusSettings
from amdd.puppets.corpus.casting import pools
from amdd.puppets.corpus.layouts import Shot
from amdd.puppets.corpus.record import SAMPLE_RATE, by_family, seeds, speech_of
from amdd.puppets.forgers.audio_families import AUDIO_FAMILIES, families_beside
from amdd.puppets.person.people import make_identity
from amdd.puppets.voice import forged
from amdd.puppets.voice.sound import in_a_room


@dataclass(frozen=True)
class Example:
    """``audio`` (n,) float32 at 16 kHz of a ``person``, by ``family`` or "real".

    ``group`` names the synthesiser's voice that the person has, whatever the family: people of one group are held out
    together, and with them that voice.
    """

    family: str
    person: int
    group: str
    audio: np.ndarray


def cast(settings: CorpusSettings, most: int = 30) -> list[int]:
    """Return at most ``most`` people of the training corpus, from its three pools in turn."""
    parts = list(pools(settings).values())[:3]
    turns = [people[k] for k in range(max(map(len, parts))) for people in parts if k < len(people)]
    return turns[:most]


def examples(settings: CorpusSettings, people: list[int]) -> list[Example]:
    """Return one recording of each of ``people``, real and by each family, in the recording's own room.

    A voice donor is the next person of the same group, or of all if there is no other.
    """
    groups = {person: forged.voice_of(make_identity(person))[0] for person in people}
    out = []
    for k, person in enumerate(people):
        shot = Shot(settings.train, person, 0)
        ring = [*people[k + 1 :], *people[:k]]
        donor = next((p for p in ring if groups[p] == groups[person]), ring[0] if ring else person)
        dry = {"real": speech_of(settings, shot).audio}
        for family in families_beside(settings.speech):
            dry[family] = by_family(settings, family, shot, Shot(settings.train, donor, 0))
        out += [
            Example(family, person, groups[person], in_a_room(audio, seeds(settings, shot, 4), SAMPLE_RATE))
            for family, audio in dry.items()
        ]
    return out


def families_table() -> pd.DataFrame:
    """Return one row per family: ``family``, ``kind``, ``method`` and ``trace``."""
    return pd.DataFrame(
        [
            {"family": f.name, "kind": f.kind, "method": f.does, "trace": f.trace}
            for f in AUDIO_FAMILIES.values()
        ]
    )
