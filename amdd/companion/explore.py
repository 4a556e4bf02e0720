"""Scores of a run's predictions for the page "Explore the predictions"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from amdd.base.paths import write_text

SCORES = ("thresholds", "scores.json")  # topic and file


def write_scores(path: Path, predictions: Mapping[str, pd.DataFrame], threshold: float) -> None:
    """Write generator and score of each clip, by corpus; corpora with clips of one class only are left out.

    Names of clips and people are not written, so that nothing of a corpus leaves it but numbers.
    """
    corpora = {
        name: [[str(g), round(float(s), 4)] for g, s in zip(table.generator, table.score)]
        for name, table in predictions.items()
        if table.label.nunique() == 2
    }
    write_text(path, json.dumps({"threshold": threshold, "corpora": corpora}) + "\n")
