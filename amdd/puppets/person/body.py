"""An identity's mesh, textures and hair, which all of their clips share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

from amdd.puppets.person import appearance
from amdd.puppets.person.eyes import eye_texture
from amdd.puppets.person.hair import strands_of
from amdd.puppets.person.head import CLOTH, EYE, FRAME, LASH, head_model, smoothstep
from amdd.puppets.person.people import Identity, face_shape
from amdd.puppets.person.raster import depth_map
from amdd.puppets.person.roots import SCALP, Strands
from amdd.puppets.person.strands import pack
from amdd.puppets.person.worn import worn_by


@dataclass(frozen=True)
class Body:
    """``shape`` (V, 3) the neutral skin; ``triangles`` (F, 3) over skin and ``worn`` (N, 3); ``moves`` (V + N, 1) how
    much each vertex follows the head; ``face`` (F,) whether a triangle belongs to the face; ``occlusion`` (V + N,);
    textures ``skin`` (S, S, 8) and ``eye`` (E, E, 4); plain ``colours`` (8, 4) by material; ``packed`` the strands as
    they are drawn; ``grains`` (G, 3) points of hair that keep light off. All but ``face`` and integers are float32."""

    shape: np.ndarray
    worn: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    uv: np.ndarray
    moves: np.ndarray
    occlusion: np.ndarray
    face: np.ndarray
    skin: np.ndarray
    eye: np.ndarray
    colours: np.ndarray
    strands: Strands
    packed: np.ndarray
    grains: np.ndarray


@lru_cache(maxsize=8)
def body_of(identity: Identity) -> Body:
    """Build the body of a person; takes about a second and is kept for the last eight people."""
    head, worn, strands = head_model(), worn_by(identity), strands_of(identity)
    shape = face_shape(identity)
    n = len(shape)
    keep = head.material != LASH  # lashes are strands
    triangles = np.concatenate([head.triangles[keep], worn.triangles + n]).astype(np.int32)
    material = np.concatenate([head.material[keep], worn.material]).astype(np.uint8)
    uv = np.concatenate([head.uv, worn.uv]).astype(np.float32)
    glasses = np.zeros(len(worn.points), bool)
    glasses[np.unique(worn.triangles[worn.material == FRAME])] = True
    follows = smoothstep(-1.75, -1.0, worn.points[:, 1] + 0.25 * (worn.points[:, 2] + 0.7))
    moves = np.concatenate([head.moves, np.where(glasses, 1.0, 0.6 * follows)]).astype(np.float32)[:, None]
    scalp = strands.kind == SCALP
    roots = (shape[strands.root] * strands.weight[..., None]).sum(1)
    grains = (roots[:, None] + strands.offset)[scalp].reshape(-1, 3)
    occlusion = np.concatenate([head.occlusion, np.full(len(worn.points), 0.85)])
    occlusion = np.clip(occlusion * 1.12, 0, 1)
    occlusion[:n] *= 1 - 0.55 * _under_hair(shape, grains)
    eyes = np.concatenate([head.left_eye, head.right_eye])
    occlusion[eyes] = 0.66 - 0.36 * smoothstep(-0.02, 0.10, head.neutral[eyes, 1])
    teeth = np.unique(head.triangles[head.material == 2])
    occlusion[teeth] = 0.25 + 0.55 * smoothstep(-0.05, 0.17, head.neutral[teeth, 2])
    inside = (head.neutral[:, 1] > -1.12 - 0.25 * np.minimum(0, head.neutral[:, 2])) & (
        head.neutral[:, 2] > -0.72
    )
    inside &= head.neutral[:, 1] < 0.72
    flags = np.zeros(len(uv), bool)
    flags[:n] = inside & (head.ears < 0.5)
    face = flags[triangles].all(1)
    # Glasses stand before the face: what is forged below them is forged with them.
    face |= material == FRAME
    return Body(
        shape, worn.points, triangles, material, uv, moves, occlusion.astype(np.float32), face,
        appearance.skin_texture(identity), eye_texture(identity).astype(np.float32), _colours(identity), strands,
        pack(strands), grains,
    )  # fmt: skip


def _under_hair(shape: np.ndarray, grains: np.ndarray) -> np.ndarray:
    """Return how densely hair covers each vertex (V,), in [0, 1]."""
    if not len(grains):
        return np.zeros(len(shape))
    near = cKDTree(grains[::4]).query(shape, k=12, distance_upper_bound=0.3)[0]
    return (np.isfinite(near)).mean(1) * np.where(
        np.isfinite(near[:, 0]), np.exp(-((near[:, 0] / 0.14) ** 2)), 0
    )


def _colours(identity: Identity) -> np.ndarray:
    colours = np.zeros((8, 4), np.float32)
    colours[2] = (0.50, 0.45, 0.36, 0.8)  # teeth
    colours[3] = (0.30, 0.085, 0.08, 0.8)  # tongue
    colours[5] = (0.10, 0.022, 0.02, 0.5)  # the mouth's inside
    colours[CLOTH] = (*identity.cloth, 0.12)
    if identity.collar == "shirt":
        colours[CLOTH, :3] = np.minimum(1.1 * np.array(identity.cloth), 0.9)
    frames = ((0.015, 0.013, 0.012), (0.06, 0.03, 0.015), (0.18, 0.17, 0.16), (0.02, 0.02, 0.03))
    colours[FRAME] = (*frames[identity.seed % 4], 0.6)
    return colours


def key_visibility(body: Body, key: np.ndarray) -> np.ndarray:
    """Return the visible share of a wide key light for each vertex (V + N,): soft shadows of nose, brow, chin, hair,
    collar and glasses."""
    points = np.concatenate([body.shape, body.worn]).astype(np.float32)
    solid = body.triangles[body.material != EYE]
    seen = np.zeros(len(points))
    spread = np.array([[0, 0], [0.16, 0], [-0.16, 0], [0, 0.16], [0, -0.16], [0.1, 0.1], [-0.1, -0.1]])
    for dx, dy in spread:
        direction = key + np.array([dx, dy, 0.0])
        seen += depth_map(points, solid, direction, 288, 0.05, body.grains)
    return seen / len(spread)
