"""Hair as strands: where it grows, how it is combed, how it curls. Grown once for each person.

A strand is a polyline of ``POINTS`` points whose root rides on a triangle of the skin, so brows and beards move with
the face and hair with the head. Growing steps along a combing direction, pushes strands out of the head, draws
them together into locks and curls them.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from amdd.puppets.person import styles
from amdd.puppets.person.appearance import hair_colour
from amdd.puppets.person.facial_hair import beard, brows, lashes
from amdd.puppets.person.growth import noise_at, scalp_mask
from amdd.puppets.person.head import head_model, smoothstep
from amdd.puppets.person.people import Identity, face_shape
from amdd.puppets.person.raster import vertex_normals
from amdd.puppets.person.roots import POINTS, SCALP, Ground, Strands, at_roots, nothing, unit


def strands_of(identity: Identity) -> Strands:
    """Grow all hair of a person: scalp, beard, brows and lashes."""
    head, shape = head_model(), face_shape(identity)
    rng = np.random.default_rng(np.random.SeedSequence([109, identity.seed]))
    normals = vertex_normals(shape, head.triangles)
    body = Ground(head, shape, normals)
    parts = [_scalp(identity, body, rng), brows(identity, body, rng), lashes(identity, body, rng)]
    if identity.beard > 0:
        parts.append(beard(identity, body, rng))
    parts = [p for p in parts if len(p.root)]
    together = {
        name: np.concatenate([getattr(p, name) for p in parts]) for name in Strands.__dataclass_fields__
    }
    wide = {k: v.astype(np.float32) for k, v in together.items() if k not in ("root", "kind")}
    return Strands(root=together["root"].astype(np.int32), kind=together["kind"].astype(np.uint8), **wide)


def _scalp(identity: Identity, body: Ground, rng) -> Strands:
    style = styles.STYLES[identity.style]
    head, shape = body.head, body.shape
    mask = scalp_mask(head.neutral, identity) * (1 - smoothstep(0.2, 0.6, head.ears))
    ragged = np.clip(
        mask * 1.15 - 0.35 * np.abs(noise_at(head.neutral * 4, identity.seed)) * (mask < 0.95), 0, 1
    )
    if style.count == 0 or ragged.sum() == 0:
        return nothing()
    root, w = body.sample(ragged, style.count, rng)
    p0, n0, neutral = (
        at_roots(shape, root, w),
        unit(at_roots(body.normals, root, w)),
        at_roots(head.neutral, root, w),
    )
    length = styles.lengths(style, identity, neutral, rng)
    # Locks: strands near a guide are drawn to it along their length.
    guides = max(2, style.count // style.lock)
    chosen = rng.choice(len(p0), guides, replace=False)
    side = np.where(neutral[:, 0] > styles.part_line(identity), 1.0, -1.0)
    place = np.concatenate([p0, side[:, None]], 1)  # no lock crosses the parting
    owner = chosen[cKDTree(place[chosen]).query(place)[1]]
    clearance = (0.02 + style.volume * rng.beta(1.4, 1.6, len(p0))) * (
        0.4 + 0.6 * smoothstep(0.0, 0.6, at_roots(mask[:, None], root, w)[:, 0])
    )
    path = _grow(style, identity, body, p0, n0, neutral, length, clearance, rng)
    along = np.linspace(0, 1, POINTS)[None, :, None]
    pulled = path - path[:, :1]
    tight = style.clump * along**1.3 * rng.uniform(0.55, 1.0, (len(p0), 1, 1))
    to_guide = path[owner] + (p0 - p0[owner])[:, None] * (1 - 0.75 * along)
    path = path[:, :1] + pulled * (1 - tight) + (to_guide - path[:, :1]) * tight
    path = _curl(style, path, length, owner, rng)
    if style.keep_out:
        for k in range(1, POINTS):
            path[:, k] = styles.off_the_face(style, identity, neutral, path[:, k])
            path[:, k] = body.push(path[:, k], np.full(len(path), 0.02))
    tint = hair_colour(identity)
    grey = rng.random(len(p0)) < identity.grey
    lock_tone = np.exp(0.16 * rng.normal(size=len(p0)))[owner] * np.exp(0.16 * rng.normal(size=len(p0)))
    colour = (
        np.where(grey[:, None], np.array([0.36, 0.355, 0.345]), np.array(identity.hair)) * lock_tone[:, None]
    )
    colour = 0.8 * colour + 0.2 * tint
    # Deep in the hair it is dark: by the share of the hair's thickness that lies above a point.
    height = clearance / max(0.02 + style.volume, 1e-6)
    shade = (0.42 + 0.58 * height)[:, None] * np.interp(
        np.linspace(0, 1, POINTS), [0, 0.3, 1], [0.72, 0.95, 1.0]
    )
    near = body.skin[body.tree.query(path.reshape(-1, 3))[1]]
    outward = unit(path.reshape(-1, 3) - np.array([0.0, 0.15, -0.8]))
    normal = unit(0.45 * body.normals[near] + 0.55 * outward).reshape(path.shape)
    return Strands(
        root, w, path - p0[:, None], normal, colour, np.full(len(p0), style.width), shade,
        np.full(len(p0), SCALP, np.uint8),
    )  # fmt: skip


def _grow(style, identity, body, p0, n0, neutral, length, clearance, rng) -> np.ndarray:
    """Return paths (S, P, 3) from the roots: combed, pulled down, kept ``clearance`` above the skin."""
    comb = styles.combing(style, identity, neutral, n0)
    comb = unit(comb - (comb * n0).sum(1, keepdims=True) * n0)
    wild = style.frizz * rng.normal(size=p0.shape)
    direction = unit(style.lift * n0 + (1 - style.lift) * comb + 0.35 * wild)
    path = np.empty((len(p0), POINTS, 3))
    path[:, 0] = point = p0.copy()
    step = (length / (POINTS - 1))[:, None]
    for k in range(1, POINTS):
        share = k / (POINTS - 1)
        target = styles.pull(style, identity, point, comb, share)
        direction = unit(
            direction * style.stiff
            + target * (1 - style.stiff)
            + 0.12 * style.frizz * rng.normal(size=p0.shape)
        )
        moved = point + step * direction
        if style.comb in ("centre", "fringe", "bun", "tail"):
            moved = styles.off_the_face(style, identity, neutral, moved)
        rise = clearance * min(1.0, 3.0 * share)
        moved = body.push(moved, rise)
        direction = unit(0.5 * direction + 0.5 * unit(moved - point))
        point = moved
        path[:, k] = point
    return path


def _curl(style, path, length, owner, rng) -> np.ndarray:
    """Add curls of the style's radius and pitch around each path, in phase within a lock."""
    if style.curl <= 0:
        return path
    axis = unit(np.gradient(path, axis=1))
    side = unit(np.cross(axis, np.array([0.13, 0.37, 0.92])))
    other = np.cross(axis, side)
    phase = rng.uniform(0, 2 * np.pi, len(path))[owner] + 0.5 * rng.normal(size=len(path))
    turns = length / style.pitch * rng.uniform(0.8, 1.2, len(path))
    # A polyline of few points shows at most a third of a turn between two of them.
    turns = np.minimum(turns, (POINTS - 1) / 3.2)
    s = np.linspace(0, 1, POINTS)[None]
    angle = phase[:, None] + 2 * np.pi * turns[:, None] * s
    radius = style.curl * np.minimum(1, 4 * s) * rng.uniform(0.6, 1.2, (len(path), 1))
    return path + radius[..., None] * (np.cos(angle)[..., None] * side + np.sin(angle)[..., None] * other)
