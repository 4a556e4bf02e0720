"""The end of an epoch, of a training run, and of one that can't go on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from amdd.base.environment import environment
from amdd.base.machine import peak_memory_mb
from amdd.base.paths import atomic
from amdd.data.dataset import generator_index
from amdd.data.prepare import ClipStore
from amdd.model import AMDD
from amdd.profiles import Profile, TrainingSettings
from amdd.training.frozen import FrozenMaps
from amdd.training.inference import scores_of
from amdd.training.runs import load_weights, save_weights, write_record

TERMS = ("detection", "attribution", "contrastive", "fingerprint", "centroid", "total")
VALIDATION = ("validation_auc", "validation_balanced_accuracy", "validation_loss", "validation_named")


class Diverged(ValueError):
    """A training run whose loss or scores are no longer finite; what was finite before is kept."""

    def __init__(self, run_dir: Path, what: str, rate: float) -> None:
        self.told = (run_dir, what, rate)
        super().__init__(
            f"training {run_dir.name} stopped: {what} (learning rate {rate:.3g}); the last finite state is kept in "
            f"{run_dir / 'state'}; set a lower training.learning_rate, or training.precision=fp32"
        )

    def __reduce__(self):  # it comes from processes that train side by side
        return Diverged, self.told


def close_epoch(
    profile: Profile,
    prepared: ClipStore,
    validation: np.ndarray,
    model: AMDD,
    at: dict[str, Any],
    *,
    epoch: int,
    steps: int,
    rate: float,
    run_dir: Path,
    device: torch.device,
    maps: FrozenMaps | None = None,
) -> None:
    """Measure the network on the rows ``validation``, add the epoch to the history in ``at``, and keep the weights if they
    are the best so far.

    ``steps`` were taken in the epoch, the last at learning rate ``rate``; ``maps`` are those of the rows after the frozen
    blocks, if there are any. Raises :class:`Diverged` where a score is not finite.
    """
    # Only here: it brings SciPy and scikit-learn, a fifth of the time that inspecting a clip takes from a cold start.
    from amdd.stats import auc, balanced_accuracy

    s = profile.training
    last = epoch + 1 == s.epochs
    row: dict[str, Any] = {"epoch": epoch + 1, **{k: v / steps for k, v in zip(TERMS, at["sums"])}}
    then = {"learning_rate": rate, "seconds": round(at["seconds"], 2), **at.pop("gradients", {})}
    at["sums"] = [0.0] * len(TERMS)
    if (epoch + 1) % s.validate_every and not last:
        at["history"].append(row | dict.fromkeys(VALIDATION, float("nan")) | then)
        return
    found = scores_of(model, prepared, validation, profile, device, maps=maps)
    label, logit = found["label"], found["logit"]
    if not np.isfinite(logit).all():
        raise Diverged(
            run_dir, f"after epoch {epoch + 1} the scores of validation clips are not finite", rate
        )
    loss = float(np.mean(np.logaddexp(0, np.where(label == 1, -logit, logit))))
    classes = generator_index(
        prepared.manifest["generator"].iloc[validation].tolist(), profile.model.classes[1:]
    )
    named = named_among_generators(found["attribution_logits"], classes)
    values = (auc(label, logit), balanced_accuracy(label, logit > 0), loss, named)
    row |= dict(zip(VALIDATION, values)) | then
    at["history"].append(row)
    value = {"validation_auc": row["validation_auc"], "validation_loss": -loss, "last": float(epoch)}[
        s.selection
    ]
    key = [value if np.isfinite(value) else -1.0, -loss]
    if at["best"] is None or key > at["best"]:
        at["best"], at["best_epoch"] = key, epoch + 1
        save_weights(model, run_dir / "state" / "best.safetensors", {})


def named_among_generators(logits: np.ndarray, classes: np.ndarray) -> float:
    """Return the share of the known fakes (``classes`` above zero, (n,)) whose generator has the highest of the attribution
    ``logits`` (n, K + 1) when the class real is left out; not a number without such fakes."""
    known = classes > 0
    if not known.any():
        return float("nan")
    return float((logits[known, 1:].argmax(1) + 1 == classes[known]).mean())


def finish(
    run_dir: Path,
    model: AMDD,
    at: dict[str, Any],
    *,
    config: dict[str, Any],
    settings: TrainingSettings,
    rows: dict[str, np.ndarray],
    steps: int,
    world: int,
    device: torch.device,
    precision: tuple[str, str],
) -> None:
    """Write the selected weights, the history and the record; then the state is no longer needed."""
    load_weights(model, run_dir / "state" / "best.safetensors")
    save_weights(
        model, run_dir / "weights.safetensors", {"variant": config["variant"], "config": config["hash"]}
    )
    with atomic(run_dir / "history.parquet") as temporary:
        pd.DataFrame(at["history"]).to_parquet(temporary)
    write_record(
        run_dir,
        {
            "variant": config["variant"],
            "seed": config["seed"],
            "config": config["hash"],
            "data": config["data"],
            "weights": model.provenance,
            "device": _device_name(device),
            "processes": world,
            "precision": precision[0],
            "precision_reason": precision[1],
            "selection": settings.selection,
            "best_epoch": at["best_epoch"],
            "epochs": settings.epochs,
            "steps": steps,
            "clips": {k: len(v) for k, v in rows.items()},
            "parameters": sum(p.numel() for p in model.parameters()),
            "seconds": round(at["seconds"], 1),
            "peak_memory_mb": peak_memory_mb(),
            **environment(),
        },
    )
    shutil.rmtree(run_dir / "state", ignore_errors=True)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
