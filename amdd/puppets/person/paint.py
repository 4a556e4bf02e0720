"""Texture operations in single precision: noise, darkening and overlays in place."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit


def rgb(*values: float) -> np.ndarray:
    """Three values in single precision, as pictures have them: a double one would make the whole picture double."""
    return np.array(values, np.float32)


@njit(cache=True, nogil=True)
def _darken_kernel(colour, share, takes):
    for y in range(share.shape[0]):
        for x in range(share.shape[1]):
            for k in range(3):
                colour[y, x, k] *= np.float32(1) - share[y, x] * takes[k]


@njit(cache=True, nogil=True)
def _overlay_kernel(colour, share, paint):
    for y in range(share.shape[0]):
        for x in range(share.shape[1]):
            for k in range(3):
                colour[y, x, k] = (
                    colour[y, x, k] * (np.float32(1) - share[y, x]) + share[y, x] * paint[y, x, k]
                )


def darken(colour: np.ndarray, share: np.ndarray, takes: np.ndarray) -> None:
    """Darken ``colour`` (S, S, 3) in place by ``share`` (S, S) times ``takes`` (3,)."""
    _darken_kernel(colour, share.astype(np.float32, copy=False), takes)


def overlay(colour: np.ndarray, share: np.ndarray, paint: np.ndarray) -> None:
    """Lay ``paint``, (3,) or (S, S, 3), over ``colour`` (S, S, 3) in place, as opaque as ``share`` (S, S) says."""
    _overlay_kernel(colour, share.astype(np.float32, copy=False), np.broadcast_to(paint, colour.shape))


def between(value: float) -> float:
    """``value`` within [0, 1], as a plain number: one of numpy's would make a whole picture double."""
    return min(max(float(value), 0.0), 1.0)


def noise(rng: np.random.Generator, size: int, scale: float, octaves: int = 1) -> np.ndarray:
    """Smooth noise (size, size), zero mean and unit deviation, features of ``scale`` pixels."""
    out = np.zeros((size, size), np.float32)
    for k in range(octaves):
        s = max(scale / 2**k, 1.0)
        small = rng.normal(size=(int(size / s) + 3,) * 2).astype(np.float32)
        out += cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC) * 0.6**k
    return (out - out.mean()) / (out.std() + 1e-6)
