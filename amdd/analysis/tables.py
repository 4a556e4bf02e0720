"""Tables of results: predictions and estimates in, data frames out, as the chapters show them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from amdd.profiles import EvaluationSettings
from amdd.stats import (
    Estimate,
    mcnemar,
    metrics,
    over_seeds,
)

SHOWN = {
    "balanced_accuracy": "balanced accuracy",
    "auc": "AUC",
    "f1": "F1",
    "real_accuracy": "true-negative rate",
    "fake_accuracy": "true-positive rate",
    "eer": "equal error rate",
    "average_precision": "average precision",
    "ece": "calibration error (ECE)",
    "brier_skill": "Brier skill",
    "attribution_fakes": "attribution, fakes",
    "attribution_all": "attribution, all clips",
    "attribution_generators": "attribution among generators",
}

# The columns of Table V, and attribution when the class "real" is excluded.
TABLE_5 = ("balanced_accuracy", "auc", "f1", "real_accuracy", "fake_accuracy", "attribution_fakes")
TABLE_5 += ("attribution_generators",)


def interval(found: Estimate, sign: bool = False, digits: int = 3) -> str:
    """Return ``value [low, high]`` for a cell of a table, with an explicit sign where ``sign``."""
    form = f"{'+' if sign else ''}.{digits}f"
    if not found.finite:
        return "–"
    bounds = f" [{found.low:{form}}, {found.high:{form}}]" if found.bounded else ""
    return f"{found.value:{form}}{bounds}".replace(" ", "\u00a0")


def metrics_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return an :func:`amdd.stats.metrics` table with the metrics' names in words."""
    table = found.rename(index=SHOWN).reset_index()
    return table.rename(columns={"low": "from", "high": "to"})


def generator_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return an :func:`amdd.stats.per_generator` table with its columns in words (the form of Table VI)."""
    names = {"right": "correct", "detection": "accuracy", "low": "from", "high": "to", "auc": "AUC"}
    names |= {"auc low": "AUC from", "auc high": "AUC to"}
    return found.rename(columns=names)


def differences(rows: Mapping[str, Estimate], what: str) -> pd.DataFrame:
    """Return named differences with their intervals, one per row; ``what`` heads the values."""
    return pd.DataFrame(
        [
            {
                "comparison": name,
                what: found.value,
                "from": found.low,
                "to": found.high,
                "n": found.n,
                "people": found.people,
            }
            for name, found in rows.items()
        ],
        columns=["comparison", what, "from", "to", "n", "people"],
    )


# --- ablations ----------------------------------------------------------------------------------------------------


def ablation_table(
    predictions: Mapping[tuple[str, int], pd.DataFrame], evaluation: EvaluationSettings
) -> pd.DataFrame:
    """Return each variant's metrics as means over seeds (the form of Table V)."""
    rows = []
    for variant in dict.fromkeys(v for v, _ in predictions):
        runs = [t for (v, _), t in predictions.items() if v == variant]
        means = over_seeds([metrics(t, evaluation.threshold, intervals=False) for t in runs])["mean"]
        kept = {SHOWN[k]: v for k, v in means.items() if k in TABLE_5}
        rows.append({"variant": words(variant), "seeds": len(runs), **kept})
    return pd.DataFrame(rows)


def paired_table(
    full: pd.DataFrame, variants: Mapping[str, tuple[pd.DataFrame, Estimate, Estimate]], threshold: float
) -> pd.DataFrame:
    """Return the full model against each variant on the same clips: McNemar's tests and differences.

    ``variants`` maps a name to its predictions, and full minus variant in AUC and in attribution.
    """
    rows = []
    for name, (predictions, in_auc, in_attribution) in variants.items():
        detection = mcnemar(full, predictions, threshold)
        rows.append(
            {
                "variant": words(name),
                "correct only in full": detection["only_first"],
                "correct only in variant": detection["only_second"],
                "p (detection)": detection["p"],
                "p (attribution)": mcnemar(full, predictions, what="attribution")["p"],
                "AUC, full - variant": interval(in_auc, sign=True),
                "attribution, full - variant": interval(in_attribution, sign=True),
            }
        )
    return pd.DataFrame(rows)


def probe_table(probes: Mapping[str, Estimate], heads: Mapping[str, float]) -> pd.DataFrame:
    """Return the accuracy of a linear probe on the frozen embedding beside that of the attribution head."""
    return pd.DataFrame(
        [
            {
                "variant": words(v),
                "linear probe": p.value,
                "from": p.low,
                "to": p.high,
                "attribution head": heads[v],
            }
            for v, p in probes.items()
        ]
    )


def seed_table(spread: Mapping, shown: Mapping[str, str]) -> pd.DataFrame:
    """Return, from the file ``seed_spread``, each variant's mean with its range over seeds, and by how much the
    full model is ahead; ``shown`` maps a metric to its name."""
    rows, known = [], spread["numbers"]
    for variant in spread["by_seed"]:
        row = {"variant": words(variant)}
        for metric, title in shown.items():
            one, gap = known[f"{variant}.{metric}"], known.get(f"{variant}.{metric}.gap")
            row[title] = f"{one['value']:.3f} ({one['least']:.3f}–{one['most']:.3f})"
            if metric != "named":
                row[f"full - variant, {title}"] = (
                    interval(Estimate.from_record(gap), sign=True) if gap else "–"
                )
        rows.append(row)
    return pd.DataFrame(rows)


def by_seed_table(
    predictions: Mapping[tuple[str, int], pd.DataFrame], evaluation: EvaluationSettings
) -> pd.DataFrame:
    """Return the main metrics of every training run, one row per variant and seed."""
    shown = ["auc", "balanced_accuracy", "attribution_fakes", "attribution_generators"]
    rows = []
    for (variant, seed), table in predictions.items():
        found = metrics(table, evaluation.threshold, intervals=False)["value"]
        kept = {SHOWN[k]: found[k] for k in shown if k in found}
        rows.append({"variant": words(variant), "seed": seed, **kept})
    return pd.DataFrame(rows)


def words(name: str) -> str:
    """Return a variant's or metric's name in words."""
    return name.replace("_", " ")
