"""Agreement of predicted probabilities with observed frequencies."""

from __future__ import annotations

import numpy as np
import pandas as pd


def _bin_of(probability: np.ndarray, bins: int) -> np.ndarray:
    return np.clip(np.digitize(probability, np.linspace(0, 1, bins + 1)) - 1, 0, bins - 1)


def calibration(label: np.ndarray, probability: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Return the reliability table: for each bin that holds clips, its bounds, ``n``, mean ``probability`` and share of
    ``fakes``."""
    edges, place = np.linspace(0, 1, bins + 1), _bin_of(probability, bins)
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
    """Return the expected calibration error: the gap between mean probability and share of fakes, weighted by clips."""
    label, probability = np.asarray(label, float), np.asarray(probability, float)
    place = _bin_of(probability, bins)
    gap = np.bincount(place, probability, bins) - np.bincount(place, label, bins)
    return float(np.abs(gap).sum() / len(label))
