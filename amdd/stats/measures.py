"""Measures of detection and attribution, their intervals and tests.

Scores are probabilities or logits of "fake"; labels are 1 for fake. Intervals of measures come from a bootstrap
over identities (clips of one person are not independent); counts get Wilson intervals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics as sk


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve; NaN when only one class is there.

    By ranks (Mann and Whitney): the bootstrap calls this thousands of times. Tests hold it against scikit-learn.
    """
    fake = np.asarray(label) == 1
    fakes, reals = int(fake.sum()), int((~fake).sum())
    if not fakes or not reals:
        return float("nan")
    ranks = stats.rankdata(score)
    return float((ranks[fake].sum() - fakes * (fakes + 1) / 2) / (fakes * reals))


def balanced_accuracy(label: np.ndarray, decision: np.ndarray) -> float:
    """Mean of the share of reals and the share of fakes that are called so; NaN with one class only."""
    label, decision = np.asarray(label) == 1, np.asarray(decision).astype(bool)
    if label.all() or not label.any():
        return float("nan")
    return float((decision[label].mean() + (~decision[~label]).mean()) / 2)


def equal_error_rate(label: np.ndarray, score: np.ndarray) -> float:
    """The error rate at which as many reals are called fake as fakes real."""
    label = np.asarray(label)
    if label.all() or not label.any():
        return float("nan")
    false, true, _ = sk.roc_curve(label, score)
    missed = 1 - true
    k = int(np.argmin(np.abs(false - missed)))
    return float((false[k] + missed[k]) / 2)


def calibration(label: np.ndarray, probability: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Reliability: per bin of probability its clips, mean probability and share of fakes."""
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.digitize(probability, edges) - 1, 0, bins - 1)
    rows = [
        (
            edges[b],
            edges[b + 1],
            int((place == b).sum()),
            float(np.mean(probability[place == b])),
            float(np.mean(label[place == b])),
        )
        for b in range(bins)
        if (place == b).any()
    ]
    return pd.DataFrame(rows, columns=["from", "to", "n", "probability", "fakes"])


def calibration_error(label: np.ndarray, probability: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: mean gap between probability and share of fakes, weighted by clips."""
    label, probability = np.asarray(label, float), np.asarray(probability, float)
    place = np.clip(np.digitize(probability, np.linspace(0, 1, bins + 1)) - 1, 0, bins - 1)
    gap = np.bincount(place, probability, bins) - np.bincount(place, label, bins)
    return float(np.abs(gap).sum() / len(label))


def _measures(threshold: float) -> dict[str, Callable[[dict[str, np.ndarray]], float]]:
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


def _columns(predictions: pd.DataFrame) -> dict[str, np.ndarray]:
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


def _clusters(predictions: pd.DataFrame) -> list[np.ndarray]:
    """Rows of each person; where nobody is named, every clip stands alone."""
    identity = predictions["identity"].astype(str).to_numpy()
    names = np.where(identity == "", np.array([f"clip {i}" for i in range(len(identity))]), identity)
    _, member = np.unique(names, return_inverse=True)
    return [np.flatnonzero(member == k) for k in range(member.max() + 1)]


def metrics(
    predictions: pd.DataFrame,
    threshold: float = 0.5,
    bootstrap: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """All measures of a table of predictions, one a row: ``value``, ``low``, ``high``, ``n``.

    ``n`` is the number of clips that the measure is over. Intervals are percentiles of a bootstrap that draws
    people with replacement. Attribution over fakes is the paper's denominator (139 of 145); over all counts
    reals too; among generators asks of each fake which *generator* the head finds likeliest, whatever it gives to
    "real" (left out without the columns ``p_<class>``). Clips of generators that the model does not know take no part.
    """
    data, groups = _columns(predictions), _clusters(predictions)
    functions = _measures(threshold)
    if not data["ranked"].any():
        del functions["attribution_generators"]
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(bootstrap):
        rows = np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])
        sample = {k: v[rows] for k, v in data.items()}
        for name, function in functions.items():
            draws[name].append(function(sample))
    fakes, reals = int((data["label"] == 1).sum()), int((data["label"] == 0).sum())
    counts = {"real_accuracy": reals, "fake_accuracy": fakes, "attribution_fakes": int((data["known"] & (data["label"] == 1)).sum()), "attribution_all": int(data["known"].sum()), "attribution_generators": int(data["ranked"].sum())}  # fmt: skip
    tail = (1 - confidence) / 2
    rows = []
    for name, function in functions.items():
        values = np.array(draws[name])
        values = values[np.isfinite(values)]
        low, high = np.quantile(values, [tail, 1 - tail]) if len(values) else (np.nan, np.nan)
        rows.append((name, function(data), float(low), float(high), counts.get(name, fakes + reals)))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high", "n"]).set_index("metric")


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    interval = stats.binomtest(int(successes), int(n)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def per_generator(predictions: pd.DataFrame, threshold: float = 0.5) -> pd.DataFrame:
    """Table VI: per generator its clips, the share found with Wilson interval, AUC against all reals, and the
    share attributed rightly."""
    real_scores = predictions.score[predictions.label == 0].to_numpy()
    rows = []
    for name, part in predictions.groupby("generator", sort=True):
        fake = bool(part.label.iloc[0])
        right = int(((part.score >= threshold) == fake).sum())
        low, high = wilson(right, len(part))
        curve = float("nan")
        if fake and len(real_scores):
            curve = auc(np.r_[np.zeros(len(real_scores)), np.ones(len(part))], np.r_[real_scores, part.score])
        named = int((part.attribution == part.generator).sum()) if part.known.all() else None
        rows.append(
            (
                name,
                len(part),
                right,
                right / len(part),
                low,
                high,
                curve,
                np.nan if named is None else named / len(part),
            )
        )
    return pd.DataFrame(
        rows, columns=["generator", "n", "right", "detection", "low", "high", "auc", "attribution"]
    )


def mcnemar(
    first: pd.DataFrame, second: pd.DataFrame, threshold: float = 0.5, what: str = "detection"
) -> dict[str, float]:
    """McNemar's exact test between two models on the same clips (``what``: detection or attribution of fakes)."""
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
) -> dict[str, float]:
    """Difference (first - second) of a measure on the same clips, with its interval over people."""
    second = second.set_index("clip_id").loc[first["clip_id"]].reset_index()
    function = _measures(threshold)[metric]
    a, b, groups = _columns(first), _columns(second), _clusters(first)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        rows = np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])
        values.append(
            function({k: v[rows] for k, v in a.items()}) - function({k: v[rows] for k, v in b.items()})
        )
    values = np.array(values)[np.isfinite(values)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail]) if len(values) else (np.nan, np.nan)
    return {"difference": function(a) - function(b), "low": float(low), "high": float(high), "n": len(first)}


