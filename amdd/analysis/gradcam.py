"""Grad-CAM on the visual trunk, and how well it agrees with what was forged (Selvaraju 2017; Fig. 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import cv2
import numpy as np
import pandas as pd
import torch

from amdd.analysis.pairs import Pair
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


def central_blob(size: int) -> np.ndarray:
    """Return a map (size, size) that marks the centre of any crop: what a network scores that knows only where faces are."""
    axis = np.linspace(-1, 1, size)
    return np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / 0.3)


def score_maps(
    run: Run, clips: ClipStore, fakes: pd.DataFrame, masks: Mapping[str, np.ndarray], most: int
) -> pd.DataFrame:
    """Return the :func:`agreement` of up to ``most`` fakes' maps with their masks, with ``generator`` and ``person``, and
    two controls: the energy inside the same mask of a central blob (``blob``) and, on average, of the maps of other
    people's fakes (``others``; NaN where there are none)."""
    found = []
    for row, clip in fakes.head(most).iterrows():
        forged = mask_of(clips, clip, masks)
        if forged is not None and forged.any():
            found.append((clip, forged, gradcam(run, clips, int(row))))
    rows = []
    for clip, forged, heat in found:
        row = {"generator": clip.generator, "person": clip.identity, **agreement(heat, forged)}
        row["blob"] = agreement(np.stack([central_blob(forged.shape[-1])] * len(forged)), forged)["energy"]
        others = [agreement(h, forged)["energy"] for c, _, h in found if c.identity != clip.identity]
        rows.append(row | {"others": float(np.mean(others)) if others else float("nan")})
    columns = ["generator", "person", "energy", "pointing", "iou", "area", "blob", "others"]
    return pd.DataFrame(rows, columns=columns)


def restored_logits(
    run: Run, clips: ClipStore, pairs: Sequence[Pair], masks: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Return the detection logits of fakes with pixels of their own real clips in place: one row for each of ``pairs`` whose
    mask is known and whose frames are the same moments.

    ``fake`` and ``real`` are the clips as they are; ``inside``: the fake with its forged region restored from the real;
    ``outside``: the fake with everything else from the real. If the forged pixels decide, ``inside`` falls to ``real``
    and ``outside`` stays at ``fake``.
    """
    table, rows = clips.manifest, []
    for fake, real in pairs:
        forged = mask_of(clips, table.loc[fake], masks)
        same = np.array_equal(clips.frame_indices(fake), clips.frame_indices(real))
        if forged is None or not forged.any() or not same:
            continue
        inside = np.stack([cv2.dilate((m > 0).astype(np.float32), np.ones((5, 5))) for m in forged])
        _, moved = batch_of(clips, [fake, real], run.profile, run.device)
        own, source = moved["frames"].float().cpu().numpy()
        source = _aligned(source, clips.geometry(real), clips.geometry(fake))
        share = inside[:, None]
        frames = np.stack([own, own * (1 - share) + source * share, own * share + source * (1 - share)])
        kept = [0, 0, 0]
        with torch.inference_mode():
            changed = torch.from_numpy(frames.astype(np.float32)).to(run.device)
            of_fake = run.model(changed, moved["mel"][kept], moved["audio_present"][kept]).detection_logit
            whole = run.model(moved["frames"], moved["mel"], moved["audio_present"]).detection_logit
        names = ("fake", "inside", "outside")
        row = {"generator": table.generator[fake], "person": table.identity[fake]}
        row |= {k: float(v) for k, v in zip(names, of_fake)} | {"real": float(whole[1])}
        rows.append(row)
    return pd.DataFrame(rows, columns=["generator", "person", "fake", "inside", "outside", "real"])


def _aligned(frames: np.ndarray, own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return crops (T, 3, S, S), which ``own`` (T, 2, 3) cut out of the frames, as ``other`` would have cut them."""
    out = []
    for frame, a, b in zip(frames, own, other):
        full = [np.vstack([m, [0, 0, 1]]).astype(np.float64) for m in (a, b)]
        step = (full[1] @ np.linalg.inv(full[0]))[:2]
        size = frame.shape[-2:]
        flags = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
        out.append(cv2.warpAffine(frame.transpose(1, 2, 0), step, size, **flags).transpose(2, 0, 1))
    return np.stack(out)
