"""One generator left out of training, and the dose of attribution: the report from a table of predictions.

Nothing here trains or needs torch. The table has the columns of :data:`amdd.analysis.study.COLUMNS` and ``naming`` and
``certainty``: the attribution head's class among the generators of training, and its probability there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from amdd.analysis.protocol import LeftOutProtocol, dose_name, left_out_name
from amdd.analysis.study import decision, test_part
from amdd.stats import Estimate, auc, two_way


@dataclass(frozen=True)
class OneSeed:
    """The test predictions of the trainings with one seed: clips (n,) with their ``generator`` ("real" among them) and
    ``people``, and by training the ``score``, the ``certainty`` and whether the generator is named ``right``, each (n,)."""

    generator: np.ndarray
    people: np.ndarray
    score: Mapping[str, np.ndarray]
    certainty: Mapping[str, np.ndarray]
    right: Mapping[str, np.ndarray]

    def without(self, one: str) -> OneSeed:
        """Return the clips in which that person has no part."""
        keep = self.people != one
        parts = ({k: v[keep] for k, v in m.items()} for m in (self.score, self.certainty, self.right))
        return OneSeed(self.generator[keep], self.people[keep], *parts)

    def auc(self, name: str, generator: str) -> float:
        """Return the AUC of a generator's fakes against all reals in the training ``name``."""
        fake = self.generator == generator
        kept = fake | (self.generator == "real")
        return auc(fake[kept], self.score[name][kept])

    def mean_auc(self, name: str, generators: Iterable[str]) -> float:
        """Return the mean of :meth:`auc` over ``generators``."""
        return float(np.mean([self.auc(name, g) for g in generators]))

    def named(self, name: str, generators: Iterable[str]) -> float:
        """Return the share of the fakes of ``generators`` that the training names right among its own."""
        return float(self.right[name][np.isin(self.generator, list(generators))].mean())


Measure = Callable[[OneSeed], float]


def by_seed(table: pd.DataFrame, names: Iterable[str]) -> dict[int, OneSeed]:
    """Return the test predictions of the trainings ``names`` for the seeds that all of them have. Raises ``ValueError`` where
    they are not of the same clips, or a score is no number."""
    wanted, found = list(names), {}
    kept = test_part(table)
    kept = kept[kept.arm.isin(wanted)].assign(right=lambda t: t.naming.astype(str) == t.generator.astype(str))
    for seed, part in kept.groupby("seed"):
        if set(part.arm) != set(wanted):
            continue
        columns = {
            c: part.pivot(index="clip", columns="arm", values=c) for c in ("score", "certainty", "right")
        }
        if not np.isfinite(columns["score"].to_numpy(float)).all():
            raise ValueError(f"seed {seed}: not every training has a score for every clip")
        clips = part.drop_duplicates("clip").set_index("clip").loc[columns["score"].index]
        parts = ({k: v[k].to_numpy() for k in v} for v in columns.values())
        generator, people = (clips[c].astype(str).to_numpy() for c in ("generator", "people"))
        found[int(seed)] = OneSeed(generator, people, *parts)
    return found


def over_seeds_and_people(seeds: Mapping[int, OneSeed], measure: Measure) -> Estimate:
    """Return the mean over ``seeds`` of ``measure`` with its interval over seeds and people (:func:`amdd.stats.two_way`)."""
    if not seeds:
        return Estimate(float("nan"))
    first = next(iter(seeds.values()))
    people = np.unique(first.people)
    values = np.array([measure(one) for one in seeds.values()])
    without = np.array([[measure(one.without(p)) for p in people] for one in seeds.values()])
    return two_way(values, without, n=len(first.people))


def left_out_outcomes(table: pd.DataFrame, protocol: LeftOutProtocol) -> pd.DataFrame:
    """Return one row for each training with a generator left out: ``arm``, ``left out``, ``seed``, ``AUC`` on that generator,
    ``known`` (mean AUC on the others), and ``named``, the share of their fakes that are named right among them."""
    rows = []
    for left in protocol.pool:
        others = [g for g in protocol.pool if g != left]
        for arm in protocol.leave_one_out.arms:
            name = left_out_name(arm, left)
            for seed, one in by_seed(table, [name]).items():
                row = {"arm": arm, "left out": left, "seed": seed, "AUC": one.auc(name, left)}
                row |= {"known": one.mean_auc(name, others), "named": one.named(name, others)}
                rows.append(row)
    return pd.DataFrame(rows, columns=["arm", "left out", "seed", "AUC", "known", "named"])


