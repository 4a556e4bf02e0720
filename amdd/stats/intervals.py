"""Confidence intervals of this library: the one place where their width is decided.

People are the independent units. A statistic gets a delete-one-person jackknife with Student's quantile (AUC and other
values between 0 and 1 on the logit scale); a share gets Wilson's interval with the effective number of clips; the mean
of two shares combines their intervals (MOVER). `benchmarks/interval_coverage.py` measures how often they cover the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from amdd.stats.estimate import Estimate
from amdd.stats.people import Names, clusters_of

Statistic = Callable[[np.ndarray], float]
Scale = Literal["plain", "logit"]
MOST_GROUPS = (
    400  # more people than this are deleted in groups: the time stays linear, the interval is as good
)


def quantile(confidence: float, people: int) -> float:
    """Return Student's two-sided quantile for ``people`` independent units; infinite for fewer than two."""
    return float(stats.t.ppf((1 + confidence) / 2, people - 1)) if people > 1 else math.inf


def _wilson(share: float, n: float, z: float) -> tuple[float, float]:
    """Return Wilson's score interval of ``share`` of ``n`` (real-valued) trials at the quantile ``z``."""
    if not math.isfinite(z) or n <= 0:
        return 0.0, 1.0
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At 0 and 1 one end is the share itself; rounding must not put it a hair inside.
    return (0.0 if share == 0 else max(0.0, centre - half)), (1.0 if share == 1 else min(1.0, centre + half))


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """Return a share of independent trials with Wilson's score interval (1927); NaN with the interval 0 to 1 for n = 0.

    For clips of several people use :func:`share`.
    """
    if n == 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    value = int(successes) / int(n)
    return Estimate(value, *_wilson(value, n, float(stats.norm.ppf((1 + confidence) / 2))), int(n))


# --- jackknife ----------------------------------------------------------------------------------------------------


def _groups(clusters: Sequence[np.ndarray]) -> list[np.ndarray]:
    if len(clusters) <= MOST_GROUPS:
        return list(clusters)
    return [np.concatenate(clusters[k::MOST_GROUPS]) for k in range(MOST_GROUPS)]


def without_each(statistic: Statistic, clusters: Sequence[np.ndarray]) -> np.ndarray:
    """Return ``statistic`` of all rows but those of one cluster, for each cluster in turn; ``clusters`` are row numbers
    and may overlap (a person in any role)."""
    rows = np.unique(np.concatenate(clusters)) if len(clusters) else np.array([], int)
    keep = np.ones(rows.max() + 1 if len(rows) else 0, bool)
    values = []
    for cluster in clusters:
        keep[cluster] = False
        values.append(float(statistic(rows[keep[rows]])))
        keep[cluster] = True
    return np.array(values)


def jackknife(
    statistic: Statistic,
    clusters: Sequence[np.ndarray],
    *,
    scale: Scale = "plain",
    confidence: float = 0.95,
    n: int | None = None,
) -> Estimate:
    """Return ``statistic`` with its delete-one-person interval: t(P - 1) times the jackknife's standard error.

    ``clusters`` are the row numbers of each person. On the scale "logit" (values from 0 to 1) the interval stays within 0
    to 1, is no narrower than Wilson's for the same error, and has never zero width. There is no interval (None) where
    fewer than two people are left, where the statistic is undefined without one of them, since it then rests on that
    person, and on the scale "plain" where no person changes it. Source: Tukey 1958; Arvesen 1969.
    """
    rows = np.unique(np.concatenate(clusters)) if len(clusters) else np.array([], int)
    value = float(statistic(rows))
    people = len(clusters)
    bare = Estimate(value, n=len(rows) if n is None else n, people=people)
    groups = _groups(clusters)
    if people < 2 or not math.isfinite(value):
        return bare
    left = without_each(statistic, groups)
    if not np.isfinite(left).all():
        return bare
    t = quantile(confidence, len(groups))
    low, high = _ends(value, left, t, scale=scale, people=people, clips=len(rows))
    return replace(bare, low=low, high=high)


def _ends(
    value: float, left: np.ndarray, t: float, *, scale: Scale, people: int, clips: int
) -> tuple[float | None, float | None]:
    """Return both ends of the interval of ``value`` from its values ``left`` without each person."""
    plain = _standard_error(left)
    if scale == "plain":
        return (value - t * plain, value + t * plain) if plain > 1e-12 else (None, None)
    if value in (0.0, 1.0) or plain < 1e-12:
        return _wilson(value, people, t)
    # The logit of 0 and 1 is infinite: half a clip is added on either side, and taken off from the ends again.
    inner = logit((np.array([value, *left]) * clips + 0.5) / (clips + 1))
    ends = (expit(inner[0] + t * _standard_error(inner[1:]) * np.array([-1, 1])) * (clips + 1) - 0.5) / clips
    # Near 0 and 1 few people show any error, and the standard error is mostly luck: the interval is no narrower than
    # Wilson's for as many trials as would have this error, and for no more than there are clips.
    trials = min(max(value * (1 - value) / plain**2, people / 2), clips)
    least, most = _wilson(value, trials, t)
    return min(max(0.0, float(ends[0])), least), max(min(1.0, float(ends[1])), most)


def _standard_error(left: np.ndarray) -> float:
    return math.sqrt((len(left) - 1) / len(left) * float(((left - left.mean()) ** 2).sum()))


