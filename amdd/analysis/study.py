"""The study of attribution as a regulariser: its protocol, and its report from a table of predictions.

Nothing here trains or needs torch: the report is computed from shipped predictions with the columns of :data:`COLUMNS`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy import stats

from amdd.stats import Estimate, auc, clusters_of, holm, p_value, two_way, without_each

COLUMNS = ("arm", "seed", "clip", "people", "label", "generator", "score")
Pair = tuple[str, str]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Arm(_Part):
    """One arm: what it asks and the term in its attribution head."""

    asks: str
    term: str


class Contrasts(_Part):
    """Differences between arms: the primary one, the one that decides with it, and the others."""

    primary: Pair
    decisive: Pair
    secondary: list[Pair]


class TakeOff(_Part):
    """Training focal losses below which detection has started, and at which arms are compared at equal fit."""

    threshold: Annotated[float, Field(gt=0)]
    fit: Annotated[float, Field(gt=0)]


class TestSet(_Part):
    """The sealed test set."""

    corpus_seed: int | str
    people: Annotated[int, Field(ge=2)]
    reals: Annotated[int, Field(ge=1)]
    in_domain: dict[str, int]
    unseen: Annotated[list[str], Field(min_length=1)]
    fakes_each: Annotated[int, Field(ge=1)]
    reals_encoded: str
    windows: str


class Power(_Part):
    """Assumed standard deviations and the effect that they make detectable."""

    sd_over_seeds: Annotated[float, Field(gt=0)]
    sd_over_people: Annotated[float, Field(gt=0)]
    detectable: Annotated[float, Field(gt=0)]
    equivalence: str


class Protocol(_Part):
    """A study's protocol, fixed before its results."""

    name: str
    question: str
    definition: str
    arms: Annotated[dict[str, Arm], Field(min_length=2)]
    seeds: Annotated[int, Field(ge=2)]
    minor: dict[str, Any]
    training: dict[str, Any]
    test: TestSet
    outcome: dict[str, Any]
    contrasts: Contrasts
    margin: Share
    interval: str
    decision: dict[str, str]
    look: dict[str, Any]
    take_off: TakeOff
    control: str
    power: Power
    prediction: Annotated[str, Field(min_length=20)]

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        for pair in (self.contrasts.primary, self.contrasts.decisive, *self.contrasts.secondary):
            unknown = [arm for arm in pair if arm not in self.arms]
            if unknown or pair[0] == pair[1]:
                raise ValueError(f"contrast {' - '.join(pair)}: expected two of: {', '.join(self.arms)}")
        missing = {"regularises", "harms", "no_effect", "undecided"} - self.decision.keys()
        if missing:
            raise ValueError(f"decision lacks {', '.join(sorted(missing))}")
        return self


def load_protocol(path: str | Path) -> Protocol:
    """Return the protocol in a YAML file. Raises ``ValueError`` that names the file, the entry and what it lacks."""
    path = Path(path)
    try:
        return Protocol.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: not readable as YAML ({error})") from None
    except ValidationError as error:
        found = [f"{'.'.join(map(str, e['loc'])) or 'protocol'}: {e['msg']}" for e in error.errors()]
        raise ValueError(f"{path.name}: {'; '.join(found)}") from None


def expected_error(power: Power, seeds: int, people: int) -> float:
    """Return the standard error of a contrast that the protocol's assumptions give for ``seeds`` and ``people``."""
    return math.sqrt(power.sd_over_seeds**2 / seeds + power.sd_over_people**2 / people)


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


def contrast(
    table: pd.DataFrame, pair: Pair, generators: Sequence[str], confidence: float = 0.95
) -> Estimate:
    """Return the difference in :func:`macro_auc` between two arms, paired by seed and clip, with its interval over seeds and
    people. Raises ``ValueError`` as :func:`checked` does."""
    kept = checked(table, pair)
    clips = pd.Index(sorted(kept["clip"].unique()))
    values, without = [], []
    for _, runs in kept.groupby("seed"):
        one, two = (_columns(runs[runs.arm == arm], clips) for arm in pair)

        def gap(rows: np.ndarray, one: dict = one, two: dict = two) -> float:
            a, b = ({k: v[rows] for k, v in data.items()} for data in (one, two))
            return macro_auc(a, generators) - macro_auc(b, generators)

        values.append(gap(np.arange(len(clips))))
        without.append(without_each(gap, clusters_of(one["people"])))
    return two_way(np.array(values), np.array(without), confidence, n=len(clips))


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
    and the decision."""
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
        one, two = (_columns(kept[kept.seed == s], clips) for s in pair)

        def gap(rows: np.ndarray, one: dict = one, two: dict = two) -> float:
            a, b = ({k: v[rows] for k, v in data.items()} for data in (one, two))
            return macro_auc(a, generators) - macro_auc(b, generators)

        left = without_each(gap, clusters_of(one["people"]))
        people = len(left)
        values.append(gap(np.arange(len(clips))))
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
