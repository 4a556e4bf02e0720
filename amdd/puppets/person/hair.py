"""Hair as shells over the scalp, and a curtain for longer styles; it turns with the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amdd.puppets.person.appearance import scalp_mask
from amdd.puppets.person.head import SKIN, head_model, smoothstep
from amdd.puppets.person.people import Identity, face_shape
from amdd.puppets.person.raster import vertex_normals

CROWN = np.array([0.0, 1.02, -0.85])


@dataclass(frozen=True)
class Hair:
    """``points`` (N, 3) in the neutral head's frame, ``triangles`` (M, 3), ``uv`` (N, 2), ``coverage`` and
    ``shade`` (N,): how dense the strands stand and how much light reaches them."""

    points: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    coverage: np.ndarray
    shade: np.ndarray


def hair_mesh(identity: Identity) -> Hair:
    """The hair of an identity; empty arrays for a shaven or bald head."""
    pieces: list[tuple[np.ndarray, ...]] = []
    if identity.style not in ("buzz", "bald"):
        pieces += _shells(identity)
    if identity.style in ("long", "bob"):
        pieces.append(_curtain(identity))
    if identity.style == "bun":
        pieces.append(_bun(identity))
    if not pieces:
        none = np.zeros((0, 3), np.float32)
        return Hair(none, np.zeros((0, 3), np.int32), none[:, :2], none[:, 0], none[:, 0])
    points, triangles, uv, coverage, shade = [], [], [], [], []
    start = 0
    for p, t, w, c, s in pieces:
        points.append(p)
        triangles.append(t + start)
        uv.append(w)
        coverage.append(c)
        shade.append(s)
        start += len(p)
    as32 = lambda parts: np.concatenate(parts).astype(np.float32)  # noqa: E731
    return Hair(
        as32(points), np.concatenate(triangles).astype(np.int32), as32(uv), as32(coverage), as32(shade)
    )


def _strand_uv(points: np.ndarray, repeat: float = 3.0) -> np.ndarray:
    """Strands run from the crown outwards: angle about it across, distance along."""
    d = points - CROWN
    angle = np.arctan2(d[:, 0], d[:, 2] + 0.15 * d[:, 1]) / (2 * np.pi)
    return np.stack([angle * repeat + repeat, np.linalg.norm(d, axis=1) * 0.38], 1)


def _shells(identity: Identity) -> list[tuple[np.ndarray, ...]]:
    head, shape = head_model(), face_shape(identity)
    faces = head.triangles[head.material == SKIN]
    mask = scalp_mask(head.neutral, identity) * (1 - smoothstep(0.2, 0.6, head.ears))
    faces = faces[(mask[faces] > 0.01).any(1) & (head.neutral[faces][:, :, 1] > -0.8).all(1)]
    used, local = np.unique(faces, return_inverse=True)
    local = local.reshape(-1, 3)
    normal = vertex_normals(shape, head.triangles)[used]
    p, n, m = shape[used], head.neutral[used], mask[used]
    top = smoothstep(0.35, 0.95, n[:, 1])
    thick = {
        "short": 0.10,
        "crop": 0.06,
        "swept": 0.11,
        "curly": 0.24,
        "bob": 0.11,
        "long": 0.10,
        "bun": 0.07,
    }[identity.style]
    rise = {
        "short": 0.05,
        "crop": 0.03,
        "swept": 0.16,
        "curly": 0.08,
        "bob": 0.02,
        "long": 0.01,
        "bun": 0.03,
    }[identity.style]
    thickness = thick * (0.45 + 0.55 * smoothstep(0.0, 1.0, m)) + rise * top
    if identity.style == "swept":
        side = np.sign(identity.parting) or 1.0
        thickness = (
            thickness * (1 + 0.35 * np.tanh(side * n[:, 0] * 3)) + 0.06 * smoothstep(0.0, 0.3, n[:, 2]) * top
        )
    if identity.style in ("bob", "long"):
        # A parting: the shell dips along a line from the front to the crown.
        thickness = thickness * (
            1 - 0.45 * np.exp(-(((n[:, 0] - 0.4 * identity.parting) / 0.05) ** 2)) * (n[:, 2] > -0.8)
        )
    layers = 4
    pieces = []
    # The outermost first: what it covers fails the depth test before its strands are looked up.
    for k in reversed(range(layers)):
        depth = (k + 1) / layers
        lift = normal * (thickness * depth * np.minimum(1, 2.0 * m))[:, None]
        lift[:, 1] -= 0.03 * depth * (1 - top) * m  # strands hang
        coverage = np.clip(m * 1.9, 0, 1) * (1.0 if k == 0 else 0.92 - 0.17 * k)
        shade = np.full(len(p), 0.62 + 0.38 * depth)
        uv = _strand_uv(n)
        uv[:, 0] += 0.13 * k + 0.25 * identity.parting * n[:, 1]
        pieces.append((p + lift, local, uv, coverage, shade))
    return pieces


def _curtain(identity: Identity) -> tuple[np.ndarray, ...]:
    shape, head = face_shape(identity), head_model()
    rows, columns = 18, 44
    long = identity.style == "long"
    scalp = shape[(scalp_mask(head.neutral, identity) > 0.5) & (head.neutral[:, 1] < 0.75)]
    half = np.percentile(np.abs(scalp[:, 0]), 97) + 0.10
    back = -np.percentile(scalp[:, 2], 2) - 0.75 + 0.10
    bottom = -2.3 if long else -1.02
    theta = np.linspace(np.deg2rad(76), np.deg2rad(284), columns)  # behind the ears
    t = np.linspace(0, 1, rows)
    points, shade, coverage = [], [], []
    for share in t:
        y = 0.78 + share * (bottom - 0.78)
        # It leaves the head from within the shells, and hangs clear of it below.
        flare = 0.80 + 0.20 * smoothstep(0.0, 0.30, np.array(share))
        flare = flare + 0.06 * np.sin(np.pi * share) - (0.0 if long else 0.16 * share**3)
        if long:
            flare += 0.22 * smoothstep(0.55, 1.0, np.array(share))
        ring = np.stack(
            [
                np.sin(theta) * half * flare,
                np.full(columns, y),
                -0.75 + np.cos(theta) * np.where(np.cos(theta) < 0, back, 0.55) * flare,
            ],
            1,
        )
        ring[:, 0] += 0.025 * np.sin(theta * 9 + identity.seed + 3 * share)
        ring[:, 1] += 0.05 * np.sin(theta * 5 + identity.seed) * share
        points.append(ring)
        edge = smoothstep(0.0, 0.12, np.linspace(0, 1, columns)) * smoothstep(
            1.0, 0.88, np.linspace(0, 1, columns)
        )
        front = 0.35 * (1 - smoothstep(0.80, 1.0, np.array(share)))  # the foremost strands end first
        coverage.append((front + 0.65 * edge) * (1.0 if share < 0.85 else 1.0 - 3.5 * (share - 0.85)))
        shade.append(0.55 + 0.45 * np.clip(edge + 0.3, 0, 1))
    points = np.concatenate(points)
    grid = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = grid[:-1, :-1].ravel(), grid[:-1, 1:].ravel(), grid[1:, :-1].ravel(), grid[1:, 1:].ravel()
    triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    u, v = np.meshgrid(np.linspace(0, 4, columns), t * (1.3 if long else 0.7) + 0.4)
    return (
        points,
        triangles,
        np.stack([u.ravel(), v.ravel()], 1),
        np.concatenate(coverage),
        np.concatenate(shade),
    )


def _bun(identity: Identity) -> tuple[np.ndarray, ...]:
    i, j = np.meshgrid(np.arange(12), np.arange(17), indexing="ij")
    polar, around = i / 11 * np.pi, j / 16 * 2 * np.pi
    unit = np.stack(
        [np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], -1
    ).reshape(-1, 3)
    points = unit * np.array([0.36, 0.30, 0.33]) + np.array([0.0, 1.18, -1.05])
    grid = np.arange(12 * 17).reshape(12, 17)
    a, b, c, d = grid[:-1, :-1].ravel(), grid[:-1, 1:].ravel(), grid[1:, :-1].ravel(), grid[1:, 1:].ravel()
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    uv = np.stack([around.ravel() / (2 * np.pi) * 2, polar.ravel() / np.pi], 1)
    return points, triangles, uv, np.ones(len(points)), np.full(len(points), 0.85)
