"""Prepared clips without audio, with silence, or with the audio of others."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from amdd.data.prepare import ClipStore
from amdd.data.variants.view import View, view


def without_audio(store: ClipStore) -> View:
    """Mark every clip as one without audio: the network takes its visual-only path."""
    return view(store, "without sound", store.manifest.assign(audio_present=False))


def with_silence(store: ClipStore) -> View:
    """Give every clip digital silence in the place of its audio: the lowest level (-1) in all bands.

    The network takes its audio-visual path, as the paper's does for clips without audio (Sec. IV-F).
    """
    return view(store, "silence", store.manifest.assign(audio_present=True), mel=_silent)


def _silent(i: int, mel: np.ndarray) -> np.ndarray:
    return np.full_like(mel, -1)


def can_be_exchanged(clips: pd.DataFrame) -> bool:
    """Return whether :func:`with_foreign_audio` has another person's audio for each of ``clips``, rows of a manifest."""
    heard = clips[clips["audio_present"].to_numpy(bool)]
    lenders = set(heard["identity"].astype(str))
    return all(bool(lenders - {person}) for person in set(clips["identity"].astype(str)))


def with_foreign_audio(store: ClipStore, rows: np.ndarray, seed: int = 0) -> View:
    """Give each of the clips ``rows`` the audio of another person's clip among them, drawn by ``seed``.

    Frames and labels stay, so that whatever performance is lost depended on the audio or on its agreement with the
    frames. Raises ``ValueError`` where no other person's audio exists.
    """
    rows = np.asarray(rows, int)
    people = store.manifest["identity"].astype(str).to_numpy()
    heard = rows[store.manifest["audio_present"].to_numpy(bool)[rows]]
    rng = np.random.default_rng(seed)
    lender: dict[int, int] = {}
    for i in rows.tolist():
        others = heard[people[heard] != people[i]]
        if not len(others):
            raise ValueError("foreign audio needs clips of two people or more")
        lender[i] = int(rng.choice(others))
    return view(store, f"foreign sound {seed}", mel=partial(_lent, store, lender))


def _lent(store: ClipStore, lender: dict[int, int], i: int, mel: np.ndarray) -> np.ndarray:
    return store.mel(lender[i]) if i in lender else mel
