"""Corruptions of frames: saturation, contrast, blocks, noise, blur, pixelation, compression.

Kinds and levels are those of DeeperForensics-1.0's perturbations (Jiang et al. 2020), five of each from mild to
harsh. They were made for whole videos; here they are applied to the face crops that the network gets, which are
smaller, so that a level that counts pixels (``blur``, ``blocks``) is harsher than it was there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from amdd.data.media import read_video, write_video
from amdd.data.prepare import ClipStore
from amdd.data.variants.view import View, view

LEVELS: dict[str, tuple[float, ...]] = {
    "saturation": (0.4, 0.3, 0.2, 0.1, 0.0),  # of the colour that is kept
    "contrast": (0.85, 0.725, 0.6, 0.475, 0.35),  # of the contrast that is kept
    "blocks": (16, 32, 48, 64, 80),  # squares of 8 pixels that are covered in grey, in each frame
    "noise": (0.001, 0.002, 0.005, 0.01, 0.05),  # variance of Gaussian noise, of a scale from 0 to 1
    "blur": (7, 9, 13, 17, 21),  # side of the Gaussian kernel, pixels
    "pixelation": (2, 3, 4, 5, 6),  # shrunk by so much and enlarged again
    "compression": (30, 32, 35, 38, 40),  # H.264's constant rate factor
}


def _saturation(frames: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    grey = (frames @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    return grey + (frames - grey) * share


def _contrast(frames: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    return frames * share  # DeeperForensics scales pixel values


def _blocks(frames: np.ndarray, count: float, rng: np.random.Generator) -> np.ndarray:
    out, (height, width) = frames.copy(), frames.shape[1:3]
    for frame in out:
        for y, x in zip(rng.integers(0, height - 8, int(count)), rng.integers(0, width - 8, int(count))):
            frame[y : y + 8, x : x + 8] = 128
    return out


def _noise(frames: np.ndarray, variance: float, rng: np.random.Generator) -> np.ndarray:
    return frames + rng.normal(0, 255 * np.sqrt(variance), frames.shape)


def _blur(frames: np.ndarray, side: float, rng: np.random.Generator) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(f, (int(side), int(side)), 0) for f in frames])


def _pixelation(frames: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    height, width = frames.shape[1:3]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    return np.stack([cv2.resize(cv2.resize(f, small), (width, height)) for f in frames])


def _compression(frames: np.ndarray, crf: float, rng: np.random.Generator) -> np.ndarray:
    even = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
    with tempfile.TemporaryDirectory() as folder:
        path = write_video(Path(folder) / "crops.mp4", even.astype(np.uint8), crf=int(crf))
        return read_video(path).frames[:, : frames.shape[1], : frames.shape[2]]


_KINDS: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "saturation": _saturation,
    "contrast": _contrast,
    "blocks": _blocks,
    "noise": _noise,
    "blur": _blur,
    "pixelation": _pixelation,
    "compression": _compression,
}


def corrupt(frames: np.ndarray, kind: str, level: int, seed: int = 0) -> np.ndarray:
    """``frames`` uint8 (T, H, W, 3) with the corruption ``kind`` at ``level`` 1 to 5; the same shape and type.

    The same seed gives the same result. Raises ``ValueError`` for a kind or level that there is not.
    """
    if kind not in LEVELS:
        raise ValueError(f"no corruption {kind!r}; expected one of: {', '.join(LEVELS)}")
    if level not in range(1, 6):
        raise ValueError(f"levels go from 1 to 5, not {level}")
    out = _KINDS[kind](
        np.asarray(frames).astype(np.float32), LEVELS[kind][level - 1], np.random.default_rng([seed, level])
    )
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def corrupted(prepared: ClipStore, kind: str, level: int, seed: int = 0) -> View:
    """``prepared`` whose face crops are corrupted as they are read; audio is left alone. Raises as :func:`corrupt`."""
    corrupt(np.zeros((1, 16, 16, 3), np.uint8), kind, level)
    return view(prepared, f"{kind} {level} {seed}", frames=partial(_corrupt_row, kind, level, seed))


def _corrupt_row(kind: str, level: int, seed: int, i: int, frames: np.ndarray) -> np.ndarray:
    own = int(np.random.SeedSequence([seed, i]).generate_state(1)[0])  # each clip has noise of its own
    return corrupt(frames, kind, level, own)
