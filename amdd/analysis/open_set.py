"""Saying "unknown": rules that tell clips of generators that training never saw from those that it knows.

The paper names open-set attribution as future work (Sec. V-H). These are the two plainest rules, from what the trained
network gives anyway; larger means stranger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from amdd.analysis.predict import embed
from amdd.data.prepare import ClipStore
from amdd.stats import Estimate, estimate_of
from amdd.training.runs import Run


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


def open_set_scores(
    run: Run,
    clips: ClipStore,
    known: pd.DataFrame,
    prepared: Mapping[str, ClipStore],
    predictions: Mapping[str, pd.DataFrame],
) -> dict[str, dict[str, pd.DataFrame]]:
    """Return, for both rules and each corpus, the predictions with the rule's strangeness as ``score``.

    ``known`` are the predictions for test clips of ``clips``, kept under the name "known"; distances are to its training
    clips.
    """
    trained_on = clips.manifest.split == "train"
    references = embed(run, clips, trained_on)["fused"]
    rules: dict[str, dict[str, pd.DataFrame]] = {"maximum softmax probability": {}, "k-NN distance": {}}
    for name, part in [("known", known), *predictions.items()]:
        source = clips if name == "known" else prepared[name]
        rules["maximum softmax probability"][name] = part.assign(score=unsureness(part))
        far = distance_to_known(references, embed(run, source, part.row.to_numpy())["fused"])
        rules["k-NN distance"][name] = part.assign(score=far)
    return rules


def open_set_separation(
    scored: Mapping[str, Mapping[str, pd.DataFrame]], metrics: Callable[[pd.DataFrame], pd.DataFrame]
) -> dict[tuple[str, str], tuple[Estimate, int, int]]:
    """Return the AUC of separating unseen from known clips by rule, for fakes and for reals (the control), with the numbers
    of known and unseen clips; left out where either side has no clips. ``metrics`` gives the intervals."""
    found = {}
    for rule, tables in scored.items():
        away = [t for name, t in tables.items() if name != "known"]
        for label, who in ((1, "fakes"), (0, "reals")):
            near = tables["known"][tables["known"].label == label]
            far = pd.concat([near.iloc[:0], *[t[t.label == label] for t in away]], ignore_index=True)
            if len(near) and len(far):
                separated = metrics(strange_against_known(near, far))
                found[rule, who] = (estimate_of(separated, "auc"), len(near), len(far))
    return found
