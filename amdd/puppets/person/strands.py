"""Textures of eyes and of hair strands, painted by rule; linear RGB and gloss."""

from __future__ import annotations

import cv2
import numpy as np

from amdd.puppets.person.appearance import bump, hair_colour, noise
from amdd.puppets.person.head import smoothstep
from amdd.puppets.person.people import Identity


def eye_texture(identity: Identity, size: int = 128) -> np.ndarray:
    """Iris and sclera (size, size, 4); the texture's plane is the eye's front, its half width the radius."""
    rng = np.random.default_rng(np.random.SeedSequence([103, identity.seed]))
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, axis)
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    white = np.array([0.43, 0.385, 0.37]) * (0.95 if identity.age < 55 else 0.88)
    colour = np.empty((size, size, 3))
    colour[:] = white
    veins = np.clip(noise(rng, size, 6) - 1.2, 0, 1) * smoothstep(0.5, 0.9, r)
    colour *= 1 - veins[..., None] * np.array([0.05, 0.3, 0.3])
    colour *= 1 - (0.25 * smoothstep(0.5, 0.95, r))[..., None]
    fibres = 1 + 0.25 * np.sin(angle * 23 + 3 * noise(rng, size, 20)) + 0.15 * np.sin(angle * 61)
    iris = (
        np.array(identity.iris) * fibres[..., None] * (0.7 + 0.9 * smoothstep(0.36, 0.18, r) * 0.6)[..., None]
    )
    inside = smoothstep(0.415, 0.375, r)[..., None]
    ring = 1 - 0.55 * bump(r, 0.39, 0.035)[..., None]
    colour = (colour * (1 - inside) + inside * iris) * ring
    pupil = smoothstep(0.165, 0.135, r)[..., None]
    colour = colour * (1 - pupil) + pupil * 0.006
    gloss = np.full((size, size, 1), 1.0)
    return np.ascontiguousarray(np.dstack([np.clip(colour, 0.003, 1), gloss]), np.float32)


def hair_textures(identity: Identity, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Strand colours (size, size, 4), tileable across, and the strand pattern (size, size) in [0, 1]."""
    rng = np.random.default_rng(np.random.SeedSequence([107, identity.seed]))
    stretch = 4 if identity.style == "curly" else 40
    raw = rng.normal(size=(size // stretch + 3, size)).astype(np.float32)
    strands = cv2.resize(raw, (size, size), interpolation=cv2.INTER_LINEAR)
    coarse = cv2.resize(
        rng.normal(size=(3, size // 6)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
    )
    value = 0.75 * strands / strands.std() + 0.35 * coarse / coarse.std()
    if identity.style == "curly":
        value = value + 0.9 * noise(rng, size, 14)
    rank = np.argsort(np.argsort(value.ravel())).reshape(value.shape) / value.size
    tint = hair_colour(identity)
    grey = (rng.random((1, size)) < identity.grey * 0.5)[..., None] * np.array([0.25, 0.25, 0.25])
    colour = tint * (0.70 + 0.50 * rank)[..., None] + grey * rank[..., None]
    gloss = np.full((size, size, 1), 0.35 if identity.style != "curly" else 0.12) * (0.5 + rank[..., None])
    return np.ascontiguousarray(np.dstack([np.clip(colour, 0.004, 1), gloss]), np.float32), rank.astype(
        np.float32
    )
