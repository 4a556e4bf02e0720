"""From a run to predictions and embeddings, one row per clip."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from amdd.base.machine import one_thread
from amdd.base.paths import atomic
from amdd.data.dataset import row_numbers
from amdd.data.prepare import ClipStore, Prepared
from amdd.profiles import as_dict
from amdd.stats import metrics, per_generator
from amdd.training.frozen import FOLDER, maps_for
from amdd.training.inference import scores_of
from amdd.training.runs import Run, load_run
from amdd.training.together import side_by_side

KEPT = ("clip_id", "label", "generator", "identity", "donor", "split", "quality", "group", "category")
KEPT += ("recording",)


WORTH_PROCESSES = 500  # clips in all; to start processes takes as long as some of them
ANY = {"workers", "shard", "frames", "follow_fakes"}  # settings that may differ, frames in one direction


def same_preparation(run: Run, prepared: ClipStore) -> None:
    """Raise ``ValueError``, naming the settings, if clips were prepared otherwise than those that ``run`` was trained on.

    Fewer frames than were prepared are drawn from them; where the window of a clip lies does not change its form.
    """
    own, other = as_dict(run.profile.preparation), as_dict(prepared.settings)
    differ = [f"{k}={other[k]!r} instead of {v!r}" for k, v in own.items() if k not in ANY and other[k] != v]
    if own["frames"] > other["frames"]:
        differ.append(f"frames={other['frames']} instead of {own['frames']}")
    if differ:
        raise ValueError(
            f"{run.name} was trained on clips prepared otherwise: {', '.join(differ)}; prepare these clips by the run's "
            "settings, or permit it by any_preparation=True (--any-preparation)"
        )


def predict(
    run: Run, prepared: ClipStore, rows=None, corpus: str = "", *, any_preparation: bool = False
) -> pd.DataFrame:
    """Return predictions for clips ``rows``: columns of the manifest, ``logit``, ``score`` (probability of fake),
    ``attribution`` (class of the highest logit), ``p_<class>``, ``known`` (is the generator one of the model's).

    With ``corpus`` they are saved to ``predictions/<corpus>.parquet`` of the run. Raises ``ValueError`` if the clips were
    prepared otherwise than the run's, unless ``any_preparation`` permits it.
    """
    if not any_preparation:
        same_preparation(run, prepared)
    rows = row_numbers(prepared, rows)
    found = _scores(run, prepared, rows)
    part = prepared.manifest.iloc[rows]
    table = pd.DataFrame({k: part[k].to_numpy() if k in part else "" for k in KEPT})
    table["audio_present"] = part["audio_present"].to_numpy(bool)
    table["row"] = rows
    table["logit"] = found["logit"].astype(float)
    table["score"] = 1 / (1 + np.exp(-table["logit"]))
    classes = run.profile.model.classes
    logits = found["attribution_logits"].astype(float)
    share = np.exp(logits - logits.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    table["attribution"] = [classes[k] for k in logits.argmax(1)]
    for k, name in enumerate(classes):
        table[f"p_{name}"] = share[:, k]
    table["known"] = table["generator"].isin(classes)
    if corpus:
        with atomic(Path(run.folder) / "predictions" / f"{corpus}.parquet") as temporary:
            table.to_parquet(temporary)
    return table


def predict_all(
    run: Run, stores: Sequence[ClipStore], rows=None, workers: int | None = None
) -> list[pd.DataFrame]:
    """Return :func:`predict` of a finished run for each of ``stores``, changed views of the same clips, with a progress bar.

    On a CPU they are computed side by side, in processes of one thread each (``workers``; by default as many as
    :func:`amdd.training.side_by_side` allows, or none where there is little to do): a network's many small operations
    split badly over threads.
    """
    if workers is None:
        count = sum(len(row_numbers(store, rows)) for store in stores)
        workers = side_by_side(run.profile) if count >= WORTH_PROCESSES else 1
    with tqdm(total=len(stores), desc="predictions", unit="view", mininterval=5) as bar:
        if min(workers, len(stores)) < 2:
            return [_counted(predict(run, store, rows), bar) for store in stores]
        with parallel_config(backend="loky", inner_max_num_threads=1):
            jobs = (delayed(_alone)(Path(run.folder), store, rows) for store in stores)
            return [_counted(table, bar) for table in Parallel(workers, return_as="generator")(jobs)]


def _counted(table: pd.DataFrame, bar: tqdm) -> pd.DataFrame:
    bar.update(1)
    return table


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> Run:
    return load_run(folder, "cpu")


def _alone(folder: Path, store: ClipStore, rows) -> pd.DataFrame:
    with one_thread():
        return predict(_loaded(folder), store, rows)


def _scores(run: Run, prepared: ClipStore, rows: np.ndarray, embeddings: bool = False) -> dict[str, Any]:
    """Scores of clips ``rows``. What frozen blocks make of prepared clips is kept beside the runs, which share it; clips
    changed as they are read are seen once and not kept."""
    folder = Path(run.folder).parent
    keep = isinstance(prepared, Prepared) and os.access(folder, os.W_OK)
    maps = maps_for(run, prepared, rows, folder / FOLDER) if keep else None
    return scores_of(run.model, prepared, rows, run.profile, run.device, embeddings, maps)


def embed(run: Run, prepared: ClipStore, rows=None) -> dict[str, np.ndarray]:
    """Return embeddings of clips ``rows``: ``fused`` (n, 2d), ``visual`` and ``audio`` (n, d) before fusion, and the unit
    projections ``visual_projection`` and ``audio_projection`` (n, d). Raises as :func:`predict` does."""
    same_preparation(run, prepared)
    found = _scores(run, prepared, row_numbers(prepared, rows), embeddings=True)
    return {k: v for k, v in found.items() if k not in ("logit", "attribution_logits", "label")}


__all__ = ["embed", "metrics", "per_generator", "predict", "predict_all", "scores_of"]
