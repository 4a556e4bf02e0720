"""Light of a scene: an environment of soft lobes, drawn by rule, as spherical harmonics, and one key light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# Names of the kinds of places, with the light's colour temperature in kelvin of key and of the rest.
PLACES = {
    "window": (6200, 4300),
    "overcast": (6800, 6500),
    "office": (4400, 5000),
    "evening": (3100, 4000),
    "studio": (5300, 5400),
}


@dataclass(frozen=True)
class Lamp:
    """A light as the drawing loops take it, float32: ``key`` (15,) the key light's direction, the direction half way
    from it to the camera, the rim light's direction, and the colours of key and rim; ``sh`` (9, 3) harmonics times their
    constants; ``lobes`` (K, 7) as in :class:`Light`."""

    key: np.ndarray
    sh: np.ndarray
    lobes: np.ndarray


# Constants of the real spherical harmonics up to degree 2, in the order of :func:`harmonics`.
CONSTANTS = np.array([0.282095] + 3 * [0.488603] + [1.092548, 1.092548, 0.315392, 1.092548, 0.546274])


@dataclass(frozen=True)
class Light:
    """``rows`` (6, 3): key direction and colour, fill direction and colour, rim direction and colour. ``sh`` (9, 3):
    irradiance over pi of all but the key light, so that with normal n it is the sum of ``sh`` times the real
    harmonics of n. ``lobes`` (K, 7): direction, colour, sharpness, for reflections."""

    rows: np.ndarray
    sh: np.ndarray
    lobes: np.ndarray
    place: str

    def white(self) -> np.ndarray:
        """Return the gains (3,) of an automatic white balance that corrects three quarters of the cast (in log gain)."""
        total = self.rows[1] + 1.2 * self.sh[0] * 0.282095
        return (total[1] / total) ** 0.75

    def lamp(self) -> Lamp:
        """Return the same light for the drawing loops."""
        key = self.rows[0]
        half = _unit(key + np.array([0.0, 0.0, 1.0]))
        values = np.concatenate([key, half, self.rows[4], self.rows[1], self.rows[5]])
        sh = self.sh * CONSTANTS[:, None]
        return Lamp(values.astype(np.float32), sh.astype(np.float32), self.lobes.astype(np.float32))


def kelvin(temperature: float) -> np.ndarray:
    """Return linear RGB (3,) of a black body, green = 1; a fit to Planck's law between 2,500 and 10,000 K."""
    t = np.log(temperature / 6500)
    return np.array([np.exp(-0.62 * t), 1.0, np.exp(0.88 * t)])


def harmonics(n: np.ndarray) -> np.ndarray:
    """Return the real spherical harmonics up to degree 2 (..., 9) of unit vectors ``n`` (..., 3)."""
    x, y, z = n[..., 0], n[..., 1], n[..., 2]
    return np.stack(
        [
            0.282095 + 0 * x, 0.488603 * y, 0.488603 * z, 0.488603 * x,
            1.092548 * x * y, 1.092548 * y * z, 0.315392 * (3 * z * z - 1), 1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        -1,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _sphere(n: int = 2048) -> np.ndarray:
    k = np.arange(n) + 0.5
    z = 1 - 2 * k / n
    angle = np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(angle), z, r * np.sin(angle)], 1)


def irradiance(radiance: np.ndarray) -> np.ndarray:
    """Return the coefficients (9, 3) of irradiance over pi from ``radiance`` (2048, 3) on :func:`_sphere`'s directions.

    The cosine lobe's factors over pi are 1, 2/3 and 1/4 by degree (Ramamoorthi & Hanrahan 2001)."""
    y = harmonics(_sphere())
    coefficients = 4 * np.pi * (y[..., None] * radiance[:, None]).mean(0)
    return coefficients * np.array([1] + [2 / 3] * 3 + [1 / 4] * 5)[:, None]


def _unit(v) -> np.ndarray:
    v = np.asarray(v, float)
    return v / np.linalg.norm(v)


def light_of(rng: np.random.Generator, place: str, warmth: float = 0.0) -> Light:
    """Draw a light for a ``place`` of :data:`PLACES`; ``warmth`` in [-1, 1] shifts all colours."""
    key_k, rest_k = PLACES[place]
    key_colour = kelvin(key_k * np.exp(0.08 * rng.normal() - 0.12 * warmth))
    rest = kelvin(rest_k * np.exp(0.06 * rng.normal() - 0.12 * warmth))
    side = rng.choice([-1.0, 1.0])
    contrast = {"window": 1.15, "overcast": 0.8, "office": 0.85, "evening": 1.1, "studio": 0.95}[place]
    height = {
        "window": (0.15, 0.6),
        "overcast": (0.5, 1.0),
        "office": (0.8, 1.4),
        "evening": (0.1, 0.6),
        "studio": (0.35, 0.8),
    }[place]
    across = {
        "window": (0.5, 1.2),
        "overcast": (0.1, 0.5),
        "office": (0.1, 0.6),
        "evening": (0.4, 1.1),
        "studio": (0.3, 0.8),
    }[place]
    key = _unit([side * rng.uniform(*across), rng.uniform(*height), 1.0])
    fill = _unit([-side * rng.uniform(0.6, 1.2), rng.uniform(-0.1, 0.4), 0.6])
    rim = _unit([-side * 0.9, rng.uniform(0.2, 0.8), -0.75])
    strength = rng.uniform(0.85, 1.15) * contrast
    ambient = rng.uniform(0.34, 0.46) * (1.1 if place == "overcast" else 1.0)
    directions = _sphere()
    up = 0.5 + 0.5 * directions[:, 1:2]
    wall = np.array([1.0, 0.97, 0.93]) * rng.uniform(0.9, 1.1, 3)
    radiance = ambient * rest * (0.55 * (1 - up) * wall + 1.15 * up**1.3)
    lobes = [(fill, rest * rng.uniform(0.35, 0.8), 3.0), (key, key_colour * strength * 0.5, 4.0)]
    if place == "office":  # rows of tubes in the ceiling
        lobes += [(_unit([x, 1.3, z]), rest * 0.9, 14.0) for x in (-0.7, 0.7) for z in (0.2, 1.0)]
    if place == "window":
        lobes.append((_unit([-side, 0.1, 0.2]), rest * 0.3, 2.0))
    for direction, colour, sharp in lobes:
        if direction is not key:
            radiance = radiance + colour * 0.8 * np.exp(sharp * (directions @ direction - 1))[:, None]
    rim_strength = {
        "window": (0.1, 0.7),
        "overcast": (0.1, 0.4),
        "office": (0.1, 0.5),
        "evening": (0.2, 0.9),
        "studio": (0.3, 1.2),
    }[place]
    rows = np.stack([key, strength * key_colour, fill, rest * 0.4, rim, rest * rng.uniform(*rim_strength)])
    table = np.array([[*d, *(c if d is not key else 1.6 * c), 3.0 * s] for d, c, s in lobes])
    return Light(rows.astype(np.float64), irradiance(radiance), table.astype(np.float64), place)
