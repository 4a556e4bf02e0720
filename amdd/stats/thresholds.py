"""Metrics over the decision threshold, and the value of a positive classification."""

from __future__ import annotations

import numpy as np
import pandas as pd

from amdd.stats.measures import balanced_accuracy


def sweep(label: np.ndarray, score: np.ndarray, steps: int = 101) -> pd.DataFrame:
    """Return the metrics at ``steps`` thresholds from 0 to 1: ``threshold``, both rates, balanced accuracy, F1, and the four
    counts. A score at the threshold counts as fake."""
    label, score = np.asarray(label) == 1, np.asarray(score, float)
    rows = []
    for threshold in np.linspace(0, 1, steps):
        called = score >= threshold
        hits, alarms = int((called & label).sum()), int((called & ~label).sum())
        missed, passed = int((~called & label).sum()), int((~called & ~label).sum())
        rows.append(
            {
                "threshold": round(float(threshold), 4),
                "true-positive rate": hits / max(hits + missed, 1),
                "true-negative rate": passed / max(passed + alarms, 1),
                "balanced accuracy": balanced_accuracy(label, called),
                "F1": 2 * hits / max(2 * hits + alarms + missed, 1),
                "true positives": hits,
                "false negatives": missed,
                "false positives": alarms,
                "true negatives": passed,
            }
        )
    return pd.DataFrame(rows)


def predictive_value(sensitivity: float, specificity: float, prevalence: np.ndarray) -> np.ndarray:
    """Return the positive predictive value: the share of fakes among clips classified as fake, by Bayes' theorem.

    ``sensitivity`` and ``specificity`` are the true-positive and true-negative rate; NaN where nothing is classified as
    fake.
    """
    prevalence = np.asarray(prevalence, float)
    positive = sensitivity * prevalence + (1 - specificity) * (1 - prevalence)
    unknown = np.full_like(prevalence, np.nan)
    return np.divide(sensitivity * prevalence, positive, out=unknown, where=positive > 0)
