"""Trainings with one generator left out, and with doses of attribution (protocol: ``book/studies/leave-one-out.yml``)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from amdd.data.prepare import Prepared
from amdd.profiles import Profile
from amdd.training.frozen import FOLDER, share_maps
from amdd.training.study import arm_profile, finished, side_by_side

NOT_TRAINED_ON = 6  # one person in so many


class Condition(Protocol):
    """One kind of training: its ``name``, the ``generators`` that it has, its ``arm`` of the study, and the weight of the
    attribution loss (None: the recipe's)."""

    @property
    def name(self) -> str: ...

    @property
    def generators(self) -> tuple[str, ...]: ...

    @property
    def arm(self) -> str: ...

    @property
    def weight(self) -> float | None: ...


def part_of(clips: Prepared, generators: tuple[str, ...]) -> Prepared:
    """Return ``clips`` with those of the given ``generators`` and the reals in the splits ``train`` and ``val``, the others in
    none. Validation has one person in six; nothing is chosen on it."""
    table = clips.manifest.copy()
    people = sorted(table["identity"].astype(str).unique())
    held = set(people[::NOT_TRAINED_ON])
    split = np.where(table["identity"].astype(str).isin(held), "val", "train")
    table["split"] = np.where(table["generator"].isin([*generators, "real"]), split, "")
    return dataclasses.replace(clips, manifest=table, _maps={})


def settings_of(profile: Profile, condition: Condition, clips: Prepared, steps: int) -> Profile:
    """Return ``profile`` with the arm, the weight and the epochs of a training on ``clips``: as many as come nearest to
    ``steps``."""
    own = arm_profile(profile, condition.arm)
    per_epoch = max(1, int((clips.manifest["split"] == "train").sum()) // own.training.batch_size)
    loss = own.training.loss
    if condition.weight is not None:
        loss = dataclasses.replace(loss, attribution=condition.weight)
    epochs = max(1, round(steps / per_epoch))
    return dataclasses.replace(own, training=dataclasses.replace(own.training, loss=loss, epochs=epochs))


def run_left_out(
    profile: Profile,
    conditions: Sequence[Condition],
    steps: int,
    seeds: int,
    clips: Prepared,
    test: Prepared,
    root: Path,
    workers: int = 2,
    keep_weights: bool = False,
) -> None:
    """Make the trainings ``conditions``, of about ``steps`` steps, for the first ``seeds`` seeds, ``workers`` at a time, those
    of a seed together; what is finished is skipped, what was interrupted is resumed."""
    share_maps(profile, clips, root / FOLDER, whole=True)
    jobs = []
    for seed in range(seeds):
        for condition in conditions:
            part = part_of(clips, condition.generators)
            jobs.append((settings_of(profile, condition, part, steps), condition.name, seed, part))
    done = sum(finished(root, name, seed) for _, name, seed, _ in jobs)
    side_by_side(jobs, {"test": test}, root, workers, keep_weights, done)
