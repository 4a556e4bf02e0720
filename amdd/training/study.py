"""Arms of the study "Is attribution a regulariser?", and one training of an arm from data to predictions.

An arm differs from the paper's objective in the settings that :data:`ARMS` lists; initialisation, batch order and
augmentation are functions of the seed alone and so the same in all arms (protocol: ``book/studies/attribution.yml``).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from amdd.base.hashing import hash_bytes
from amdd.base.machine import one_thread
from amdd.base.paths import atomic, write_text
from amdd.data.prepare import ClipStore
from amdd.profiles import Profile, as_dict, profile_from_dict
from amdd.training.frozen import FOLDER, maps_for, share_maps
from amdd.training.inference import scores_of
from amdd.training.loop import train
from amdd.training.runs import Run

LOSS = "training.loss."
ARMS: dict[str, dict[str, object]] = {
    "none": {LOSS + "attribution": 0.0},
    "full": {},
    "twin": {LOSS + "attribution_target": "binary"},
    "naming": {LOSS + "attribution_target": "generators"},
    "shuffled": {LOSS + "attribution_labels": "shuffled"},
    "detection": {LOSS + "attribution": 0.0, LOSS + "detection": 2.5},
}
# Of secondary interest. Binary cross-entropy is the focal loss with gamma 0 and alpha one half, which halves it.
BCE = {LOSS + "focal_gamma": 0.0, LOSS + "focal_alpha": 0.5, LOSS + "detection": 2.0}
MINOR: dict[str, dict[str, object]] = {
    "without_fingerprint": {LOSS + "fingerprint": 0.0},
    "without_contrastive": {LOSS + "contrastive": 0.0},
    "bce": BCE,
    "bce_without_attribution": BCE | {LOSS + "attribution": 0.0},
    "contrastive_on_reals": {LOSS + "contrastive_clips": "real"},
    "without_clipping": {"training.clip_norm": 1e6},
}


def arm_profile(profile: Profile, arm: str) -> Profile:
    """Return ``profile`` with the settings of ``arm``; raises ``ValueError`` for an unknown one."""
    known = ARMS | MINOR
    if arm not in known:
        raise ValueError(f"no arm {arm!r}; expected one of: {', '.join(known)}")
    values = as_dict(profile)
    for name, value in known[arm].items():
        *way, last = name.split(".")
        part = values
        for key in way:
            part = part[key]
        part[last] = value
    return profile_from_dict(values)


def planned(arms: Sequence[str], seeds: Iterable[int]) -> list[tuple[str, int]]:
    """Return the trainings in their order: all arms of a seed together, so that stopping early leaves no imbalance."""
    return [(arm, seed) for seed in seeds for arm in arms]


def folder_of(root: Path, arm: str, seed: int) -> Path:
    """Return the folder of one training below ``root``."""
    return root / f"{arm.replace(' ', '-')}-seed{seed}"


def finished(root: Path, arm: str, seed: int) -> bool:
    """Return whether the training's predictions are there."""
    return (folder_of(root, arm, seed) / "predictions.parquet").is_file()


def run_one(profile: Profile, arm: str, seed: int, *data: Any, **options: Any) -> pd.DataFrame:
    """Train ``arm`` of the study with ``seed``; ``data`` and ``options`` as for :func:`run_training`."""
    return run_training(arm_profile(profile, arm), arm, seed, *data, **options)


def run_training(
    own: Profile,
    arm: str,
    seed: int,
    clips: ClipStore,
    tests: Mapping[str, ClipStore],
    root: Path,
    keep_weights: bool = False,
    progress: bool = False,
    save_every: float = 60.0,
) -> pd.DataFrame:
    """Train with the settings ``own`` and ``seed`` on ``clips`` below ``root``, under the name ``arm``, and return the
    predictions for all clips of ``tests``.

    Written are ``predictions.parquet``, last and so the mark of a finished training, ``history.parquet`` and
    ``run.json``; weights are removed unless ``keep_weights``. What is finished with the same settings and clips is read, not
    trained again; what was interrupted is resumed from its last state (every ``save_every`` seconds). Raises as
    :func:`amdd.training.train` does.
    """
    folder = folder_of(root, arm, seed)
    key = hash_bytes(
        json.dumps(
            [
                as_dict(own)["training"],
                arm,
                seed,
                {k: str(v.record.get("fingerprint")) for k, v in tests.items()},
            ],
            sort_keys=True,
        ).encode()
    )
    path, mark = folder / "predictions.parquet", folder / "study.json"
    if path.is_file() and mark.is_file() and json.loads(mark.read_text(encoding="utf-8"))["key"] == key:
        return pd.read_parquet(path)
    path.unlink(missing_ok=True)
    run = train(own, clips, folder, seed, progress=progress, save_every=save_every)
    table = predictions(run, arm, clips, tests, root)
    write_text(mark, json.dumps({"key": key, "arm": arm, "seed": seed}) + "\n")
    with atomic(path) as temporary:
        table.to_parquet(temporary)
    if not keep_weights:
        (folder / "weights.safetensors").unlink(missing_ok=True)
    shutil.rmtree(folder / "state", ignore_errors=True)
    return table


