"""Skin, eyes and hair as textures, painted by rule on the head model's layout; linear RGB and gloss."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from amdd.puppets.person.growth import beard_area, brow_line, bump, scalp_mask
from amdd.puppets.person.head import MOUTH, SKIN, Head, head_model, smoothstep
from amdd.puppets.person.paint import between, darken, noise, overlay, rgb
from amdd.puppets.person.people import Identity
from amdd.puppets.person.raster import draw
from amdd.puppets.person.worn import edge_of

SIZE = 640
# Skin from palest to darkest, as seen on screens (sRGB); shown colours lie between neighbours.
TONES = np.array(
    [
        (238, 205, 186),
        (226, 184, 158),
        (208, 160, 128),
        (184, 134, 100),
        (150, 104, 74),
        (112, 74, 52),
        (78, 51, 37),
        (54, 36, 28),
    ],
    np.float64,
)


def linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] to linear light."""
    srgb = np.asarray(srgb, np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def tone(darkness: float, warmth: float = 0.0) -> np.ndarray:
    """Linear RGB of a skin of ``darkness`` in [0, 1]; ``warmth`` -1 (cool) to 1."""
    place = np.clip(darkness, 0, 1) * (len(TONES) - 1)
    rgb = np.array([np.interp(place, np.arange(len(TONES)), TONES[:, k]) for k in range(3)]) / 255
    rgb = rgb * (1 + warmth * np.array([0.015, 0.0, -0.03]))
    return linear(np.clip(rgb, 0, 1))


@lru_cache(maxsize=1)
def layout() -> dict[str, np.ndarray]:
    """Return the layout of the skin texture: neutral position (S, S, 3), once more as planes (3, S, S), and region masks
    (S, S)."""
    head = head_model()
    faces = head.triangles[(head.material == SKIN) | (head.material == MOUTH)]
    # A triangle across the seam at the back of the head would smear over the whole texture.
    u = head.uv[faces][:, :, 0]
    faces = faces[(u.max(1) - u.min(1)) < 0.3]
    points = np.ascontiguousarray(head.uv * SIZE, np.float32)
    depth = -np.linalg.norm(head.neutral - np.array([0, 0, -0.75]), axis=1).astype(np.float32)
    buffer, index = np.empty((SIZE, SIZE), np.float32), np.empty((SIZE, SIZE), np.int32)
    bary = np.zeros((SIZE, SIZE, 2), np.float32)
    kind = np.full(len(faces), 4, np.uint8)  # drawn from both sides
    draw(points, depth, faces, kind, buffer, index, bary)
    hit = index >= 0
    corner = faces[np.maximum(index, 0)]
    w = np.concatenate([bary, 1 - bary.sum(2, keepdims=True)], 2)[..., None]

    def spread(values: np.ndarray) -> np.ndarray:
        values = values.reshape(len(values), -1)
        picture = (values[corner] * w).sum(2).astype(np.float32)
        hole = (~hit).astype(np.uint8)
        # Texels outside the mesh take the nearest value, so that filtering at the rim finds no black.
        _, label = cv2.distanceTransformWithLabels(hole, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        table = np.zeros((label.max() + 1, values.shape[1]), np.float32)
        table[label[hit]] = picture[hit]
        picture[~hit] = table[label[~hit]]
        return picture[..., 0] if values.shape[1] == 1 else picture

    xyz = spread(head.neutral)
    return {
        "xyz": xyz,
        "planes": np.ascontiguousarray(np.moveaxis(xyz, 2, 0)),
        "lips": cv2.GaussianBlur(spread(smoothstep(0.35, 0.75, head.lips)), (0, 0), 2.0),
        "lids": cv2.GaussianBlur(spread(head.eyelids), (0, 0), 1.5),
        "ears": cv2.GaussianBlur(spread(head.ears), (0, 0), 3.0),
        "rim": cv2.GaussianBlur(spread(_eye_rim(head)), (0, 0), 1.1),
    }


def _eye_rim(head: Head) -> np.ndarray:
    """1 at the vertices on the edge of the lids."""
    rim = np.zeros(len(head.neutral), np.float32)
    p = head.neutral
    for marks in (head.landmarks[36:42], head.landmarks[42:48]):
        low, high = p[marks].min(0) - 0.02, p[marks].max(0) + 0.02
        skin = head.triangles[head.material == SKIN]
        edge = np.sort(np.concatenate([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]]), axis=1)
        unique, count = np.unique(edge, axis=0, return_counts=True)
        border = np.unique(unique[count == 1])
        rim[border[((p[border] > low) & (p[border] < high)).all(1)]] = 1
    return rim


def skin_texture(identity: Identity) -> np.ndarray:
    """Skin and clothes of an identity, float32 (640, 640, 8): linear RGB, gloss, share of cloth, and relief: what is
    added to the unit normal, in the neutral head's frame."""
    rng = np.random.default_rng(np.random.SeedSequence([101, identity.seed]))
    parts = layout()
    xyz = parts["xyz"]
    x, y, z = parts["planes"]
    ax = np.abs(x)
    base = tone(identity.skin, identity.warmth).astype(np.float32)
    deep = tone(min(1.0, identity.skin + 0.2), identity.warmth).astype(np.float32)
    hair = hair_colour(identity).astype(np.float32)
    colour = np.empty((SIZE, SIZE, 3), np.float32)
    colour[:] = base
    pale = 1 - identity.skin
    darken(colour, noise(rng, SIZE, 90, 2), -0.05 * rgb(0.5, 1.0, 1.1))
    darken(colour, noise(rng, SIZE, 14, 2), -0.03 * rgb(0.4, 1.0, 1.0))
    _blood(identity, rng, colour, x, y, ax, z, parts, pale)
    # Dark skin is paler on cheekbones and forehead and darker round mouth and eyes.
    melanin = identity.skin * (0.10 * bump(ax, 0.45, 0.25) * bump(y, -0.25, 0.25) + 0.08 * bump(y, 0.4, 0.2))
    around = identity.skin * (
        0.14 * bump(np.hypot(x, (y + 0.68) * 1.4), 0.3, 0.16)
        + 0.10 * bump(ax, 0.3, 0.2) * bump(y, -0.02, 0.14)
    )
    darken(colour, around - melanin, rgb(1, 1, 1))
    worn_out = 0.12 + 0.2 * between((identity.age - 30) / 40)
    tired = bump(ax, 0.27, 0.16) * bump(y, -0.14, 0.07) * worn_out
    socket = bump(ax, 0.28, 0.2) * bump(y, 0.08, 0.08) * 0.14
    darken(colour, tired + socket, rgb(0.7, 0.9, 0.85))
    grain = noise(rng, SIZE, 2.2)
    pores = np.minimum(0, noise(rng, SIZE, 3.2)) * (0.5 + 0.9 * bump(ax, 0.12, 0.35) * bump(y, -0.35, 0.3))
    darken(colour, 0.025 * grain + 0.05 * pores, rgb(-1, -1, -1))
    tzone = (
        bump(ax, 0, 0.3) * bump(y, 0.45, 0.3)
        + bump(ax, 0, 0.1) * (z > 0.1)
        + 0.4 * bump(ax, 0.45, 0.15) * bump(y, -0.2, 0.15)
        + 0.5 * bump(ax, 0, 0.15) * bump(y, -0.98, 0.12)
    )
    gloss = (0.55 + 0.45 * tzone * rng.uniform(0.4, 1.1)) * (1 + 0.12 * noise(rng, SIZE, 12, 2))
    _blemishes(identity, rng, colour, x, y, ax, z)
    line, fold = _lines(identity, rng, x, y, ax)
    old = between((identity.age - 32) / 38)
    darken(colour, np.clip(0.05 * fold + old * 0.16 * line, 0, 0.4), rgb(0.7, 1.0, 1.0))
    # The relief is filtered to what a pixel can show: finer would glitter.
    upper = smoothstep(-1.15, -0.9, y)
    height = 0.0004 * upper * noise(rng, SIZE, 7, 2) - 0.009 * upper * (0.35 * fold + old * line)
    lips = parts["lips"]
    lip = base * rgb(0.86, 0.56, 0.56) * (0.92 if identity.skin < 0.5 else 1.02)
    paint = (
        linear(rgb(0.56, 0.17, 0.2)).astype(np.float32) * rng.uniform(0.5, 1.1) * (1 - 0.6 * identity.skin)
    )
    lip = lip * (1 - 0.55 * identity.makeup) + paint * 0.55 * identity.makeup
    creases = (np.sin(x * 200 + 4 * noise(rng, SIZE, 20)) + 0.4 * grain).astype(np.float32)
    crease = (1 - 0.20 * bump(y, -0.665, 0.02)) * (1 + 0.06 * creases)
    overlay(colour, lips, lip * crease[..., None])
    height = height + 0.0012 * lips * cv2.GaussianBlur(creases, (0, 0), 1.0)
    gloss = gloss * (1 - lips) + lips * (0.7 + 0.5 * identity.makeup)
    # The wet line of the lids, and lashes' roots above it.
    rim = np.clip(parts["rim"], 0, 1)
    darken(colour, rim * (0.30 + 0.35 * identity.makeup), rgb(0.55, 1.0, 1.0))
    gloss = gloss + 1.5 * rim * (y < 0)
    darken(colour, 0.3 * identity.makeup * bump(ax, 0.3, 0.17) * bump(y, 0.07, 0.05), rgb(0.7, 1, 0.9))
    under = np.clip(0.55 * brow_line(identity, x, y) * (z > -0.3), 0, 0.8)
    overlay(colour, 0.4 * under, np.minimum(hair, 0.1))
    if identity.beard > 0:
        area = beard_area(identity, xyz, parts["lips"]) * (0.28 + 0.42 * identity.beard)
        shadow = np.clip(area * (0.8 + 0.2 * noise(rng, SIZE, 1.4)), 0, 0.8)
        tint = np.minimum(hair, 0.2) * 0.8 + 0.3 * deep * (1 - identity.beard)
        overlay(colour, shadow, tint)
    # The scalp, in the colour of what grows on it: between strands no bare skin shines.
    density = {"buzz": 0.75, "bald": 0.10}.get(identity.style, 1.0)
    ragged = 0.4 * noise(rng, SIZE, 5.0)
    stubble = density * smoothstep(0.15, 1.0, scalp_mask(xyz, identity) + ragged * 0.4)
    stubble = np.clip(stubble * (0.85 + 0.15 * noise(rng, SIZE, 1.6)), 0, 1)
    overlay(colour, 0.95 * stubble, hair * 0.6 + 0.02 * base)
    gloss = gloss * (1 - 0.8 * stubble)
    # Clothes: below the neckline, with folds that hang from the shoulders, a seam and a weave.
    cloth = smoothstep(0.012, -0.012, y - edge_of(identity.collar, x, z))
    weave = 1 + 0.05 * noise(rng, SIZE, 1.5) + 0.05 * noise(rng, SIZE, 40, 2)
    fabric = rgb(*identity.cloth) * weave[..., None]
    if identity.collar in ("shirt",) and identity.seed % 3 == 0:  # stripes
        fabric = fabric * (0.8 + 0.35 * (np.sin(x * 70) > 0.3))[..., None]
    if identity.collar == "shirt":  # the placket and its buttons
        fabric = fabric * (1 - 0.25 * bump(ax, 0.1, 0.012) * (z > -0.8))[..., None]
        row, column = np.nonzero((ax < 0.028) & (z > -0.8))
        for k in range(6):
            button = np.hypot(x[row, column], y[row, column] + 1.95 + 0.28 * k) < 0.028
            fabric[row[button], column[button]] = 0.5
    warp = 0.5 * noise(rng, SIZE, 120)
    folds = np.sin(9 * (ax * 1.1 + 0.55 * y) + 3 * warp) * bump(ax, 0.9, 0.7) + 0.8 * noise(rng, SIZE, 60, 2)
    overlay(colour, cloth, fabric * (1 + 0.08 * folds)[..., None])
    gloss = gloss * (1 - cloth) + 0.12 * cloth
    height = height * (1 - cloth) + 0.022 * folds * cloth
    texture = np.empty((SIZE, SIZE, 8), np.float32)
    texture[..., :3], texture[..., 3] = np.clip(colour, 0.004, 0.95), np.clip(gloss, 0, 2.5)
    texture[..., 4], texture[..., 5:] = cloth, relief(height)
    return texture


@lru_cache(maxsize=1)
def _tangents() -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the texture's two coordinates on the neutral head (S, S, 3) each, in texels a dm."""
    xyz = cv2.GaussianBlur(layout()["xyz"], (0, 0), 2.0)
    across, down = np.gradient(xyz, axis=1), np.gradient(xyz, axis=0)
    return tuple(d / np.maximum((d**2).sum(2, keepdims=True), 2e-6) for d in (across, down))


def relief(height: np.ndarray) -> np.ndarray:
    """Return what a relief of ``height`` (S, S) dm adds to unit normals (S, S, 3): minus its surface gradient."""
    u, v = _tangents()
    dv, du = np.gradient(cv2.GaussianBlur(np.asarray(height, np.float32), (0, 0), 1.3))
    return np.clip(-(du[..., None] * u + dv[..., None] * v), -0.7, 0.7)


def _blood(identity, rng, colour, x, y, ax, z, parts, pale) -> None:
    """Add the redness of cheeks, nose, ears, lids and chin, stronger in pale skin."""
    flush = (
        0.50 * bump(ax, 0.42, 0.22) * bump(y, -0.36, 0.2) * (z > -0.4)
        + 0.75 * bump(ax, 0, 0.14) * bump(y, -0.4, 0.11)
        + 0.25 * bump(ax, 0, 0.2) * bump(y, -1.0, 0.14)
        + 0.7 * parts["ears"]
        + 0.25 * parts["lids"]
    )
    flush = flush * (0.3 + 0.6 * pale) * rng.uniform(0.6, 1.2) * (1 + 0.25 * noise(rng, SIZE, 25, 2))
    flush = np.clip(flush + 0.30 * identity.makeup * bump(ax, 0.48, 0.16) * bump(y, -0.32, 0.14), 0, 1)
    darken(colour, flush, 1 - rgb(1.05, 0.74, 0.72))


def _blemishes(identity, rng, colour, x, y, ax, z) -> None:
    """Add freckles and moles, on some people spots and uneven pigment."""
    if identity.freckles > 0.05:
        dots = smoothstep(1.1, 1.9, noise(rng, SIZE, 5)) * bump(y, -0.25, 0.3) * bump(ax, 0.25, 0.4)
        darken(colour, identity.freckles * 0.8 * dots, rgb(0.25, 0.45, 0.5))
    for _ in range(rng.integers(0, 6)):
        mx, my = rng.uniform(-0.6, 0.6), rng.uniform(-1.0, 0.6)
        _spot(colour, x, y, z, mx, my, rng.uniform(0.006, 0.016), rgb(0.6, 0.6, 0.6))
    for _ in range(rng.integers(0, 9) if rng.random() < 0.35 else 0):
        mx, my = rng.uniform(-0.5, 0.5), rng.uniform(-1.0, 0.6)
        _spot(colour, x, y, z, mx, my, rng.uniform(0.012, 0.03), rgb(0.02, 0.28, 0.26))
    patches = smoothstep(0.9, 2.2, noise(rng, SIZE, 18, 2)) * between((identity.age - 45) / 25)
    darken(colour, 0.16 * patches, rgb(0.5, 0.9, 1.0))


def _spot(colour, x, y, z, mx, my, width, takes) -> None:
    """Darken a spot at ``mx``, ``my`` of the front in place; only texels within five widths are touched."""
    near = (np.abs(x - mx) < 5 * width) & (np.abs(y - my) < 5 * width) & (z > -0.5)
    spot = bump(np.hypot(x[near] - mx, y[near] - my), 0, width)
    colour[near] *= 1 - spot[:, None] * takes


def _lines(identity, rng, x, y, ax):
    """Return lines of age (S, S): forehead, crow's feet, under the eyes; and the fold from nose to mouth (S, S)."""
    line = np.zeros_like(x)
    wave = 0.03 * noise(rng, SIZE, 60)
    for k in range(4):
        level = 0.42 + 0.11 * k + 0.03 * np.cos(4 * x) + wave
        line += bump(y, level, 0.010) * bump(ax, 0, 0.42) * rng.uniform(0.3, 0.8)
    fold = (
        bump(ax, np.interp(y, [-0.75, -0.42], [0.36, 0.17]).astype(y.dtype) + 0.3 * wave, 0.018)
        * (y < -0.42)
        * (y > -0.78)
    )
    line += 1.1 * fold
    for k in range(3):
        line += (
            0.6 * bump(y, 0.0 - 0.035 * (k - 1) - (ax - 0.45) * 0.6 * (k - 1), 0.007) * bump(ax, 0.53, 0.07)
        )
    line += 0.6 * bump(y, -0.145 - 0.1 * (0.28 - ax), 0.012) * bump(ax, 0.27, 0.14)
    line += 0.5 * bump(ax, 0.05 + 0.2 * wave, 0.008) * bump(y, 0.17, 0.06)  # the frown
    return line, fold


def hair_colour(identity: Identity) -> np.ndarray:
    return np.array(identity.hair) * (1 - identity.grey) + identity.grey * np.array([0.34, 0.335, 0.33])
