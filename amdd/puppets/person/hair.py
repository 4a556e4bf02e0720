"""Hair as strands: where it grows, how it is combed, how it curls. Grown once for each person.

A strand is a polyline of ``POINTS`` points whose root rides on a triangle of the skin, so brows and beards move with
the face and hair with the head. Growing steps along a combing direction, pushes strands out of the head, draws
them together into locks and curls them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from amdd.puppets.person import styles
from amdd.puppets.person.appearance import beard_area, brow_line, hair_colour, noise_at, scalp_mask
from amdd.puppets.person.head import SKIN, head_model, smoothstep
from amdd.puppets.person.people import Identity, face_shape
from amdd.puppets.person.raster import vertex_normals

POINTS = 12
SCALP, BEARD, BROW, LASH_HAIR, WRAP = range(5)


@dataclass(frozen=True)
class Strands:
    """``root`` (S, 3) int32 vertices of the triangle under each root and ``weight`` (S, 3) its place there;
    ``offset`` (S, P, 3) from the root in dm, neutral head; ``normal`` (S, P, 3) the surface of the whole hair;
    ``colour`` (S, 3) linear RGB; ``width`` (S,) dm; ``shade`` (S, P) light that reaches a point, in [0, 1];
    ``kind`` (S,) uint8: scalp, beard, brow, lash, or tied hair (``WRAP``)."""

    root: np.ndarray
    weight: np.ndarray
    offset: np.ndarray
    normal: np.ndarray
    colour: np.ndarray
    width: np.ndarray
    shade: np.ndarray
    kind: np.ndarray


def strands_of(identity: Identity) -> Strands:
    """All hair of a person: scalp, beard, brows and lashes."""
    head, shape = head_model(), face_shape(identity)
    rng = np.random.default_rng(np.random.SeedSequence([109, identity.seed]))
    normals = vertex_normals(shape, head.triangles)
    body = _Body(head, shape, normals)
    parts = [_scalp(identity, body, rng), _brows(identity, body, rng), _lashes(identity, body, rng)]
    if identity.beard > 0:
        parts.append(_beard(identity, body, rng))
    parts = [p for p in parts if len(p.root)]
    together = {
        name: np.concatenate([getattr(p, name) for p in parts]) for name in Strands.__dataclass_fields__
    }
    wide = {k: v.astype(np.float32) for k, v in together.items() if k not in ("root", "kind")}
    return Strands(root=together["root"].astype(np.int32), kind=together["kind"].astype(np.uint8), **wide)


class _Body:
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


def _at(values: np.ndarray, root: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (values[root] * weight[..., None]).sum(1)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / (np.linalg.norm(v, axis=-1, keepdims=True) + 1e-9)


def _scalp(identity: Identity, body: _Body, rng) -> Strands:
    style = styles.STYLES[identity.style]
    head, shape = body.head, body.shape
    mask = scalp_mask(head.neutral, identity) * (1 - smoothstep(0.2, 0.6, head.ears))
    ragged = np.clip(
        mask * 1.15 - 0.35 * np.abs(noise_at(head.neutral * 4, identity.seed)) * (mask < 0.95), 0, 1
    )
    if style.count == 0 or ragged.sum() == 0:
        return _nothing()
    root, w = body.sample(ragged, style.count, rng)
    p0, n0, neutral = _at(shape, root, w), _unit(_at(body.normals, root, w)), _at(head.neutral, root, w)
    length = styles.lengths(style, identity, neutral, rng)
    # Locks: strands near a guide are drawn to it along their length.
    guides = max(2, style.count // style.lock)
    chosen = rng.choice(len(p0), guides, replace=False)
    side = np.where(neutral[:, 0] > styles.part_line(identity), 1.0, -1.0)
    place = np.concatenate([p0, side[:, None]], 1)  # no lock crosses the parting
    owner = chosen[cKDTree(place[chosen]).query(place)[1]]
    clearance = (0.02 + style.volume * rng.beta(1.4, 1.6, len(p0))) * (
        0.4 + 0.6 * smoothstep(0.0, 0.6, _at(mask[:, None], root, w)[:, 0])
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
    outward = _unit(path.reshape(-1, 3) - np.array([0.0, 0.15, -0.8]))
    normal = _unit(0.45 * body.normals[near] + 0.55 * outward).reshape(path.shape)
    return Strands(
        root, w, path - p0[:, None], normal, colour, np.full(len(p0), style.width), shade,
        np.full(len(p0), SCALP, np.uint8),
    )  # fmt: skip


def _grow(style, identity, body, p0, n0, neutral, length, clearance, rng) -> np.ndarray:
    """Paths (S, P, 3) from the roots: combed, weighed down, kept ``clearance`` above the skin."""
    comb = styles.combing(style, identity, neutral, n0)
    comb = _unit(comb - (comb * n0).sum(1, keepdims=True) * n0 * (1 - style.free))
    wild = style.frizz * rng.normal(size=p0.shape)
    direction = _unit(style.lift * n0 + (1 - style.lift) * comb + 0.35 * wild)
    path = np.empty((len(p0), POINTS, 3))
    path[:, 0] = point = p0.copy()
    step = (length / (POINTS - 1))[:, None]
    for k in range(1, POINTS):
        share = k / (POINTS - 1)
        target = styles.pull(style, identity, point, comb, share)
        direction = _unit(
            direction * style.stiff
            + target * (1 - style.stiff)
            + 0.12 * style.frizz * rng.normal(size=p0.shape)
        )
        moved = point + step * direction
        if style.comb in ("centre", "fringe", "bun", "tail"):
            moved = styles.off_the_face(style, identity, neutral, moved)
        rise = clearance * min(1.0, 3.0 * share)
        moved = body.push(moved, rise)
        direction = _unit(0.5 * direction + 0.5 * _unit(moved - point))
        point = moved
        path[:, k] = point
    return path


def _curl(style, path, length, owner, rng) -> np.ndarray:
    """Curls of the style's radius and pitch about each path, alike within a lock."""
    if style.curl <= 0:
        return path
    axis = _unit(np.gradient(path, axis=1))
    side = _unit(np.cross(axis, np.array([0.13, 0.37, 0.92])))
    other = np.cross(axis, side)
    phase = rng.uniform(0, 2 * np.pi, len(path))[owner] + 0.5 * rng.normal(size=len(path))
    turns = length / style.pitch * rng.uniform(0.8, 1.2, len(path))
    # A polyline of few points shows at most a third of a turn between two of them.
    turns = np.minimum(turns, (POINTS - 1) / 3.2)
    s = np.linspace(0, 1, POINTS)[None]
    angle = phase[:, None] + 2 * np.pi * turns[:, None] * s
    radius = style.curl * np.minimum(1, 4 * s) * rng.uniform(0.6, 1.2, (len(path), 1))
    return path + radius[..., None] * (np.cos(angle)[..., None] * side + np.sin(angle)[..., None] * other)