def run_many(
    profile: Profile,
    plan: Sequence[tuple[str, int]],
    clips: ClipStore,
    tests: Mapping[str, ClipStore],
    root: Path,
    workers: int = 2,
    keep_weights: bool = False,
) -> None:
    """Train the arms and seeds of ``plan`` in processes of one thread each, ``workers`` at a time, with a progress bar.

    On a CPU two of these do more in a given time than one training with two threads. What is finished is skipped, what was
    interrupted is resumed (:func:`run_training`). Raises what a training raises, after those under way have ended.
    """
    done = sum(finished(root, arm, seed) for arm, seed in plan)
    if done < len(plan):
        share_maps(profile, clips, root / FOLDER)
    jobs = [(arm_profile(profile, arm), arm, seed, clips) for arm, seed in plan]
    side_by_side(jobs, tests, root, workers, keep_weights, done)


def side_by_side(
    jobs: Sequence[tuple[Profile, str, int, ClipStore]],
    tests: Mapping[str, ClipStore],
    root: Path,
    workers: int,
    keep_weights: bool,
    done: int,
) -> None:
    """Make the trainings ``jobs`` (settings, name, seed, clips) as :func:`run_many` says; ``done`` are finished already."""
    with (
        tqdm(total=len(jobs), desc=f"study, {done} finished before", unit="training") as bar,
        parallel_config(backend="loky", inner_max_num_threads=1),
    ):
        pool = Parallel(n_jobs=max(1, min(workers, len(jobs))), return_as="generator_unordered")
        for name in pool(delayed(_one)(*job, tests, root, keep_weights) for job in jobs):
            bar.update(1)
            bar.set_postfix_str(name)


def _one(own, arm, seed, clips, tests, root, keep_weights) -> str:
    with one_thread():
        torch.set_num_threads(1)
        run_training(own, arm, seed, clips, tests, root, keep_weights)
    return f"{arm}, seed {seed}"


def predictions(
    run: Run, arm: str, clips: ClipStore, tests: Mapping[str, ClipStore], root: Path | None = None
) -> pd.DataFrame:
    """Return the predictions of a run for the validation clips it was trained beside and for all clips of ``tests``.

    Columns as in :data:`amdd.analysis.study.COLUMNS`, and ``part`` (validation, or the name in ``tests``), ``named`` (the
    attribution head's class), ``margin`` (log odds of fake that this head gives) and ``naming`` (its class among the
    generators, real left out) with its probability there (``certainty``). ``score`` is the detection logit, computed in fp32;
    what frozen blocks make of the clips is kept below ``root``, if that is given, for the other trainings.
    """
    validation = np.flatnonzero((clips.manifest["split"] == "val").to_numpy())
    parts = [("validation", clips, validation)]
    parts += [(name, store, np.arange(len(store.manifest))) for name, store in tests.items()]
    classes = np.array(run.profile.model.classes)
    tables = []
    for name, store, rows in parts:
        maps = (
            None if root is None else maps_for(run, store, rows, root / FOLDER, mirrored=name == "validation")
        )
        found = scores_of(run.model, store, rows, run.profile, run.device, maps=maps)
        table = store.manifest.iloc[rows]
        logits = found["attribution_logits"].astype(float)
        among = logits[:, 1:] - np.logaddexp.reduce(logits[:, 1:], axis=1)[:, None]
        tables.append(
            pd.DataFrame(
                {
                    "arm": arm,
                    "seed": run.seed,
                    "part": name,
                    "clip": table["clip_id"].to_numpy(),
                    "people": table["identity"].to_numpy(),
                    "label": table["label"].to_numpy(np.int8),
                    "generator": table["generator"].to_numpy(),
                    "score": found["logit"].astype(np.float32),
                    "named": classes[logits.argmax(1)],
                    "naming": classes[1 + among.argmax(1)],
                    "certainty": np.exp(among.max(1)).astype(np.float32),
                    "margin": (np.logaddexp.reduce(logits[:, 1:], axis=1) - logits[:, 0]).astype(np.float32),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def collect(root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return predictions and histories of all finished trainings below ``root``, by arm and seed.

    Raises ``FileNotFoundError`` where none is finished.
    """
    found, histories = [], []
    for path in sorted(root.glob("*-seed*/predictions.parquet")):
        table = pd.read_parquet(path)
        history = pd.read_parquet(path.with_name("history.parquet"))
        found.append(table)
        histories.append(history.assign(arm=table["arm"].iloc[0], seed=int(table["seed"].iloc[0])))
    if not found:
        raise FileNotFoundError(
            f"{root}: no finished training of the study is here; `amdd study run` makes them"
        )
    return pd.concat(found, ignore_index=True), pd.concat(histories, ignore_index=True)
