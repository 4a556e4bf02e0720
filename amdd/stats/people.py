"""The independent units of a table of predictions: people, or recordings where nobody is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

Names: TypeAlias = Sequence[str] | np.ndarray | pd.Series


def people_of(predictions: pd.DataFrame) -> np.ndarray:
    """Return the name (n,) of the independent unit of each clip.

    It is the ``identity``; where nobody is named, the ``recording`` (the versions of one recording are one unit); without
    either, the clip itself.
    """
    unit = np.full(len(predictions), "", object)
    for column, prefix in (("identity", ""), ("recording", "recording ")):
        if column in predictions:
            names = predictions[column].astype(object).where(predictions[column].notna(), "").astype(str)
            unit = np.where((unit == "") & (names != ""), prefix + names, unit)
    alone = "clip_id" if "clip_id" in predictions else None
    clips = predictions[alone].astype(str).to_numpy() if alone else np.arange(len(predictions)).astype(str)
    return np.where(unit == "", np.char.add("clip ", clips.astype(str)), unit).astype(str)


def clusters_of(names: Names) -> list[np.ndarray]:
    """Return the row numbers of each name, in the names' order; a row without a name is a cluster of its own."""
    names = np.asarray(names).astype(str)
    names = np.where(names == "", np.array([f"clip {i}" for i in range(len(names))]), names)
    _, member = np.unique(names, return_inverse=True)
    return [np.flatnonzero(member == k) for k in range(member.max() + 1)] if len(names) else []


def people_in(of: Names | pd.DataFrame) -> int:
    """Return the number of independent units in names, or in a table of predictions (:func:`people_of`)."""
    return len(clusters_of(people_of(of) if isinstance(of, pd.DataFrame) else of))