def _brows(identity: Identity, body: _Body, rng) -> Strands:
    head, shape = body.head, body.shape
    count = int(300 * identity.brow)
    density = brow_line(identity, head.neutral[:, 0], head.neutral[:, 1]) * (head.neutral[:, 2] > -0.3)
    pool = head.neutral[:, 1]
    density = np.where((pool > 0.0) & (pool < 0.5), np.maximum(density, 1e-4), 0)
    # Drawn on a fine pattern, as the mesh is coarser than a brow: candidates are kept by their own place.
    root, w = body.sample((density > 0).astype(float) * (head.neutral[:, 2] > -0.3), count * 30, rng)
    place = _at(head.neutral, root, w)
    chance = brow_line(identity, place[:, 0], place[:, 1])
    keep = np.flatnonzero(rng.random(len(place)) < chance)[:count]
    root, w, place = root[keep], w[keep], place[keep]
    side = np.sign(place[:, 0])
    along = np.clip((np.abs(place[:, 0]) - 0.10) / 0.44, 0, 1)
    normal = _unit(_at(body.normals, root, w))
    angle = np.interp(along, [0, 0.25, 0.6, 1], [1.25, 0.75, 0.25, -0.35]) + 0.22 * rng.normal(
        size=len(place)
    )
    tilt = np.stack([side * np.cos(angle), np.sin(angle), np.zeros(len(place))], 1)
    tangent = _unit(tilt - (tilt * normal).sum(1, keepdims=True) * normal)
    length = 0.085 * rng.uniform(0.7, 1.2, len(place)) * (1 - 0.35 * along)
    return _short(identity, root, w, normal, tangent, length, 0.012, BROW, rng, dark=0.75, width=0.0075)


def _lashes(identity: Identity, body: _Body, rng) -> Strands:
    head, shape = body.head, body.shape
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
        p = _at(head.neutral, root, w)
        middle = head.neutral[order][:, 0].mean()
        spread = (p[:, 0] - middle) / 0.12
        up = 0.55 if upper else -0.5
        direction = _unit(
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
    return _joined(out)


def _beard(identity: Identity, body: _Body, rng) -> Strands:
    head = body.head
    full = identity.beard
    count = int(900 + 2600 * full)
    density = beard_area(identity, head.neutral, head.lips)
    if density.sum() <= 0:
        return _nothing()
    root, w = body.sample(density, count * 2, rng)
    place = _at(head.neutral, root, w)
    chance = beard_area(identity, place, _at(head.lips[:, None], root, w)[:, 0])
    keep = np.flatnonzero(rng.random(len(place)) < chance)[:count]
    root, w, place = root[keep], w[keep], place[keep]
    normal = _unit(_at(body.normals, root, w))
    down = (
        np.array([0.0, -1.0, 0.25])
        + 0.35 * rng.normal(size=(len(place), 3))
        + np.stack([0.5 * place[:, 0], 0 * place[:, 0], 0 * place[:, 0]], 1)
    )
    tangent = _unit(down - (down * normal).sum(1, keepdims=True) * normal)
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


def _joined(parts: list[Strands]) -> Strands:
    if not parts:
        return _nothing()
    return Strands(
        **{k: np.concatenate([getattr(p, k) for p in parts]) for k in Strands.__dataclass_fields__}
    )


def _nothing() -> Strands:
    none = np.zeros((0, 3))
    path = np.zeros((0, POINTS, 3))
    return Strands(
        none.astype(int), none, path, path, none, none[:, 0], path[..., 0], none[:, 0].astype(np.uint8)
    )
