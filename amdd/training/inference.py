"""The forward pass over prepared clips, in evaluation mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from amdd.data.dataset import ClipDataset, collate, inputs_of
from amdd.data.prepare import ClipStore


@torch.inference_mode()
def scores_of(
    model, prepared: ClipStore, rows, profile, device, precision: str = "fp32", embeddings: bool = False
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
