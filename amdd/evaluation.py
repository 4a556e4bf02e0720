"""From a run to predictions and embeddings, one row per clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from amdd.clips import ClipDataset, collate, inputs_of, row_numbers
from amdd.metrics import metrics, per_generator
from amdd.paths import atomic
from amdd.prepare import Prepared
from amdd.runs import Run, choose_precision

KEPT = ("clip_id", "label", "generator", "identity", "donor", "split", "quality", "group", "category")


@torch.inference_mode()
def scores_of(
    model, prepared: Prepared, rows, profile, device, precision: str = "fp32", embeddings: bool = False
) -> dict[str, Any]:
    """Logits (and embeddings) of clips ``rows``, in evaluation mode, in batches of ``evaluation.batch_size``."""
    was = model.training
    model.eval()
    dataset = ClipDataset(prepared, rows, profile.preparation, profile.model.generators)
    size = profile.evaluation.batch_size
    found: dict[str, list] = {}
    for first in range(0, len(dataset), size):
        batch = collate([dataset[i] for i in range(first, min(first + size, len(dataset)))])
        moved = {k: v.to(device) for k, v in batch.items() if isinstance(v, torch.Tensor)}
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            out = model(*inputs_of(batch, moved))
        parts = {"logit": out.detection_logit, "attribution_logits": out.attribution_logits}
        if embeddings:
            parts |= {
                "fused": out.fused,
                "visual": out.visual_embedding,
                "audio": out.audio_embedding,
                "visual_projection": out.visual_projection,
                "audio_projection": out.audio_projection,
            }
        for key, value in parts.items():
            found.setdefault(key, []).append(value.float().cpu().numpy())
        found.setdefault("label", []).append(batch["label"].numpy())
    model.train(was)
    return {k: np.concatenate(v) for k, v in found.items()}


def predict(run: Run, prepared: Prepared, rows=None, corpus: str = "") -> pd.DataFrame:
    """Predictions for clips ``rows``: columns of the manifest, ``logit``, ``score`` (probability of fake),
    ``attribution`` (class of the highest logit), ``p_<class>``, ``known`` (is the generator one of the model's).

    With ``corpus`` they are saved to ``predictions/<corpus>.parquet`` of the run.
    """
    rows = row_numbers(prepared, rows)
    precision, _ = choose_precision(run.profile.training.precision, run.device)
    found = scores_of(run.model, prepared, rows, run.profile, run.device, precision)
    part = prepared.manifest.iloc[rows]
    table = pd.DataFrame({k: part[k].to_numpy() if k in part else "" for k in KEPT})
    table["audio_present"] = part["audio_present"].to_numpy(bool)
    table["row"] = rows
    table["logit"] = found["logit"].astype(float)
    table["score"] = 1 / (1 + np.exp(-table["logit"]))
    classes = ["real", *run.profile.model.generators]
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


def embed(run: Run, prepared: Prepared, rows=None) -> dict[str, np.ndarray]:
    """Embeddings of clips ``rows``: ``fused`` (n, 2d), ``visual`` and ``audio`` (n, d) before fusion, and the unit
    projections ``visual_projection`` and ``audio_projection`` (n, d)."""
    precision, _ = choose_precision(run.profile.training.precision, run.device)
    found = scores_of(
        run.model, prepared, row_numbers(prepared, rows), run.profile, run.device, precision, embeddings=True
    )
    return {k: v for k, v in found.items() if k not in ("logit", "attribution_logits", "label")}


__all__ = ["embed", "metrics", "per_generator", "predict", "scores_of"]
