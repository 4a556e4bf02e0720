"""Open choices of the paper, as single changes to a profile."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from amdd.data.prepare import ClipStore
from amdd.data.variants.view import view
from amdd.profiles import Profile, replaced

DEFAULT = "as it is"


def changes(profile: Profile) -> dict[str, dict[str, Any]]:
    """By name, the values that a choice replaces, by dotted names; ``mel`` is no setting, see :func:`chosen`."""
    t = profile.training
    return {
        DEFAULT: {},
        "tokens": {"model.cross_modal": "tokens"},
        "fingerprint over all pairs": {"training.loss.fingerprint_pairs": "all"},
        "real as one class of the sampler": {"training.sampler": "classes"},
        "learning rate x 3": {"training.learning_rate": t.learning_rate * 3},
        "learning rate / 3": {"training.learning_rate": t.learning_rate / 3},
        "weight decay x 100": {"training.weight_decay": t.weight_decay * 100},
        "half the frames": {"preparation.frames": max(1, profile.preparation.frames // 2)},
        "half the mel bands": {"mel": 2},
    }


def chosen(profile: Profile, prepared: ClipStore, name: str) -> tuple[Profile, ClipStore]:
    """Profile and clips under the choice ``name``. Raises ``ValueError`` for a name that is none."""
    known = changes(profile)
    if name not in known:
        raise ValueError(f"no open choice {name!r}; expected one of: {', '.join(known)}")
    values = dict(known[name])
    fold = values.pop("mel", 1)
    return replaced(profile, values), (coarser_mel(prepared, fold) if fold > 1 else prepared)


def coarser_mel(prepared: ClipStore, fold: int) -> ClipStore:
    """Spectrograms whose every ``fold`` neighbouring mel bands are joined: their power is averaged.

    Levels are decibels on a scale from -1 to 1, ``top_db`` wide. Raises ``ValueError`` where ``fold`` does not divide
    the number of bands.
    """
    if prepared.settings.n_mels % fold:
        raise ValueError(f"{prepared.settings.n_mels} mel bands can't be joined by {fold}")
    return view(prepared, f"mel bands / {fold}", mel=partial(_joined, fold, prepared.settings.top_db))


def _joined(fold: int, top_db: float, i: int, mel: np.ndarray) -> np.ndarray:
    power = 10 ** (np.asarray(mel, np.float64) * top_db / 20)
    mean = power.reshape(mel.shape[0], -1, fold, mel.shape[2]).mean(2)
    return (20 / top_db * np.log10(mean)).astype(mel.dtype)


def slug(name: str) -> str:
    """``name`` as a folder is called."""
    return "".join(c if c.isalnum() else "-" for c in name)
