"""What do the values that the paper leaves open matter?

    python benchmarks/open_choices.py [--profile demo] [--seed 0] [--only "tokens" "learning rate x 3"]

Trains the full network once for each choice (:mod:`amdd.analysis.choices`), at the profile's full length, on the prepared clips
of a profile that has run (``amdd run --only 01``), and looks at the *validation* clips; the test clips are left alone.
An interrupted study goes on where it stopped. Writes ``benchmarks/results/open_choices.json``; the chapter 'Open
choices' reads it. About two minutes a choice with the profile ``demo`` on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys

from amdd.analysis.choices import DEFAULT, changes, chosen, slug
from amdd.analysis.predict import metrics, predict
from amdd.base.paths import MEASURED, Workspace, write_text
from amdd.data.prepare import open_prepared
from amdd.profiles import load_profile
from amdd.training import train


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", nargs="*", default=[], help="train these alone, keep what is known of the others"
    )
    options = parser.parse_args()
    profile = load_profile(options.profile, options.set)
    workspace, corpus, e = Workspace.of(profile.name), profile.corpus.train, profile.evaluation
    folder = workspace.prepared / corpus
    if not folder.is_dir():
        print(
            f"{folder} is missing; run `amdd run --profile {profile.name} --only 01` first", file=sys.stderr
        )
        return 1
    prepared = open_prepared(folder)
    validation = prepared.manifest.split == "val"
    rows = []
    for name in options.only or changes(profile):
        settings, clips = chosen(profile, prepared, name)
        place = "full" if name == DEFAULT else f"choice-full-{slug(name)}"
        run = train(settings, clips, workspace.runs / f"{place}-seed{options.seed}", options.seed)
        told = predict(run, clips, validation)
        found = metrics(told, e.threshold, e.confidence)
        rows.append(
            {
                "choice": name,
                "n": len(told),
                "AUC": round(float(found.loc["auc", "value"]), 4),
                "from": round(float(found.loc["auc", "low"]), 4),
                "to": round(float(found.loc["auc", "high"]), 4),
                "attribution": round(float(found.loc["attribution_fakes", "value"]), 4),
                "among generators": round(float(found.loc["attribution_generators", "value"]), 4),
                "best epoch": int(run.record["best_epoch"]),
            }
        )
        print(rows[-1], flush=True)
        record = {
            "profile": profile.name,
            "set": options.set,
            "corpus": corpus,
            "seed": options.seed,
            "epochs": profile.training.epochs,
            "choices": rows,
            "numbers": {"clips": {"value": int(validation.sum())}, "choices": {"value": len(rows) - 1}},
        }
        write_text(MEASURED / "open_choices.json", json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
