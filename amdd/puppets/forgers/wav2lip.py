"""Wav2Lip: the lower face painted anew so that the lips follow another sound."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from amdd.puppets.forgers import align, blend
from amdd.puppets.forgers.base import Forged, Source, fast_inference, load_network, whole
from amdd.puppets.forgers.features import mel_windows

SIZE, BATCH = 96, 25


def _reference(target: Source) -> int:
    """The frame with the most closed mouth: it tells the network least about what was said."""
    gap = np.linalg.norm(target.landmarks[:, 62] - target.landmarks[:, 66], axis=1)
    return int(np.argmin(gap))


@torch.inference_mode()
def generate(target: Source, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crops (T, 96, 96, 3) uint8 whose mouths say ``audio``, and the crop matrices (T, 2, 3)."""
    from amdd.puppets.forgers.train import blank

    network = load_network("wav2lip")
    matrices = align.crop_matrices(target.landmarks, SIZE)
    crops = align.crop(target.frames, matrices, SIZE)
    x = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    other = x[_reference(target)][None]
    mel = torch.from_numpy(mel_windows(audio, len(crops), target.fps))
    pictures = []
    for first in range(0, len(crops), BATCH):
        piece = x[first : first + BATCH]
        face = torch.cat([blank(piece), other.expand(len(piece), -1, -1, -1)], 1)
        with fast_inference():
            out = network(face.contiguous(memory_format=torch.channels_last), mel[first : first + BATCH])
        pictures.append((out.permute(0, 2, 3, 1) * 255).round().byte().numpy())
    return np.concatenate(pictures), matrices


def forge(
    target: Source,
    donor: Source | None = None,
    audio: np.ndarray | None = None,
    seed: int = 0,
    segments: tuple[tuple[float, float], ...] | None = None,
) -> Forged:
    """Make the target's lips say ``audio`` (16 kHz; default: the donor's sound).

    ``segments`` (seconds) limits the forgery to parts of the clip, as LAV-DF does. Raises ``ValueError``
    without a sound.
    """
    if audio is None:
        if donor is None:
            raise ValueError("wav2lip needs a sound, or a donor whose sound it takes")
        audio = donor.audio
    pictures, matrices = generate(target, audio)
    height, width = target.frames.shape[1:3]
    inner = align.move(target.landmarks, matrices)
    visible = align.crop(target.face_mask, matrices, SIZE, cv2.INTER_NEAREST)
    crops = align.crop(target.frames, matrices, SIZE)
    frames, changed = target.frames.copy(), np.zeros(target.face_mask.shape, np.uint8)
    spans = segments or whole(target)
    for t, picture in enumerate(pictures):
        if not any(a <= t / target.fps < b for a, b in spans):
            continue
        box = np.zeros((SIZE, SIZE), np.float32)
        box[SIZE // 2 + 2 : -2, 4:-4] = 1
        area = box * blend.hull(inner[t], (SIZE, SIZE), lower=True, grow=1.04) * visible[t]
        picture = blend.match_colour(picture, crops[t], area, spread=False)
        alpha = blend.feather(area, 2, 2.0) * visible[t]
        placed = align.back(picture, matrices[t], height, width)
        alpha = np.clip(align.back(alpha, matrices[t], height, width), 0, 1)
        alpha[alpha < 0.02] = 0
        frames[t] = blend.compose(placed, target.frames[t], alpha)
        changed[t] = (frames[t] != target.frames[t]).any(-1)
    return Forged(frames, changed, tuple(spans))
