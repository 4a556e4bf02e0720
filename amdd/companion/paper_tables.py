"""The paper's tables beside those of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from amdd.analysis.tables import SHOWN, words
from amdd.companion.claims import paper

METRICS = {
    "bal_acc": SHOWN["balanced_accuracy"],
    "auc": SHOWN["auc"],
    "f1": SHOWN["f1"],
    "real": SHOWN["real_accuracy"],
    "fake": SHOWN["fake_accuracy"],
    "attribution": SHOWN["attribution_fakes"],
}
# The built-in corpora stand in for datasets, under similar names.
CONDITIONS = {
    ("DF-TIMIT", "higher quality"): ("timit", "hq"),
    ("DF-TIMIT", "lower quality"): ("timit", "lq"),
    ("DFDM", "crf0"): ("dfdm", "crf0"),
    ("DFDM", "crf10"): ("dfdm", "crf10"),
    ("DFDM", "crf23"): ("dfdm", "crf23"),
    ("LAV-DF", "video only"): ("lav", "video"),
    ("LAV-DF", "audio only"): ("lav", "audio"),
    ("LAV-DF", "both"): ("lav", "both"),
}
Ours = Callable[[str, str], pd.DataFrame]  # topic and name to a table that a chapter wrote


def table_1(ours: Ours) -> pd.DataFrame:
    """Return parameters in millions, paper and here."""
    sizes = ours("training", "parameters")
    sizes = sizes.rename(columns={"millions": "here", "Table I (millions)": "paper"})
    return sizes[["component", "paper", "here"]]


def table_2() -> pd.DataFrame:
    """Return Table II as published."""
    two = pd.DataFrame(paper()["table_2"])
    return two.assign(audio=two.audio.map({True: "yes", False: "no"}))


def table_3(ours: Ours) -> pd.DataFrame:
    """Return clips by generator and subset, paper and here."""
    split = ours("data_preparation", "split").set_index("generator")
    subsets = {"train": "train", "val": "validation", "test": "test"}
    rows: list[dict[str, Any]] = []
    for name, counts in paper()["table_3"].items():
        own = "real" if name == "real (FakeAVCeleb)" else name
        here = split.loc[own] if own in split.index else {}
        row = {"generator": name} | {f"{s}, paper": counts[full] for s, full in subsets.items()}
        rows.append(row | {f"{s}, here": int(here[s]) if s in here else None for s in subsets})
    return pd.DataFrame(rows).astype(object)


def table_5(ours: Ours) -> pd.DataFrame:
    """Return ablations in percent, two rows for each variant: paper and here."""
    five, rows = ours("ablations", "table_5").set_index("variant"), []
    for variant, values in paper()["table_5"].items():
        rows.append({"variant": words(variant), "from": "paper", **{k: float(values[k]) for k in METRICS}})
        here = {k: 100 * five.loc[words(variant), column] for k, column in METRICS.items()}
        rows.append({"variant": words(variant), "from": "here", **here})
    return pd.DataFrame(rows)


def table_6(ours: Ours) -> pd.DataFrame:
    """Return results by generator in percent, paper and here; generators that this run lacks are left out."""
    six, rows = ours("in_domain_results", "per_generator").set_index("generator"), []
    for name, values in paper()["table_6"].items():
        if name in six.index:
            row = {"generator": name, "n, paper": values["n"], "n, here": int(six.loc[name, "n"])}
            row |= {"accuracy, paper": values["detection"], "accuracy, here": 100 * six.loc[name, "accuracy"]}
            row |= {
                "AUC, paper": 100 * values.get("auc", float("nan")),
                "AUC, here": 100 * six.loc[name, "AUC"],
            }
            rows.append(row)
    return pd.DataFrame(rows)


def table_7() -> pd.DataFrame:
    """Return Table VII as published, in percent."""
    inputs = {"V": "video", "AV": "audio and video"}
    rows = []
    for name, values in paper()["table_7"].items():
        row = {"method": name, "input": inputs[values["modality"]]}
        row |= {k: values.get(k, float("nan")) for k in ("auc", "bal_acc", "attribution")}
        rows.append(row | {"measured by": "the paper" if name == "AMDD" else "quoted by the paper"})
    return pd.DataFrame(rows)


def table_8(ours: Ours) -> pd.DataFrame:
    """Return results on unseen data in percent: paper, and here where a corpus stands in for the condition."""
    eight, rows = ours("cross_dataset", "table_8"), []
    columns = ("auc", "bal_acc", "real", "fake")
    for values in paper()["table_8"]:
        corpus, condition = CONDITIONS[values["dataset"], values["condition"]]
        row = {"data": values["dataset"], "condition": values["condition"]}
        rows.append({**row, "from": "paper", **{k: float(values.get(k, "nan")) for k in columns}})
        named = eight.corpus.astype(str).str.contains(corpus)
        here = eight[named & eight.condition.astype(str).str.contains(condition)]
        if len(here):
            rows.append({**row, "from": "here", **{k: 100 * here[METRICS[k]].iloc[0] for k in columns}})
    return pd.DataFrame(rows)
