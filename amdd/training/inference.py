"""The forward pass over prepared clips, in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amdd.data.dataset import ClipDataset, collate, inputs_of, row_numbers
from amdd.data.prepare import ClipStore
from amdd.profiles import Profile


def batch_of(
    prepared: ClipStore,
    rows: Iterable[int],
    profile: Profile,
    device: torch.device,
    maps: Any = None,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the clips ``rows`` as one batch, and its tensors on ``device``; ``maps`` as in :class:`ClipDataset`."""
    rows = np.fromiter(rows, int)
    classes = profile.model.classes[1:]
    dataset = ClipDataset(prepared, rows, profile.preparation, classes, maps=maps, device=device)
    batch = collate([dataset[i] for i in range(len(dataset))])
    return batch, {k: v.to(device) for k, v in batch.items() if isinstance(v, Tensor)}


@torch.inference_mode()
def scores_of(
    model,
    prepared: ClipStore,
    rows,
    profile,
    device,
    embeddings: bool = False,
    maps: Any = None,
) -> dict[str, Any]:
    """Logits (and embeddings) of clips ``rows``, in evaluation mode and fp32, in batches of ``evaluation.batch_size``.

    ``maps`` spares the frozen blocks (:func:`amdd.training.frozen.frozen_maps` of these rows).
    """
    was = model.training
    model.eval()
    rows, size = row_numbers(prepared, rows), profile.evaluation.batch_size
    found: dict[str, list] = {}
    for first in range(0, len(rows), size):
        some = maps.part(first, size) if maps else None
        batch, moved = batch_of(prepared, rows[first : first + size], profile, device, some)
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
    if not len(rows):  # as a corpus without forged audio has none of those clips
        found = {"logit": [np.empty(0, np.float32)], "label": [np.empty(0, np.int64)]}
        found["attribution_logits"] = [np.empty((0, len(profile.model.classes)), np.float32)]
        if embeddings:
            one = profile.model.dim
            widths = {
                "fused": 2 * one,
                "visual": one,
                "audio": one,
                "visual_projection": one,
                "audio_projection": one,
            }
            found |= {name: [np.empty((0, width), np.float32)] for name, width in widths.items()}
    return {k: np.concatenate(v) for k, v in found.items()}
