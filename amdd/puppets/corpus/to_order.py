"""A recording of a chosen person and sentence beside its forgery, for pages on which readers make both.

Only rendered people can be chosen, by number: there is no way in for an image or a recording of anybody.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from amdd.data.media import read_video, write_video
from amdd.profiles import PROFILES
from amdd.puppets.corpus.layouts import Shot
from amdd.puppets.corpus.record import SAMPLE_RATE, record_shot
from amdd.puppets.forgers.base import Source
from amdd.puppets.forgers.registry import FORGERS
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip
from amdd.puppets.voice.motion import make_motion
from amdd.puppets.voice.sound import in_a_room
from amdd.puppets.voice.speech import speak, texts_of
from amdd.puppets.voice.voices import voice_for

PEOPLE = tuple(range(91_001, 91_013))  # in no corpus
GENERATORS = ("faceswap", "fsgan", "wav2lip")
LONGEST = 3.0  # seconds
FPS, SIZE, CRF = 25, 256, 23


def sentences_of(person: int, most: int = 8) -> tuple[str, ...]:
    """Return sentences that a person can say."""
    return texts_of(voice_for(make_identity(_known(person))))[:most]


def choices() -> dict[str, list]:
    """Return what can be ordered: people with the sentences that each can say, and generators."""
    people = [{"person": p, "sentences": list(sentences_of(p))} for p in PEOPLE]
    return {"people": people, "generators": list(GENERATORS)}


def make_pair(person: int, sentence: str, generator: str, folder: Path) -> tuple[Path, Path]:
    """Write the recording of ``person`` saying ``sentence`` and its forgery below ``folder``; return both paths.

    The donor is the next person of the same gender. Both clips go through the same encodings, as in the corpus. Raises
    ``ValueError`` for a person, sentence or generator that cannot be chosen.
    """
    if generator not in GENERATORS:
        raise ValueError(f"unknown generator {generator!r}; expected one of: {', '.join(GENERATORS)}")
    if sentence not in sentences_of(person):
        raise ValueError(f"person {person} cannot say that; choose one of the listed sentences")
    source = _recorded(person, sentence, folder)
    seconds = len(source.frames) / source.fps
    donor = record_shot(_settings(seconds), Shot("puppet-favc", _donor(person), 0), folder, step=2)
    spoken = in_a_room(donor.audio, 0, SAMPLE_RATE) if generator == "wav2lip" else None
    forged = FORGERS[generator](source, donor, spoken, 0)
    heard = source.audio if spoken is None else spoken[: len(source.audio)]
    paths = folder / "real.mp4", folder / "forged.mp4"
    for path, frames, audio in zip(paths, (source.frames, forged.frames), (source.audio, heard)):
        write_video(path, frames, FPS, audio, SAMPLE_RATE, crf=CRF)
    return paths


def _known(person: int) -> int:
    if person not in PEOPLE:
        raise ValueError(f"unknown person {person!r}; expected one of: {PEOPLE[0]} to {PEOPLE[-1]}")
    return person


def _donor(person: int) -> int:
    gender = make_identity(person).gender
    others = [p for p in PEOPLE if p != person and make_identity(p).gender == gender]
    return next((p for p in others if p > person), others[0] if others else PEOPLE[0])


def _settings(seconds: float):
    import dataclasses

    corpus = PROFILES["demo"].corpus
    return dataclasses.replace(corpus, seconds=seconds, size=SIZE, fps=FPS)


def _recorded(person: int, sentence: str, folder: Path) -> Source:
    identity = make_identity(person)
    speech = speak(sentence, voice_for(identity), SAMPLE_RATE)
    frames = int(np.clip(round(len(speech.audio) / SAMPLE_RATE * FPS), 2 * FPS // 2, LONGEST * FPS))
    motion = make_motion(speech, person, frames, FPS)
    rendered = render_clip(identity, motion, person % 2**31, size=SIZE)
    first = write_video(folder / "first.mp4", rendered.frames, FPS, crf=CRF)
    decoded = read_video(first).frames
    first.unlink()
    audio = np.zeros(round(frames / FPS * SAMPLE_RATE), np.float32)
    heard = in_a_room(speech.audio, person, SAMPLE_RATE)[: len(audio)]
    audio[: len(heard)] = heard
    return Source(decoded, rendered.landmarks, rendered.face_mask, audio, identity, SAMPLE_RATE, FPS)
