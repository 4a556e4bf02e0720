"""Grad-CAM on the visual trunk, and how well it agrees with what was forged (Selvaraju 2017; Fig. 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import cv2
import numpy as np
import pandas as pd
import torch

from amdd.data.media import probe
from amdd.data.prepare import ClipStore
from amdd.training.inference import batch_of
from amdd.training.runs import Run


def gradcam(
    run: Run,
    prepared: ClipStore,
    row: int,
    towards: str = "detection",
    branch: Literal["visual", "audio"] = "visual",
) -> np.ndarray:
    """Maps (T, h, w) in [0, 1] for one clip: what raises the detection logit, or a class's attribution logit.

    ``branch`` "audio" gives one map (1, h, w) over the spectrogram, bands by time; the clip must have audio.

    Channel weights are the gradients' spatial means; negative evidence is cut; each clip is scaled by its maximum.
    """
    model, device = run.model, run.device
    _, moved = batch_of(prepared, [row], run.profile, device)
    kept: dict[str, torch.Tensor] = {}

    def keep(_module, _inputs, output):
        output.requires_grad_(True)
        output.retain_grad()
        kept["maps"] = output

    encoder = model.visual_encoder if branch == "visual" else model.audio_encoder
    hook = encoder.trunk.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            out = model(moved["frames"], moved["mel"], moved["audio_present"])
            if towards == "detection":
                target = out.detection_logit[0]
            else:
                target = out.attribution_logits[0, run.profile.model.classes.index(towards)]
            target.backward()
    finally:
        hook.remove()
    maps, gradient = kept["maps"].detach(), kept["maps"].grad
    heat = torch.relu((maps * gradient.mean((2, 3), keepdim=True)).sum(1)).float().cpu().numpy()
    return heat / max(float(heat.max()), 1e-9)


def crop_masks(
    mask: np.ndarray, indices: np.ndarray, geometry: np.ndarray, frame_side: int, size: int
) -> np.ndarray:
    """Forgery masks (frames, m, m) over the whole image -> masks (T, size, size) over the crops.

    ``geometry`` (T, 2, 3) takes frame pixels to crop pixels; ``frame_side`` is the image's side in pixels.
    """
    out = []
    for index, matrix in zip(indices, geometry):
        whole = cv2.resize(
            mask[min(int(index), len(mask) - 1)], (frame_side, frame_side), interpolation=cv2.INTER_NEAREST
        )
        out.append(cv2.warpAffine(whole, matrix.astype(np.float64), (size, size), flags=cv2.INTER_NEAREST))
    return np.stack(out)


def agreement(heat: np.ndarray, masks: np.ndarray) -> dict[str, float]:
    """Return the agreement of a map (T, h, w) with masks (T, S, S) of the forged region.

    ``energy``: share of the map's sum inside the mask; ``pointing``: is the maximum inside; ``iou`` of the map's top
    part, as large as the mask, with the mask; ``area``: the mask's share of the image, which is what a map that
    knows nothing scores.
    """
    size = masks.shape[-1]
    big = np.stack(
        [cv2.resize(h.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR) for h in heat]
    )
    inside = masks > 0
    area = float(inside.mean())
    energy = float(big[inside].sum() / max(big.sum(), 1e-9))
    pointing = float(np.mean([m[np.unravel_index(np.argmax(b), b.shape)] for b, m in zip(big, inside)]))
    top = big >= np.quantile(big, 1 - area) if area < 1 else np.ones_like(inside)
    union = (top | inside).sum()
    return {
        "energy": energy,
        "pointing": pointing,
        "iou": float((top & inside).sum() / max(union, 1)),
        "area": area,
    }


def mask_of(clips: ClipStore, clip: pd.Series, masks: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Return the forged region (T, size, size) of a clip over its crops, or None where no mask is known; ``clip`` is its
    row of the manifest."""
    mask = masks.get(clip.clip_id)
    if mask is None:
        return None
    row = int(clip.name)
    where = clips.frame_indices(row), clips.geometry(row)
    return crop_masks(mask, *where, probe(clip.video).height, clips.settings.size)


def score_maps(
    run: Run, clips: ClipStore, fakes: pd.DataFrame, masks: Mapping[str, np.ndarray], most: int
) -> pd.DataFrame:
    """Return the :func:`agreement` of up to ``most`` fakes' maps with their masks, with ``generator`` and ``person``."""
    rows = []
    for row, clip in fakes.head(most).iterrows():
        forged = mask_of(clips, clip, masks)
        if forged is not None and forged.any():
            found = agreement(gradcam(run, clips, int(row)), forged)
            rows.append({"generator": clip.generator, "person": clip.identity, **found})
    return pd.DataFrame(rows, columns=["generator", "person", "energy", "pointing", "iou", "area"])
