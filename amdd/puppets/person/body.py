"""The mesh of an identity with its textures: what stays the same in every clip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

from amdd.puppets.person import appearance
from amdd.puppets.person.hair import hair_mesh
from amdd.puppets.person.head import EYE, HAIR, LASH, head_model, smoothstep
from amdd.puppets.person.people import Identity, face_shape
from amdd.puppets.person.raster import depth_map
from amdd.puppets.person.strands import eye_texture, hair_textures


@dataclass(frozen=True)
class Body:
    """Parts of a person that are the same in every clip."""

    shape: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    uv: np.ndarray
    coverage: np.ndarray
    occlusion: np.ndarray
    hair_points: np.ndarray
    face: np.ndarray  # (F,) is the triangle part of the face
    skin: np.ndarray
    eye: np.ndarray
    hair: np.ndarray
    strands: np.ndarray


@lru_cache(maxsize=8)
def body_of(identity: Identity) -> Body:
    head, hair = head_model(), hair_mesh(identity)
    shape = face_shape(identity)
    n = len(shape)
    keep = head.material != LASH
    lash = head.triangles[~keep]
    triangles = np.concatenate([head.triangles[keep], lash, hair.triangles + n]).astype(np.int32)
    material = np.concatenate(
        [
            head.material[keep],
            np.full(len(lash), LASH, np.uint8),
            np.full(len(hair.triangles), HAIR, np.uint8),
        ]
    )
    uv = np.concatenate([head.uv, hair.uv]).astype(np.float32)
    lashes = np.unique(lash)
    # A lash is thinner than a pixel: a strand pattern that is finer still reads as a soft, half transparent fringe.
    uv[lashes] = np.stack([head.neutral[lashes, 0] * 23, head.neutral[lashes, 2] * 0.2], 1) % 1.0
    coverage = np.concatenate([np.zeros(n, np.float32), hair.coverage])
    coverage[lashes] = _lash_coverage(identity, head, lashes)
    occlusion = np.concatenate([head.occlusion, hair.shade]).astype(np.float32)
    occlusion = np.clip(occlusion * 1.12, 0, 1)
    eyes = np.concatenate([head.left_eye, head.right_eye])
    occlusion[eyes] = 0.62 - 0.3 * smoothstep(0.0, 0.12, head.neutral[eyes, 1])
    if len(hair.points):
        # Hair that hangs over skin keeps light from it.
        mask = appearance.scalp_mask(head.neutral, identity)
        occlusion[:n] *= 1 - 0.35 * smoothstep(0.0, 0.7, mask)
    inside = (head.neutral[:, 1] > -1.12 - 0.25 * np.minimum(0, head.neutral[:, 2])) & (
        head.neutral[:, 2] > -0.72
    )
    inside &= head.neutral[:, 1] < 0.72
    flags = np.zeros(len(uv), bool)
    flags[:n] = inside & (head.ears < 0.5)
    face = flags[triangles].all(1) & (material != HAIR)
    hair_colour, strands = hair_textures(identity)
    return Body(
        shape,
        triangles,
        material,
        uv,
        coverage,
        occlusion,
        hair.points,
        face,
        appearance.skin_texture(identity),
        eye_texture(identity),
        hair_colour,
        strands,
    )


def _lash_coverage(identity: Identity, head, lashes: np.ndarray) -> np.ndarray:
    """Return the density of the lashes at vertices ``lashes``: thick at the upper lid's edge, thin at the tips and below."""
    points = head.neutral[lashes]
    rims = [head.landmarks[36:42], head.landmarks[42:48]]
    lower = [np.interp(points[:, 0], *_by_x(head.neutral[r[[0, 5, 4, 3]]])) for r in rims]
    upper = [np.interp(points[:, 0], *_by_x(head.neutral[r[[0, 1, 2, 3]]])) for r in rims]
    right = points[:, 0] > 0
    low, high = np.where(right, lower[1], lower[0]), np.where(right, upper[1], upper[0])
    above = points[:, 1] > (low + high) / 2
    root = cKDTree(head.neutral[head.skin]).query(points)[0]
    tip = np.clip(root / max(np.percentile(root, 95), 1e-6), 0, 1)
    dense = 0.34 + 0.36 * identity.makeup + (0.12 if identity.gender == "women" else 0.0)
    return np.where(above, dense * (1.15 - 0.85 * tip), 0.32 * dense * (1 - tip)).astype(np.float32)


def _by_x(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(points[:, 0])
    return points[order, 0], points[order, 1]


def key_visibility(body: Body, key: np.ndarray) -> np.ndarray:
    """Return the visible share of a wide key light for each vertex (V,): soft shadows of nose, brow, chin and hair."""
    points = np.concatenate([body.shape, body.hair_points]).astype(np.float32)
    solid = body.triangles[(body.material != LASH) & (body.material != EYE)]
    seen = np.zeros(len(points))
    spread = np.array([[0, 0], [0.16, 0], [-0.16, 0], [0, 0.16], [0, -0.16], [0.1, 0.1], [-0.1, -0.1]])
    for dx, dy in spread:
        seen += depth_map(points, solid, key + np.array([dx, dy, 0.0]), 288, bias=0.05)
    return seen / len(spread)
