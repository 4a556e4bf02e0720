"""People, light, room and camera to frames, on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from amdd.puppets.person import appearance
from amdd.puppets.person.body import body_of, key_visibility
from amdd.puppets.person.head import HAIR, LASH, MOUTH, TEETH, TONGUE, head_model
from amdd.puppets.person.people import Identity
from amdd.puppets.person.raster import draw, shade, vertex_normals

SUPERSAMPLE = 1.25
DISTANCE = 13.0  # camera to face, dm
PIVOT = np.array([0.0, -1.25, -0.85], np.float32)  # where the head turns on the neck


@dataclass(frozen=True)
class Rendered:
    """``frames`` uint8 (T, H, W, 3) RGB; ``landmarks`` float32 (T, 68, 2), pixels, iBUG's order;
    ``face_mask`` uint8 (T, H, W), 1 on visible skin, eyes and mouth of the face (no hair, no neck)."""

    frames: np.ndarray
    landmarks: np.ndarray
    face_mask: np.ndarray


def soften_edges(picture: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """``picture`` (H, W, 3) with a blur along the borders of ``parts`` (H, W): strands and outlines are cut out
    pixel by pixel, and would stand as steps otherwise."""
    edge = cv2.morphologyEx(parts, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    edge |= (parts == HAIR + 1) | (parts == LASH + 1)
    soft = cv2.GaussianBlur(picture, (0, 0), 0.85)
    np.copyto(picture, soft, where=edge[..., None])
    return picture


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Head rotation (3, 3): yaw turns to the image's right, pitch looks up, roll tilts (radians)."""
    cy, sy, cp, sp, cr, sr = (
        np.cos(yaw),
        np.sin(yaw),
        np.cos(pitch),
        np.sin(pitch),
        np.cos(roll),
        np.sin(roll),
    )
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (about_y @ about_x @ about_z).astype(np.float32)


def _lights(rng: np.random.Generator, camera: str) -> np.ndarray:
    """Rows: key direction, key colour, fill direction, fill colour, sky, ground, rim direction, rim colour."""
    side = rng.choice([-1.0, 1.0])
    key = np.array([side * rng.uniform(0.25, 0.9), rng.uniform(0.35, 0.9), 1.0])
    fill = np.array([-side * rng.uniform(0.5, 1.0), rng.uniform(-0.1, 0.4), 0.7])
    rim = np.array([-side * 0.9, 0.5, -0.8])
    kelvin = rng.uniform(-1, 1) * (0.5 if camera == "timit" else 1.0) + (0.4 if camera == "timit" else 0.0)
    warm = np.array([1 + 0.10 * kelvin, 1.0, 1 - 0.13 * kelvin])
    strength = rng.uniform(0.75, 1.2)
    ambient = rng.uniform(0.22, 0.42)
    cool = np.array([1 - 0.04 * kelvin, 1.0, 1 + 0.06 * kelvin])
    return np.stack(
        [
            key / np.linalg.norm(key),
            strength * warm,
            fill / np.linalg.norm(fill),
            rng.uniform(0.18, 0.5) * cool,
            ambient * cool,
            0.5 * ambient * np.array([1.0, 0.92, 0.86]),
            rim / np.linalg.norm(rim),
            rng.uniform(0.2, 1.4) * cool,
        ]
    ).astype(np.float64)


