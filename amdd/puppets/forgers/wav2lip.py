"""Wav2Lip: the lower face synthesised so that the lips follow another audio track."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from amdd.puppets.forgers import align, blend
from amdd.puppets.forgers.base import Forged, Source, fast_inference, load_network, whole
from amdd.puppets.forgers.features import mel_windows
from amdd.puppets.forgers.objectives import blank, mouth_weight

SIZE, BATCH = 96, 25
CHIN = 11  # pixels of the crop below the filmed chin that are painted too: the jaw's edge would tell what was said


def _reference(target: Source, crops: np.ndarray) -> int:
    """Return the index of the clip's reference frame: mouth rather closed, upper face nearest to the median one.

    One for the whole clip, since a reference that changed with the filmed face would bring its words along.
    """
    gap = np.linalg.norm(target.landmarks[:, 62] - target.landmarks[:, 66], axis=1)
    closed = np.flatnonzero(gap <= np.percentile(gap, 40))
    upper = np.stack(
        [cv2.resize(c[: SIZE // 2], (24, 12), interpolation=cv2.INTER_AREA) for c in crops]
    ).astype(float)
    return int(closed[np.abs(upper[closed] - np.median(upper, 0)).mean((1, 2, 3)).argmin()])


def _with_chin(points: np.ndarray) -> np.ndarray:
    """Return crop landmarks (68, 2) with the jaw line lowered to its position with an open mouth."""
    out = points.copy()
    out[4:13, 1] += CHIN * np.array([0.3, 0.6, 0.85, 1, 1, 1, 0.85, 0.6, 0.3], points.dtype)
    return out


@torch.inference_mode()
def generate(target: Source, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return crops (T, 96, 96, 3) uint8 whose lips follow ``audio`` (n,) at 16 kHz, and the crop matrices (T, 2, 3)."""
    network = load_network("wav2lip")
    matrices = align.crop_matrices(target.landmarks, SIZE, align.RIGID)
    crops = align.crop(target.frames, matrices, SIZE)
    x = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    other = x[_reference(target, crops)][None]
    mel = torch.from_numpy(mel_windows(audio, len(crops), target.fps))
    pictures = []
    for first in range(0, len(crops), BATCH):
        piece = x[first : first + BATCH]
        face = torch.cat([blank(piece), other.expand_as(piece)], 1)
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
    """Return ``target`` with lips that follow ``audio`` ((n,) at 16 kHz; default: the donor's audio).

    ``segments`` (seconds) limits the forgery to parts of the clip, as LAV-DF does. Raises ``ValueError``
    without an audio track.
    """
    if audio is None:
        if donor is None:
            raise ValueError("wav2lip needs audio, or a donor with audio")
        audio = donor.audio
    pictures, matrices = generate(target, audio)
    height, width = target.frames.shape[1:3]
    inner = align.move(target.landmarks, matrices)
    visible = align.crop(target.face_mask, matrices, SIZE, cv2.INTER_NEAREST)
    down = np.zeros((2 * CHIN + 1, 3), np.uint8)
    down[: CHIN + 1] = 1  # a pixel is visible if one above it is, up to so far
    visible = np.stack([np.maximum(v, cv2.dilate(v, down)) for v in visible])
    crops = align.crop(target.frames, matrices, SIZE)
    frames, changed = target.frames.copy(), np.zeros(target.face_mask.shape, np.uint8)
    beside = (mouth_weight(torch.zeros(1, 3, SIZE, SIZE))[0, 0].numpy() < 0.15).astype(np.float32)
    spans = segments or whole(target)
    for t, picture in enumerate(pictures):
        if not any(a <= t / target.fps < b for a, b in spans):
            continue
        box = np.zeros((SIZE, SIZE), np.float32)
        box[SIZE // 2 + 2 : -2, 4:-4] = 1
        area = box * blend.hull(_with_chin(inner[t]), (SIZE, SIZE), lower=True, grow=1.04) * visible[t]
        # Cheeks and chin set the colour: with the mouth in it, the filmed mouth's opening would show as brightness.
        picture = blend.match_colour(picture, crops[t], area * beside, spread=False)
        alpha = blend.feather(area, 2, 2.0) * visible[t]
        placed = align.back(picture, matrices[t], height, width)
        alpha = np.clip(align.back(alpha, matrices[t], height, width), 0, 1)
        alpha[alpha < 0.02] = 0
        frames[t] = blend.compose(placed, target.frames[t], alpha)
        changed[t] = (frames[t] != target.frames[t]).any(-1)
    return Forged(frames, changed, tuple(spans))
