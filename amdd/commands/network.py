"""Commands on the network: training, evaluation, parameters."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from amdd.commands.common import Profiled

# Imports inside the commands put off torch, pandas and the notebook packages, so that `amdd --help` is quick.


@dataclass
class Train(Profiled):
    """Train one variant on a prepared corpus; resumes where it was interrupted. Under torchrun, on many devices."""

    variant: str = "full"
    """full, without_attribution, without_fingerprint or without_contrastive"""
    seed: int = 0
    prepared: Path | None = None
    """folder of a prepared corpus; default: the profile's training corpus as `amdd run --only 01` left it"""
    out: Path | None = None

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.data.prepare import open_prepared
        from amdd.training import train

        profile = self.load()
        workspace = Workspace.of(self.profile)
        clips = open_prepared(self.prepared or workspace.prepared / profile.corpus.train)
        folder = self.out or workspace.runs / f"{self.variant}-seed{self.seed}"
        run = train(profile, clips, folder, self.seed, self.variant)
        if int(os.environ.get("RANK", 0)) > 0:
            return 0
        print(run.history.tail(1).T.to_string(header=False))
        print(f"epoch {run.record['best_epoch']} was selected; the run is in {folder}")
        return 0


@dataclass
class Evaluate:
    """Measure a finished run on the test clips of a prepared corpus, with intervals."""

    run: tyro.conf.Positional[Path]
    prepared: tyro.conf.Positional[Path]
    split: str = "test"
    any_preparation: bool = False
    """evaluate although the clips were prepared by other settings than the run's"""

    def do(self) -> int:
        from amdd.analysis.predict import metrics, per_generator, predict
        from amdd.data.prepare import open_prepared
        from amdd.training.runs import load_run

        run, clips = load_run(self.run), open_prepared(self.prepared)
        chosen = clips.manifest.split == self.split
        if not chosen.any():
            raise ValueError(
                f"{self.prepared.name} has no clips in the split {self.split!r}; "
                f"expected one of: {', '.join(sorted(clips.manifest.split.unique()))}"
            )
        found = predict(run, clips, chosen, any_preparation=self.any_preparation)
        settings = run.profile.evaluation
        print(f"{len(found)} clips, seed {run.seed}, variant {run.variant}\n")
        print(metrics(found, settings.threshold, settings.confidence).round(3).to_string())
        print(
            "\n"
            + per_generator(found, settings.threshold, settings.confidence).round(3).to_string(index=False)
        )
        return 0


@dataclass
class Model:
    """Print the parameter count of each component beside the paper's Table I."""

    action: tyro.conf.Positional[Literal["summary"]] = "summary"
    profile: str = "paper"

    def do(self) -> int:
        import dataclasses

        from amdd.model import AMDD, summary
        from amdd.profiles import load_profile

        settings = dataclasses.replace(load_profile(self.profile).model, weights="random")
        print(summary(AMDD(settings)).to_string(index=False))
        return 0
