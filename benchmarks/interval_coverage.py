"""How often do confidence intervals over a few people cover the truth?

    python benchmarks/interval_coverage.py [--sets 1000] [--seed 0]

Draws predictions whose true metrics are known, for 12, 24 and 60 people with the clips of the profile `demo` (2 or 3
reals and 3 or 4 fakes a person), and counts how often 95 % intervals contain the truth: the percentile bootstrap over
people, which this book used before, and the intervals of `amdd.stats`. Clips of a person are alike by the share `alike`
of the variance. Writes ``benchmarks/results/coverage.json`` after each setting, and skips the settings that are there.
Differences, which take longest, are drawn a fifth as often. About ten minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from amdd.base.paths import MEASURED, write_text
from amdd.stats import auc, balanced_accuracy, clusters_of, difference, jackknife, mean_of_shares, share

PEOPLE = (12, 24, 60)
ALIKE = (0.2, 0.6)
DRAWS = 1000
TRUTHS = {
    "AUC": (0.7, 0.9, 0.97, 0.99),
    "difference of AUC": (0.0, 0.08),
    "share": (0.5, 0.82, 0.95, 0.99),
    "balanced accuracy": (0.82, 0.97),
}


def clips_of(people: int) -> tuple[np.ndarray, np.ndarray]:
    """Return person (n,) and label (n,) of the clips: per person 2 or 3 reals and 3 or 4 fakes."""
    person, label = [], []
    for p in range(people):
        kinds = [0] * (2 + p % 3 // 2) + [1] * (3 + p % 2)
        person += [p] * len(kinds)
        label += kinds
    return np.array(person), np.array(label)


def scores(
    rng: np.random.Generator, person: np.ndarray, label: np.ndarray, distance: float, alike: float
) -> np.ndarray:
    """Return scores (n,) of unit variance within a class, classes ``distance`` apart; half of a person's effect is common
    to reals and fakes."""
    people = person.max() + 1
    common, own = rng.normal(size=people), rng.normal(size=(people, 2))
    effect = np.sqrt(alike / 2) * (common[person] + own[person, label])
    return distance * label + effect + np.sqrt(1 - alike) * rng.normal(size=len(person))


def weights(rng: np.random.Generator, people: int) -> np.ndarray:
    """Return how often each person is drawn in each of the bootstrap's resamples, (draws, people)."""
    return rng.multinomial(people, np.full(people, 1 / people), DRAWS).astype(float)


