"""Tables of the study's chapter, from the files that ship with the repository; nothing here needs torch."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from amdd.analysis.protocol import LeftOutProtocol, Protocol, load_left_out, load_protocol
from amdd.analysis.study import contrast, macro_auc, outcomes, take_off, test_part
from amdd.base.paths import PROJECT
from amdd.stats import Estimate

STUDIES = PROJECT / "book" / "studies"


@dataclass(frozen=True)
class Shipped:
    """A study as it ships: its protocol, predictions, training histories and record."""

    protocol: Protocol
    predictions: pd.DataFrame
    history: pd.DataFrame
    record: dict[str, Any]


def shipped(name: str, folder: Path = STUDIES) -> Shipped:
    """Return the study ``name`` below ``folder``. Raises ``FileNotFoundError`` that names a missing file."""
    predictions, history, record = _read(name, folder)
    return Shipped(load_protocol(folder / f"{name}.yml"), predictions, history, record)


def shipped_left_out(
    name: str = "leave-one-out", folder: Path = STUDIES
) -> tuple[LeftOutProtocol, pd.DataFrame, dict[str, Any]]:
    """Return protocol, predictions and record of the trainings that leave a generator out; raises as :func:`shipped`."""
    predictions, _, record = _read(name, folder)
    return load_left_out(folder / f"{name}.yml"), predictions, record


def _read(name: str, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    files = [folder / f"{name}{end}" for end in (".yml", ".parquet", "-history.parquet", ".json")]
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(
                f"{file}: missing; it comes with the repository, and `amdd study run` makes it"
            )
    tables = [pd.read_parquet(file) for file in files[1:3]]
    for table in tables:
        for column in table.select_dtypes("category"):
            table[column] = table[column].astype(str)
    return tables[0], tables[1], json.loads(files[3].read_text(encoding="utf-8"))


def by_arm(protocol: Protocol) -> pd.DataFrame:
    """Return the arms with what they ask and the term in their attribution head."""
    return pd.DataFrame(
        [{"arm": k, "asks for": a.asks, "attribution head": a.term} for k, a in protocol.arms.items()]
    )


def by_generator(table: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Return the AUC of each generator's fakes against all reals, mean over seeds: a row per arm, a column per generator,
    those of training first."""
    tests = test_part(table)
    known = sorted(set(tests.generator) - {"real"} - set(protocol.test.unseen))
    rows = []
    for arm in protocol.arms:
        parts = [
            {k: part[k].to_numpy() for k in ("score", "label", "generator")}
            for _, part in tests[tests.arm == arm].groupby("seed")
        ]
        values = {g: [macro_auc(p, [g]) for p in parts] for g in (*known, *protocol.test.unseen)}
        rows.append({"arm": arm, "seeds": len(parts)} | {g: sum(v) / len(v) for g, v in values.items() if v})
    return pd.DataFrame(rows)


MINOR = {
    "without_fingerprint": "without the fingerprint loss",
    "without_contrastive": "without the contrastive loss",
    "contrastive_on_reals": "contrastive loss on reals only",
    "bce": "binary cross-entropy for the focal loss",
    "bce_without_attribution": "the same without attribution",
    "without_clipping": "gradients not clipped",
}


def one_pair(
    found: pd.DataFrame, pair: tuple[str, str], measure: str = "known", confidence: float = 0.95
) -> Estimate:
    """Return what one pair of trainings with the same seed may show: the mean difference of two arms in a ``measure`` of
    :func:`amdd.analysis.study.outcomes`, with Student's prediction interval for one more seed."""
    by_seed = found[found.arm.isin(pair)].pivot(index="seed", columns="arm", values=measure).dropna()
    gaps = (by_seed[pair[0]] - by_seed[pair[1]]).to_numpy()
    mean, n = float(gaps.mean()), len(gaps)
    if n < 2:
        return Estimate(mean, None, None, n=n)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * gaps.std(ddof=1) * math.sqrt(1 + 1 / n))
    return Estimate(mean, mean - half, mean + half, n=n, seeds=n)


def minor_table(table: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Return the arms of secondary interest that ``table`` has: means over their seeds, and full minus each with its 95 %
    interval over seeds and people, on the seeds that both have."""
    rows = []
    for arm in (a for a in MINOR if a in set(table.arm)):
        found = outcomes(table, protocol, [arm])
        gap = contrast(test_part(table), ("full", arm), protocol.test.unseen)
        rows.append(
            {
                "arm": MINOR[arm],
                "seeds": len(found),
                "AUC, unseen": found.unseen.mean(),
                "AUC, known": found.known.mean(),
                "named": found.naming.mean(),
                "full minus it": gap.value,
                "from": gap.low,
                "to": gap.high,
            }
        )
    return pd.DataFrame(rows)


def repetition_table(*studies: Shipped) -> pd.DataFrame:
    """Return the trainings that were repeated, beside the shipped ones, and beside two trainings of the full objective with
    different seeds (mean over all pairs): AUC of both on unseen generators, and the rank correlation of their scores."""
    rows = []
    for s in studies:
        tests = test_part(s.predictions)
        scores = tests[tests.arm == "full"].pivot(index="clip", columns="seed", values="score")
        order = scores.corr("spearman").to_numpy()[np.triu_indices(scores.shape[1], 1)]
        rows.append({"study": s.protocol.name, "pair": "full, two seeds", "rank correlation": order.mean()})
        for one in s.record.get("repetitions", ()):
            found = {m["measure"]: m for m in one["measures"]}
            auc, rank = found["AUC, unseen generators"], found["rank correlation of scores"]
            pair = f"{one['arm']}, seed {one['seed']}, and again on {one['device']}"
            row = {"study": s.protocol.name, "pair": pair, "shipped AUC": auc["shipped"]}
            rows.append(row | {"repeated AUC": auc["repeated"], "rank correlation": rank["repeated"]})
    columns = ["study", "pair", "shipped AUC", "repeated AUC", "rank correlation"]
    return pd.DataFrame(rows, columns=columns)


def contrast_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the report's contrasts with the columns that are read."""
    kept = ["contrast", "role", "difference", "from", "to", "seeds", "people", "p", "adjusted"]
    return table[kept]


def take_off_table(history: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Return, per arm, the trainings, those in which detection ``started``, and the median epoch at which it did."""
    starts = take_off(history.rename(columns={"detection": "focal"}), protocol.take_off.threshold)
    rows = []
    for arm in protocol.arms:
        part = starts[starts.arm == arm]
        rows.append(
            {
                "arm": arm,
                "trainings": len(part),
                "started": int(part.started.sum()),
                "median epoch": float(part.epoch[part.started].median()),
            }
        )
    return pd.DataFrame(rows)


def recipe_table(record: dict[str, Any]) -> pd.DataFrame:
    """Return the recipes that were tried: validation AUC and share named among generators, means over their seeds."""
    rows = []
    for name, runs in record["recipes"]["found"].items():
        part = pd.DataFrame(runs)
        rows.append(
            {"recipe": name, "changes": record["recipes"]["changes"][name], "seeds": len(part)}
            | {"AUC": part.auc.mean(), "named among generators": part.naming.mean()}
        )
    return pd.DataFrame(rows).sort_values("named among generators", ascending=False, ignore_index=True)
