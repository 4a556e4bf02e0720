"""Face crops in a canonical frame, and back."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from amdd.puppets.person.head import head_model

# What moves least while someone speaks: brows, nose, eyes and the corners of the mouth.
STABLE = np.array([*range(17, 48), 48, 54])
# What hardly moves with the mouth: the nose and the corners of the eyes. A crop that is placed by the mouth's
# corners grows and shrinks with every word, and tells what was said even where the mouth is hidden.
RIGID = np.array([*range(27, 36), 36, 39, 42, 45])
WINDOW = (-0.86, 0.56, 1.76)  # left and top in dm from the point between the eyes, and the side


@lru_cache(maxsize=1)
def template() -> np.ndarray:
    """Return the 68 landmarks of the mean face in the unit crop (68, 2)."""
    points = head_model().neutral[head_model().landmarks]
    left, top, side = WINDOW
    return np.stack([(points[:, 0] - left) / side, (top - points[:, 1]) / side], 1)


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the least-squares similarity (2, 3) from ``source`` (N, 2) to ``target`` (N, 2), both in pixels.

    Umeyama, IEEE TPAMI 13(4), 1991, equations 40 to 42.
    """
    a, b = source.mean(0), target.mean(0)
    x, y = source - a, target - b
    u, s, vt = np.linalg.svd(y.T @ x / len(x))
    sign = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    turn = u @ np.diag(sign) @ vt
    scale = (s * sign).sum() / (x**2).sum() * len(x)
    return np.hstack([scale * turn, (b - scale * turn @ a)[:, None]])


def crop_matrices(landmarks: np.ndarray, size: int, by: np.ndarray = STABLE) -> np.ndarray:
    """Return the matrices (T, 2, 3) from frame pixels to the pixels of a crop with sides of ``size``.

    ``landmarks`` (T, 68, 2) in frame pixels; ``by`` are the indices that place the crop. The matrices are smoothed
    over three frames against jitter.
    """
    goal = template()[by] * size
    out = np.stack([similarity(points[by].astype(float), goal) for points in landmarks])
    if len(out) > 4:
        kernel = np.array([0.25, 0.5, 0.25])
        padded = np.concatenate([out[:1], out, out[-1:]])
        out = sum(k * padded[i : i + len(out)] for i, k in enumerate(kernel))
    return out


def crop(frames: np.ndarray, matrices: np.ndarray, size: int, flags: int = cv2.INTER_AREA) -> np.ndarray:
    """Return aligned crops (T, size, size[, C]) of ``frames`` (T, H, W[, C]), in their type.

    ``matrices`` (T, 2, 3) as :func:`crop_matrices` returns them; ``flags`` is OpenCV's interpolation.
    """
    mode = cv2.INTER_LINEAR if flags == cv2.INTER_AREA else flags
    return np.stack(
        [
            cv2.warpAffine(f, m, (size, size), flags=mode, borderMode=cv2.BORDER_REPLICATE)
            for f, m in zip(frames, matrices)
        ]
    )


def back(crop_image: np.ndarray, matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return ``crop_image`` (S, S[, C]) in the frame's pixels (height, width[, C]), zero outside the crop."""
    inverse = cv2.invertAffineTransform(matrix)
    return cv2.warpAffine(
        crop_image,
        inverse,
        (width, height),
        flags=cv2.INTER_CUBIC if crop_image.ndim == 3 else cv2.INTER_LINEAR,
    )


def move(points: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Return landmarks ``points`` (T, 68, 2) in crop pixels, by ``matrices`` (T, 2, 3)."""
    return np.einsum("tij,tkj->tki", matrices[:, :, :2], points) + matrices[:, None, :, 2]
