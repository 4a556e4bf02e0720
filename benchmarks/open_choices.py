"""What do the values that the paper leaves open matter?

    python benchmarks/open_choices.py [--profile demo] [--set training.epochs=12] [--seeds 0 1 2] [--only "tokens"]

Trains the full network once for each choice (:mod:`amdd.analysis.choices`) and seed, on the prepared clips of a profile that has
run (``amdd run --only 01``), and looks at the *validation* clips; the test clips are left alone. Trainings run side by
side on a CPU, and an interrupted study goes on where it stopped. Writes ``benchmarks/results/open_choices.json``; the
chapter 'Open choices' reads it. About two and a half minutes of a core for each training of twelve epochs with the profile
``demo``.
"""

from __future__ import annotations

import argparse
import json
import sys

import pandas as pd

from amdd import stats
from amdd.analysis.choices import DEFAULT, changes, chosen, slug
from amdd.analysis.over_seeds import seeds_table
from amdd.analysis.predict import predict
from amdd.analysis.tables import differences
from amdd.base.paths import MEASURED, Workspace, write_text
from amdd.data.prepare import open_prepared
from amdd.profiles import load_profile
from amdd.training import Training, train_all

METRICS = ("brier_skill", "attribution_fakes", "attribution_generators")


def records(table: pd.DataFrame) -> list[dict]:
    """Rows of ``table`` with four digits, None for what is no number."""
    return json.loads(table.round(4).to_json(orient="records"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--only", nargs="*", default=[], help="these choices alone, beside the default")
    options = parser.parse_args()
    profile = load_profile(options.profile, options.set)
    workspace, corpus, e = Workspace.of(profile.name), profile.corpus.train, profile.evaluation
    folder = workspace.prepared / corpus
    if not folder.is_dir():
        print(
            f"{folder} is missing; run `amdd run --profile {profile.name} --only 01` first", file=sys.stderr
        )
        return 1
    prepared, seeds = open_prepared(folder), options.seeds
    validation = prepared.manifest.split == "val"
    names = [DEFAULT, *(name for name in options.only or changes(profile) if name != DEFAULT)]
    if len(names) == 1:
        parser.error(f"--only {DEFAULT!r} compares nothing; name one of: {', '.join(changes(profile))}")
    arms = {name: chosen(profile, prepared, name) for name in names}
    epochs = profile.training.epochs
    jobs = [
        Training(settings, clips, workspace.runs / f"choice-{epochs}-{slug(name)}-seed{seed}", seed)
        for name, (settings, clips) in arms.items()
        for seed in seeds
    ]
    runs = iter(train_all(jobs))
    told = {
        name: [predict(next(runs), clips, validation) for _ in seeds] for name, (_, clips) in arms.items()
    }
    gains = {
        name: stats.paired_over_seeds(told[name], told[DEFAULT], "auc", e.threshold, e.confidence)
        for name in names
        if name != DEFAULT
    }
    largest = max(gains.values(), key=lambda gain: abs(gain.value))
    record = {
        "profile": profile.name,
        "set": options.set,
        "corpus": corpus,
        "seeds": ", ".join(map(str, seeds)),
        "choices": records(seeds_table(told, "choice", seeds, e, METRICS)),
        "gains": records(differences(gains, "AUC, choice - default")),
        "numbers": {
            "clips": {"value": int(validation.sum())},
            "choices": {"value": len(gains)},
            "epochs": {"value": epochs},
            "seeds": {"value": len(seeds)},
            "distinguished": {"value": sum(gain.excludes_zero for gain in gains.values())},
            "largest": {
                k: round(v, 4)
                for k, v in vars(largest).items()
                if k in ("value", "low", "high") and v is not None
            }
            | {"seeds": len(seeds)},
        },
    }
    write_text(MEASURED / "open_choices.json", json.dumps(record, indent=1) + "\n")
    print(pd.DataFrame(record["choices"]).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