def background(rng: np.random.Generator, size: int, camera: str = "studio") -> np.ndarray:
    """A room out of focus, linear float32 (size, size, 3)."""
    hue = rng.uniform(0, 1)
    tint = 0.5 + 0.5 * np.cos(2 * np.pi * (hue + np.array([0, 0.33, 0.67])))
    if camera == "timit":  # the plain wall of an office
        base = np.array([0.30, 0.30, 0.27]) * rng.uniform(0.7, 1.3)
    else:
        base = (0.55 + 0.45 * tint) * rng.uniform(0.05, 0.42)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    slope = rng.uniform(-0.45, 0.45, 2)
    picture = base * (1 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5))[..., None]
    for _ in range(rng.integers(2, 7) if camera == "studio" else rng.integers(0, 3)):
        colour = (0.4 + 0.6 * rng.random(3)) * rng.uniform(0.03, 0.6)
        cx, cy, w, h = rng.random(), rng.random(), rng.uniform(0.05, 0.3), rng.uniform(0.08, 0.6)
        if rng.random() < 0.6:
            inside = (np.abs(x - cx) < w / 2) & (np.abs(y - cy) < h / 2)
        else:
            inside = np.hypot(x - cx, y - cy) < w / 2
        share = rng.uniform(0.4, 0.9)
        picture = np.where(inside[..., None], picture * (1 - share) + share * colour, picture)
    picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), size * rng.uniform(0.012, 0.05))
    return picture * (1 + 0.02 * appearance.noise(rng, size, 12)[..., None])


def render_clip(
    identity: Identity, motion, scene_seed: int, size: int = 256, camera: str = "studio"
) -> Rendered:
    """Render ``motion`` (actions (T, 52), pose (T, 3), shift (T, 2), gaze (T, 2)) of ``identity``.

    ``scene_seed`` gives light, room, framing, focus and sensor noise. ``camera`` is "studio" or "timit", a
    plainer room before another camera. The same arguments give the same bytes.
    """
    head, body = head_model(), body_of(identity)
    rng = np.random.default_rng(np.random.SeedSequence([211, identity.seed, scene_seed]))
    n, steps = len(body.shape), len(motion.actions)
    lights = _lights(rng, camera)
    big = round(size * SUPERSAMPLE)
    actions = np.asarray(motion.actions, np.float32)
    moved = (actions @ head.actions.reshape(len(head.actions), -1)).reshape(steps, n, 3) + body.shape
    light = np.stack([body.occlusion, key_visibility(body, lights[0])], 1).astype(np.float32)
    room = background(rng, int(big * 1.15), camera)
    zoom = size * (rng.uniform(0.27, 0.33) if camera == "studio" else rng.uniform(0.225, 0.265)) * SUPERSAMPLE
    centre = np.array([rng.normal(0, 0.03), -0.36 + rng.normal(0, 0.05)])
    sway = _smooth_walk(rng, steps, 12) * (0.006 if camera == "studio" else 0.002)
    blur = rng.uniform(0.25, 0.75) if camera == "studio" else rng.uniform(0.55, 0.95)
    exposure = rng.uniform(0.85, 1.15)
    grain = rng.uniform(1.0, 2.6) if camera == "studio" else rng.uniform(2.2, 3.6)
    tint = np.array([1.0, 1.0, 1.0]) if camera == "studio" else np.array([1.03, 1.0, 0.93])
    noise_pool = rng.normal(0, grain, (6, size, size, 1)) + 0.5 * rng.normal(0, grain, (6, size, size, 3))
    noise_pool = noise_pool.astype(np.float32)
    rolls = rng.integers(0, size, (steps, 2))
    colours = np.zeros((8, 3))
    colours[TEETH], colours[TONGUE] = (0.62, 0.56, 0.47), (0.30, 0.075, 0.07)
    colours[LASH], colours[MOUTH] = (0.012, 0.010, 0.009), (0.11, 0.022, 0.02)
    yaxis = np.linspace(-1, 1, size, dtype=np.float32)
    vignette = 1 - 0.12 * (yaxis[:, None] ** 2 + yaxis[None] ** 2)
    frames = np.empty((steps, size, size, 3), np.uint8)
    landmarks = np.empty((steps, 68, 2), np.float32)
    masks = np.empty((steps, size, size), np.uint8)
    buffer, index = np.empty((big, big), np.float32), np.empty((big, big), np.int32)
    bary, parts = np.zeros((big, big, 2), np.float32), np.zeros((big, big), np.uint8)
    uv = body.uv.copy()
    moves = np.concatenate([head.moves, np.ones(len(body.hair_points), np.float32)])[:, None]
    tone_map = _tone_curve()
    nearest = (np.arange(size) * (big / size)).astype(np.int64)
    pore = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    for t in range(steps):
        turn = rotation(*motion.pose[t])
        points = np.concatenate([moved[t], body.hair_points]).astype(np.float32)
        turned = (points - PIVOT) @ turn.T + PIVOT
        points = points + moves * (turned - points)
        points[:, :2] += np.asarray(motion.shift[t], np.float32) * (0.35 + 0.65 * moves)
        normals = vertex_normals(points, body.triangles)
        _eyes(head, points, normals, uv, turn, motion.gaze[t])
        scale = zoom * DISTANCE / (DISTANCE - points[:, 2])
        pixels = np.empty((len(points), 2), np.float32)
        pixels[:, 0] = big / 2 + (points[:, 0] - centre[0] + sway[t, 0]) * scale
        pixels[:, 1] = big / 2 - (points[:, 1] - centre[1] + sway[t, 1]) * scale
        draw(
            pixels,
            -points[:, 2],
            body.triangles,
            body.material,
            uv,
            body.coverage,
            body.strands,
            buffer,
            index,
            bary,
        )
        off = (np.array([0.075, 0.075]) * big + sway[t] * zoom * 0.6).astype(int).clip(0, room.shape[0] - big)
        picture = room[off[1] : off[1] + big, off[0] : off[0] + big].copy()
        shade(
            index, bary, body.triangles, body.material, normals, uv, light, body.skin, body.eye, body.hair, colours,
            lights, picture, parts,
        )  # fmt: skip
        soften_edges(picture, parts)
        small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), blur) * vignette[..., None]
        values = np.clip(small * (exposure * tint).astype(np.float32) * 1023, 0, 4092).astype(np.int32)
        shown = tone_map[values] + np.roll(noise_pool[t % 6], tuple(rolls[t]), (0, 1))
        frames[t] = np.clip(shown + 0.5, 0, 255)
        sampled = index[nearest[:, None], nearest]
        # Closed, as where teeth or a lash fill a pixel or two within the face there is face all the same.
        masks[t] = cv2.morphologyEx(
            ((sampled >= 0) & body.face[sampled]).astype(np.uint8), cv2.MORPH_CLOSE, pore
        )
        landmarks[t] = pixels[head.landmarks] / SUPERSAMPLE
    return Rendered(frames, landmarks, masks)


