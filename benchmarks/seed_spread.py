"""How far do trainings lie apart that differ in nothing but their seed?

    python benchmarks/seed_spread.py --study attribution-frozen
    python benchmarks/seed_spread.py [--profile demo] [--set training.epochs=3] [--seeds 0 1 2 3 4]
    python benchmarks/seed_spread.py --variants full --name demo_seeds

The first form trains nothing: it reads the predictions of a study that ships (``book/studies/``) for the full network and each
variant of Table V, for the seeds that all of them have, on the test clips of the training generators.

The second trains the full network and each variant of Table V once per seed, on the prepared clips of a profile that has run
(``amdd run --only 01``), and tests each on the same clips. Trainings that the ablations made already are taken as
they are, an interrupted one goes on where it stopped; on a CPU they run side by side. Writes, for each measure, the value
of every seed, their mean and range, and the difference of full and variant, paired by seed, with Student's 95 % interval,
to ``benchmarks/results/seed_spread.json``; the chapter 'Ablations' reads it. The third form trains the full network
alone; the chapter 'In-domain results' reads its file. About ten minutes a training of the profile ``demo`` on one core.
"""

from __future__ import annotations

import argparse
import json
import math
import sys

import numpy as np
import pandas as pd
from scipy import stats

from amdd.analysis.predict import metrics, predict
from amdd.analysis.study import test_part
from amdd.analysis.study_tables import shipped
from amdd.base.machine import one_thread
from amdd.base.paths import MEASURED, Workspace, write_text
from amdd.data.prepare import open_prepared
from amdd.profiles import load_profile
from amdd.stats import auc, balanced_accuracy
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


def of_study(name: str) -> tuple[dict[str, dict[str, list[float]]], list[int], pd.DataFrame]:
    """Measures of the variants in a shipped study by seed, the seeds, and the clips of one training."""
    data = shipped(name)
    table = test_part(data.predictions)
    table = table[~table.generator.isin(data.protocol.test.unseen)]
    arms = {v: "none" if v == "without_attribution" else v for v in VARIANTS}
    held = [set(table.seed[table.arm == arm]) for arm in arms.values()]
    seeds = sorted(set.intersection(*held))
    found: dict[str, dict[str, list[float]]] = {v: {m: [] for m in MEASURES} for v in arms}
    for variant, arm in arms.items():
        for seed in seeds:
            part = table[(table.arm == arm) & (table.seed == seed)]
            fakes = part[part.label == 1]
            values = {
                "auc": auc(part.label.to_numpy(), part.score.to_numpy()),
                "balanced_accuracy": balanced_accuracy(part.label.to_numpy(), part.score.to_numpy() >= 0),
                "attribution": float((fakes.named == fakes.generator).mean()),
                "named": float((fakes.naming == fakes.generator).mean()),
            }
            for measure, value in values.items():
                found[variant][measure].append(round(value, 4))
    return found, [int(s) for s in seeds], part


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--name", default="seed_spread", help="of the file below benchmarks/results")
    parser.add_argument("--study", default="", help="a study that ships, instead of trainings")
    options = parser.parse_args()
    if options.study:
        found, seeds, clips = of_study(options.study)
        numbers = numbers_of(found, len(seeds), len(clips))
        numbers["people"] = {"value": int(clips.people.nunique())}
        write(
            options.name,
            {"source": f"study {options.study}", "corpus": "puppet-unseen", "seeds": seeds},
            numbers,
            found,
        )
        return 0
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
            with one_thread():  # one left over would take all threads, and end with other digits
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
            "source": f"profile {profile.name}",
            "set": options.set,
            "corpus": corpus,
            "seeds": options.seeds[:done],
        }
        write(options.name, record, numbers, found)
    return 0


def write(name: str, record: dict, numbers: dict[str, dict], found: dict) -> None:
    """Write the file of the book and print its numbers."""
    record |= {"numbers": numbers, "by_seed": found}
    write_text(MEASURED / f"{name}.json", json.dumps(record, indent=1) + "\n")
    for key, value in numbers.items():
        print(f"{key:48s} {value}")


if __name__ == "__main__":
    sys.exit(main())
