"""Prepared clips with their frames in another order."""

from __future__ import annotations

from functools import partial

import numpy as np

from amdd.data.prepare import ClipStore
from amdd.data.variants.view import View, view


def with_shuffled_frames(store: ClipStore, seed: int = 0) -> View:
    """Put the frames of each clip into a random order, drawn by ``seed`` and the clip's row; nothing else changes."""
    return view(store, f"shuffled frames {seed}", frames=partial(_shuffled, seed))


def _shuffled(seed: int, i: int, frames: np.ndarray) -> np.ndarray:
    return np.asarray(frames)[np.random.default_rng([seed, i]).permutation(len(frames))]
