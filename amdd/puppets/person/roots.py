"""Strands of hair as data, and the skin that they stand on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from amdd.puppets.person.head import SKIN

POINTS = 12
SCALP, BEARD, BROW, LASH_HAIR = range(4)


@dataclass(frozen=True)
class Strands:
    """``root`` (S, 3) int32 vertices of the triangle under each root and ``weight`` (S, 3) its place there;
    ``offset`` (S, P, 3) from the root in dm, neutral head; ``normal`` (S, P, 3) the surface of the whole hair;
    ``colour`` (S, 3) linear RGB; ``width`` (S,) dm; ``shade`` (S, P) light that reaches a point, in [0, 1];
    ``kind`` (S,) uint8: scalp, beard, brow or lash."""

    root: np.ndarray
    weight: np.ndarray
    offset: np.ndarray
    normal: np.ndarray
    colour: np.ndarray
    width: np.ndarray
    shade: np.ndarray
    kind: np.ndarray


class Ground:
    """The skin that hair grows on and is kept out of."""

    def __init__(self, head, shape: np.ndarray, normals: np.ndarray) -> None:
        self.head, self.shape, self.normals = head, shape, normals
        self.faces = head.triangles[head.material == SKIN]
        skin = head.skin[head.neutral[head.skin, 1] > -3.2]
        self.skin, self.tree = skin, cKDTree(shape[skin])

    def sample(self, density: np.ndarray, count: int, rng) -> tuple[np.ndarray, np.ndarray]:
        """``count`` roots drawn by area and ``density`` (V,): vertices (count, 3) and weights (count, 3)."""
        corner = self.shape[self.faces]
        area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
        chance = area * density[self.faces].mean(1)
        pick = rng.choice(len(self.faces), count, p=chance / chance.sum())
        w = rng.dirichlet((1, 1, 1), count)
        return self.faces[pick], w

    def push(self, points: np.ndarray, clearance: np.ndarray) -> np.ndarray:
        """``points`` (S, 3) moved out of the skin to ``clearance`` (S,) dm above it."""
        near = self.skin[self.tree.query(points)[1]]
        n = self.normals[near]
        depth = ((points - self.shape[near]) * n).sum(1)
        return points + n * np.maximum(0, clearance - depth)[:, None]


def at_roots(values: np.ndarray, root: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (values[root] * weight[..., None]).sum(1)


def unit(v: np.ndarray) -> np.ndarray:
    return v / (np.linalg.norm(v, axis=-1, keepdims=True) + 1e-9)


def joined(parts: list[Strands]) -> Strands:
    if not parts:
        return nothing()
    return Strands(
        **{k: np.concatenate([getattr(p, k) for p in parts]) for k in Strands.__dataclass_fields__}
    )


def nothing() -> Strands:
    none = np.zeros((0, 3))
    path = np.zeros((0, POINTS, 3))
    return Strands(
        none.astype(int), none, path, path, none, none[:, 0], path[..., 0], none[:, 0].astype(np.uint8)
    )
