"""Tables over datasets, conditions, groups of people and alterations of the clips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from amdd.analysis.tables import interval
from amdd.stats import (
    Estimate,
    auc,
    balanced_accuracy,
    people_in,
    people_of,
    share,
    sweep,
)


def conditions_of(predictions: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the clips of each condition, by corpus and condition: its fakes and all reals of its corpus."""
    found = {}
    for name, table in predictions.items():
        reals = table[table.label == 0]
        for condition, fakes in table[table.label == 1].groupby("quality"):
            found[name, str(condition) or "all"] = pd.concat([reals, fakes])
    return found


def condition_table(
    found: Mapping[tuple[str, str], pd.DataFrame], clips: Mapping[tuple[str, str], pd.DataFrame]
) -> pd.DataFrame:
    """Return one row per condition (the form of Table VIII) from its :func:`amdd.stats.metrics` and its clips."""
    kept = ["balanced_accuracy", "auc", "f1", "real_accuracy", "fake_accuracy"]
    rows = [
        {
            "corpus": name,
            "condition": condition,
            "reals": int((clips[name, condition].label == 0).sum()),
            "fakes": int((clips[name, condition].label == 1).sum()),
            "people": people_in(clips[name, condition]),
            "auc from": found[name, condition].loc["auc", "low"],
            "auc to": found[name, condition].loc["auc", "high"],
            **found[name, condition]["value"][kept].to_dict(),
        }
        for name, condition in found
    ]
    return pd.DataFrame(
        rows, columns=["corpus", "condition", "reals", "fakes", "people", "auc from", "auc to", *kept]
    )


def unseen_table(predictions: Mapping[str, pd.DataFrame], threshold: float) -> pd.DataFrame:
    """Return, for each generator of each corpus, the share of correct classifications and the class that attribution
    gives most often."""
    rows = []
    for name, table in predictions.items():
        for generator, part in table.groupby("generator"):
            correct = share((part.score >= threshold) == (part.label == 1), people_of(part))
            row = {"corpus": name, "generator": generator, "n": len(part), "people": correct.people}
            row |= {"correct": correct.value}
            row |= {"from": correct.low, "to": correct.high}
            rows.append(row | {"most frequent class": part.attribution.mode().iloc[0]})
    return pd.DataFrame(rows)


def open_set_table(found: Mapping[tuple[str, str], tuple[Estimate, int, int]]) -> pd.DataFrame:
    """Return the AUC by which each rule separates unseen from known clips; ``found`` maps a rule and "fakes" or "reals"
    to the estimate and the numbers of known and unseen clips."""
    return pd.DataFrame(
        [
            {
                "rule": rule,
                "clips": who,
                "AUC": e.value,
                "from": e.low,
                "to": e.high,
                "known": known,
                "unseen": unseen,
            }
            for (rule, who), (e, known, unseen) in found.items()
        ],
        columns=["rule", "clips", "AUC", "from", "to", "known", "unseen"],
    )


# --- thresholds, variants of clips ----------------------------------------------------------------------------------


def collapse_table(predictions: Mapping[str, pd.DataFrame], threshold: float) -> pd.DataFrame:
    """Return balanced accuracy at the fixed and at the best threshold for each corpus; the best one uses the labels and
    is an upper bound."""
    rows = []
    for name, part in predictions.items():
        curve = sweep(part.label, part.score)
        best = curve.loc[curve["balanced accuracy"].fillna(-1).idxmax()]
        medians = part.groupby("label").score.median()
        rows.append(
            {
                "corpus": name,
                "n": len(part),
                "fixed threshold": balanced_accuracy(part.label, part.score >= threshold),
                "best threshold (uses labels)": best["balanced accuracy"],
                "the best threshold": best["threshold"],
                "median score, reals": medians.get(0, np.nan),
                "median score, fakes": medians.get(1, np.nan),
            }
        )
    return pd.DataFrame(rows)


def group_table(predictions: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the false-positive rate on reals by group, with the number of people and intervals over them."""
    rows = []
    reals = predictions[predictions.label == 0]
    for group, part in reals.assign(alarm=reals.score >= threshold).groupby("group"):
        rate = share(part.alarm, people_of(part))
        row = {"group": group, "people": people_in(part), "reals": len(part)}
        rows.append(row | {"false-positive rate": rate.value, "from": rate.low, "to": rate.high})
    return pd.DataFrame(rows)


def named_share(predictions: pd.DataFrame) -> float:
    """Return the share of fakes of known generators that the attribution head names correctly; NaN without such."""
    known = predictions[(predictions.label == 1) & predictions.known]
    return float((known.attribution == known.generator).mean()) if len(known) else float("nan")


def altered_table(
    predictions: Mapping[str, pd.DataFrame], losses: Mapping[str, Estimate], what: str
) -> pd.DataFrame:
    """Return AUC and attribution for several versions of the same clips; ``losses`` gives each version's loss of AUC
    against the first; ``what`` heads the names."""
    first = next(iter(predictions.values()))
    rows = []
    for name, table in predictions.items():
        lost = losses.get(name, Estimate(0.0, 0.0, 0.0))
        row = {what: name, "AUC": auc(table.label, table.score), "loss of AUC": interval(lost, sign=True)}
        row |= {
            "attribution": named_share(table),
            "largest change of a score": (table.score - first.score).abs().max(),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def corruption_row(
    clean: pd.DataFrame, altered: pd.DataFrame, lost: Estimate, threshold: float
) -> dict[str, float]:
    """Return one level of a corruption: AUC with the interval of its change, both rates and attribution."""
    value = auc(altered.label, altered.score)
    low, high = (np.nan, np.nan) if lost.low is None or lost.high is None else (lost.low, lost.high)
    bounds = np.clip([value + lost.value - high, value + lost.value - low], 0, 1)
    reals, fakes = altered.score[altered.label == 0], altered.score[altered.label == 1]
    return {
        "AUC": value,
        "AUC from": float(bounds[0]),
        "AUC to": float(bounds[1]),
        "true-negative rate": float((reals < threshold).mean()),
        "true-positive rate": float((fakes >= threshold).mean()),
        "attribution": named_share(altered),
    }


# --- settings -----------------------------------------------------------------------------------------------------
