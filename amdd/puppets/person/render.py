"""People, light, room and camera to frames, on the CPU."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from amdd.puppets.person.body import Body, body_of, key_visibility
from amdd.puppets.person.camera import CAMERAS, Sensor, smooth_walk
from amdd.puppets.person.head import head_model
from amdd.puppets.person.light import light_of
from amdd.puppets.person.people import Identity
from amdd.puppets.person.postprocess import scatter, soften_edges
from amdd.puppets.person.raster import draw, vertex_normals
from amdd.puppets.person.rooms import room
from amdd.puppets.person.shading import shade
from amdd.puppets.person.strands import CHANNELS, draw_strands

SUPERSAMPLE = 1.125
DISTANCE = 13.0  # camera to face, dm
PIVOT = np.array([0.0, -1.25, -0.85], np.float32)  # where the head turns on the neck
EXPOSED = (
    0.17  # linear light of a face that the camera aims at; between it and the face's own light it compromises
)


@dataclass(frozen=True)
class Rendered:
    """``frames`` uint8 (T, H, W, 3) RGB; ``landmarks`` float32 (T, 68, 2), pixels, iBUG's order;
    ``face_mask`` uint8 (T, H, W), 1 on visible skin, eyes, mouth, beard and glasses of the face (no hair, no neck)."""

    frames: np.ndarray
    landmarks: np.ndarray
    face_mask: np.ndarray


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Head rotation (3, 3): yaw turns to the image's right, pitch looks up, roll tilts (radians)."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (about_y @ about_x @ about_z).astype(np.float32)


class Canvas:
    """Buffers of one clip, at ``big`` pixels a side."""

    def __init__(self, big: int) -> None:
        self.depth, self.index = np.empty((big, big), np.float32), np.empty((big, big), np.int32)
        self.bary, self.parts = np.zeros((big, big, 2), np.float32), np.zeros((big, big), np.uint8)
        self.gleam = np.zeros((big, big, 3), np.float32)
        self.hair, self.cover = np.zeros((big, big, CHANNELS), np.float32), np.zeros((big, big), np.float32)


def render_clip(
    identity: Identity, motion, scene_seed: int, size: int = 256, camera: str = "studio"
) -> Rendered:
    """Render ``motion`` (actions (T, 52), pose (T, 3), shift (T, 2), gaze (T, 2)) of ``identity``.

    ``scene_seed`` gives light, room, framing, focus and sensor noise; ``camera`` is a name of
    :data:`amdd.puppets.person.camera.CAMERAS`. The same arguments give the same bytes.
    """
    head, body, kit = head_model(), body_of(identity), CAMERAS[camera]
    rng = np.random.default_rng(np.random.SeedSequence([211, identity.seed, scene_seed]))
    n, steps = len(body.shape), len(motion.actions)
    light = light_of(rng, str(rng.choice(kit.places)), float(rng.normal(0, 0.5)))
    big = round(size * SUPERSAMPLE)
    actions = np.asarray(motion.actions, np.float32)
    moved = (actions @ head.actions.reshape(len(head.actions), -1)).reshape(steps, n, 3) + body.shape
    lamp, seen = light.lamp(), key_visibility(body, light.rows[0]).astype(np.float32)
    wall = room(rng, int(big * 1.15), light.place)
    zoom = size * rng.uniform(*kit.zoom) * SUPERSAMPLE
    centre = np.array([rng.normal(0, 0.03), -0.36 + rng.normal(0, kit.lift)])
    sway = smooth_walk(rng, steps, 12) * kit.sway
    canvas = Canvas(big)
    surface = np.zeros(
        (len(seen), 7), np.float32
    )  # of each vertex: normal, place in the texture, occlusion, key light
    surface[:, 3:5], surface[:, 5], surface[:, 6] = body.uv, body.occlusion, seen
    frames = np.empty((steps, size, size, 3), np.uint8)
    landmarks = np.empty((steps, 68, 2), np.float32)
    masks = np.empty((steps, size, size), np.uint8)
    nearest = (np.arange(size) * (big / size)).astype(np.int64)
    pore = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    sensor = None
    for t in range(steps):
        turn = rotation(*motion.pose[t])
        points = np.concatenate([moved[t], body.worn]).astype(np.float32)
        turned = (points - PIVOT) @ turn.T + PIVOT
        points = points + body.moves * (turned - points)
        points[:, :2] += np.asarray(motion.shift[t], np.float32) * (0.35 + 0.65 * body.moves)
        surface[:, :3] = vertex_normals(points, body.triangles)
        _eyes(head, points, surface, turn, motion.gaze[t])
        at = centre - sway[t]
        scale = zoom * DISTANCE / (DISTANCE - points[:, 2])
        pixels = np.empty((len(points), 2), np.float32)
        pixels[:, 0] = big / 2 + (points[:, 0] - at[0]) * scale
        pixels[:, 1] = big / 2 - (points[:, 1] - at[1]) * scale
        off = (np.array([0.075, 0.075]) * big + sway[t] * zoom * 0.6).astype(int).clip(0, wall.shape[0] - big)
        picture = wall[off[1] : off[1] + big, off[0] : off[0] + big].copy()
        view = np.array([big, at[0], at[1], zoom, DISTANCE])
        _draw(body, canvas, points, pixels, surface, lamp, turn, view, picture)
        if sensor is None:
            sensor = Sensor(rng, kit, size, steps, _exposure(picture, body.face, canvas), light.white())
        frames[t] = sensor.expose(picture, t)
        _bare_face(canvas.index, body.face, canvas.cover, nearest, masks[t])
        # Closed, as where teeth or a lash fill a pixel or two within the face there is face all the same.
        masks[t] = cv2.morphologyEx(masks[t], cv2.MORPH_CLOSE, pore)
        landmarks[t] = pixels[head.landmarks] / SUPERSAMPLE
    return Rendered(frames, landmarks, masks)


def _draw(body: Body, canvas: Canvas, points, pixels, surface, lamp, turn, view, picture) -> None:
    """Draw the body over ``picture`` (B, B, 3), linear light: surfaces, scattering, hair, then outlines."""
    c = canvas
    draw(pixels, -points[:, 2], body.triangles, body.material, c.depth, c.index, c.bary)
    shade(
        c.index, c.bary, body.triangles, body.material, surface, body.skin, body.eye, body.colours, turn, lamp, picture,
        c.gleam, c.parts,
    )  # fmt: skip
    scatter(picture, c.parts, view[3])
    picture += c.gleam
    draw_strands(
        body.strands, body.packed, points, surface[:, 6], turn, view, lamp, c.depth, picture, c.hair, c.cover
    )
    # Last, so that a neck's outline takes its softness from the hair behind it and not from the wall.
    soften_edges(picture, c.parts)


@njit(cache=True, nogil=True)
def _bare_face(index, face, cover, nearest, out):
    """Fill ``out`` uint8 (H, W) with 1 where a triangle of the face shows and hair of the scalp does not cover it."""
    for y in range(len(nearest)):
        for x in range(len(nearest)):
            row, column = nearest[y], nearest[x]
            triangle = index[row, column]
            out[y, x] = triangle >= 0 and face[triangle] and cover[row, column] < 0.5


def _exposure(picture: np.ndarray, face: np.ndarray, canvas) -> float:
    """Return the gain of a camera that meters the face, applied in part: dark skin stays dark but keeps its detail."""
    shown = (canvas.index >= 0) & face[np.maximum(canvas.index, 0)]
    if not shown.any():
        return 1.0
    light = float(np.median(picture[shown] @ np.array([0.2126, 0.7152, 0.0722])))
    return float(np.clip((EXPOSED / max(light, 1e-3)) ** 0.6, 0.5, 3.2))


def _eyes(head, points, surface, turn, gaze) -> None:
    """Round the eyeballs and put the iris where the eyes look (``gaze``: right, up in radians)."""
    look = rotation(float(gaze[0]), float(gaze[1]), 0.0)
    frame = turn @ look
    for eye in (head.left_eye, head.right_eye):
        p = points[eye]
        direction = p - (p.max(0) + p.min(0)) / 2
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        local = direction @ frame
        surface[eye, :3] = direction
        surface[eye, 3] = 0.5 + 0.5 * local[:, 0]
        surface[eye, 4] = 0.5 - 0.5 * local[:, 1]


__all__ = ["Rendered", "render_clip", "rotation"]
