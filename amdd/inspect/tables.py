"""Tables over many answers, and over the calibration, for the chapter that tries them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from amdd.inspect.answer import Inspection
from amdd.inspect.calibration import Calibration


def answers_table(found: Sequence[Inspection], truth: Iterable[int]) -> pd.DataFrame:
    """Return for reals and forgeries the numbers of correct, wrong and withheld answers, and how many of those withheld would
    have been wrong; ``truth`` is 1 for forged."""
    rows, labels = [], [int(t) for t in truth]
    for kind, label in (("real", 0), ("forged", 1)):
        own = [x for x, t in zip(found, labels) if t == label]
        silent = [x for x in own if x.abstained]
        correct = sum(x.verdict == kind for x in own)
        leaning = sum((x.probability >= 0.5) != label for x in silent if np.isfinite(x.probability))
        rows.append((kind, len(own), correct, len(own) - correct - len(silent), len(silent), leaning))
    return pd.DataFrame(rows, columns=["clips", "n", "correct", "wrong", "can't tell", "would be wrong"])


def rules_table(found: Sequence[Inspection]) -> pd.DataFrame:
    """Return the number of answers that each rule withheld."""
    counts = pd.Series([x.rule for x in found if x.rule], dtype=str).value_counts()
    return counts.rename_axis("rule").reset_index(name="clips")


def calibration_table(found: Calibration) -> pd.DataFrame:
    """Return by corpus the calibration error raw and with the frozen temperature, the temperature that the corpus itself
    would have, the answers given and wrong, and how many of those withheld would be wrong."""
    own = {"clips": found.clips, "error_before": found.error_before, "error_after": found.error_after}
    own |= {"own_temperature": found.temperature, "answered": found.answered, "wrong": found.wrong}
    table = pd.DataFrame([{"corpus": "validation", **own}, *_named(found)])
    table = table[["corpus", *own, *(c for c in ("withheld_wrong", "unusual") if c in table)]]
    names = {
        "withheld_wrong": "withheld, would be wrong",
        "error_before": "error, raw",
        "error_after": "error, frozen",
        "own_temperature": "own temperature",
    }
    counts = {k: "Int64" for k in ("clips", "answered", "wrong", "withheld_wrong", "unusual") if k in table}
    return table.astype(counts).rename(columns=names)


def _named(found: Calibration) -> list[dict]:
    return [{"corpus": name, **row} for name, row in found.elsewhere.items()]
