"""FaceSwap: an autoencoder's donor face in the target's pose, colour-matched, feathered and warped back.

The variants of :mod:`.relatives` and the adversarial swap use the same functions with other networks and another
:class:`Finish`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from amdd.puppets.forgers import align, blend
from amdd.puppets.forgers.base import Forged, Source, fast_inference, load_network, whole
from amdd.puppets.forgers.networks import SWAPS
from amdd.puppets.forgers.objectives import encoder_view

BATCH = 25


@dataclass(frozen=True)
class Finish:
    """Post-processing: colour transfer, blending and sharpening."""

    colour: str = "lab"  # "lab" (mean and spread), "mean" or "none"
    seam: str = "feather"  # or "poisson"
    erode: float = 0.035  # of the crop's size
    soften: float = 0.030
    sharpen: float = 0.0


def turn(landmarks: np.ndarray) -> np.ndarray:
    """Return a proxy of the head's yaw (T,): the position of the nose tip between the jaw's ends, 0 if frontal.

    ``landmarks`` (T, 68, 2) in any pixels.
    """
    left, right = landmarks[:, 1, 0], landmarks[:, 15, 0]
    return (landmarks[:, 30, 0] - left) / (right - left + 1e-6) - 0.5


def reference_views(
    donor: Source, target: Source, size: int, views: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """Return aligned donor crops (V, size, size, 3) uint8 that cover the donor's yaw, and one index a target frame (T,).

    Each target frame uses the crop nearest in yaw; a target that hardly turns uses one crop throughout.
    """
    have, wanted = turn(donor.landmarks), turn(target.landmarks)
    order = np.argsort(have)
    chosen = order[np.linspace(0, len(order) - 1, min(views, len(order))).round().astype(int)]
    matrices = align.crop_matrices(donor.landmarks, size)[chosen]
    nearest = np.abs(have[chosen][None] - wanted[:, None]).argmin(1)
    if np.ptp(wanted) < 0.08:
        nearest = np.full_like(nearest, np.bincount(nearest).argmax())
    crops = align.crop(donor.frames[chosen], matrices, size)
    faces = align.crop(donor.face_mask[chosen], matrices, size, cv2.INTER_NEAREST)
    return np.stack([skin_all_over(c, f) for c, f in zip(crops, faces)]), nearest


def skin_all_over(crop: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Return the donor's ``crop`` uint8 (S, S, 3) with skin extended beyond the mask ``face`` (S, S).

    Where the target turns further than the donor ever did, hair or wall would otherwise be swapped with the cheek.
    """
    inside = cv2.erode(face, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    if inside.sum() < 20:
        return crop
    _, label = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    colours = np.zeros((label.max() + 1, 3), np.float32)
    colours[label[inside > 0]] = crop[inside > 0]
    spread = cv2.GaussianBlur(colours[label], (0, 0), 0.05 * len(crop))
    alpha = (cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.012 * len(crop)) * inside)[..., None]
    return (crop * alpha + spread * (1 - alpha) + 0.5).astype(np.uint8)


@torch.inference_mode()
def generate(name: str, target: Source, donor: Source) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the crops (T, S, S, 3) uint8 of network ``name``, their masks (T, S, S) in [0, 1] and the matrices
    (T, 2, 3) from frame to crop."""
    network, settings = load_network(name), SWAPS[name]
    size = settings.size_out
    matrices = align.crop_matrices(target.landmarks, size)
    crops = align.crop(target.frames, matrices, size)
    views, nearest = reference_views(donor, target, settings.size_in)
    references = torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255
    with fast_inference():
        features = network.read(references.contiguous(memory_format=torch.channels_last))
    pictures, masks = [], []
    for first in range(0, len(crops), BATCH):
        x = torch.from_numpy(crops[first : first + BATCH]).permute(0, 3, 1, 2).float() / 255
        if settings.size_in != size:
            x = F.interpolate(x, size=(settings.size_in,) * 2, mode="area")
        view = encoder_view(x.contiguous(memory_format=torch.channels_last))
        which = torch.from_numpy(nearest[first : first + BATCH])
        with fast_inference():
            picture, mask = network(view, references[which], [f[which] for f in features])
        pictures.append((picture.permute(0, 2, 3, 1) * 255).round().byte().numpy())
        masks.append(mask[:, 0].numpy())
    return np.concatenate(pictures), np.concatenate(masks), matrices


def paste(
    target: Source, pictures: np.ndarray, masks: np.ndarray, matrices: np.ndarray, finish: Finish
) -> tuple[np.ndarray, np.ndarray]:
    """Blend crops into the target's frames.

    ``pictures`` (T, S, S, 3) uint8, ``masks`` (T, S, S) and ``matrices`` (T, 2, 3) as :func:`generate` returns them.
    Returns frames (T, H, W, 3) uint8 and the mask of changed pixels (T, H, W) uint8.
    """
    size = pictures.shape[1]
    height, width = target.frames.shape[1:3]
    inner = align.move(target.landmarks, matrices)
    frames, changed = np.empty_like(target.frames), np.zeros(target.face_mask.shape, np.uint8)
    crops = align.crop(target.frames, matrices, size)
    visible = align.crop(target.face_mask, matrices, size, cv2.INTER_NEAREST)
    for t, picture in enumerate(pictures):
        area = blend.hull(inner[t], (size, size)) * (masks[t] > 0.4) * visible[t]
        if finish.colour != "none":
            picture = blend.match_colour(picture, crops[t], area, spread=finish.colour == "lab")
        if finish.sharpen:
            soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
            picture = cv2.addWeighted(picture, 1 + finish.sharpen, soft, -finish.sharpen, 0)
        # What is off the crop's edge can't be feathered: keep clear of it.
        area[[0, -1]] = 0
        area[:, [0, -1]] = 0
        alpha = blend.feather(area, round(finish.erode * size), finish.soften * size) * visible[t]
        placed = align.back(picture, matrices[t], height, width)
        alpha = np.clip(align.back(alpha, matrices[t], height, width), 0, 1)
        alpha[alpha < 0.02] = 0
        if finish.seam == "poisson":
            frames[t] = blend.poisson(placed, target.frames[t], alpha > 0.5)
        else:
            frames[t] = blend.compose(placed, target.frames[t], alpha)
        changed[t] = (frames[t] != target.frames[t]).any(-1)
    return frames, changed


def swap(name: str, target: Source, donor: Source, finish: Finish) -> Forged:
    """Return ``target`` with the donor's face, by the network ``name`` and with its ``finish``."""
    pictures, masks, matrices = generate(name, target, donor)
    frames, changed = paste(target, pictures, masks, matrices, finish)
    return Forged(frames, changed, whole(target))


def forge(target: Source, donor: Source, audio: np.ndarray | None = None, seed: int = 0) -> Forged:
    """Return ``target`` with the donor's face by FaceSwap; ``audio`` and ``seed`` have no effect."""
    return swap("faceswap", target, donor, Finish())
