"""Intervals over training seeds and people together, and corrections for many comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from amdd.stats.estimate import Estimate
from amdd.stats.intervals import without_each
from amdd.stats.measures import columns_of, metric_function
from amdd.stats.people import clusters_of, people_of


def _spread(values: np.ndarray) -> float:
    """Return the jackknife's variance of a value from its values without each unit."""
    return float((len(values) - 1) / len(values) * ((values - values.mean()) ** 2).sum())


def two_way(
    values: np.ndarray, without: np.ndarray, confidence: float = 0.95, n: int | None = None
) -> Estimate:
    """Return the mean over seeds of ``values`` (seeds,) with its interval over seeds and people.

    ``without`` (seeds, people) are the values when a person is left out. The variance is that over seeds plus that over
    people minus that over their cells (Cameron, Gelbach & Miller 2011), at least the larger of the first two; the quantile
    is Student's for the smaller of both numbers less one. No interval for fewer than two seeds or people.
    """
    values, without = np.asarray(values, float), np.asarray(without, float)
    seeds, people = without.shape
    found = Estimate(float(values.mean()), n=n, seeds=seeds, people=people)
    if min(seeds, people) < 2 or not np.isfinite(without).all():
        return found
    over_seeds = float(values.var(ddof=1)) / seeds
    over_people = _spread(without.mean(0))
    cells = _spread(((without - values[:, None]) / seeds).ravel())
    variance = max(over_seeds + over_people - cells, over_seeds, over_people)
    half = float(stats.t.ppf((1 + confidence) / 2, min(seeds, people) - 1)) * math.sqrt(variance)
    if half < 1e-12:
        return found
    return Estimate(found.value, found.value - half, found.value + half, n, seeds=seeds, people=people)


def paired_over_seeds(
    first: Sequence[pd.DataFrame],
    second: Sequence[pd.DataFrame],
    metric: str = "auc",
    threshold: float = 0.5,
    confidence: float = 0.95,
) -> Estimate:
    """Return the mean difference (first - second) of a metric between training runs that are paired by seed.

    Each sequence holds one table of predictions per seed, all of the same clips. The interval is :func:`two_way`. Raises
    ``ValueError`` for sequences of different length or an unknown metric, ``KeyError`` for clips that a table lacks.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"{len(first)} and {len(second)} runs: expected one of each for every seed")
    function, clips = metric_function(metric, threshold), first[0]["clip_id"]
    tables = [
        [columns_of(t.set_index("clip_id", drop=False).loc[clips].reset_index(drop=True)) for t in side]
        for side in (first, second)
    ]
    clusters = clusters_of(people_of(first[0]))
    values, without = [], []
    for a, b in zip(*tables):

        def gap(rows: np.ndarray, a: dict = a, b: dict = b) -> float:
            one, two = (function({k: v[rows] for k, v in data.items()}) for data in (a, b))
            return one - two

        values.append(gap(np.arange(len(clips))))
        without.append(without_each(gap, clusters))
    return two_way(np.array(values), np.array(without), confidence, n=len(clips))


def p_value(found: Estimate, confidence: float = 0.95) -> float:
    """Return the two-sided p-value of "zero" that belongs to a symmetric interval with Student's quantile.

    1 for an estimate without an interval: it rejects nothing.
    """
    if not found.bounded or found.low is None or found.high is None:
        return 1.0
    units = [k for k in (found.people, found.seeds) if k is not None]
    degrees = min(units) - 1 if units else math.inf
    error = (found.high - found.low) / 2 / stats.t.ppf((1 + confidence) / 2, degrees)
    return float(2 * stats.t.sf(abs(found.value) / error, degrees))


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """Return p-values adjusted for their number by Holm's step-down procedure (1979), in the order given."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p, key=lambda k: p[k])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p}
