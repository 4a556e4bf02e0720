"""Post-processing of a rendered image: screen-space subsurface scattering and anti-aliased outlines."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

from amdd.puppets.person.shading import REACH


@njit(cache=True, nogil=True)
def _mix(picture, skin, blurred, share, channel):
    quarter, rest, least = np.float32(0.25), np.float32(0.75), np.float32(1e-3)
    for y in range(skin.shape[0]):
        for x in range(skin.shape[1]):
            if skin[y, x] > 0:
                # A part passes unscattered: what a pore or a lid's edge shows.
                picture[y, x, channel] = quarter * picture[y, x, channel] + rest * (
                    blurred[y, x] / max(share[y, x], least)
                )


def scatter(picture: np.ndarray, parts: np.ndarray, zoom: float) -> np.ndarray:
    """Scatter light below the skin: blur ``picture`` (H, W, 3) in place within skin, red farthest, and return it.

    ``parts`` (H, W) as :func:`amdd.puppets.person.shading.shade` leaves it, ``zoom`` pixels a dm. After Jimenez et al.
    2009 (screen space).
    """
    shown = parts == 1
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    if not len(rows):
        return picture
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    skin = shown[box].astype(np.float32)
    part = picture[box]
    for k in range(3):
        sigma = REACH[k] * zoom / 100
        share = cv2.GaussianBlur(skin, (0, 0), sigma)
        _mix(part, skin, cv2.GaussianBlur(part[..., k] * skin, (0, 0), sigma), share, k)
    return picture


@njit(cache=True, nogil=True)
def _replace(picture, soft, edge):
    for y in range(edge.shape[0]):
        for x in range(edge.shape[1]):
            if edge[y, x] > 0:
                picture[y, x, 0], picture[y, x, 1], picture[y, x, 2] = (
                    soft[y, x, 0],
                    soft[y, x, 1],
                    soft[y, x, 2],
                )


def soften_edges(picture: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Blur ``picture`` (H, W, 3) in place along the borders of ``parts`` (H, W), since the rasteriser does not
    anti-alias, and return it."""
    edge = cv2.morphologyEx(parts, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    _replace(picture, cv2.GaussianBlur(picture, (0, 0), 0.85), edge)
    return picture