def left_out_contrast(table: pd.DataFrame, protocol: LeftOutProtocol) -> tuple[Estimate, str]:
    """Return the protocol's contrast, mean over the left-out generators, and the decision; which is that the study is not
    finished while seeds are missing."""
    first, second = protocol.contrast
    names = [left_out_name(arm, g) for arm in protocol.contrast for g in protocol.pool]

    def gap(one: OneSeed) -> float:
        high, low = ([one.auc(left_out_name(arm, g), g) for g in protocol.pool] for arm in (first, second))
        return float(np.mean(high) - np.mean(low))

    seeds = by_seed(table, names)
    found = over_seeds_and_people(seeds, gap)
    if len(seeds) < protocol.seeds:
        return found, f"not finished: {len(seeds)} of {protocol.seeds} seeds"
    said = decision(found, found, protocol.margin)
    return found, "helps" if said == "regularises" else said


def left_out_report(table: pd.DataFrame, protocol: LeftOutProtocol) -> tuple[pd.DataFrame, str]:
    """Return the contrast by left-out generator and over all of them (``difference``, ``from``, ``to``), and the decision."""
    found, said = left_out_contrast(table, protocol)
    rows = []
    for left in protocol.pool:
        high, low = (left_out_name(arm, left) for arm in protocol.contrast)

        def gap(one: OneSeed, high: str = high, low: str = low, left: str = left) -> float:
            return one.auc(high, left) - one.auc(low, left)

        rows.append((left, over_seeds_and_people(by_seed(table, [high, low]), gap)))
    rows.append(("mean over the left-out generators", found))
    columns = {"difference": "value", "from": "low", "to": "high", "seeds": "seeds", "people": "people"}
    return pd.DataFrame(
        [{"left out": name} | {k: getattr(e, v) for k, v in columns.items()} for name, e in rows]
    ), said


def dose_outcomes(table: pd.DataFrame, protocol: LeftOutProtocol) -> pd.DataFrame:
    """Return one row for each training of the dose: ``generators``, ``weight``, ``seed``, ``never`` (AUC on the generator
    that is never trained on), ``known`` (mean AUC on those of training) and ``named`` among them."""
    rows = []
    for number, known in protocol.dose.generators.items():
        for weight in protocol.dose.weights:
            name = dose_name(number, weight)
            for seed, one in by_seed(table, [name]).items():
                row = {"generators": number, "weight": weight, "seed": seed}
                row |= {"never": one.auc(name, protocol.never), "known": one.mean_auc(name, known)}
                rows.append(row | {"named": one.named(name, known)})
    return pd.DataFrame(rows, columns=["generators", "weight", "seed", "never", "known", "named"])


def dose_contrasts(table: pd.DataFrame, protocol: LeftOutProtocol) -> pd.DataFrame:
    """Return, for each number of generators, every weight minus the smallest in the AUC on the generator that is never trained
    on (``difference``, ``from``, ``to`` over seeds and people)."""
    base, rows = min(protocol.dose.weights), []
    for number in protocol.dose.generators:
        for weight in sorted(set(protocol.dose.weights) - {base}):
            high, low = dose_name(number, weight), dose_name(number, base)

            def gap(one: OneSeed, high: str = high, low: str = low) -> float:
                return one.auc(high, protocol.never) - one.auc(low, protocol.never)

            found = over_seeds_and_people(by_seed(table, [high, low]), gap)
            row = {"generators": number, "weights": f"{weight:g} - {base:g}", "difference": found.value}
            rows.append(row | {"from": found.low, "to": found.high, "seeds": found.seeds})
    return pd.DataFrame(rows)


