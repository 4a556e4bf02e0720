"""Colour transfer and blending of a network's crop into the frame."""

from __future__ import annotations

import cv2
import numpy as np


def hull(landmarks: np.ndarray, shape: tuple[int, int], lower: bool = False, grow: float = 1.0) -> np.ndarray:
    """Return the convex hull of the landmarks (68, 2), in pixels, as float32 (H, W) in {0, 1}.

    ``lower`` limits it to the part below the nose; ``grow`` scales it about its centre.
    """
    points = landmarks[:68].copy()
    if lower:
        points = np.concatenate([points[2:15], points[31:36]])
    else:
        brows = points[17:27]
        points = np.concatenate([points, brows + (brows - points[27:31].mean(0)) * 0.28])
    centre = points.mean(0)
    points = centre + (points - centre) * grow
    area = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(area, cv2.convexHull(points.round().astype(np.int32)), 1)
    return area.astype(np.float32)


def feather(mask: np.ndarray, erode: int, sigma: float) -> np.ndarray:
    """Return ``mask`` (H, W) shrunk by ``erode`` pixels, its edge softened by a Gaussian of ``sigma`` pixels."""
    if erode > 0:
        mask = cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * erode + 1,) * 2))
    return cv2.GaussianBlur(mask, (0, 0), sigma) if sigma > 0 else mask


def match_colour(image: np.ndarray, like: np.ndarray, mask: np.ndarray, spread: bool = True) -> np.ndarray:
    """Return ``image`` with the mean (and the deviation, if ``spread``) of ``like`` within ``mask``, in CIELAB.

    Images are uint8 (H, W, 3), the mask is (H, W) in [0, 1]; with fewer than 20 pixels inside the image is returned
    unchanged. Reinhard et al., IEEE CG&A 21(5), 2001.
    """
    inside = mask > 0.5
    if inside.sum() < 20:
        return image
    a = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    b = cv2.cvtColor(like, cv2.COLOR_RGB2LAB).astype(np.float32)
    mean_a, mean_b = a[inside].mean(0), b[inside].mean(0)
    gain = np.clip((b[inside].std(0) + 1) / (a[inside].std(0) + 1), 0.7, 1.4) if spread else 1.0
    out = np.clip((a - mean_a) * gain + mean_b, 0, 255).astype(np.uint8)
    return cv2.cvtColor(out, cv2.COLOR_LAB2RGB)


def poisson(image: np.ndarray, frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return ``frame`` with ``image`` cloned seamlessly into it where ``mask`` exceeds 0.5.

    Images are uint8 (H, W, 3), the mask is (H, W). Poisson blending (Pérez et al., SIGGRAPH 2003), solved on the
    window around the mask; outside the mask the frame is unchanged, and with under eight rows or columns everywhere.
    """
    binary = (mask > 0.5).astype(np.uint8)
    rows, columns = np.flatnonzero(binary.any(1)), np.flatnonzero(binary.any(0))
    if len(rows) < 8 or len(columns) < 8:
        return frame.copy()
    height, width = binary.shape
    y0, y1 = max(rows[0] - 3, 1), min(rows[-1] + 4, height - 1)
    x0, x1 = max(columns[0] - 3, 1), min(columns[-1] + 4, width - 1)
    patch, piece = binary[y0:y1, x0:x1].copy(), image[y0:y1, x0:x1]
    patch[[0, -1]] = 0
    patch[:, [0, -1]] = 0
    target = frame[y0:y1, x0:x1]
    ys, xs = np.flatnonzero(patch.any(1)), np.flatnonzero(patch.any(0))
    centre = (int(xs[0] + xs[-1]) // 2, int(ys[0] + ys[-1]) // 2)
    out = frame.copy()
    cloned = cv2.seamlessClone(piece, target, patch * 255, centre, cv2.NORMAL_CLONE)
    # The solver rounds the whole window; what lies outside the mask is the frame's own.
    out[y0:y1, x0:x1] = np.where(patch[..., None] > 0, cloned, target)
    return out


def compose(image: np.ndarray, frame: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return the mixture of two uint8 images (H, W, 3) by ``alpha`` (H, W) in [0, 1].

    Where ``alpha`` is 0 the pixels are exactly those of ``frame``.
    """
    mixed = image.astype(np.float32) * alpha[..., None] + frame.astype(np.float32) * (1 - alpha[..., None])
    return np.where(alpha[..., None] > 0, np.clip(mixed + 0.5, 0, 255).astype(np.uint8), frame)
