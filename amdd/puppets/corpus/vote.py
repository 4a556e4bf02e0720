"""Clips for a vote: real or forged, and by whom, before the answer is shown.

Three blocks with the same number of fakes by each generator: before practice, practice with feedback, and after it. A
page lets half of the participants see the first and the last block exchanged, so that their difference is not one of
clips.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from amdd.base.hashing import hash_bytes
from amdd.base.paths import atomic, write_text
from amdd.profiles import CorpusSettings
from amdd.puppets.corpus.layouts import Clip
from amdd.puppets.corpus.plans import plan
from amdd.puppets.corpus.record import speech_of

CLIPS = 20
FAKES = 9
BLOCKS = ("before", "after", "practice")  # dealt in this order
WORDS = {
    "faceswap": "face swap: a donor's face on this head",
    "fsgan": "reenacted swap: a donor's face, warped to this head's movements",
    "wav2lip": "lip synchronisation: the mouth repainted to fit other audio",
    "vocoder": "voice conversion: forged audio",
}
INDEX = "vote.json"


def spread(clips: pd.DataFrame, rng: np.random.Generator, count: int) -> pd.DataFrame:
    """Return ``count`` clips in random order, of different people as far as there are enough."""
    mixed = clips.sample(frac=1, random_state=rng)
    turn = mixed.groupby("identity").cumcount()
    return mixed.loc[turn.sort_values(kind="stable").index].head(count)


def dealt(predictions: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the clips of a vote with their ``block``: reals and, by generator in turn, fakes, dealt to the blocks.

    Fewer clips than :data:`CLIPS` come back where a corpus has too few of a class.
    """
    rng = np.random.default_rng(seed)
    fakes = predictions[predictions.label == 1]
    generators = sorted(set(fakes.generator))
    share = -(-FAKES // max(1, len(generators)))
    parts = [spread(fakes[fakes.generator == name], rng, share) for name in generators]
    count = CLIPS - sum(map(len, parts))
    reals = spread(predictions[predictions.label == 0], rng, max(1, count))
    chosen = pd.concat([part.assign(block=in_turn(len(part))) for part in [reals, *parts]])
    return chosen.sort_values(["block", "clip_id"], kind="stable")


def in_turn(count: int) -> list[str]:
    """Return the blocks of ``count`` clips of one class."""
    return [BLOCKS[k % len(BLOCKS)] for k in range(count)]


def words_of(settings: CorpusSettings, clip: Clip) -> str:
    """Return what is said in a clip; a voice donor's words where the audio is theirs."""
    if clip.audio == "none":
        return ""
    other = clip.voice_donor if clip.audio in ("donor", "converted") and not clip.local else None
    return speech_of(settings, other or clip.shot).text


def spoken_in(settings: CorpusSettings, clip_ids: list[str]) -> list[str]:
    """Return what is said in each of these clips of the built-in training corpus; "" for clips that it does not have."""
    known = {clip.path: clip for clip in plan(settings, (settings.train,))[settings.train]}
    return [words_of(settings, known[name]) if name in known else "" for name in clip_ids]


def write_vote(
    folder: Path,
    predictions: pd.DataFrame,
    manifest: pd.DataFrame,
    settings: CorpusSettings,
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Write the clips of a vote as ``<number>.mp4``, and their index ``vote.json``, below ``folder``; returns the index.

    ``predictions`` are those of the test clips, ``manifest`` says where their films are, and ``facts`` (profile, seed,
    threshold) go into the index. Numbers say nothing about classes. Raises ``OSError`` for a film that is gone.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    films = manifest.set_index("clip_id").video
    chosen = dealt(predictions, int(facts["seed"])).sample(frac=1, random_state=int(facts["seed"]))
    said = spoken_in(settings, chosen.clip_id.tolist())
    clips = []
    for number, clip in enumerate(chosen.itertuples(), start=1):
        film = Path(films[clip.clip_id])
        name = f"{number:02d}.mp4"
        with atomic(folder / name) as temporary:
            shutil.copyfile(film, temporary)
        clips.append(
            {
                "id": f"{number:02d}",
                "file": name,
                "block": clip.block,
                "truth": clip.generator,
                "score": round(float(clip.score), 4),
                "attribution": clip.attribution,
                "words": said[number - 1],
            }
        )
    generators = sorted({c["truth"] for c in clips} - {"real"})
    index = {
        "corpus": settings.train,
        **facts,
        "generators": {name: WORDS.get(name, name) for name in generators},
        "clips": clips,
    }
    index["key"] = hash_bytes(json.dumps(index, sort_keys=True).encode())[:10]
    write_text(folder / INDEX, json.dumps(index, indent=1) + "\n")
    return index