def dose_gain(table: pd.DataFrame, protocol: LeftOutProtocol, weight: float = 0.3) -> Estimate:
    """Return the most generators in training minus the fewest, at one ``weight`` of the attribution loss, in the AUC on the
    generator that is never trained on. More generators bring more fakes as well."""
    most, fewest = (dose_name(pick(protocol.dose.generators), weight) for pick in (max, min))

    def gap(one: OneSeed) -> float:
        return one.auc(most, protocol.never) - one.auc(fewest, protocol.never)

    return over_seeds_and_people(by_seed(table, [most, fewest]), gap)


# --- unknown generators -------------------------------------------------------------------------------------------


def open_set_measures(
    known: np.ndarray, right: np.ndarray, unknown: np.ndarray, kept: float = 0.95
) -> dict[str, float]:
    """Return how far certainty tells known from unknown: ``AUROC``; ``FPR at 95 %``, the share of the unknown that pass where
    95 % of the known do; and ``OSCR`` (Dhamija et al. 2018), the area under the share of the known that pass *and* are named
    right against the share of the unknown that pass.

    ``known`` (n,) and ``unknown`` (m,) are certainties, ``right`` (n,) says which of the known are named right. NaN where a
    side is empty.
    """
    known, right, unknown = np.asarray(known, float), np.asarray(right, bool), np.asarray(unknown, float)
    if not len(known) or not len(unknown):
        return dict.fromkeys(("AUROC", "FPR at 95 %", "OSCR"), float("nan"))
    threshold = np.sort(known)[int(np.floor((1 - kept) * len(known)))]
    # How often a known clip passes where an unknown one does not; ties count half.
    wins = (np.sign(known[:, None] - unknown[None]) + 1) / 2
    return {
        "AUROC": float(wins.mean()),
        "FPR at 95 %": float((unknown >= threshold).mean()),
        "OSCR": float(wins[right].sum() / wins.size),
    }


def _unknown(one: OneSeed, protocol: LeftOutProtocol, arm: str, left: str) -> dict[str, float]:
    """The measures for one left-out generator and seed, and the controls."""

    def measures(name: str, known: list[str], unknown: str) -> dict[str, float]:
        own = np.isin(one.generator, known)
        sure, right = one.certainty[name], one.right[name]
        return open_set_measures(sure[own], right[own], sure[one.generator == unknown])

    others = [g for g in protocol.pool if g != left]
    row = measures(left_out_name(arm, left), others, left)
    row["reals"] = measures(left_out_name(arm, left), others, "real")["AUROC"]
    had = [
        measures(left_out_name(arm, other), [g for g in others if g != other], left)["AUROC"]
        for other in others
    ]
    return row | {"was known": float(np.mean(had))}


def unknown_table(table: pd.DataFrame, protocol: LeftOutProtocol, arm: str = "full") -> pd.DataFrame:
    """Return, for each left-out generator, the measures of :func:`open_set_measures` (means over seeds), and as controls the
    AUROC with ``reals`` in the place of its fakes, and with the same fakes where their generator ``was known``."""
    seeds, rows = by_seed(table, [left_out_name(arm, g) for g in protocol.pool]), []
    for left in protocol.pool if seeds else ():
        found = pd.DataFrame([_unknown(one, protocol, arm, left) for one in seeds.values()])
        rows.append({"left out": left, "seeds": len(found)} | found.mean().to_dict())
    columns = ["left out", "seeds", "AUROC", "was known", "reals", "FPR at 95 %", "OSCR"]
    return pd.DataFrame(rows, columns=columns)


def novelty(table: pd.DataFrame, protocol: LeftOutProtocol, arm: str = "full") -> tuple[Estimate, Estimate]:
    """Return the AUROC of :func:`unknown_table`, mean over the left-out generators, and what remains of it when that of the
    same fakes where their generator was known is subtracted; intervals over seeds and people."""
    seeds = by_seed(table, [left_out_name(arm, g) for g in protocol.pool])

    def mean(one: OneSeed, control: bool) -> float:
        found = [_unknown(one, protocol, arm, left) for left in protocol.pool]
        return float(np.mean([f["AUROC"] - control * f["was known"] for f in found]))

    plain = over_seeds_and_people(seeds, lambda one: mean(one, False))
    return plain, over_seeds_and_people(seeds, lambda one: mean(one, True))
