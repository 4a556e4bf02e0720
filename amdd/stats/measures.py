"""Metrics of detection and attribution, with their intervals.

Scores are probabilities of "fake"; labels are 1 for fake. Intervals are over people (:mod:`amdd.stats.intervals`), since
clips of one person are not independent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics as sk

from amdd.stats.calibration import calibration_error
from amdd.stats.estimate import Estimate
from amdd.stats.intervals import jackknife, mean_of_shares, share
from amdd.stats.people import clusters_of, people_in, people_of


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Return the area under the ROC curve; NaN when only one class is present.

    Computed from ranks (Mann and Whitney), since intervals call it many times; tests compare it with
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

    def both(t):
        return len(t["label"]) > 0 and 0 < t["label"].mean() < 1

    def precision(t):
        return float(sk.average_precision_score(t["label"], t["score"])) if both(t) else float("nan")

    def skill(t):
        if not both(t):
            return float("nan")
        share = t["label"].mean()
        return float(1 - ((t["score"] - t["label"]) ** 2).mean() / (share * (1 - share)))

    return {
        "balanced_accuracy": lambda t: balanced_accuracy(t["label"], decided(t)),
        "auc": lambda t: auc(t["label"], t["score"]),
        "f1": f1,
        "real_accuracy": lambda t: rate(t, 0),
        "fake_accuracy": lambda t: rate(t, 1),
        "eer": lambda t: equal_error_rate(t["label"], t["score"]),
        "average_precision": precision,
        "ece": lambda t: calibration_error(t["label"], t["score"]) if len(t["label"]) else float("nan"),
        "brier_skill": skill,
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


def metric_function(metric: str, threshold: float = 0.5) -> Callable[[dict[str, np.ndarray]], float]:
    """Return one metric as a function of :func:`columns_of` a table. Raises ``ValueError`` for an unknown metric."""
    if metric not in METRICS:
        raise ValueError(f"unknown metric {metric!r}; expected one of: {', '.join(METRICS)}")
    return metric_functions(threshold)[metric]


def clips_counted(data: dict[str, np.ndarray], metric: str) -> np.ndarray:
    """Return the clips (n,), bool, that ``metric`` is over, given :func:`columns_of` a table of predictions."""
    fakes = data["label"] == 1
    counts = {
        "real_accuracy": ~fakes,
        "fake_accuracy": fakes,
        "attribution_fakes": data["known"] & fakes,
        "attribution_all": data["known"],
        "attribution_generators": data["ranked"],
    }
    return counts.get(metric, np.ones(len(fakes), bool))


SHARES = {"real_accuracy", "fake_accuracy", "attribution_fakes", "attribution_all", "attribution_generators"}
BETWEEN = {
    "auc",
    "f1",
    "eer",
    "average_precision",
}  # values from 0 to 1: their interval is taken on the logit scale


def interval_of(
    data: dict[str, np.ndarray],
    metric: str,
    people: np.ndarray,
    threshold: float = 0.5,
    confidence: float = 0.95,
) -> Estimate:
    """Return one metric of :func:`columns_of` a table, with its interval over ``people`` (n,), names of the clips'
    independent units. ``n`` is the number of clips that the metric is over."""
    function, counted = metric_function(metric, threshold), clips_counted(data, metric)
    correct = (data["score"] >= threshold) == (data["label"] == 1)
    if metric in SHARES:
        hits = {"attribution_generators": data["named"]}.get(
            metric, correct if metric.endswith("accuracy") else data["attributed"]
        )
        return share(hits[counted], people[counted], confidence)
    if metric == "balanced_accuracy" and len(set(data["label"].tolist())) == 2:
        return mean_of_shares(correct, data["label"] == 1, people, confidence)
    return jackknife(
        lambda rows: function({k: v[rows] for k, v in data.items()}),
        clusters_of(people),
        scale="logit" if metric in BETWEEN else "plain",
        confidence=confidence,
        n=int(counted.sum()),
    )


def metrics(
    predictions: pd.DataFrame, threshold: float = 0.5, confidence: float = 0.95, intervals: bool = True
) -> pd.DataFrame:
    """Return all metrics of a table of predictions, one per row: ``value``, ``low``, ``high``, ``n``, ``people``.

    ``n`` and ``people`` count the clips and the people (:func:`amdd.stats.people_of`) that the metric is over; ``low``
    and ``high`` are those of :mod:`amdd.stats.intervals`, NaN where there are none. Attribution over fakes is the paper's
    denominator (139 of 145); over all counts reals too; among generators takes for each fake the generator with the
    highest probability, whatever is given to "real" (left out without the columns ``p_<class>``). Clips of generators
    that the model does not know are left out. ``intervals=False`` computes values alone.
    """
    data, people = columns_of(predictions), people_of(predictions)
    functions = metric_functions(threshold)
    if not data["ranked"].any():
        del functions["attribution_generators"]
    rows = {}
    for name, function in functions.items():
        counted = clips_counted(data, name)
        if intervals:
            found = interval_of(data, name, people, threshold, confidence)
        else:
            found = Estimate(function(data), people=people_in(people[counted]))
        ends = [np.nan if end is None else end for end in found.interval]
        rows[name] = (found.value, *ends, int(counted.sum()), found.people)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high", "n", "people"])
    return table.rename_axis("metric")


def estimate_of(table: pd.DataFrame, metric: str, seed: int | None = None) -> Estimate:
    """Return one row of a :func:`metrics` table as an :class:`Estimate`."""
    row = table.loc[metric]
    low, high = (None if pd.isna(row[end]) else float(row[end]) for end in ("low", "high"))
    return Estimate(float(row["value"]), low, high, int(row["n"]), seed=seed, people=int(row["people"]))


def per_generator(
    predictions: pd.DataFrame, threshold: float = 0.5, confidence: float = 0.95
) -> pd.DataFrame:
    """Return Table VI: per generator its clips and people, the share found, AUC against all reals, each with its interval
    over people, and the share attributed correctly."""
    rows = []
    names = people_of(predictions)
    predictions = predictions.assign(_unit=names)
    reals = predictions[predictions.label == 0]
    for name, part in predictions.groupby("generator", sort=True):
        fake = bool(part.label.iloc[0])
        right = ((part.score >= threshold) == fake).to_numpy()
        found, curve = share(right, part._unit, confidence), Estimate(float("nan"))
        if fake and len(reals):
            both = pd.concat([reals, part])
            curve = interval_of(columns_of(both), "auc", both._unit.to_numpy(), threshold, confidence)
        named = float((part.attribution == part.generator).mean()) if part.known.all() else np.nan
        rows.append(
            (
                *(name, len(part), found.people, int(right.sum())),
                *(found.value, found.low, found.high),
                *(curve.value, curve.low, curve.high, named),
            )
        )
    columns = ["generator", "n", "people", "right", "detection", "low", "high"]
    columns += ["auc", "auc low", "auc high", "attribution"]
    table = pd.DataFrame(rows, columns=columns)
    numeric = columns[4:]
    return table.astype(dict.fromkeys(numeric, float))


def over_seeds(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean, standard deviation and number of seeds of each measure over several runs' :func:`metrics` tables."""
    values = np.stack([t["value"].to_numpy() for t in tables])
    spread = values.std(0, ddof=1) if len(tables) > 1 else np.full(values.shape[1], np.nan)
    return pd.DataFrame({"mean": values.mean(0), "sd": spread, "seeds": len(tables)}, index=tables[0].index)
