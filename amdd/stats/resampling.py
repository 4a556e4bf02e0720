"""Bootstrap over people, for teaching and for comparison; the book's intervals are those of :mod:`amdd.stats.intervals`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from amdd.stats.estimate import Estimate


def resamples(groups: list[np.ndarray], draws: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield ``draws`` arrays of row numbers; each draws as many of the ``groups`` as there are, with replacement."""
    for _ in range(draws if groups else 0):
        yield np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])


def percentile_interval(
    values: Sequence[float] | np.ndarray, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the central ``confidence`` interval of the finite ``values``; NaN and NaN where there are none."""
    finite = np.asarray(values, float)
    finite = finite[np.isfinite(finite)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(finite, [tail, 1 - tail]) if len(finite) else (np.nan, np.nan)
    return float(low), float(high)


def bootstrap(
    statistic: Callable[[np.ndarray], float],
    groups: list[np.ndarray],
    *,
    draws: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Return ``statistic`` (of row numbers) with its percentile interval over resampled ``groups`` of rows.

    With a dozen people it is too narrow, above all near 0 and 1 (`benchmarks/interval_coverage.py`).
    """
    whole = np.sort(np.concatenate(groups)) if groups else np.array([], int)
    values = [statistic(rows) for rows in resamples(groups, draws, np.random.default_rng(seed))]
    return Estimate(
        float(statistic(whole)), *percentile_interval(values, confidence), n=len(whole), people=len(groups)
    )
