"""Command that measures imported predictions beside ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from amdd.commands.common import Profiled


@dataclass
class Score(Profiled):
    """Measure predictions of any detector beside ours: same clips, metrics and intervals, with coverage."""

    files: Annotated[list[Path], tyro.conf.arg(name="import")] = field(default_factory=list)
    """CSV files with the columns clip_id, score (probability of fake; empty where the detector failed) and, if it names
    generators, attribution"""
    corpus: str = ""
    """the corpus that was scored; default: the training corpus"""
    predictions: Path | None = None
    """our predictions (.parquet); default: those of the profile's full run, as `amdd run --only 03` left them"""
    out: Path | None = None
    """write the table as CSV"""

    def do(self) -> int:
        import pandas as pd

        from amdd.analysis.imported import beside, match, read_predictions
        from amdd.base.paths import Workspace, atomic

        profile = self.load()
        if not self.files:
            raise ValueError("no predictions given; name a file by --import predictions.csv")
        run = Workspace.of(profile.name).run("full", profile.evaluation.seeds[0])
        path = self.predictions or run / "predictions" / f"{self.corpus or profile.corpus.train}.parquet"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: no such predictions; `amdd run --profile {profile.name} --only 03` writes those of the "
                "training corpus, `--only 05` those of the others"
            )
        ours, theirs = pd.read_parquet(path), {}
        for file in self.files:
            name = file.stem if file.stem not in theirs else str(file)
            theirs[name] = found = match(read_predictions(file), ours)
            counts = ", ".join(f"{v} {k}" for k, v in found.coverage.items())
            print(f"{file.name}: {counts}, {len(found.unknown)} unknown clips ignored")
        table = beside(ours, theirs, profile.evaluation.threshold, profile.evaluation.confidence)
        print("\n" + table.round(3).to_string(index=False))
        if self.out:
            with atomic(self.out) as temporary:
                table.to_csv(temporary, index=False)
        return 0
