"""Metrics of detection and attribution, with their intervals.

Scores are probabilities or logits of "fake"; labels are 1 for fake. Intervals come from a bootstrap over identities
(clips of one person are not independent); proportions get Wilson intervals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics as sk

from amdd.stats.calibration import calibration_error
from amdd.stats.estimate import Estimate
from amdd.stats.resampling import clusters_of, percentile_interval, resamples


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Return the area under the ROC curve; NaN when only one class is present.

    Computed from ranks (Mann and Whitney), since the bootstrap calls it thousands of times; tests compare it with
    scikit-learn.
    """
    fake = np.asarray(label) == 1
    fakes, reals = int(fake.sum()), int((~fake).sum())
    if not fakes or not reals:
        return float("nan")
    ranks = stats.rankdata(score)
    return float((ranks[fake].sum() - fakes * (fakes + 1) / 2) / (fakes * reals))


def balanced_accuracy(label: np.ndarray, decision: np.ndarray) -> float:
    """Return the mean of true-positive and true-negative rate; NaN when only one class is present."""
    label, decision = np.asarray(label) == 1, np.asarray(decision).astype(bool)
    if label.all() or not label.any():
        return float("nan")
    return float((decision[label].mean() + (~decision[~label]).mean()) / 2)


def equal_error_rate(label: np.ndarray, score: np.ndarray) -> float:
    """Return the error rate at the threshold where false-positive and false-negative rates are equal."""
    label = np.asarray(label)
    if label.all() or not label.any():
        return float("nan")
    false, true, _ = sk.roc_curve(label, score)
    missed = 1 - true
    k = int(np.argmin(np.abs(false - missed)))
    return float((false[k] + missed[k]) / 2)


def metric_functions(threshold: float) -> dict[str, Callable[[dict[str, np.ndarray]], float]]:
    """Return every metric as a function of :func:`columns_of` a table of predictions."""

    def decided(t):
        return t["score"] >= threshold

    def rate(t, which):
        chosen = t["label"] == which
        return float((decided(t)[chosen] == bool(which)).mean()) if chosen.any() else float("nan")

    def attributed(t, fakes_only):
        chosen = t["known"] & ((t["label"] == 1) if fakes_only else True)
        return float(t["attributed"][chosen].mean()) if chosen.any() else float("nan")

    def among_generators(t):
        return float(t["named"][t["ranked"]].mean()) if t["ranked"].any() else float("nan")

    def f1(t):
        called, fake = decided(t), t["label"] == 1
        return float(2 * (called & fake).sum() / (called.sum() + fake.sum())) if fake.any() else float("nan")

    def precision(t):
        return (
            float(sk.average_precision_score(t["label"], t["score"]))
            if 0 < t["label"].mean() < 1
            else float("nan")
        )

    return {
        "balanced_accuracy": lambda t: balanced_accuracy(t["label"], decided(t)),
        "auc": lambda t: auc(t["label"], t["score"]),
        "f1": f1,
        "real_accuracy": lambda t: rate(t, 0),
        "fake_accuracy": lambda t: rate(t, 1),
        "eer": lambda t: equal_error_rate(t["label"], t["score"]),
        "average_precision": precision,
        "ece": lambda t: calibration_error(t["label"], t["score"]),
        "attribution_fakes": lambda t: attributed(t, True),
        "attribution_all": lambda t: attributed(t, False),
        "attribution_generators": among_generators,
    }


