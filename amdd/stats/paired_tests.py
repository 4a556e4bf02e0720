"""Differences between predictions: McNemar's test and bootstraps of paired and unpaired differences."""

from __future__ import annotations

import pandas as pd
from scipy import stats

from amdd.stats.estimate import Estimate
from amdd.stats.measures import METRICS, clips_counted, columns_of, metric_functions
from amdd.stats.resampling import bootstrap, clusters_of


def mcnemar(
    first: pd.DataFrame, second: pd.DataFrame, threshold: float = 0.5, what: str = "detection"
) -> dict[str, float]:
    """Return McNemar's exact test between two models on the same clips (``what``: detection or attribution of fakes)."""
    both = first.merge(second, on="clip_id", suffixes=("_a", "_b"))
    if what == "detection":
        a = (both.score_a >= threshold) == (both.label_a == 1)
        b = (both.score_b >= threshold) == (both.label_b == 1)
    else:
        both = both[(both.label_a == 1) & both.known_a]
        a, b = both.attribution_a == both.generator_a, both.attribution_b == both.generator_b
    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    n = only_a + only_b
    p = float(stats.binomtest(only_a, n, 0.5).pvalue) if n else 1.0
    return {"n": len(both), "only_first": only_a, "only_second": only_b, "p": p}


def paired_bootstrap(
    first: pd.DataFrame,
    second: pd.DataFrame,
    metric: str = "auc",
    threshold: float = 0.5,
    draws: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Return the difference (first - second) of a metric on the same clips, with its interval over identities.

    ``n`` is the number of clips that the metric is over. Raises ``ValueError`` for an unknown metric, ``KeyError`` for
    clips of ``first`` that ``second`` lacks.
    """
    second = second.set_index("clip_id").loc[first["clip_id"]].reset_index()
    function = _function(metric, threshold)
    a, b = columns_of(first), columns_of(second)
    return bootstrap(
        lambda rows: function(_taken(a, rows)) - function(_taken(b, rows)),
        clusters_of(first["identity"]),
        draws=draws,
        confidence=confidence,
        seed=seed,
        n=clips_counted(a, metric),
    )


def unpaired_bootstrap(
    first: pd.DataFrame,
    second: pd.DataFrame,
    metric: str = "auc",
    threshold: float = 0.5,
    draws: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Return the difference (first - second) of a metric on two sets of different clips, with its interval over
    identities. Raises ``ValueError`` for an unknown metric."""
    function = _function(metric, threshold)
    a, b = columns_of(first), columns_of(second)
    return bootstrap(
        lambda rows, others: function(_taken(a, rows)) - function(_taken(b, others)),
        clusters_of(first["identity"]),
        clusters_of(second["identity"]),
        draws=draws,
        confidence=confidence,
        seed=seed,
        n=clips_counted(a, metric) + clips_counted(b, metric),
    )


def _taken(columns: dict, rows) -> dict:
    return {k: v[rows] for k, v in columns.items()}


def _function(metric: str, threshold: float):
    if metric not in METRICS:
        raise ValueError(f"unknown metric {metric!r}; expected one of: {', '.join(METRICS)}")
    return metric_functions(threshold)[metric]
