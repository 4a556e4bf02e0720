"""Density of hair growth on scalp, brows and beard over the neutral head."""

from __future__ import annotations

import numpy as np

from amdd.puppets.person.head import smoothstep
from amdd.puppets.person.people import Identity


def bump(x, centre, width):
    """Return a Gaussian of height 1 at ``centre``, elementwise."""
    return np.exp(-(((x - centre) / width) ** 2))


def brow_line(identity: Identity, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the density of the brows in [0, 1] at ``x``, ``y`` (any shape) of the neutral head."""
    along = (np.abs(x) - 0.10) / 0.44
    inside = np.clip(along, 0, 1)
    arch = 0.185 + 0.075 * np.sin(inside * 2.1) - 0.03 * inside**2
    width = (0.032 + 0.009 * (identity.gender == "men")) * identity.brow * (1 - 0.55 * inside**2)
    return bump(y, arch, width) * smoothstep(-0.05, 0.12, along) * smoothstep(1.08, 0.8, along)


def beard_area(identity: Identity, place: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """Return the density of the beard in [0, 1] at ``place`` (..., 3) of the neutral head; zero where ``lips`` (...) is one."""
    x, y, z = place[..., 0], place[..., 1], place[..., 2]
    ax = np.abs(x)
    ragged = 0.05 * noise_at(place * 7, identity.seed)
    shape = identity.seed % 4  # full, full, goatee, moustache and chin
    jaw = smoothstep(-0.45, -0.66, y - 0.55 * np.maximum(0, ax - 0.28) + ragged) * smoothstep(-1.38, -1.12, y)
    if shape == 2:
        jaw = jaw * smoothstep(0.34, 0.26, ax)
    lip = bump(y, -0.535, 0.05) * smoothstep(0.32, 0.22, ax + ragged)
    if shape == 3:
        jaw = jaw * smoothstep(0.22, 0.14, ax) * (y < -0.8)
    jaw = np.maximum(jaw, lip) * smoothstep(-0.75, -0.5, z)
    soul = bump(y, -0.86, 0.05) * bump(ax, 0.16, 0.07)  # bare beside the lower lip's middle
    cheek = smoothstep(0.12, 0.25, ax) * smoothstep(-0.62, -0.5, y)
    return jaw * (1 - 0.9 * cheek) * (1 - 0.6 * soul) * (1 - np.clip(lips * 1.8, 0, 1))


def noise_at(place: np.ndarray, seed: int) -> np.ndarray:
    """Return smooth zero-mean noise, about [-1, 1], at points (..., 3): a sum of plane waves."""
    rng = np.random.default_rng(np.random.SeedSequence([113, seed]))
    out = 0.0
    for _ in range(6):
        direction = rng.normal(size=3).astype(place.dtype)
        out = out + np.sin(place @ direction * 2 + place.dtype.type(rng.uniform(0, 2 * np.pi)))
    return out / 3


def scalp_mask(xyz: np.ndarray, identity: Identity) -> np.ndarray:
    """Return the density of hair growth in [0, 1]: above the hairline at the front, down to the nape behind the ears."""
    x, y, z = xyz[..., 0], xyz[..., 1], xyz[..., 2]
    across = np.abs(x)
    recede = 0.14 * float(np.clip((identity.age - 30) / 40, 0, 1)) * (identity.gender == "men")
    peak = 0.03 * bump(x, 0, 0.08) * (identity.seed % 5 == 0)  # a widow's peak
    front = (
        0.72 + 0.05 * float(np.tanh(identity.scores[7])) - peak + 0.02 * noise_at(xyz * 5, identity.seed + 1)
    )
    front = front - 0.30 * np.maximum(0, across - 0.30)
    front = front + recede * (1 + 1.2 * bump(across, 0.35, 0.15))
    side = np.interp(z, [-1.6, -1.05, -0.72, -0.5, -0.25, 0.1], [-0.75, -0.5, 0.02, 0.12, 0.42, 0.6])
    side = side.astype(z.dtype)
    # At the temples the line runs down before the ear; the forehead is kept free of that.
    temple = np.maximum(smoothstep(0.36, 0.56, across), smoothstep(-0.55, -0.8, z))
    line = front + (np.minimum(side, front) - front) * temple
    mask = smoothstep(-0.03, 0.09, y - line)
    if identity.style == "bald":
        mask = mask * smoothstep(0.75, 0.35, y)
    return mask