def _eyes(head, points, normals, uv, turn, gaze) -> None:
    """Round the eyeballs and put the iris where the eyes look (``gaze``: right, up in radians)."""
    look = rotation(float(gaze[0]), float(gaze[1]), 0.0)
    frame = turn @ look
    for eye in (head.left_eye, head.right_eye):
        p = points[eye]
        direction = p - (p.max(0) + p.min(0)) / 2
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        normals[eye] = direction
        local = direction @ frame
        uv[eye, 0] = 0.5 + 0.5 * local[:, 0]
        uv[eye, 1] = 0.5 - 0.5 * local[:, 1]


def _smooth_walk(rng: np.random.Generator, steps: int, width: int) -> np.ndarray:
    """A slow random drift (steps, 2) of about unit size: the hand that holds the camera."""
    raw = rng.normal(size=(steps + 4 * width, 2))
    kernel = np.hanning(4 * width + 1)
    kernel /= np.sqrt((kernel**2).sum())
    return np.stack([np.convolve(raw[:, k], kernel, mode="valid")[:steps] for k in range(2)], 1)


@lru_cache(maxsize=1)
def _tone_curve() -> np.ndarray:
    """Linear light times 1023 to screen values 0..255, with a soft shoulder."""
    x = np.arange(4093) / 1023
    x = np.where(x < 0.7, x, 0.7 + 0.3 * (1 - np.exp(-(x - 0.7) / 0.3)))
    return (255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)).astype(np.float32)


__all__ = ["Rendered", "background", "render_clip", "rotation"]
