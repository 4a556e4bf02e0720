"""Intervals over training seeds and people together, and corrections for many comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from amdd.stats.estimate import Estimate
from amdd.stats.intervals import without_each
from amdd.stats.measures import BETWEEN, SHARES, clips_counted, columns_of, interval_of, metric_function
from amdd.stats.people import clusters_of, people_of

Metric: TypeAlias = Callable[[dict[str, np.ndarray]], float]


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


def mean_of_runs(
    measures: Sequence[Callable[[np.ndarray], float]], people: np.ndarray, confidence: float = 0.95
) -> Estimate:
    """Return the mean over seeds of a measure, given for each seed as a function of the numbers of clips.

    ``people`` (n,) names each clip's independent unit. The interval is :func:`two_way`.
    """
    clusters, everyone = clusters_of(people), np.arange(len(people))
    values = np.array([measure(everyone) for measure in measures])
    without = np.array([without_each(measure, clusters) for measure in measures])
    return two_way(values, without, confidence, n=len(people))


def metric_over_seeds(
    runs: Sequence[pd.DataFrame], metric: str = "auc", threshold: float = 0.5, confidence: float = 0.95
) -> Estimate:
    """Return the mean of a metric over training runs, one table of predictions of the same clips for each seed.

    The interval is :func:`two_way`, cut to the values that the metric can take, or that over people of one run where neither
    seeds nor people make a difference (all clips right in all runs). ``n`` counts the clips that the metric is over. Raises
    ``ValueError`` for no runs or an unknown metric, ``KeyError`` for clips that a table lacks.
    """
    if not runs:
        raise ValueError("no runs to average")
    function, tables = metric_function(metric, threshold), _aligned(runs, runs[0]["clip_id"])
    counted = clips_counted(tables[0], metric)
    tables = [{k: v[counted] for k, v in table.items()} for table in tables]
    measures, people = [partial(_of, function, table) for table in tables], people_of(runs[0])[counted]
    found = mean_of_runs(measures, people, confidence)
    if metric not in SHARES | BETWEEN | {"balanced_accuracy"}:
        return found
    if found.low is None or found.high is None:
        alone = (
            interval_of(tables[0], metric, people, threshold, confidence)
            if np.isfinite(found.value)
            else found
        )
        return replace(found, low=alone.low, high=alone.high)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))


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
    pairs = zip(_aligned(first, clips), _aligned(second, clips))
    measures = [partial(_gap, function, one, two) for one, two in pairs]
    return mean_of_runs(measures, people_of(first[0]), confidence)


def _aligned(runs: Sequence[pd.DataFrame], clips: pd.Series) -> list[dict[str, np.ndarray]]:
    return [columns_of(t.set_index("clip_id", drop=False).loc[clips].reset_index(drop=True)) for t in runs]


def _of(function: Metric, table: dict[str, np.ndarray], rows: np.ndarray) -> float:
    return function({k: v[rows] for k, v in table.items()})


def _gap(function: Metric, one: dict[str, np.ndarray], two: dict[str, np.ndarray], rows: np.ndarray) -> float:
    return _of(function, one, rows) - _of(function, two, rows)


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