def unpaired_bootstrap(
    first: pd.DataFrame,
    second: pd.DataFrame,
    metric: str = "auc",
    threshold: float = 0.5,
    draws: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, float]:
    """Difference (first - second) of a measure on two sets of different clips, with its interval over people."""
    function, rng = _measures(threshold)[metric], np.random.default_rng(seed)
    sets = [(_columns(t), _clusters(t)) for t in (first, second)]
    values = []
    for _ in range(draws):
        pair = []
        for data, groups in sets:
            rows = np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])
            pair.append(function({k: v[rows] for k, v in data.items()}))
        values.append(pair[0] - pair[1])
    return _interval(
        function(sets[0][0]) - function(sets[1][0]), values, confidence, len(first) + len(second)
    )


def mean_bootstrap(
    values: np.ndarray, people: np.ndarray, draws: int = 2000, confidence: float = 0.95, seed: int = 0
) -> dict[str, float]:
    """Mean of one value a clip, NaN left out, with its interval over ``people`` (n,)."""
    values = np.asarray(values, float)
    kept = np.isfinite(values)
    values, people = values[kept], np.asarray(people).astype(str)[kept]
    groups, rng = _clusters(pd.DataFrame({"identity": people})), np.random.default_rng(seed)
    means = []
    for _ in range(draws if len(values) else 0):
        rows = np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])
        means.append(values[rows].mean())
    return _interval(float(values.mean()) if len(values) else float("nan"), means, confidence, len(values))


def _interval(difference: float, values: list[float], confidence: float, n: int) -> dict[str, float]:
    found = np.array(values)[np.isfinite(values)] if len(values) else np.array([])
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail]) if len(found) else (np.nan, np.nan)
    return {"difference": float(difference), "low": float(low), "high": float(high), "n": n}


def over_seeds(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean, standard deviation and number of seeds of each measure over several runs' :func:`metrics` tables."""
    values = np.stack([t["value"].to_numpy() for t in tables])
    spread = values.std(0, ddof=1) if len(tables) > 1 else np.full(values.shape[1], np.nan)
    return pd.DataFrame({"mean": values.mean(0), "sd": spread, "seeds": len(tables)}, index=tables[0].index)
