"""Several trainings of one chapter: side by side in processes on a CPU, one after the other on a GPU.

On two cores, two trainings with one thread each did 1.6 times the work of one with two threads (``benchmarks/training_step.py``
measures a step): a step's many small operations split badly.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import psutil
from joblib import Parallel, delayed, parallel_config

from amdd.base.machine import one_thread
from amdd.base.progress import follow
from amdd.data.prepare import ClipStore
from amdd.profiles import Profile
from amdd.training.frozen import FOLDER, share_maps
from amdd.training.loop import train
from amdd.training.runs import Run, choose_device

MEMORY = (
    3 << 30
)  # bytes that one training of the demo needs at most; a larger network is trained alone on less

WORTH_A_PROCESS = 20  # steps; to start one takes as long as some of them
FROZEN_STEP = 0.1  # of a step that trains the backbones


@dataclass(frozen=True)
class Training:
    """Arguments of :func:`amdd.training.train`."""

    profile: Profile
    clips: ClipStore
    folder: Path
    seed: int
    variant: str = "full"

    @property
    def steps(self) -> float:
        """Steps of the whole training, in those of backbones that are trained."""
        clips = int((self.clips.manifest["split"] == "train").sum())
        cost = FROZEN_STEP if self.profile.model.visual_frozen else 1
        return cost * self.profile.training.epochs * math.ceil(clips / self.profile.training.batch_size)

    def prepare(self) -> None:
        """Compute what several trainings share, the maps of frozen blocks, unless this one is finished."""
        if not (self.folder / "run.json").is_file():
            share_maps(self.profile, self.clips, self.folder.parent / FOLDER)

    def run(self, progress: bool = True) -> Run:
        """Train, or load what is finished."""
        return train(self.profile, self.clips, self.folder, self.seed, self.variant, progress)


def side_by_side(profile: Profile) -> int:
    """Return how many trainings of ``profile`` run at a time: one on a GPU or under ``torchrun``, else one a core as far as
    memory allows."""
    if choose_device(profile.training.device).type != "cpu" or "WORLD_SIZE" in os.environ:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, psutil.virtual_memory().total // MEMORY))


def train_all(trainings: Sequence[Training], workers: int | None = None) -> list[Run]:
    """Train what is not finished and return the runs in order.

    With ``workers`` of two or more (default: :func:`side_by_side`, or one where all are short) each training has a process
    and one thread. What was interrupted is resumed. Raises what a training raises, after those under way have ended.
    """
    if not trainings:
        return []
    if workers is None:
        long = max(one.steps for one in trainings) >= WORTH_A_PROCESS
        workers = side_by_side(trainings[0].profile) if long else 1
    workers = min(workers, len(trainings))
    if workers > 1:
        for one in trainings:
            one.prepare()
        with parallel_config(backend="loky", inner_max_num_threads=1):
            Parallel(n_jobs=workers)(delayed(_alone)(one) for one in trainings)
    return [one.run() for one in trainings]


def _alone(one: Training) -> None:
    follow()
    # Bars of several processes on one terminal overwrite each other; what they say is in the file of progress.
    with one_thread(), open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        one.run()