def mean(values: np.ndarray, people: Names, confidence: float = 0.95) -> Estimate:
    """Return the mean of one value per clip, NaN left out, with its jackknife interval over ``people`` (n,)."""
    values = np.asarray(values, float)
    kept = np.isfinite(values)
    values = values[kept]
    return jackknife(
        lambda rows: float(values[rows].mean()) if len(rows) else float("nan"),
        clusters_of(np.asarray(people).astype(str)[kept]),
        confidence=confidence,
    )


def difference_of_means(
    values: np.ndarray, first: np.ndarray, people: Names, confidence: float = 0.95
) -> Estimate:
    """Return the mean of ``values`` (n,) where ``first`` (n,) holds minus the mean of the others, NaN left out, with its
    jackknife interval over ``people`` (n,), who may have clips on both sides."""
    values, first = np.asarray(values, float), np.asarray(first, bool)
    kept = np.isfinite(values)
    values, first = values[kept], first[kept]

    def gap(rows: np.ndarray) -> float:
        a, b = values[rows][first[rows]], values[rows][~first[rows]]
        return float(a.mean() - b.mean()) if len(a) and len(b) else float("nan")

    return jackknife(gap, clusters_of(np.asarray(people).astype(str)[kept]), confidence=confidence)


# --- shares -------------------------------------------------------------------------------------------------------


def _residuals(hits: np.ndarray, clusters: Sequence[np.ndarray]) -> np.ndarray:
    """Return each person's clips' sum of (hit - share), over the number of clips: the linearised share."""
    share = hits.mean()
    return np.array([(hits[rows] - share).sum() for rows in clusters]) / len(hits)


def effective_clips(hits: np.ndarray, people: Names) -> float:
    """Return the number of independent clips that the share of ``hits`` (n,) is worth: n over the design effect.

    The design effect is the variance of the share over people divided by that over independent clips, at least 1 and at
    most what it is when all clips of a person agree (Kish 1965). A share of 0 or 1 shows nothing of it, and has that
    most.
    """
    hits = np.asarray(hits, float)
    clusters = clusters_of(people)
    n, sizes = len(hits), np.array([len(rows) for rows in clusters], float)
    most = float((sizes**2).sum() / n)
    share = float(hits.mean())
    if share in (0.0, 1.0) or len(clusters) < 2:
        return n / most
    residuals = _residuals(hits, clusters)
    over_people = len(clusters) / (len(clusters) - 1) * float((residuals**2).sum())
    return n / min(max(over_people / (share * (1 - share) / n), 1.0), most)


def share(hits: np.ndarray, people: Names, confidence: float = 0.95) -> Estimate:
    """Return the share of ``hits`` (n,) with Wilson's interval for clips of several ``people`` (n,).

    The number of clips is replaced by the effective one (:func:`effective_clips`) and the normal quantile by Student's
    for P - 1 (Korn & Graubard 1998; Franco et al. 2019). The interval has never zero width; no interval for fewer than
    two people, NaN without clips.
    """
    hits, count = np.asarray(hits, float), len(clusters_of(people))
    if not len(hits):
        return Estimate(float("nan"), n=0, people=0)
    value = float(hits.mean())
    if count < 2:
        return Estimate(value, n=len(hits), people=count)
    ends = _wilson(value, effective_clips(hits, people), quantile(confidence, count))
    return Estimate(value, *ends, n=len(hits), people=count)


def mean_of_shares(hits: np.ndarray, first: np.ndarray, people: Names, confidence: float = 0.95) -> Estimate:
    """Return the mean of two shares (balanced accuracy): of ``hits`` where ``first`` holds and where it does not.

    MOVER (Zou & Donner 2008) combines both shares' intervals, with their correlation over ``people``.
    """
    hits, first, people = np.asarray(hits, float), np.asarray(first, bool), np.asarray(people).astype(str)
    one, two = (share(hits[side], people[side], confidence) for side in (first, ~first))
    value = (one.value + two.value) / 2
    bare = Estimate(value, n=len(hits), people=len(clusters_of(people)))
    if not one.bounded or not two.bounded:
        return bare
    assert two.low is not None and two.high is not None
    names, member = np.unique(people, return_inverse=True)
    parts = []
    for side in (first, ~first):
        gap = np.where(side, hits - hits[side].mean(), 0.0)
        parts.append(np.bincount(member, gap, len(names)))
    norm = math.sqrt(float((parts[0] ** 2).sum() * (parts[1] ** 2).sum()))
    r = float(parts[0] @ parts[1]) / norm if norm > 0 else 0.0
    # The sum is the difference to the complement, whose interval is mirrored.
    other = Estimate(1 - two.value, 1 - two.high, 1 - two.low)
    low, high = ((end + 1) / 2 for end in mover(one, other, -r))
    return replace(bare, low=max(0.0, low), high=min(1.0, high))


def mover(first: Estimate, second: Estimate, correlation: float) -> tuple[float, float]:
    """Return both ends of the interval of ``first`` - ``second`` from both intervals and the values' ``correlation``.

    The method of variance estimates recovery (Zou & Donner 2008). Raises ``ValueError`` where an interval is missing.
    """
    if not first.bounded or not second.bounded:
        raise ValueError("a difference needs both intervals")
    assert first.low is not None and first.high is not None
    assert second.low is not None and second.high is not None
    down, up = first.value - first.low, first.high - first.value
    below, above = second.value - second.low, second.high - second.value

    def half(a: float, b: float) -> float:
        return math.sqrt(max(a * a + b * b - 2 * correlation * a * b, 0.0))

    value = first.value - second.value
    return value - half(down, above), value + half(up, below)
