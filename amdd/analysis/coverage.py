"""The simulated coverage of confidence intervals as a table of the book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

METHODS = {"bootstrap": "bootstrap", "ours": "this book"}
WORDS = ("coverage", "width")


def coverage_table(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return, from the benchmark ``coverage``, the least and the mean share of 95 % intervals that contain the truth, and
    their mean width, by metric and number of people, over true values and over how alike a person's clips are."""
    keys = ["metric", "people"]
    frame = pd.DataFrame(
        [
            {k: r[k] for k in keys} | {(m, w): r[m][w] for m in METHODS for w in WORDS}
            for r in measured["rows"]
        ]
    )
    parts = []
    for name, title in METHODS.items():
        groups = frame.groupby(keys, sort=False)
        parts += [
            groups[[(name, "coverage")]].min().set_axis([f"{title}, least"], axis=1),
            groups[[(name, "coverage")]].mean().set_axis([f"{title}, mean"], axis=1),
            groups[[(name, "width")]].mean().set_axis([f"{title}, width"], axis=1),
        ]
    return pd.concat(parts, axis=1).reset_index()
