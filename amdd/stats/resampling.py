"""Bootstrap over identities: the one place where rows are resampled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from amdd.stats.estimate import Estimate

Statistic = Callable[..., float]


def clusters_of(identity: Sequence[str] | np.ndarray) -> list[np.ndarray]:
    """Return the row numbers of each identity; a row without a name is a cluster of its own."""
    identity = np.asarray(identity).astype(str)
    names = np.where(identity == "", np.array([f"clip {i}" for i in range(len(identity))]), identity)
    _, member = np.unique(names, return_inverse=True)
    return [np.flatnonzero(member == k) for k in range(member.max() + 1)] if len(identity) else []


def people_in(identity: Sequence[str] | np.ndarray | pd.Series) -> int:
    """Return the number of clusters that :func:`clusters_of` forms."""
    return len(clusters_of(identity))


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
    statistic: Statistic,
    *groups: list[np.ndarray],
    draws: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
    n: int | None = None,
    people: int | None = None,
) -> Estimate:
    """Return ``statistic`` with its percentile interval over resampled clusters.

    ``statistic`` is called with one array of row numbers for each of ``groups`` (several are resampled independently of
    one another, one after the other from the same stream); for the value itself, with all rows in order. ``n`` is the
    number of clips that the result reports, by default that of all rows.
    """
    rng = np.random.default_rng(seed)
    whole = [np.sort(np.concatenate(g)) if g else np.array([], int) for g in groups]
    values = []
    for _ in range(draws if all(groups) else 0):
        values.append(statistic(*(next(resamples(g, 1, rng)) for g in groups)))
    low, high = percentile_interval(values, confidence)
    return Estimate(
        float(statistic(*whole)),
        low,
        high,
        n=sum(map(len, whole)) if n is None else n,
        people=sum(map(len, groups)) if people is None else people,
    )


def mean_bootstrap(
    values: np.ndarray, people: np.ndarray, draws: int = 2000, confidence: float = 0.95, seed: int = 0
) -> Estimate:
    """Return the mean of one value per clip, NaN left out, with its interval over ``people`` (n,)."""
    values = np.asarray(values, float)
    kept = np.isfinite(values)
    values, people = values[kept], np.asarray(people).astype(str)[kept]
    return bootstrap(
        lambda rows: float(values[rows].mean()) if len(rows) else float("nan"),
        clusters_of(people),
        draws=draws,
        confidence=confidence,
        seed=seed,
    )