def percentile(values: np.ndarray) -> tuple[float, float]:
    """Return the central 95 % of the finite ``values``."""
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def resampled_auc(person: np.ndarray, label: np.ndarray, score: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the AUC of each resample of people, from the wins (people, people) of one's fakes over another's reals."""
    people, fake = drawn.shape[1], label == 1
    over = (score[fake][:, None] > score[~fake][None]).astype(float)
    belongs = np.eye(people)[person]
    wins = belongs[fake].T @ over @ belongs[~fake]
    pairs = (drawn @ belongs[fake].sum(0)) * (drawn @ belongs[~fake].sum(0))
    return np.einsum("bp,pq,bq->b", drawn, wins, drawn) / pairs


def resampled_share(
    person: np.ndarray, hits: np.ndarray, chosen: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """Return the share of hits among the clips ``chosen`` of each resample of people."""
    people = drawn.shape[1]
    return (drawn @ np.bincount(person, hits * chosen, people)) / (
        drawn @ np.bincount(person, chosen * 1.0, people)
    )


def one_set(
    rng: np.random.Generator, metric: str, truth: float, people: int, alike: float
) -> tuple[float, dict[str, tuple[float | None, float | None]]]:
    """Return the true value and both intervals on one drawn set of predictions."""
    person, label = clips_of(people)
    clusters, drawn, fake = clusters_of(person), weights(rng, people), label == 1
    if metric == "AUC":
        s = scores(rng, person, label, np.sqrt(2) * stats.norm.ppf(truth), alike)
        found = jackknife(lambda r: auc(label[r], s[r]), clusters, scale="logit")
        return truth, {
            "bootstrap": percentile(resampled_auc(person, label, s, drawn)),
            "ours": found.interval,
        }
    if metric == "difference of AUC":
        # Two models that share half of what they make of a clip; AUC 0.9 for the second.
        far = [np.sqrt(2) * stats.norm.ppf(a) for a in (0.9 + truth, 0.9)]
        common = scores(rng, person, label, 0.0, alike)
        a, b = ((common + scores(rng, person, label, 0.0, alike)) / np.sqrt(2) + d * label for d in far)
        tables = [
            pd.DataFrame({"clip_id": np.arange(len(x)).astype(str), "label": label, "score": x}).assign(
                identity=person.astype(str), generator="", attribution="", known=False
            )
            for x in (a, b)
        ]
        found = difference(*tables)
        draws = resampled_auc(person, label, a, drawn) - resampled_auc(person, label, b, drawn)
        return truth, {"bootstrap": percentile(draws), "ours": found.interval}
    s = scores(rng, person, label, 0.0, alike)
    hits = (s < stats.norm.ppf(truth)).astype(float)
    if metric == "share":
        found = share(hits[fake], person[fake])
        draws = resampled_share(person, hits, fake, drawn)
    else:
        found = mean_of_shares(hits, fake, person)
        draws = sum(resampled_share(person, hits, side, drawn) for side in (fake, ~fake)) / 2
        assert abs(found.value - balanced_accuracy(label, np.where(fake, hits, 1 - hits))) < 1e-12
    return truth, {"bootstrap": percentile(draws), "ours": found.interval}


def measure(metric: str, truth: float, people: int, alike: float, sets: int, seed: int) -> dict:
    """Return the coverage, the misses on either side and the mean width of both intervals over ``sets`` drawn sets."""
    key = [seed, list(TRUTHS).index(metric), round(1000 * truth), people, round(100 * alike)]
    rng = np.random.default_rng(key)
    if metric == "difference of AUC":  # a hundred times slower than a share
        sets = max(1, sets // 5)
    counts = {k: np.zeros(5) for k in ("bootstrap", "ours")}
    for _ in range(sets):
        value, both = one_set(rng, metric, truth, people, alike)
        for name, (low, high) in both.items():
            if low is None or high is None:
                counts[name][4] += 1
                continue
            inside = low <= value <= high
            counts[name] += [inside, low > value, high < value, high - low, 0]
    row = {"metric": metric, "truth": truth, "people": people, "alike": alike, "sets": sets}
    for name, (inside, above, below, width, none) in counts.items():
        shown = max(sets - none, 1)
        row[name] = {
            "coverage": round(float(inside / shown), 4),
            "above the truth": round(float(above) / shown, 4),
            "below the truth": round(float(below) / shown, 4),
            "width": round(float(width) / shown, 4),
            "without an interval": int(none),
        }
    return row


def numbers_of(rows: list[dict]) -> dict[str, dict]:
    """Return what the book quotes: the least, mean and greatest coverage of both intervals at each number of people."""
    numbers = {"sets": {"value": max(r["sets"] for r in rows)}, "settings": {"value": len(rows)}}
    for name in ("bootstrap", "ours"):
        for people in sorted({r["people"] for r in rows}):
            covered = [100 * r[name]["coverage"] for r in rows if r["people"] == people]
            for key, value in (("least", min(covered)), ("mean", np.mean(covered)), ("most", max(covered))):
                numbers[f"{name}.{people}.{key}"] = {"value": round(float(value), 1), "unit": "%"}
    return numbers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    path = MEASURED / "coverage.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    fits = known.get("seed") == options.seed and known.get("sets") == options.sets
    rows: list[dict] = known.get("rows", []) if fits else []
    done = {(r["metric"], r["truth"], r["people"], r["alike"]) for r in rows}
    plan = [(m, t, p, a) for m, truths in TRUTHS.items() for t in truths for p in PEOPLE for a in ALIKE]
    for entry in tqdm([e for e in plan if e not in done], unit="setting"):
        rows.append(measure(*entry, options.sets, options.seed))
        record = {"seed": options.seed, "sets": options.sets, "draws": DRAWS, "rows": rows}
        write_text(path, json.dumps(record | {"numbers": numbers_of(rows)}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
