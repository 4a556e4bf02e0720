"""Brows, lashes and beards as strands."""

from __future__ import annotations

import numpy as np

from amdd.puppets.person import styles
from amdd.puppets.person.appearance import hair_colour
from amdd.puppets.person.growth import beard_area, brow_line
from amdd.puppets.person.head import smoothstep
from amdd.puppets.person.people import Identity
from amdd.puppets.person.roots import (
    BEARD,
    BROW,
    LASH_HAIR,
    POINTS,
    Ground,
    Strands,
    at_roots,
    joined,
    nothing,
    unit,
)


def brows(identity: Identity, body: Ground, rng) -> Strands:
    head = body.head
    count = int(300 * identity.brow)
    density = brow_line(identity, head.neutral[:, 0], head.neutral[:, 1]) * (head.neutral[:, 2] > -0.3)
    pool = head.neutral[:, 1]
    density = np.where((pool > 0.0) & (pool < 0.5), np.maximum(density, 1e-4), 0)
    # Drawn on a fine pattern, as the mesh is coarser than a brow: candidates are kept by their own place.
    root, w = body.sample((density > 0).astype(float) * (head.neutral[:, 2] > -0.3), count * 30, rng)
    place = at_roots(head.neutral, root, w)
    chance = brow_line(identity, place[:, 0], place[:, 1])
    keep = np.flatnonzero(rng.random(len(place)) < chance)[:count]
    root, w, place = root[keep], w[keep], place[keep]
    side = np.sign(place[:, 0])
    along = np.clip((np.abs(place[:, 0]) - 0.10) / 0.44, 0, 1)
    normal = unit(at_roots(body.normals, root, w))
    angle = np.interp(along, [0, 0.25, 0.6, 1], [1.25, 0.75, 0.25, -0.35]) + 0.22 * rng.normal(
        size=len(place)
    )
    tilt = np.stack([side * np.cos(angle), np.sin(angle), np.zeros(len(place))], 1)
    tangent = unit(tilt - (tilt * normal).sum(1, keepdims=True) * normal)
    length = 0.085 * rng.uniform(0.7, 1.2, len(place)) * (1 - 0.35 * along)
    return _short(identity, root, w, normal, tangent, length, 0.012, BROW, rng, dark=0.75, width=0.0075)


def lashes(identity: Identity, body: Ground, rng) -> Strands:
    head = body.head
    out = []
    women = identity.gender == "women"
    rims = styles.lid_rims(head)
    for upper, rim in rims:
        count = (60 + int(50 * identity.makeup)) if upper else 22
        if len(rim) < 2:
            continue
        order = rim[np.argsort(head.neutral[rim, 0])]
        place = np.sort(rng.uniform(0, len(order) - 1.001, count))
        k = place.astype(int)
        share = place - k
        root = np.stack([order[k], order[k + 1], order[k]], 1)
        w = np.stack([1 - share, share, np.zeros(count)], 1)
        p = at_roots(head.neutral, root, w)
        middle = head.neutral[order][:, 0].mean()
        spread = (p[:, 0] - middle) / 0.12
        up = 0.55 if upper else -0.5
        direction = unit(
            np.stack([0.35 * spread, np.full(count, up), np.full(count, 0.85)], 1)
            + 0.12 * rng.normal(size=(count, 3))
        )
        length = (
            (0.055 if upper else 0.018)
            * (1.0 + 0.25 * women + 0.3 * identity.makeup)
            * rng.uniform(0.7, 1.1, count)
        )
        out.append(
            _short(
                identity,
                root,
                w,
                direction,
                direction,
                length,
                0.02 if upper else -0.004,
                LASH_HAIR,
                rng,
                dark=0.25,
                width=(0.0045 + 0.0015 * women if upper else 0.003) + 0.003 * identity.makeup,
                bend=(0, 1, 0),
            )
        )
    return joined(out)


def beard(identity: Identity, body: Ground, rng) -> Strands:
    head = body.head
    full = identity.beard
    count = int(900 + 2600 * full)
    density = beard_area(identity, head.neutral, head.lips)
    if density.sum() <= 0:
        return nothing()
    root, w = body.sample(density, count * 2, rng)
    place = at_roots(head.neutral, root, w)
    chance = beard_area(identity, place, at_roots(head.lips[:, None], root, w)[:, 0])
    keep = np.flatnonzero(rng.random(len(place)) < chance)[:count]
    root, w, place = root[keep], w[keep], place[keep]
    normal = unit(at_roots(body.normals, root, w))
    down = (
        np.array([0.0, -1.0, 0.25])
        + 0.35 * rng.normal(size=(len(place), 3))
        + np.stack([0.5 * place[:, 0], 0 * place[:, 0], 0 * place[:, 0]], 1)
    )
    tangent = unit(down - (down * normal).sum(1, keepdims=True) * normal)
    length = (0.022 + 0.20 * max(0.0, full - 0.25)) * rng.uniform(0.6, 1.2, len(place))
    length *= 1 + 0.5 * smoothstep(-0.8, -1.05, place[:, 1]) * (full > 0.7)
    return _short(identity, root, w, normal, tangent, length, 0.35, BEARD, rng, dark=0.85, width=0.0065)


def _short(identity, root, w, normal, tangent, length, lift, kind, rng, dark, width, bend=None) -> Strands:
    """Short hairs that leave the skin at ``lift`` and lie down along ``tangent``."""
    s = np.linspace(0, 1, POINTS)[None, :, None]
    lean = length[:, None, None] * s
    out = np.asarray(normal)[:, None] * (lean * max(lift, 0.12) * (1 - 0.5 * s))
    offset = np.asarray(tangent)[:, None] * lean * (0.9 if bend is None else 0.8) + out
    if bend is not None:
        offset = offset + np.array(bend) * lean * s * np.sign(lift) * 0.7
    tint = hair_colour(identity)
    tint = tint * min(1.0, 0.16 / max(tint.max(), 1e-6)) if kind != BEARD else np.minimum(tint, 0.33)
    if kind == LASH_HAIR:
        tint = np.array([0.012, 0.010, 0.009])
    grey = (rng.random(len(root)) < identity.grey * (0.9 if kind == BEARD else 0.35))[:, None]
    colour = np.where(grey, np.array([0.34, 0.335, 0.33]), tint * dark) * np.exp(
        0.2 * rng.normal(size=(len(root), 1))
    )
    normals = np.repeat(np.asarray(normal)[:, None], POINTS, 1)
    shade = np.repeat(np.interp(np.linspace(0, 1, POINTS), [0, 1], [0.8, 1.0])[None], len(root), 0)
    return Strands(
        root, w, offset, normals, colour, np.full(len(root), width), shade, np.full(len(root), kind, np.uint8)
    )
