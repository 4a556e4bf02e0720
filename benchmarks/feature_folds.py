"""Does a setting make the demo name more generators, among people who are not its test people?

    python benchmarks/feature_folds.py --compare "training.epochs=24" "model.visual_levels= model.feature_dropout=0"

People of the training and validation clips of a profile that has run (``amdd run --only 01``) are cut into folds; the full
network is trained on all but one fold and scored on that one, in turn, by the profile as it is and by each comparison, a
list of settings on top of it. No test clip takes part. A fake is left out of training where its donor is in the fold that
is scored, or its identity is. The last epoch counts: nothing is chosen on the fold. Trainings run side by side on a CPU, and an
interrupted one goes on where it stopped: about fifteen minutes of two cores for each setting with the profile ``demo``. Writes
AUC and the share of fakes named among the generators, over all folds together, with intervals over people, to
``benchmarks/results/feature_folds.json``, as ``auc.0`` and ``named.0`` for the profile as it is, ``auc.1`` and so on for the
comparisons in order.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

import numpy as np
import pandas as pd

from amdd.analysis.predict import metrics, predict
from amdd.base.machine import one_thread
from amdd.base.paths import MEASURED, Workspace, write_text
from amdd.data.prepare import Prepared, open_prepared
from amdd.profiles import Profile, load_profile
from amdd.training import Training, train_all
from amdd.training.frozen import FOLDER, share_maps

MEASURES = {"auc": "auc", "named": "attribution_generators"}


def folds_of(table: pd.DataFrame, count: int, seed: int) -> list[np.ndarray]:
    """Return the split of each clip for every fold: those of its people are ``val``, those of others ``train``, unless a donor
    is among the fold's people; the rest takes no part."""
    inside = table.split.isin(["train", "val"]).to_numpy()
    people = np.array(sorted(set(table.identity[inside])))
    fold = dict(zip(np.random.default_rng(seed).permutation(people), np.arange(len(people)) % count))
    own, donor = table.identity.map(fold).fillna(-1).to_numpy(), table.donor.map(fold).fillna(-1).to_numpy()
    splits = []
    for k in range(count):
        split = np.full(len(table), "none", dtype=object)
        split[inside & (own != k) & (donor != k)] = "train"
        split[inside & (own == k)] = "val"
        splits.append(split)
    return splits


def trainings_of(
    profile: Profile, prepared: Prepared, workspace: Workspace, name: str, options
) -> list[Training]:
    splits = folds_of(prepared.manifest, options.folds, options.seed)
    return [
        Training(
            profile,
            dataclasses.replace(prepared, manifest=prepared.manifest.assign(split=split)),
            workspace.runs / f"{name}-fold{k}",
            options.seed,
        )
        for k, split in enumerate(splits)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--compare", nargs="*", default=[], help="settings, several of them in one string")
    parser.add_argument("--set", nargs="*", default=[], help="settings of all")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    base = load_profile(options.profile, ["training.selection=last", *options.set])
    workspace = Workspace.of(base.name)
    folder = workspace.prepared / base.corpus.train
    if not folder.is_dir():
        print(f"{folder} is missing; run `amdd run --profile {base.name} --only 01` first", file=sys.stderr)
        return 1
    prepared = open_prepared(folder)
    numbers: dict[str, dict] = {}
    compared = ["", *options.compare]
    for number, changes in enumerate(compared):
        profile = load_profile(options.profile, ["training.selection=last", *options.set, *changes.split()])
        trainings = trainings_of(profile, prepared, workspace, f"folds{number}", options)
        share_maps(profile, prepared, workspace.runs / FOLDER, whole=True)
        with one_thread():
            runs = train_all(trainings)
        parts = [
            predict(run, one.clips, (one.clips.manifest.split == "val").to_numpy())
            for run, one in zip(runs, trainings)
        ]
        table = metrics(pd.concat(parts, ignore_index=True), profile.evaluation.threshold)
        for key, row in MEASURES.items():
            ends = {k: round(float(table.loc[row, k]), 4) for k in ("value", "low", "high")}
            numbers[f"{key}.{number}"] = ends | {k: int(table.loc[row, k]) for k in ("n", "people")}
        print(changes or "as it is", {k: numbers[f"{k}.{number}"] for k in MEASURES}, flush=True)
        record = {"profile": base.name, "set": options.set, "folds": options.folds, "seed": options.seed}
        record |= {"compared": compared[: number + 1], "numbers": numbers}
        write_text(MEASURED / "feature_folds.json", json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
