"""Geometry of collars and glasses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amdd.puppets.person.head import CLOTH, FRAME, SKIN, head_model
from amdd.puppets.person.people import Identity, face_shape

AXIS = np.array([0.0, -0.80])  # x and z of the neck's middle (dm)
AROUND = 72


@dataclass(frozen=True)
class Worn:
    """``points`` (N, 3) in the neutral head's frame, ``triangles`` (M, 3), ``material`` (M,), ``uv`` (N, 2)."""

    points: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    uv: np.ndarray


def edge_of(collar: str, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the height (dm) of the neckline of a garment at ``x``, ``z``: cloth lies below it."""
    ax = np.abs(x)
    out = np.clip((ax - 0.34) / 0.52, 0, 1)
    out = out * out * (3 - 2 * out)
    if collar == "v":
        return -1.62 + 0.42 * out - 0.85 * np.maximum(0, 1 - ax / 0.5) * (z > -0.9)
    if collar == "scoop":
        return -1.70 + 0.40 * out - 0.4 * np.exp(-((x / 0.45) ** 2)) * (z > -0.9)
    if collar == "shirt":
        return -1.58 + 0.40 * out - 0.45 * np.maximum(0, 1 - ax / 0.22) * (z > -0.9)
    return -1.66 + 0.42 * out


def worn_by(identity: Identity) -> Worn:
    """Build the collar and glasses of a person; empty arrays where there are none."""
    pieces = []
    if identity.collar == "crew":
        pieces.append(_tube(identity, 0.0, 0.05, 0.035, ribs=160))
    elif identity.collar == "roll":
        pieces.append(
            _strip(identity, [(0.0, 0.06), (0.10, 0.10), (0.26, 0.085), (0.36, 0.07), (0.38, 0.02)], ribs=110)
        )
    elif identity.collar == "hood":
        pieces.append(_tube(identity, 0.02, 0.13, 0.11, ribs=0))
    elif identity.collar == "shirt":
        pieces.append(_shirt(identity))
    if identity.glasses != "none":
        pieces += _glasses(identity)
    if not pieces:
        none = np.zeros((0, 3), np.float32)
        return Worn(none, np.zeros((0, 3), np.int32), np.zeros(0, np.uint8), none[:, :2])
    start, points, triangles, material, uv = 0, [], [], [], []
    for p, t, m, w in pieces:
        points.append(p)
        triangles.append(t + start)
        material.append(np.full(len(t), m, np.uint8))
        uv.append(w)
        start += len(p)
    return Worn(
        np.concatenate(points).astype(np.float32), np.concatenate(triangles).astype(np.int32),
        np.concatenate(material), np.concatenate(uv).astype(np.float32),
    )  # fmt: skip


def _ring(identity: Identity, height: float) -> np.ndarray:
    """Return points (AROUND, 3) where the skin crosses ``height`` dm above the garment's neckline, by angle about the neck."""
    head, shape = head_model(), face_shape(identity)
    collar = "crew" if identity.collar == "hood" else identity.collar
    f = head.neutral[:, 1] - edge_of(collar, head.neutral[:, 0], head.neutral[:, 2]) - height
    faces = head.triangles[head.material == SKIN]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    a, b = edges.T
    cross = (f[a] < 0) != (f[b] < 0)
    cross &= (np.abs(head.neutral[a, 0]) < 1.15) & (head.neutral[a, 1] > -2.8)
    a, b = a[cross], b[cross]
    share = (f[a] / (f[a] - f[b]))[:, None]
    points = shape[a] * (1 - share) + shape[b] * share
    angle = np.arctan2(points[:, 0] - AXIS[0], points[:, 2] - AXIS[1])
    order = np.argsort(angle)
    angle, points = angle[order], points[order]
    wide = np.concatenate([angle - 2 * np.pi, angle, angle + 2 * np.pi])
    many = np.concatenate([points] * 3)
    at = np.linspace(-np.pi, np.pi, AROUND, endpoint=False)
    width = 0.12
    near = np.exp(-(((at[:, None] - wide[None]) / width) ** 2)) + 1e-9
    return (near[..., None] * many[None]).sum(1) / near.sum(1, keepdims=True)


def _outward(ring: np.ndarray) -> np.ndarray:
    out = ring - np.array([AXIS[0], 0, AXIS[1]])
    out[:, 1] = 0
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def _grid(rows: np.ndarray, ribs: int) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
    """Turn rows (R, A, 3) of points around the neck into points, triangles, material and texture coordinates."""
    r, a = rows.shape[:2]
    index = np.arange(r * a).reshape(r, a)
    nxt = np.roll(index, -1, 1)
    quads = [
        np.stack([index[:-1], index[1:], nxt[:-1]], -1).reshape(-1, 3),
        np.stack([nxt[:-1], index[1:], nxt[1:]], -1).reshape(-1, 3),
    ]
    # Ribs by whole turns, so that the seam does not show.
    u = np.broadcast_to(np.arange(a) * (ribs / a), (r, a))
    v = np.broadcast_to(np.linspace(0, 1, r)[:, None], (r, a))
    return rows.reshape(-1, 3), np.concatenate(quads), CLOTH, np.stack([u.ravel(), v.ravel()], 1)


def _tube(identity: Identity, height: float, radius: float, out: float, ribs: int):
    ring = _ring(identity, height)
    side = _outward(ring)
    turn = np.linspace(0, 2 * np.pi, 9)
    back = 0.5 - 0.5 * side[:, 2:3]
    size = radius * (1 + (0.7 * back if identity.collar == "hood" else 0))
    rows = [
        ring
        + side * (out * (1 + back * (identity.collar == "hood")) + size * np.cos(t))
        + np.array([0, 1.0, 0]) * size * np.sin(t)
        for t in turn
    ]
    return _grid(np.stack(rows), ribs)


def _strip(identity: Identity, profile: list[tuple[float, float]], ribs: int):
    rows = []
    for height, out in profile:
        ring = _ring(identity, height)
        rows.append(ring + _outward(ring) * out)
    return _grid(np.stack(rows), ribs)


def _shirt(identity: Identity):
    """Build a folded shirt collar, open in front, with the longest points beside the opening."""
    low, high = _ring(identity, 0.02), _ring(identity, 0.22)
    side = _outward(low)
    angle = np.abs(np.linspace(-np.pi, np.pi, AROUND, endpoint=False))
    point = np.exp(-(((angle - 0.42) / 0.28) ** 2))[:, None]
    fold = 0.20 + 0.17 * point
    down = np.array([0, -1.0, 0])
    rows = np.stack(
        [
            low + side * 0.02, high + side * 0.03, high + side * 0.07 + np.array([0, 0.015, 0]),
            high + side * 0.11 + down * 0.3 * fold, high + side * (0.17 + 0.06 * point) + down * fold + np.array([0, 0, 0.04]) * point,
        ]
    )  # fmt: skip
    points, triangles, material, uv = _grid(rows, 0)
    column = triangles % AROUND
    gap = np.flatnonzero(angle < 0.20)
    keep = ~np.isin(column, gap).any(1)
    return points, triangles[keep], material, uv


def _tube_along(path: np.ndarray, radius: float, closed: bool):
    """Build a round wire along ``path`` (N, 3)."""
    n, ring = len(path), 6
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9
    a = np.cross(ahead, np.array([0.05, 0.1, 1.0]))
    a /= np.linalg.norm(a, axis=1, keepdims=True) + 1e-9
    b = np.cross(ahead, a)
    turn = np.linspace(0, 2 * np.pi, ring, endpoint=False)
    points = path[:, None] + radius * (
        np.cos(turn)[None, :, None] * a[:, None] + np.sin(turn)[None, :, None] * b[:, None]
    )
    index = np.arange(n * ring).reshape(n, ring)
    here = index if closed else index[:-1]
    there = np.roll(index, -1, 0) if closed else index[1:]
    quads = [
        np.stack([here, there, np.roll(here, -1, 1)], -1).reshape(-1, 3),
        np.stack([np.roll(here, -1, 1), there, np.roll(there, -1, 1)], -1).reshape(-1, 3),
    ]
    return points.reshape(-1, 3), np.concatenate(quads), FRAME, np.zeros((n * ring, 2))


def _glasses(identity: Identity):
    head, shape = head_model(), face_shape(identity)
    round_ = identity.glasses == "round"
    bridge = shape[head.landmarks[27]]
    front = max(bridge[2] + 0.05, shape[head.landmarks[[38, 43]]][:, 2].max() + 0.12)
    pieces = []
    radius = 0.010 if identity.glasses == "wire" else 0.017
    turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    half_w, half_h = (0.195, 0.185) if round_ else (0.215, 0.145)
    power = 1.0 if round_ else 0.62
    for sign, eye in ((-1, head.left_eye), (1, head.right_eye)):
        centre = shape[eye].mean(0)
        sign = np.sign(centre[0])
        cx, cy = centre[0] + 0.015 * sign, centre[1] - 0.03
        c, s = np.cos(turn), np.sin(turn)
        px = cx + half_w * np.sign(c) * np.abs(c) ** power
        py = cy + half_h * np.sign(s) * np.abs(s) ** power
        pz = front - 0.25 * (np.abs(px) - 0.1).clip(0) ** 2
        pieces.append(_tube_along(np.stack([px, py, pz], 1), radius, True))
        outer = cx + sign * half_w
        z0 = front - 0.25 * (abs(outer) - 0.1) ** 2
        temple = np.array(
            [
                [outer, cy + 0.06, z0],
                [sign * 0.70, cy + 0.07, z0 - 0.18],
                [sign * 0.80, cy + 0.05, -0.35],
                [sign * 0.82, cy + 0.03, -0.80],
            ]
        )
        pieces.append(_tube_along(temple, radius, False))
    left, right = (shape[e].mean(0) for e in (head.left_eye, head.right_eye))
    low, high = sorted([left[0], right[0]])
    y = (left[1] + right[1]) / 2
    x = np.linspace(low + half_w - 0.02, high - half_w + 0.02, 7)
    arch = np.stack([x, y + 0.05 * (1 - (x / max(abs(x).max(), 1e-6)) ** 2), np.full(7, front + 0.02)], 1)
    pieces.append(_tube_along(arch, radius, False))
    return pieces
