"""Saying "unknown": rules that tell clips of generators that training never saw from those that it knows.

The paper names open-set attribution as future work (Sec. V-H). These are the two plainest rules, from what the trained
network gives anyway; larger means stranger.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors


def unsureness(predictions: pd.DataFrame) -> np.ndarray:
    """One minus the largest class probability of the attribution head (Hendrycks & Gimpel 2017), (n,)."""
    columns = [c for c in predictions.columns if c.startswith("p_")]
    if not columns:
        raise ValueError("the predictions have no class probabilities p_<class>")
    return 1 - predictions[columns].to_numpy(float).max(1)


def distance_to_known(training: np.ndarray, embedding: np.ndarray, k: int = 5) -> np.ndarray:
    """Mean cosine distance (n,) of each ``embedding`` (n, d) to its ``k`` nearest ``training`` clips (m, d)
    (Sun et al. 2022). Raises ``ValueError`` without training clips."""
    if not len(training):
        raise ValueError("no training clips to be near to")
    near = NearestNeighbors(n_neighbors=min(k, len(training)), metric="cosine").fit(training)
    return near.kneighbors(embedding)[0].mean(1)


def strange_against_known(known: pd.DataFrame, strange: pd.DataFrame) -> pd.DataFrame:
    """The two tables (``identity``, ``score``) as one that :func:`amdd.stats.metrics` measures: label 1 is strange."""
    both = pd.concat([known.assign(label=0), strange.assign(label=1)], ignore_index=True)
    return both.assign(known=False, attribution="", generator="")
