"""The study of attribution as a regulariser: its report from a table of predictions.

Nothing here trains or needs torch: the report is computed from shipped predictions with the columns of :data:`COLUMNS`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from amdd.analysis.protocol import Pair, Protocol, expected_error, load_protocol
from amdd.stats import Estimate, auc, clusters_of, holm, p_value, two_way

COLUMNS = ("arm", "seed", "clip", "people", "label", "generator", "score")

__all__ = ["COLUMNS", "Protocol", "expected_error", "load_protocol"]  # and what is defined below


# --- outcomes -----------------------------------------------------------------------------------------------------


def checked(table: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Return the predictions of ``arms`` for the seeds that all of them have. Raises ``ValueError`` for missing columns, arms
    or clips, for a clip twice, and for scores that are no numbers."""
    lacks = [c for c in COLUMNS if c not in table]
    if lacks:
        raise ValueError(f"the predictions lack the columns {', '.join(lacks)}")
    absent = [a for a in arms if a not in set(table.arm)]
    if absent:
        raise ValueError(f"no predictions of the arms {', '.join(absent)}")
    kept = table[table.arm.isin(list(arms))]
    if not np.isfinite(kept.score.to_numpy(float)).all():
        raise ValueError("a score is not a finite number")
    if kept.duplicated(["arm", "seed", "clip"]).any():
        raise ValueError("a clip is listed twice for one arm and seed")
    common = set.intersection(*(set(part.seed) for _, part in kept.groupby("arm")))
    kept = kept[kept.seed.isin(common)]
    sizes = kept.groupby(["arm", "seed"])["clip"].agg(frozenset)
    if sizes.nunique() > 1:
        raise ValueError("not every arm and seed has predictions of the same clips")
    return kept


