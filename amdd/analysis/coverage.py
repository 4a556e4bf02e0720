"""The simulated coverage of confidence intervals as a table of the book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

METHODS = {"bootstrap": "percentile bootstrap", "ours": "this book"}


def coverage_table(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return, from the benchmark ``coverage``, the share of 95 % intervals that contain the truth, by metric, true value and
    number of people, as the mean over how alike a person's clips are."""
    rows = [
        {"metric": r["metric"], "true value": r["truth"], "people": r["people"]}
        | {
            f"{title}, {word}": r[name][word]
            for name, title in METHODS.items()
            for word in ("coverage", "width")
        }
        for r in measured["rows"]
    ]
    keys = ["metric", "true value", "people"]
    columns = [f"{title}, {word}" for word in ("coverage", "width") for title in METHODS.values()]
    table = pd.DataFrame(rows, columns=[*keys, *columns])
    return table.groupby(keys, sort=False, as_index=False).mean()
