"""How far do trainings lie apart that differ in nothing but their seed?

    python benchmarks/seed_spread.py [--profile demo] [--set training.epochs=3] [--seeds 0 1 2 3 4]
    python benchmarks/seed_spread.py --variants full --name demo_seeds

Trains the full network and each variant of Table V once per seed, on the prepared clips of a profile that has run
(``amdd run --only 01``), and tests each on the same clips. Trainings that the ablations made already are taken as
they are, an interrupted one goes on where it stopped; on a CPU they run side by side. Writes, for each measure, the value
of every seed, their mean and range, and the difference of full and variant, paired by seed, with Student's 95 % interval,
to ``benchmarks/results/seed_spread.json``; the chapter 'Ablations' reads it. The second form trains the full network
alone; the chapter 'In-domain results' reads its file. About ten minutes a training of the profile ``demo`` on one core.
"""

from __future__ import annotations

import argparse
import json
import math
import sys

import numpy as np
from scipy import stats

from amdd.analysis.predict import metrics, predict
from amdd.base.paths import PROJECT, Workspace, write_text
from amdd.data.prepare import open_prepared
from amdd.profiles import load_profile
from amdd.training import VARIANTS, Training, train_all
from amdd.training.runs import load_run

MEASURES = {
    "auc": "auc",
    "balanced_accuracy": "balanced_accuracy",
    "attribution": "attribution_fakes",
    "named": "attribution_generators",
}


def mean_interval(values: np.ndarray) -> dict[str, float]:
    """Mean, and Student's 95 % interval of the mean over seeds."""
    mean, record = float(values.mean()), {}
    if len(values) > 1:
        half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
        record = {"low": round(mean - half, 4), "high": round(mean + half, 4)}
    return {"value": round(mean, 4), **record, "seeds": len(values)}


def numbers_of(found: dict[str, dict[str, list[float]]], seeds: int, clips: int) -> dict[str, dict]:
    """What the book quotes: per variant and measure the mean over seeds, its range, and the gap to the full network."""
    numbers = {"seeds": {"value": seeds}, "clips": {"value": clips}}
    for variant, measures in found.items():
        for measure, values in measures.items():
            mean, least, most = (round(float(f(values)), 4) for f in (np.mean, min, max))
            numbers[f"{variant}.{measure}"] = {"value": mean, "least": least, "most": most, "seeds": seeds}
            numbers[f"{variant}.{measure}.least"] = {"value": least}
            numbers[f"{variant}.{measure}.most"] = {"value": most}
            if variant != "full":
                numbers[f"{variant}.{measure}.gap"] = mean_interval(
                    np.subtract(found["full"][measure], values)
                )
        # Half right to the last digit: every clip fell on the same side of the threshold.
        stuck = sum(value == 0.5 for value in measures["balanced_accuracy"])
        numbers[f"{variant}.at_chance"] = {"value": stuck}
    return numbers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--name", default="seed_spread", help="of the file below benchmarks/results")
    options = parser.parse_args()
    profile = load_profile(options.profile, options.set)
    workspace = Workspace.of(profile.name)
    corpus = profile.corpus.train
    folder = workspace.prepared / corpus
    if not folder.is_dir():
        print(
            f"{folder} is missing; run `amdd run --profile {profile.name} --only 01` first", file=sys.stderr
        )
        return 1
    prepared = open_prepared(folder)
    part = prepared.manifest.split == "test"
    at_a_time = 2 if len(options.variants) == 1 else 1
    found: dict[str, dict[str, list[float]]] = {v: {m: [] for m in MEASURES} for v in options.variants}
    for done, seed in enumerate(options.seeds, 1):
        if (done - 1) % at_a_time == 0:  # some seeds at a time, so that the study can be stopped
            seeds = options.seeds[done - 1 :][:at_a_time]
            train_all(
                [
                    Training(profile, prepared, workspace.runs / f"{v}-seed{s}", s, v)
                    for s in seeds
                    for v in options.variants
                ]
            )
        for variant in options.variants:
            run = load_run(workspace.runs / f"{variant}-seed{seed}")
            table = metrics(predict(run, prepared, part), profile.evaluation.threshold, intervals=False)
            for measure, row in MEASURES.items():
                found[variant][measure].append(round(float(table.loc[row, "value"]), 4))
            print(variant, seed, {m: v[-1] for m, v in found[variant].items()}, flush=True)
        numbers = numbers_of(found, done, int(part.sum()))
        numbers["people"] = {"value": int(prepared.manifest[part].identity.nunique())}
        record = {
            "profile": profile.name,
            "set": options.set,
            "corpus": corpus,
            "seeds": options.seeds[:done],
        }
        record |= {"numbers": numbers, "by_seed": found}
        write_text(
            PROJECT / "benchmarks" / "results" / f"{options.name}.json", json.dumps(record, indent=1) + "\n"
        )
    for key, value in numbers.items():
        print(f"{key:48s} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