def outcomes(table: pd.DataFrame, protocol: Protocol, arms: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row per training of ``arms`` (the protocol's, if none are named): ``arm``, ``seed``, ``unseen`` and ``known``
    (mean AUC over the generators that no training clip comes from, and over those of training), and ``naming``, the share
    of the latter's fakes that the attribution head names right among the generators."""
    rows, arms = [], list(arms or protocol.arms)
    table = table[table.arm.isin(arms)]
    for (arm, seed), part in test_part(table).groupby(["arm", "seed"], observed=True):
        data = {k: part[k].to_numpy() for k in ("score", "label", "generator")}
        known = sorted(set(part.generator) - {"real"} - set(protocol.test.unseen))
        fakes = part[part.generator.isin(known)]
        row = {"arm": arm, "seed": int(seed), "unseen": macro_auc(data, protocol.test.unseen)}
        row |= {"known": macro_auc(data, known)}
        if "naming" in part:
            row["naming"] = float((fakes.naming.astype(str) == fakes.generator.astype(str)).mean())
        rows.append(row)
    order = {arm: k for k, arm in enumerate(arms)}
    return pd.DataFrame(rows).sort_values(
        ["arm", "seed"], key=lambda c: c.map(order) if c.name == "arm" else c, ignore_index=True
    )


def naming_and_detection(found: pd.DataFrame, arms: Sequence[str], confidence: float = 0.95) -> Estimate:
    """Return the correlation over trainings between the share named and the AUC on unseen generators (columns ``naming`` and
    ``unseen`` of :func:`outcomes`), within ``arms``: each is taken from its arm's mean. The interval is Fisher's."""
    kept = found[found.arm.isin(list(arms))]
    own = kept[["naming", "unseen"]] - kept.groupby("arm")[["naming", "unseen"]].transform("mean")
    value, free = float(own.naming.corr(own.unseen)), len(kept) - kept.arm.nunique() - 2
    if not math.isfinite(value) or free < 1:
        return Estimate(value, None, None, n=len(kept))
    half = float(stats.norm.ppf((1 + confidence) / 2)) / math.sqrt(free)
    low, high = (math.tanh(math.atanh(value) + side * half) for side in (-1, 1))
    return Estimate(value, low, high, n=len(kept), seeds=int(kept.seed.nunique()))


def seeds_done(table: pd.DataFrame, protocol: Protocol) -> int:
    """Return the number of seeds that all arms of the protocol have."""
    sets = [set(table.seed[table.arm == arm]) for arm in protocol.arms]
    return len(set.intersection(*sets))


def test_part(table: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions for the test clips; a table without the column ``part`` has no others."""
    return table[table["part"] == "test"] if "part" in table else table


def compare(ours: pd.DataFrame, theirs: pd.DataFrame, protocol: Protocol) -> tuple[pd.DataFrame, bool]:
    """Return a training repeated beside the shipped one (``measure``, ``shipped``, ``repeated``, ``difference``) and whether
    all differences are within the protocol's tolerance. Raises ``ValueError`` if they have no clip in common."""
    both = test_part(ours).merge(test_part(theirs)[["clip", "score"]], on="clip", suffixes=("", "_shipped"))
    if not len(both):
        raise ValueError("the repeated training and the shipped predictions have no clip in common")
    known = sorted(set(both.generator) - {"real"} - set(protocol.test.unseen))
    rows, agrees = [], True
    for name, generators in (
        ("AUC, unseen generators", protocol.test.unseen),
        ("AUC, training generators", known),
    ):
        one, two = (
            macro_auc(
                {
                    "score": both[c].to_numpy(),
                    "label": both.label.to_numpy(),
                    "generator": both.generator.to_numpy(),
                },
                generators,
            )
            for c in ("score_shipped", "score")
        )
        rows.append({"measure": name, "shipped": one, "repeated": two, "difference": two - one})
        agrees &= not abs(two - one) > protocol.tolerance.auc
    rank = float(both.score.rank().corr(both.score_shipped.rank()))
    rows.append(
        {"measure": "rank correlation of scores", "shipped": 1.0, "repeated": rank, "difference": rank - 1}
    )
    return pd.DataFrame(rows), bool(agrees and 1 - rank <= protocol.tolerance.rank)


def _columns(part: pd.DataFrame, clips: pd.Index) -> dict[str, np.ndarray]:
    part = part.set_index("clip").loc[clips]
    return {k: part[k].to_numpy() for k in ("label", "generator", "score", "people")}


def macro_auc(data: Mapping[str, np.ndarray], generators: Sequence[str]) -> float:
    """Return the mean over ``generators`` of the AUC of their fakes against all reals; NaN if one of them has no fakes."""
    reals = data["score"][data["label"] == 0]
    values = []
    for name in generators:
        fakes = data["score"][(data["generator"] == name) & (data["label"] == 1)]
        values.append(auc(np.r_[np.zeros(len(reals)), np.ones(len(fakes))], np.r_[reals, fakes]))
    return float(np.mean(values)) if values else float("nan")


def macro_auc_without_each(
    data: Mapping[str, np.ndarray], generators: Sequence[str], clusters: Sequence[np.ndarray]
) -> np.ndarray:
    """Return :func:`macro_auc` of all rows but those of one cluster, for each of the disjoint ``clusters`` in turn: every
    fake is compared with every real once, and what a cluster has a part in is taken from the sums."""
    member = np.zeros(len(data["score"]), int)
    for k, rows in enumerate(clusters):
        member[rows] = k
    real, score = data["label"] == 0, data["score"].astype(float)
    reals_of = np.eye(len(clusters))[member[real]]  # (reals, clusters)
    values = []
    for name in generators:
        fake = (data["generator"] == name) & (data["label"] == 1)
        wins = (
            np.sign(score[fake][:, None] - score[real][None]) + 1
        ) / 2  # (fakes, reals), a tie counts half
        fakes_of = np.eye(len(clusters))[member[fake]]  # (fakes, clusters)
        both = np.einsum("fc,fr,rc->c", fakes_of, wins, reals_of, optimize=True)
        left = wins.sum() - wins.sum(1) @ fakes_of - wins.sum(0) @ reals_of + both
        pairs = (fake.sum() - fakes_of.sum(0)) * (real.sum() - reals_of.sum(0))
        values.append(np.where(pairs > 0, left / np.maximum(pairs, 1), np.nan))
    return np.mean(values, axis=0) if values else np.full(len(clusters), np.nan)


def contrast(
    table: pd.DataFrame, pair: Pair, generators: Sequence[str], confidence: float = 0.95
) -> Estimate:
    """Return the difference in :func:`macro_auc` between two arms, paired by seed and clip, with its interval over seeds and
    people. Raises ``ValueError`` as :func:`checked` does."""
    kept = checked(table, pair)
    clips = pd.Index(sorted(kept["clip"].unique()))
    values, without = [], []
    for _, runs in kept.groupby("seed"):
        (value, left), (other, right) = (
            _with_each_left_out(runs[runs.arm == arm], clips, generators) for arm in pair
        )
        values.append(value - other)
        without.append(left - right)
    return two_way(np.array(values), np.array(without), confidence, n=len(clips))


def _with_each_left_out(
    part: pd.DataFrame, clips: pd.Index, generators: Sequence[str]
) -> tuple[float, np.ndarray]:
    """The outcome of one training, and the outcomes without each person."""
    data = _columns(part, clips)
    return macro_auc(data, generators), macro_auc_without_each(data, generators, clusters_of(data["people"]))


def decision(primary: Estimate, decisive: Estimate, margin: float) -> str:
    """Return the protocol's decision from full - twin (``primary``) and full - shuffled (``decisive``)."""
    if not primary.bounded or not decisive.bounded:
        return "undecided"
    assert primary.low is not None and primary.high is not None and decisive.low is not None
    if primary.low > 0 and decisive.low > 0 and primary.value >= margin:
        return "regularises"
    if primary.high < 0:
        return "harms"
    narrow = primary.at(0.9)
    assert narrow.low is not None and narrow.high is not None
    return "no effect beyond the margin" if -margin <= narrow.low and narrow.high <= margin else "undecided"


def report(table: pd.DataFrame, protocol: Protocol) -> tuple[pd.DataFrame, str]:
    """Return the contrasts (``contrast``, ``role``, value and interval, ``p``, ``adjusted`` by Holm for all but the primary)
    and the decision, which is that the study is not finished while arms lack seeds of the protocol."""
    c = protocol.contrasts
    plan = [("primary", c.primary), ("decisive", c.decisive), *(("secondary", pair) for pair in c.secondary)]
    found = {pair: contrast(table, pair, protocol.test.unseen) for _, pair in plan}
    adjusted = holm({" - ".join(pair): p_value(found[pair]) for role, pair in plan if role != "primary"})
    rows = []
    for role, pair in plan:
        e, name = found[pair], " - ".join(pair)
        row = {"contrast": name, "role": role, "difference": e.value, "from": e.low, "to": e.high}
        row |= {"seeds": e.seeds, "people": e.people, "p": p_value(e)}
        rows.append(row | {"adjusted": adjusted.get(name, p_value(e))})
    done = seeds_done(table, protocol)
    if done < protocol.seeds:  # nothing is decided early: the protocol has no look for success
        return pd.DataFrame(rows), f"not finished: {done} of {protocol.seeds} seeds"
    return pd.DataFrame(rows), decision(found[c.primary], found[c.decisive], protocol.margin)


def same_against_same(
    table: pd.DataFrame, arm: str, generators: Sequence[str], confidence: float = 0.95
) -> pd.DataFrame:
    """Return the A/A control: the difference between two runs of one ``arm`` for disjoint pairs of seeds, each with the
    interval that two seeds allow (``holds_zero``).

    Seeds 1 and 2 make the first pair, 3 and 4 the second. The error of a pair over seeds is taken from all pairs but its
    own, since one pair shows none of it; that over people is the pair's own.
    """
    kept = checked(table, (arm,))
    clips, seeds = pd.Index(sorted(kept["clip"].unique())), sorted(kept.seed.unique())
    pairs = list(zip(seeds[::2], seeds[1::2]))
    values, errors, people = [], [], 0
    for pair in pairs:
        (value, one), (other, two) = (
            _with_each_left_out(kept[kept.seed == s], clips, generators) for s in pair
        )
        left = one - two
        people = len(left)
        values.append(value - other)
        errors.append((people - 1) / people * ((left - left.mean()) ** 2).sum())
    rows = []
    for k, (pair, value) in enumerate(zip(pairs, values)):
        others = np.array(values[:k] + values[k + 1 :])
        variance = max(float((others**2).mean()), errors[k]) if len(others) else math.nan
        degrees = min(len(others), people - 1)
        half = stats.t.ppf((1 + confidence) / 2, degrees) * math.sqrt(variance) if degrees else math.nan
        row = {
            "seeds": f"{pair[0]}, {pair[1]}",
            "difference": value,
            "from": value - half,
            "to": value + half,
        }
        rows.append(row | {"holds zero": bool(value - half <= 0 <= value + half)})
    return pd.DataFrame(rows, columns=["seeds", "difference", "from", "to", "holds zero"])


# --- take-off -----------------------------------------------------------------------------------------------------


def take_off(history: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return, per ``arm`` and ``seed`` of a training history (columns ``arm``, ``seed``, ``epoch`` from 1, ``focal``), the
    ``epoch`` at which the loss first falls below ``threshold`` and whether it did (``started``); else the last epoch."""
    rows = []
    for (arm, seed), part in history.sort_values("epoch").groupby(["arm", "seed"]):
        below = part[part.focal < threshold]
        epoch = int((below if len(below) else part).epoch.iloc[0 if len(below) else -1])
        rows.append({"arm": arm, "seed": seed, "epoch": epoch, "started": bool(len(below))})
    return pd.DataFrame(rows, columns=["arm", "seed", "epoch", "started"])


def not_started(starts: pd.DataFrame) -> pd.DataFrame:
    """Return the survival curve of every arm (Kaplan and Meier): the share of runs that have ``not started`` after each
    ``epoch`` at which one did, with the runs ``at risk``."""
    rows = []
    for arm, part in starts.groupby("arm"):
        share = 1.0
        rows.append({"arm": arm, "epoch": 0, "at risk": len(part), "not started": share})
        for epoch in sorted(part.epoch[part.started].unique()):
            risk, events = int((part.epoch >= epoch).sum()), int(((part.epoch == epoch) & part.started).sum())
            share *= 1 - events / risk
            rows.append({"arm": arm, "epoch": int(epoch), "at risk": risk, "not started": share})
    return pd.DataFrame(rows, columns=["arm", "epoch", "at risk", "not started"])


def log_rank(starts: pd.DataFrame, pair: Pair) -> float:
    """Return the p-value of the log-rank test between two arms' take-offs."""
    sides = []
    for arm in pair:
        part = starts[starts.arm == arm]
        sides.append(
            stats.CensoredData(
                uncensored=part.epoch[part.started].to_numpy(float),
                right=part.epoch[~part.started].to_numpy(float),
            )
        )
    if not starts[starts.arm.isin(pair)].started.any():
        return 1.0  # nobody has started: nothing differs
    return float(stats.logrank(*sides).pvalue)
