"""The head model at run time: geometry that every identity shares (texture layout, hair, landmarks)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "data" / "head.npz"
SKIN, EYE, TEETH, TONGUE, LASH, MOUTH, CLOTH, FRAME = range(8)
AXIS_Z = -0.75  # the vertical axis of the texture's cylinder, behind the eyes (dm)
V_KNOTS = ((-4.4, 1.0), (-2.0, 0.86), (-1.45, 0.78), (0.75, 0.12), (1.6, 0.0))


def skin_uv(points: np.ndarray) -> np.ndarray:
    """Texture coordinates (V, 2) of neutral positions (V, 3): a cylinder that gives the face most of the room."""
    azimuth = np.arctan2(points[:, 0], points[:, 2] - AXIS_Z) / np.pi
    share = np.interp(np.abs(azimuth), [0, 0.36, 1], [0, 0.76, 1])
    u = 0.5 + 0.5 * np.sign(azimuth) * share
    heights, rows = zip(*V_KNOTS)
    return np.stack([u, np.interp(points[:, 1], heights, rows)], 1)


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True)
class Head:
    """Arrays of ``data/head.npz`` (float32) and what follows from them; ``V`` vertices, ``F`` triangles."""

    neutral: np.ndarray  # (V, 3)
    macros: np.ndarray  # (gender 2, age 2, origin 3, V, 3)
    weights: np.ndarray  # (gender 2, age 2, thin/heavy 2, V, 3)
    components: np.ndarray  # (40, V, 3), one standard deviation each
    actions: np.ndarray  # (52, V, 3)
    triangles: np.ndarray  # (F, 3) int32
    material: np.ndarray  # (F,) uint8
    lips: np.ndarray  # (V,) in [0, 1]
    eyelids: np.ndarray
    ears: np.ndarray
    occlusion: np.ndarray
    left_eye: np.ndarray
    right_eye: np.ndarray
    uv: np.ndarray  # (V, 2)
    skin: np.ndarray  # indices of skin vertices
    landmarks: np.ndarray  # (68,) vertex of each landmark, iBUG's order
    moves: np.ndarray  # (V,) how much of the head's turning a vertex follows


@lru_cache(maxsize=1)
def head_model() -> Head:
    """Load the model; raises ``FileNotFoundError`` naming the script that makes it."""
    if not FILE.exists():
        raise FileNotFoundError(f"{FILE} is missing; python -m amdd.puppets.person.build_head makes it")
    with np.load(FILE, allow_pickle=False) as data:
        arrays = {key: data[key] for key in data.files}
    wide = {
        k: arrays[k].astype(np.float32) for k in ("neutral", "macros", "weights", "components", "actions")
    }
    neutral = wide["neutral"]
    n = len(neutral)
    material = arrays["part"].astype(np.uint8)
    triangles = arrays["triangles"].astype(np.int32)
    skin = np.unique(triangles[material == SKIN])
    byte = {k: arrays[k].astype(np.float32) / 255 for k in ("lips", "eyelids", "ears", "occlusion")}
    return Head(
        neutral=neutral,
        macros=wide["macros"].reshape(2, 2, 3, n, 3),
        weights=wide["weights"].reshape(2, 2, 2, n, 3),
        components=wide["components"],
        actions=wide["actions"],
        triangles=triangles,
        material=material,
        left_eye=arrays["left_eye"].astype(int),
        right_eye=arrays["right_eye"].astype(int),
        uv=skin_uv(neutral).astype(np.float32),
        skin=skin,
        landmarks=find_landmarks(neutral, triangles[material == SKIN], byte["lips"]),
        moves=smoothstep(-1.75, -1.0, neutral[:, 1] + 0.25 * (neutral[:, 2] + 0.7)).astype(np.float32),
        **byte,
    )


def find_landmarks(neutral: np.ndarray, triangles: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """The 68 iBUG landmarks as vertices (68,), found from the neutral shape.

    Left and right in iBUG's sense are the image's: landmark 0 is at the image's left.
    """
    skin = np.unique(triangles)
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
    )
    unique, count = np.unique(edges, axis=0, return_counts=True)
    border = np.unique(unique[count == 1])  # rims of the eye and mouth openings, and the cut at the shoulders
    p = neutral
    front = skin[p[skin, 2] > -0.75]

    def nearest(x: float, y: float, pool: np.ndarray, z_bonus: float = 0.15) -> int:
        cost = (p[pool, 0] - x) ** 2 + (p[pool, 1] - y) ** 2 - z_bonus * p[pool, 2]
        return int(pool[np.argmin(cost)])

    eyes = {}
    for side in (-1, 1):
        near = border[
            (np.abs(p[border, 1]) < 0.16) & (side * p[border, 0] > 0.08) & (side * p[border, 0] < 0.6)
        ]
        near = near[p[near, 2] > -0.2]
        eyes[side] = near
    mouth = front[(lips[front] > 0.5)]
    low, high = p[mouth, 1].min(), p[mouth, 1].max()
    corner_right = mouth[np.argmin(p[mouth, 0])]
    corner_left = mouth[np.argmax(p[mouth, 0])]
    half = p[corner_left, 0]
    marks: list[int] = []
    # 0-16 the jaw, from ear to ear below the chin: points of the frontal outline, snapped to the surface
    xs = (0.74, 0.735, 0.715, 0.67, 0.60, 0.50, 0.36, 0.19, 0.0)
    ys = (-0.05, -0.25, -0.43, -0.60, -0.76, -0.89, -1.0, -1.06, -1.08)
    for i in range(17):
        k = min(i, 16 - i)
        marks.append(nearest((-1 if i < 8 else 1) * xs[k], ys[k], front, 0.05))
    # 17-26 the brows
    for side, xs in ((-1, (0.52, 0.43, 0.33, 0.22, 0.11)), (1, (0.11, 0.22, 0.33, 0.43, 0.52))):
        for x in xs:
            marks.append(nearest(side * x, 0.20 + 0.05 * np.sin(np.pi * min(1, (0.62 - x) / 0.5)), front))
    # 27-30 the bridge, 31-35 the nostrils
    centre = front[np.abs(p[front, 0]) < 0.02]
    tip = centre[np.argmax(p[centre, 2])]
    for share in (0.0, 0.33, 0.66):
        marks.append(nearest(0.0, 0.02 + share * (p[tip, 1] - 0.02), centre))
    marks.append(int(tip))
    base_y = p[tip, 1] - 0.06
    for x in (-0.14, -0.07, 0.0, 0.07, 0.14):
        marks.append(nearest(x, base_y + (0.03 if abs(x) > 0.1 else 0.0), front, 0.02))
    # 36-47 the eyes: outer/inner corner and two points on each lid, in the image's order
    for side in (-1, 1):
        rim = eyes[side]
        x0, x1 = p[rim, 0].min(), p[rim, 0].max()
        mid = np.interp
        first, last = rim[np.argmin(p[rim, 0])], rim[np.argmax(p[rim, 0])]
        line = lambda x: mid(x, [p[first, 0], p[last, 0]], [p[first, 1], p[last, 1]])  # noqa: E731
        upper = rim[p[rim, 1] >= line(p[rim, 0])]
        lower = rim[p[rim, 1] < line(p[rim, 0])]
        at = lambda pool, share: int(pool[np.argmin(np.abs(p[pool, 0] - (x0 + share * (x1 - x0))))])  # noqa: E731
        marks += [int(first), at(upper, 0.33), at(upper, 0.67), int(last), at(lower, 0.67), at(lower, 0.33)]
    # 48-59 the outer lips, 60-67 the inner lips
    outer_top, outer_bottom = [], []
    for share in (-0.62, -0.27, 0.0, 0.27, 0.62):
        column = mouth[np.abs(p[mouth, 0] - share * half) < 0.03]
        outer_top.append(int(column[np.argmax(p[column, 1])]))
        outer_bottom.append(int(column[np.argmin(p[column, 1])]))
    marks += [int(corner_right), *outer_top, int(corner_left), *outer_bottom[::-1]]
    # The rim of the mouth's opening parts the lips.
    rim = border[
        (np.abs(p[border, 0]) < half + 0.02) & (p[border, 1] < high + 0.05) & (p[border, 1] > low - 0.05)
    ]
    rim = rim[p[rim, 2] > p[corner_left, 2] - 0.12]
    inner_top, inner_bottom = [], []
    for share in (-0.4, 0.0, 0.4):
        column = rim[np.abs(p[rim, 0] - share * half) < 0.035]
        inner_top.append(int(column[np.argmax(p[column, 1])]))
        inner_bottom.append(int(column[np.argmin(p[column, 1])]))
    marks += [int(rim[np.argmin(p[rim, 0])]), *inner_top, int(rim[np.argmax(p[rim, 0])]), *inner_bottom[::-1]]
    return np.array(marks, np.int32)
