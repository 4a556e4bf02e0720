"""FSGAN: reenactment of the donor in the target's pose and expression, segmentation, inpainting, Poisson blending."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from amdd.puppets.forgers import align, blend
from amdd.puppets.forgers.base import Forged, Source, fast_inference, load_network, whole
from amdd.puppets.forgers.faceswap import turn
from amdd.puppets.forgers.features import landmark_maps

SIZE, BATCH, VIEWS = 96, 20, 5


@torch.inference_mode()
def generate(target: Source, donor: Source) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return crops (T, 96, 96, 3) uint8 of the donor with the target's motion, their segmentation (T, 96, 96) in [0, 1]
    and the matrices (T, 2, 3) from frame to crop."""
    network = load_network("fsgan")
    matrices = align.crop_matrices(target.landmarks, SIZE)
    goal = align.move(target.landmarks, matrices)
    donor_matrices = align.crop_matrices(donor.landmarks, SIZE)
    donor_points = align.move(donor.landmarks, donor_matrices)
    # The target's expression on the donor's bones: its deviation from its own mean, added to the donor's mean.
    shape = donor_points.mean(0) + (goal - goal.mean(0)) + 0.5 * (goal.mean(0) - donor_points.mean(0))
    wanted, have = turn(goal), turn(donor_points)
    # Of the donor, the frames that cover the turns of the head; each target frame takes the nearest one.
    order = np.argsort(have)
    views = order[np.linspace(0, len(order) - 1, min(VIEWS, len(order))).round().astype(int)]
    choice = views[np.abs(have[views][None] - wanted[:, None]).argmin(1)]
    crops = align.crop(donor.frames, donor_matrices, SIZE)
    target_maps, donor_maps = landmark_maps(shape, SIZE), landmark_maps(donor_points, SIZE)
    pictures, masks = [], []
    for first in range(0, len(goal), BATCH):
        chosen = choice[first : first + BATCH]
        x = torch.from_numpy(crops[chosen]).permute(0, 3, 1, 2).float() / 255
        a = torch.from_numpy(donor_maps[chosen]).float() / 255
        b = torch.from_numpy(target_maps[first : first + BATCH]).float() / 255
        with fast_inference():
            picture, mask = network(x.contiguous(memory_format=torch.channels_last), a, b)
        mask = mask.float()
        pictures.append((picture.permute(0, 2, 3, 1) * 255).round().byte().numpy())
        masks.append(mask[:, 0].numpy())
    return np.concatenate(pictures), np.concatenate(masks), matrices


def forge(target: Source, donor: Source, audio: np.ndarray | None = None, seed: int = 0) -> Forged:
    """Return ``target`` with the reenacted donor's face by FSGAN; ``audio`` and ``seed`` have no effect."""
    pictures, masks, matrices = generate(target, donor)
    height, width = target.frames.shape[1:3]
    inner = align.move(target.landmarks, matrices)
    visible = align.crop(target.face_mask, matrices, SIZE, cv2.INTER_NEAREST)
    crops = align.crop(target.frames, matrices, SIZE)
    frames, changed = np.empty_like(target.frames), np.zeros(target.face_mask.shape, np.uint8)
    for t, picture in enumerate(pictures):
        wanted = blend.hull(inner[t], (SIZE, SIZE)) * visible[t]
        own = (masks[t] > 0.5).astype(np.uint8)
        # What the donor's image lacks (its hair, its edge) is filled from its surroundings.
        missing = ((wanted > 0) & (own == 0)).astype(np.uint8)
        if 0 < missing.sum() < 0.25 * max(wanted.sum(), 1):
            picture = cv2.inpaint(picture, missing, 3, cv2.INPAINT_TELEA)
            area = wanted
        else:
            area = wanted * own
        area[[0, -1]] = 0
        area[:, [0, -1]] = 0
        picture = blend.match_colour(picture, crops[t], area, spread=True)
        area = blend.feather(area, 4, 0)
        placed = align.back(picture, matrices[t], height, width)
        binary = align.back(area, matrices[t], height, width) > 0.5
        frames[t] = blend.poisson(placed, target.frames[t], binary)
        changed[t] = (frames[t] != target.frames[t]).any(-1)
    return Forged(frames, changed, whole(target))
