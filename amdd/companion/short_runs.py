"""Short trainings of the studies beyond the paper, each made once for every seed of ``evaluation.study_seeds``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from amdd.companion.notebook import Notebook
from amdd.profiles import Profile

if TYPE_CHECKING:
    from amdd.data.prepare import ClipStore
    from amdd.training.runs import Run


def short_profile(nb: Notebook) -> Profile:
    """Return the chapter's profile with the epochs of a short training."""
    return replace(nb.profile, training=replace(nb.profile.training, epochs=nb.evaluation.study_epochs))


def short_note(nb: Notebook, table: pd.DataFrame | None = None, what: str = "test clips") -> str:
    """Return the end of a caption: corpus, clips, seeds, profile and epochs."""
    return f"{nb.note(table, what, nb.evaluation.study_seeds)} {nb.evaluation.study_epochs} epochs."


def train_seeds(nb: Notebook, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Run]]:
    """Train each of ``wanted`` (as for :meth:`Notebook.train_all`, by name) briefly, once for each seed.

    Returns the runs by name, in the order of the seeds; what is finished is loaded.
    """
    seeds = nb.evaluation.study_seeds
    jobs = [{"profile": short_profile(nb), **one, "seed": seed} for one in wanted.values() for seed in seeds]
    runs = iter(nb.train_all(jobs))
    return {name: [next(runs) for _ in seeds] for name in wanted}


def predict_seeds(
    nb: Notebook, runs: Sequence[Run], clips: ClipStore, rows: Any = None
) -> list[pd.DataFrame]:
    """Return the predictions of each run for the clips ``rows``, by default for the test clips."""
    return [nb.predict(run, clips, rows) for run in runs]
