"""The texture of an eye, painted by rule; linear RGB and gloss."""

from __future__ import annotations

import numpy as np

from amdd.puppets.person.growth import bump
from amdd.puppets.person.head import smoothstep
from amdd.puppets.person.paint import noise
from amdd.puppets.person.people import Identity


def eye_texture(identity: Identity, size: int = 160) -> np.ndarray:
    """Paint iris and sclera (size, size, 4); the texture's plane is the eye's front, its half width the radius.

    The iris has fibres, a collarette, a dark limbal ring and the bright crescent opposite the light from above that
    the cornea throws on it; the sclera is veined, yellower and darker towards its edge.
    """
    rng = np.random.default_rng(np.random.SeedSequence([103, identity.seed]))
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, axis)
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    old = np.clip((identity.age - 40) / 35, 0, 1)
    white = np.array([0.44, 0.385, 0.35]) * (1 - 0.12 * old) * (0.93 if identity.skin > 0.5 else 1.0)
    colour = np.empty((size, size, 3))
    colour[:] = white
    veins = np.clip(np.abs(noise(rng, size, 9)) < 0.07, 0, 1) * smoothstep(0.55, 0.95, r)
    colour *= 1 - veins[..., None] * np.array([0.06, 0.30, 0.28]) * (0.5 + 0.5 * old)
    colour *= 1 - (0.42 * smoothstep(0.42, 1.0, r))[..., None] * np.array([0.7, 1.0, 1.0])
    radius = 0.395
    rays = (
        np.sin(angle * 37 + 4 * noise(rng, size, 24)) * 0.5
        + np.sin(angle * 83 + 5 * noise(rng, size, 12)) * 0.5
    )
    fibres = 1 + 0.34 * rays * smoothstep(0.14, 0.22, r)
    base = np.array(identity.iris)
    inner = base * np.array([1.25, 1.1, 0.9])
    mix = smoothstep(0.17, 0.29, r)[..., None]
    iris = (inner * (1 - mix) + base * mix) * fibres[..., None]
    # The cornea gathers light from above on the iris's lower half.
    caustic = np.clip(y, 0, None) / radius * smoothstep(0.15, 0.3, r)
    iris *= (0.55 + 0.6 * caustic)[..., None]
    iris *= 1 - 0.82 * smoothstep(0.31, radius, r)[..., None]  # limbal ring
    inside = smoothstep(radius + 0.03, radius - 0.03, r)[..., None]
    colour = colour * (1 - inside) + inside * iris
    colour *= 1 - 0.30 * bump(r, radius + 0.02, 0.05)[..., None]
    wide = rng.uniform(0.13, 0.19)
    pupil = smoothstep(wide + 0.02, wide - 0.02, r)[..., None]
    colour = colour * (1 - pupil) + pupil * 0.004
    gloss = np.full((size, size, 1), 1.0)
    return np.ascontiguousarray(np.dstack([np.clip(colour, 0.003, 1), gloss]), np.float32)
