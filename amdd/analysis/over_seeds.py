"""Values of several trainings that differ in their seed alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from amdd import stats
from amdd.analysis.tables import SHOWN
from amdd.settings import EvaluationSettings
from amdd.stats import Estimate


def value_over_seeds(
    tables: Sequence[pd.DataFrame], evaluation: EvaluationSettings, metric: str = "auc"
) -> Estimate:
    """Return the mean of a metric over trainings, one table of predictions each, with its interval over seeds and people;
    of a single one that over people."""
    if len(tables) == 1:
        found = stats.metrics(tables[0], evaluation.threshold, evaluation.confidence)
        return stats.estimate_of(found, metric) if metric in found.index else Estimate(float("nan"))
    return stats.metric_over_seeds(tables, metric, evaluation.threshold, evaluation.confidence)


def shift_over_seeds(
    first: Sequence[pd.DataFrame], second: Sequence[pd.DataFrame], rows: np.ndarray, confidence: float = 0.95
) -> Estimate:
    """Return the mean of first - second of the detection head's logit over the clips ``rows`` (n,), bool, of trainings that
    are paired by seed, with its interval over seeds and people; of a single pair that over people."""
    rows = np.asarray(rows, bool)
    people = stats.people_of(first[0][rows])
    gaps = [(a.logit - b.logit).to_numpy(float)[rows] for a, b in zip(first, second, strict=True)]
    if len(gaps) == 1:
        return stats.mean(gaps[0], people, confidence)
    measures = [lambda kept, gap=gap: float(gap[kept].mean()) if len(kept) else float("nan") for gap in gaps]
    return stats.mean_of_runs(measures, people, confidence)


def seeds_table(
    found: Mapping[str, Sequence[pd.DataFrame]],
    what: str,
    seeds: Sequence[int],
    evaluation: EvaluationSettings,
    others: Sequence[str] = ("real_accuracy", "fake_accuracy"),
) -> pd.DataFrame:
    """Return a row for each name, in the column ``what``: clips, AUC with its interval over seeds and people, AUC of each
    seed, and the means of ``others``, metrics of :func:`amdd.stats.metrics`."""
    rows = []
    for name, tables in found.items():
        curve = value_over_seeds(tables, evaluation)
        row = {what: name, "n": len(tables[0]), "AUC": curve.value, "from": curve.low, "to": curve.high}
        row |= {f"seed {s}": stats.auc(t.label, t.score) for s, t in zip(seeds, tables, strict=True)}
        rows.append(row | {SHOWN[k]: value_over_seeds(tables, evaluation, k).value for k in others})
    return pd.DataFrame(rows)
