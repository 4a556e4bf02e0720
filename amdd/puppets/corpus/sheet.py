"""Contact sheet of the people in the corpus."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from amdd.puppets.person.actions import ACTIONS
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip
from amdd.puppets.voice.motion import Motion


def contact_sheet(seeds: Iterable[int], columns: int = 10, size: int = 128) -> np.ndarray:
    """Return one still of each person, uint8 (rows * size, columns * size, 3); ``seeds`` are identity seeds."""
    still = Motion(
        np.zeros((1, len(ACTIONS)), np.float32),
        np.zeros((1, 3), np.float32),
        np.zeros((1, 2), np.float32),
        np.zeros((1, 2), np.float32),
    )
    cells = [render_clip(make_identity(seed), still, seed, size).frames[0] for seed in seeds]
    cells += [np.full_like(cells[0], 128)] * (-len(cells) % columns)
    rows = [np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)]
    return np.concatenate(rows)
