"""Differences between predictions: McNemar's test, and metrics' differences with intervals over people."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from amdd.stats.estimate import Estimate
from amdd.stats.intervals import mover, share, without_each
from amdd.stats.measures import clips_counted, columns_of, interval_of, metric_function
from amdd.stats.people import clusters_of, people_in, people_of


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


def difference(
    first: pd.DataFrame,
    second: pd.DataFrame,
    metric: str = "auc",
    threshold: float = 0.5,
    confidence: float = 0.95,
) -> Estimate:
    """Return the difference (first - second) of a metric between two tables of predictions, with its interval over people.

    The intervals of both values are combined with their correlation over people (MOVER; Zou & Donner 2008): the values
    without each person in turn, who is left out of both tables. So the difference is paired wherever the tables share
    people or clips (two models on the same clips, two conditions with the same reals), and unpaired where they share
    none. ``n`` counts the distinct clips that the metric is over, ``people`` those of both tables. Tables with the same
    predictions have the difference 0 and no interval. Raises ``ValueError`` for an unknown metric.
    """
    function = metric_function(metric, threshold)
    data, names = [columns_of(t) for t in (first, second)], [people_of(t) for t in (first, second)]
    counted = [clips_counted(d, metric) for d in data]
    clips = int(pd.concat([t.clip_id[c] for t, c in zip((first, second), counted)]).nunique())
    people = people_in(np.concatenate([n[c] for n, c in zip(names, counted)]))
    one, two = (interval_of(d, metric, n, threshold, confidence) for d, n in zip(data, names))
    found = Estimate(one.value - two.value, n=clips, people=people)
    if not one.bounded or not two.bounded or _same(first, second):
        return found
    left = [_influences(function, d, n) for d, n in zip(data, names)]
    low, high = mover(one, two, _correlation(*left))
    if high - low > 1e-9:
        return replace(found, low=low, high=high)
    # Nothing that a person changes: as wide as the interval of a share that is seen in none of the people.
    width = share(np.zeros(people), np.arange(people), confidence).high
    return replace(found, low=found.value - width, high=found.value + width) if width else found


def _influences(
    function: Callable[[dict], float], data: dict[str, np.ndarray], names: np.ndarray
) -> dict[str, float]:
    """Return by how much each person's absence moves the metric, by the person's name."""
    clusters = clusters_of(names)
    values = without_each(lambda rows: function(_taken(data, rows)), clusters)
    moved = values - np.nanmean(values) if np.isfinite(values).any() else np.zeros(len(values))
    return {str(names[rows[0]]): float(v) if np.isfinite(v) else 0.0 for rows, v in zip(clusters, moved)}


def _correlation(one: dict[str, float], two: dict[str, float]) -> float:
    """Return the correlation of two values over people; a person whom a table lacks does not move its value."""
    norm = math.sqrt(sum(v * v for v in one.values()) * sum(v * v for v in two.values()))
    return sum(v * two.get(name, 0.0) for name, v in one.items()) / norm if norm > 0 else 0.0


def paired(
    first: pd.DataFrame,
    second: pd.DataFrame,
    metric: str = "auc",
    threshold: float = 0.5,
    confidence: float = 0.95,
) -> Estimate:
    """Return :func:`difference` of two models on the same clips, matched by name. Raises ``KeyError`` for clips of ``first``
    that ``second`` lacks."""
    matched = second.set_index("clip_id", drop=False).loc[first["clip_id"]].reset_index(drop=True)
    return difference(first, matched, metric, threshold, confidence)


def _same(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    """Whether both tables hold the same predictions of the same clips."""
    columns = ["clip_id", "label", "score", "attribution"]
    a, b = (t[columns].sort_values("clip_id").reset_index(drop=True) for t in (first, second))
    return a.equals(b)


def _taken(columns: dict, rows) -> dict:
    return {k: v[rows] for k, v in columns.items()}
