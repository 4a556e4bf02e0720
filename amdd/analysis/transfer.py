"""What the claims on unseen data compare: corpus by corpus, kind of forgery by kind, condition by condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from amdd.stats import Estimate

Difference = Callable[[pd.DataFrame, pd.DataFrame, str], Estimate]  # first - second of a metric
# Conditions of one corpus from the more to the less detailed: resolution of the swap, compression.
DETAIL = (("hq", "lq"), ("crf0", "crf23"))


def kind_of(condition: str) -> str:
    """Return the kind of forgery of a condition (column ``quality``): "audio" (the frames are real), "part" (of the clip's
    frames) or "whole"."""
    if condition.endswith("-audio"):
        return "audio"
    return "part" if condition.startswith(("lav-", "av1m-")) else "whole"


def by_kind(predictions: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the fakes of each kind of forgery with all reals of their corpus, by kind and corpus."""
    found = {}
    for name, table in predictions.items():
        reals, fakes = table[table.label == 0], table[table.label == 1]
        for kind, part in fakes.groupby(fakes.quality.astype(str).map(kind_of)):
            if len(reals):
                found[str(kind), name] = pd.concat([reals, part])
    return found


def transfer_differences(
    known: pd.DataFrame, predictions: Mapping[str, pd.DataFrame], difference: Difference
) -> dict[str, Estimate]:
    """Return, by the claims' keys, what changes from the test clips ``known`` to each external corpus.

    ``transfer.<kind>.<corpus>``: AUC in domain minus AUC there; ``reals.drop.<corpus>``: the loss of true-negative rate;
    ``quality.gain.<corpus>``: AUC of the less minus the more detailed condition, on the same reals.
    """
    found = {}
    for (kind, name), part in by_kind(predictions).items():
        found[f"transfer.{kind}.{name}"] = difference(known, part, "auc")
    for name, table in predictions.items():
        reals = table[table.label == 0]
        if len(reals):
            found[f"reals.drop.{name}"] = difference(known, reals, "real_accuracy")
        for high, low in DETAIL:
            if {high, low} <= set(table.quality):
                one, two = (table[(table.label == 0) | (table.quality == q)] for q in (low, high))
                found[f"quality.gain.{name}"] = difference(one, two, "auc")
    return found


def transfer_words(key: str) -> str:
    """Return a key of :func:`transfer_differences` in words."""
    topic, kind, name = key.split(".", 2)
    if topic == "transfer":
        kinds = {"whole": "whole clip forged", "part": "part of the clip forged", "audio": "audio only"}
        return f"in-domain AUC - AUC on {name} ({kinds[kind]})"
    if topic == "reals":
        return f"true-negative rate, in domain - {name}"
    return f"AUC, less - more detailed condition of {name}"
