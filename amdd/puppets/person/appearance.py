"""Skin, eyes and hair as textures, painted by rule on the head model's layout; linear RGB and gloss."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from amdd.puppets.person.head import MOUTH, SKIN, Head, head_model, smoothstep
from amdd.puppets.person.people import Identity
from amdd.puppets.person.raster import draw

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
    """Return the layout of the skin texture: neutral position (S, S, 3) and region masks (S, S)."""
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
    draw(
        points,
        depth,
        faces,
        kind,
        head.uv,
        np.ones(len(depth), np.float32),
        np.ones((4, 4), np.float32),
        buffer,
        index,
        bary,
    )
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

    return {
        "xyz": spread(head.neutral),
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


def noise(rng: np.random.Generator, size: int, scale: float, octaves: int = 1) -> np.ndarray:
    """Smooth noise (size, size), zero mean and unit deviation, features of ``scale`` pixels."""
    out = np.zeros((size, size), np.float32)
    for k in range(octaves):
        s = max(scale / 2**k, 1.0)
        small = rng.normal(size=(int(size / s) + 3,) * 2).astype(np.float32)
        out += cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC) * 0.6**k
    return (out - out.mean()) / (out.std() + 1e-6)


def bump(x, centre, width):
    return np.exp(-(((x - centre) / width) ** 2))


def skin_texture(identity: Identity) -> np.ndarray:
    """Skin and clothes of an identity, float32 (640, 640, 4)."""
    rng = np.random.default_rng(np.random.SeedSequence([101, identity.seed]))
    parts = layout()
    x, y, z = parts["xyz"][..., 0], parts["xyz"][..., 1], parts["xyz"][..., 2]
    ax = np.abs(x)
    base = tone(identity.skin, identity.warmth)
    deep = tone(min(1.0, identity.skin + 0.2), identity.warmth)
    colour = np.empty((SIZE, SIZE, 3), np.float32)
    colour[:] = base
    pale = 1 - identity.skin
    blood = np.array([1.06, 0.80, 0.78])
    # Broad unevenness, blood under the thin skin of cheeks, nose and ears, shade about the eyes.
    colour *= 1 + 0.035 * noise(rng, SIZE, 90, 2)[..., None] * np.array([0.6, 1.0, 1.1])
    flush = 0.55 * bump(ax, 0.42, 0.22) * bump(y, -0.38, 0.22) * (z > -0.4) + 0.5 * bump(ax, 0, 0.13) * bump(
        y, -0.4, 0.12
    )
    flush = (flush + 0.5 * parts["ears"]) * (0.35 + 0.65 * pale) * (1 + 0.3 * noise(rng, SIZE, 30))
    flush = np.clip(flush + 0.35 * identity.makeup * bump(ax, 0.48, 0.16) * bump(y, -0.32, 0.14), 0, 1)[
        ..., None
    ]
    colour *= 1 - flush * (1 - blood)
    tired = (
        bump(ax, 0.27, 0.16) * bump(y, -0.14, 0.07) * (0.12 + 0.2 * np.clip((identity.age - 30) / 40, 0, 1))
    )
    socket = bump(ax, 0.28, 0.2) * bump(y, 0.08, 0.08) * 0.16
    colour *= 1 - (tired + socket)[..., None] * np.array([0.7, 0.9, 0.85])
    # Pores and fine grain; gloss is higher on forehead, nose and cheekbones.
    grain = noise(rng, SIZE, 2.2)
    pores = np.minimum(0, noise(rng, SIZE, 3.2)) * (0.5 + 0.8 * bump(ax, 0.12, 0.35) * bump(y, -0.35, 0.3))
    colour *= 1 + (0.02 * grain + 0.03 * pores)[..., None]
    gloss = (
        0.55
        + 0.35 * bump(ax, 0, 0.3) * bump(y, 0.45, 0.3)
        + 0.4 * bump(ax, 0, 0.1) * (z > 0.1)
        + 0.05 * grain
    )
    if identity.freckles > 0.05:
        dots = smoothstep(1.1, 1.9, noise(rng, SIZE, 5)) * bump(y, -0.25, 0.3) * bump(ax, 0.25, 0.4)
        colour *= 1 - (identity.freckles * 0.8 * dots)[..., None] * np.array([0.25, 0.45, 0.5])
    for _ in range(rng.integers(0, 5)):
        mx, my = rng.uniform(-0.6, 0.6), rng.uniform(-1.0, 0.6)
        spot = bump(np.hypot(x - mx, y - my), 0, 0.012) * (z > -0.5)
        colour *= 1 - 0.6 * spot[..., None]
    # Age draws lines: forehead, crow's feet, from nose to mouth, beside the mouth.
    old = float(np.clip((identity.age - 32) / 38, 0, 1))
    line = np.zeros_like(x)
    wave = 0.03 * noise(rng, SIZE, 60)
    for k in range(4):
        level = 0.42 + 0.11 * k + 0.03 * np.cos(4 * x) + wave
        line += bump(y, level, 0.008) * bump(ax, 0, 0.42) * rng.uniform(0.3, 0.8)
    fold = (
        bump(ax, np.interp(y, [-0.75, -0.42], [0.36, 0.17]) + 0.3 * wave, 0.014) * (y < -0.42) * (y > -0.78)
    )
    line += 1.1 * fold
    for k in range(3):
        line += (
            0.6 * bump(y, 0.0 - 0.035 * (k - 1) - (ax - 0.45) * 0.6 * (k - 1), 0.006) * bump(ax, 0.53, 0.07)
        )
    line += 0.6 * bump(y, -0.145 - 0.1 * (0.28 - ax), 0.01) * bump(ax, 0.27, 0.14)
    colour *= 1 - np.clip(0.10 * fold + old * 0.42 * line, 0, 0.6)[..., None] * np.array([0.8, 1.0, 1.0])
    # Lips, redder and a little darker than the skin around them; more so with make-up.
    lips = parts["lips"][..., None]
    lip = base * np.array([0.86, 0.56, 0.56]) * (0.92 if identity.skin < 0.5 else 1.05)
    paint = linear(np.array([0.62, 0.16, 0.2])) * rng.uniform(0.6, 1.2)
    lip = lip * (1 - 0.55 * identity.makeup) + paint * 0.55 * identity.makeup
    ridges = 1 + 0.05 * np.sin(x * 420 + 3 * noise(rng, SIZE, 20)) + 0.03 * grain
    colour = colour * (1 - lips) + lips * lip * ridges[..., None]
    gloss = gloss * (1 - lips[..., 0]) + lips[..., 0] * (1.0 + identity.makeup)
    # The edge of the lids: lashes' roots, eyeliner.
    rim = np.clip(parts["rim"], 0, 1) * (0.45 + 0.4 * identity.makeup)
    colour *= 1 - (rim * 0.75)[..., None]
    colour *= 1 - (0.3 * identity.makeup * bump(ax, 0.3, 0.17) * bump(y, 0.07, 0.05))[..., None] * np.array(
        [0.7, 1, 0.9]
    )
    colour = _brows(identity, rng, colour, x, y, ax, z)
    colour = _beard(identity, rng, colour, x, y, ax, z, parts["lips"], deep)
    # The scalp, in the colour of what grows on it: between strands no bare skin shines.
    density = {"buzz": 0.85, "bald": 0.18}.get(identity.style, 0.97)
    ragged = 0.25 * noise(rng, SIZE, 3.5) if identity.style not in ("buzz", "bald") else 0.0
    stubble = density * smoothstep(0.0, 1.0, scalp_mask(parts["xyz"], identity) + ragged * 0.5)
    stubble = np.clip(stubble * (0.8 + 0.2 * noise(rng, SIZE, 1.6)), 0, 1)[..., None]
    roots = hair_colour(identity) * (1.0 if identity.style in ("buzz", "bald") else 0.8)
    colour = colour * (1 - 0.9 * stubble) + stubble * 0.9 * roots
    # Clothes: a neckline around the neck, over the shoulders, with a hem, folds and a fine weave.
    out = smoothstep(0.34, 0.86, ax)
    drop = {
        "crew": -1.66 + 0.42 * out,
        "v": -1.62 + 0.42 * out - 0.85 * np.maximum(0, 1 - ax / 0.5) * (z > -0.9),
        "scoop": -1.70 + 0.40 * out - 0.4 * bump(x, 0, 0.45) * (z > -0.9),
    }
    edge = drop[identity.collar]
    cloth = smoothstep(0.012, -0.012, y - edge)[..., None]
    weave = 1 + 0.03 * noise(rng, SIZE, 1.5) + 0.06 * noise(rng, SIZE, 40, 2)
    hem = 1 - 0.35 * bump(y - edge, -0.075, 0.012) + 0.10 * smoothstep(-0.075, -0.02, y - edge)
    fabric = np.array(identity.cloth) * (weave * hem)[..., None]
    colour = colour * (1 - cloth) + cloth * fabric
    gloss = gloss * (1 - cloth[..., 0]) + 0.05 * cloth[..., 0]
    return np.ascontiguousarray(np.dstack([np.clip(colour, 0.004, 0.95), np.clip(gloss, 0, 2)]), np.float32)


def hair_colour(identity: Identity) -> np.ndarray:
    return np.array(identity.hair) * (1 - identity.grey) + identity.grey * np.array([0.42, 0.42, 0.42])


def _brows(identity, rng, colour, x, y, ax, z):
    along = (ax - 0.10) / 0.44
    centre = 0.185 + 0.075 * np.sin(np.clip(along, 0, 1) * 2.1) - 0.03 * np.clip(along, 0, 1) ** 2
    width = (
        (0.036 + 0.010 * (identity.gender == "men")) * identity.brow * (1 - 0.5 * np.clip(along, 0, 1) ** 2)
    )
    body = (
        bump(y, centre, width) * smoothstep(-0.04, 0.08, along) * smoothstep(1.06, 0.85, along) * (z > -0.3)
    )
    strand = np.sin((y - centre) * 260 + np.clip(along, 0, 1) * 150 + 3.5 * noise(rng, SIZE, 10))
    hairs = np.clip(body * (0.86 + 0.14 * strand + 0.10 * noise(rng, SIZE, 3)) * 1.2, 0, 0.9)[..., None]
    tint = hair_colour(identity) * 0.7
    tint = tint * min(1.0, 0.15 / tint.max())  # darker than fair hair, and of its hue
    return colour * (1 - hairs) + hairs * tint


def _beard(identity, rng, colour, x, y, ax, z, lips, deep):
    if identity.beard <= 0:
        return colour
    jaw = smoothstep(-0.45, -0.62, y - 0.55 * np.maximum(0, ax - 0.28)) * smoothstep(-1.45, -1.15, y)
    jaw = np.maximum(jaw, bump(y, -0.535, 0.05) * smoothstep(0.3, 0.22, ax)) * smoothstep(-0.75, -0.5, z)
    cheek = smoothstep(0.12, 0.25, ax) * smoothstep(-0.62, -0.5, y)
    area = jaw * (1 - 0.9 * cheek) * (1 - np.clip(lips * 1.6, 0, 1))
    dots = 0.62 + 0.38 * noise(rng, SIZE, 1.4)
    strength = np.clip(area * dots * (0.25 + 0.75 * identity.beard), 0, 0.9)[..., None]
    tint = np.minimum(hair_colour(identity), 0.3) * 0.9 + 0.15 * deep * (1 - identity.beard)
    return colour * (1 - strength) + strength * tint


def fringe(identity: Identity) -> bool:
    """Does hair hang over the forehead? Of the styles that can, about every third."""
    return identity.style in ("long", "bob", "short") and identity.seed % 7 in (0, 3)


def scalp_mask(xyz: np.ndarray, identity: Identity) -> np.ndarray:
    """Return the density of hair growth in [0, 1]: above the hairline at the front, down to the nape behind the ears."""
    x, y, z = xyz[..., 0], xyz[..., 1], xyz[..., 2]
    across = np.abs(x)
    recede = 0.14 * np.clip((identity.age - 30) / 40, 0, 1) * (identity.gender == "men")
    front = 0.74 if not fringe(identity) else 0.50
    front = front + 0.02 * np.sin(6 * x + identity.seed) - 0.30 * np.maximum(0, across - 0.30)
    front = front + recede * (1 + 1.2 * bump(across, 0.35, 0.15))
    side = np.interp(z, [-1.6, -1.05, -0.72, -0.5, -0.25, 0.1], [-0.75, -0.5, 0.02, 0.12, 0.42, 0.6])
    # At the temples the line runs down before the ear; the forehead is kept free of that.
    temple = np.maximum(smoothstep(0.36, 0.56, across), smoothstep(-0.55, -0.8, z))
    line = front + (np.minimum(side, front) - front) * temple
    mask = smoothstep(-0.03, 0.09, y - line)
    if identity.style == "bald":
        mask = mask * smoothstep(0.75, 0.35, y)
    return mask