def columns_of(predictions: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the columns that the metrics read, as arrays."""
    known = predictions["known"].to_numpy(bool)
    fakes = known & (predictions["label"] == 1).to_numpy(bool)
    chances = [c for c in predictions.columns if c.startswith("p_") and c != "p_real"]
    named = np.zeros(len(predictions), bool)
    if chances:
        best = predictions[chances].to_numpy(float).argmax(1)
        named = np.array([c.removeprefix("p_") for c in chances])[best] == predictions["generator"].to_numpy(
            str
        )
    return {
        "label": predictions["label"].to_numpy(int),
        "score": predictions["score"].to_numpy(float),
        "attributed": (predictions["attribution"] == predictions["generator"]).to_numpy(bool),
        "known": known,
        "named": named,
        "ranked": fakes & bool(chances),
    }


METRICS = tuple(metric_functions(0.5))
FAKES = ("fake_accuracy", "attribution_fakes", "attribution_generators")


def clips_counted(data: dict[str, np.ndarray], metric: str) -> int:
    """Return the number of clips that ``metric`` is over, given :func:`columns_of` a table of predictions."""
    fakes = data["label"] == 1
    counts = {
        "real_accuracy": ~fakes,
        "fake_accuracy": fakes,
        "attribution_fakes": data["known"] & fakes,
        "attribution_all": data["known"],
        "attribution_generators": data["ranked"],
    }
    return int(counts[metric].sum()) if metric in counts else len(fakes)


def metrics(
    predictions: pd.DataFrame,
    threshold: float = 0.5,
    bootstrap: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return all metrics of a table of predictions, one per row: ``value``, ``low``, ``high``, ``n``, ``people``.

    ``n`` is the number of clips that the metric is over, ``people`` the number of identities in the table. Intervals are
    percentiles of a bootstrap over identities. Attribution over fakes is the paper's denominator (139 of 145); over all
    counts reals too; among generators takes for each fake the generator with the highest probability, whatever is given
    to "real" (left out without the columns ``p_<class>``). Clips of generators that the model does not know are left out.
    """
    data, groups = columns_of(predictions), clusters_of(predictions["identity"])
    functions = metric_functions(threshold)
    if not data["ranked"].any():
        del functions["attribution_generators"]
    draws: dict[str, list[float]] = {name: [] for name in functions}
    for rows in resamples(groups, bootstrap, np.random.default_rng(seed)):
        sample = {k: v[rows] for k, v in data.items()}
        for name, function in functions.items():
            draws[name].append(function(sample))
    found = {
        name: (
            function(data),
            *percentile_interval(draws[name], confidence),
            clips_counted(data, name),
            len(groups),
        )
        for name, function in functions.items()
    }
    table = pd.DataFrame.from_dict(found, orient="index", columns=["value", "low", "high", "n", "people"])
    return table.rename_axis("metric")


def estimate_of(table: pd.DataFrame, metric: str, seed: int | None = None) -> Estimate:
    """Return one row of a :func:`metrics` table as an :class:`Estimate`."""
    row = table.loc[metric]
    return Estimate(
        float(row["value"]),
        float(row["low"]),
        float(row["high"]),
        int(row["n"]),
        seed=seed,
        people=int(row["people"]),
    )


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """Return a proportion with Wilson's score interval; NaN with the interval 0 to 1 for n = 0."""
    if n == 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    interval = stats.binomtest(int(successes), int(n)).proportion_ci(confidence, method="wilson")
    return Estimate(int(successes) / int(n), float(interval.low), float(interval.high), int(n))


def per_generator(predictions: pd.DataFrame, threshold: float = 0.5) -> pd.DataFrame:
    """Table VI: per generator its clips, the share found with Wilson interval, AUC against all reals, and the
    share attributed correctly."""
    real_scores = predictions.score[predictions.label == 0].to_numpy()
    rows = []
    for name, part in predictions.groupby("generator", sort=True):
        fake = bool(part.label.iloc[0])
        right = int(((part.score >= threshold) == fake).sum())
        found = wilson(right, len(part))
        curve = float("nan")
        if fake and len(real_scores):
            curve = auc(np.r_[np.zeros(len(real_scores)), np.ones(len(part))], np.r_[real_scores, part.score])
        named = int((part.attribution == part.generator).sum()) if part.known.all() else None
        rows.append(
            (
                name,
                len(part),
                right,
                found.value,
                found.low,
                found.high,
                curve,
                np.nan if named is None else named / len(part),
            )
        )
    return pd.DataFrame(
        rows, columns=["generator", "n", "right", "detection", "low", "high", "auc", "attribution"]
    )


def over_seeds(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean, standard deviation and number of seeds of each measure over several runs' :func:`metrics` tables."""
    values = np.stack([t["value"].to_numpy() for t in tables])
    spread = values.std(0, ddof=1) if len(tables) > 1 else np.full(values.shape[1], np.nan)
    return pd.DataFrame({"mean": values.mean(0), "sd": spread, "seeds": len(tables)}, index=tables[0].index)
