"""Rooms behind people, drawn by rule and put out of focus."""

from __future__ import annotations

import cv2
import numpy as np

from amdd.puppets.person.paint import noise

WALLS = ((0.42, 0.40, 0.37), (0.50, 0.47, 0.42), (0.33, 0.37, 0.38), (0.40, 0.33, 0.28), (0.26, 0.30, 0.36), (0.52, 0.50, 0.50), (0.30, 0.33, 0.27))  # fmt: skip


def room(
    rng: np.random.Generator, size: int, place: str, blur: tuple[float, float] = (0.02, 0.05)
) -> np.ndarray:
    """Draw a room out of focus, linear float32 (size, size, 3), lit as ``place``; ``blur`` the range of the lens's disc as
    a share of the side."""
    wall = np.array(WALLS[rng.integers(len(WALLS))]) * rng.uniform(0.35, 0.8)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    slope = rng.uniform(-0.6, 0.6)
    picture = (wall * (1 + slope * (x - 0.5) - 0.25 * (y - 0.4))[..., None]).astype(np.float32)
    if place == "studio":
        spot = np.exp(-(((x - rng.uniform(0.3, 0.7)) / 0.5) ** 2 + ((y - 0.4) / 0.5) ** 2))
        picture *= (0.45 + 0.9 * spot)[..., None]
    elif place != "overcast":
        drawers = [_shelf, _frame, _plant, _door, _lamp, _curtain]
        if place == "window":
            _window(rng, picture, rng.choice([-1, 1]))
        for k in rng.choice(len(drawers), rng.integers(1, 4), replace=False):
            drawers[k](rng, picture)
    else:
        _street(rng, picture)
    if rng.random() < 0.5 and place not in ("studio", "overcast"):
        _desk(rng, picture)
    disc = max(3, int(size * rng.uniform(*blur)) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (disc, disc)).astype(np.float32)
    picture = cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.3 * disc)
    return picture * (1 + 0.015 * noise(rng, size, 60)[..., None])


def _box(picture, x0, y0, x1, y1, colour) -> None:
    n = len(picture)
    a, b, c, d = (int(np.clip(v * n, 0, n)) for v in (x0, y0, x1, y1))
    picture[b:d, a:c] = colour


def _away(rng) -> float:
    """Return a horizontal position that the head does not cover."""
    return float(rng.choice([rng.uniform(0.0, 0.26), rng.uniform(0.74, 1.0)]))


def _shelf(rng, picture) -> None:
    left = _away(rng) - 0.18
    wood = np.array([0.20, 0.12, 0.07]) * rng.uniform(0.4, 1.6)
    width, top = rng.uniform(0.28, 0.45), rng.uniform(0.0, 0.15)
    _box(picture, left, top, left + width, 1.0, wood * 0.35)
    for row in np.arange(top, 1.0, rng.uniform(0.16, 0.22)):
        x = left + 0.01
        while x < left + width - 0.02:
            thick, tall = rng.uniform(0.012, 0.035), rng.uniform(0.09, 0.15)
            if rng.random() < 0.85:
                hue = rng.random()
                colour = (
                    0.6 + 0.4 * np.cos(2 * np.pi * (hue + np.array([0, 0.33, 0.67]))) ** 2
                ) * rng.uniform(0.02, 0.3)
                _box(picture, x, row + 0.16 - tall, x + thick, row + 0.16, colour)
            x += thick + 0.003
        _box(picture, left, row + 0.16, left + width, row + 0.175, wood)
    _box(picture, left, top, left + 0.012, 1.0, wood)
    _box(picture, left + width - 0.012, top, left + width, 1.0, wood)


def _frame(rng, picture) -> None:
    x, y, w, h = _away(rng) - 0.1, rng.uniform(0.05, 0.3), rng.uniform(0.12, 0.26), rng.uniform(0.12, 0.3)
    _box(picture, x, y, x + w, y + h, np.array([0.05, 0.035, 0.02]) * rng.uniform(0.3, 6))
    _box(picture, x + 0.012, y + 0.012, x + w - 0.012, y + h - 0.012, np.full(3, 0.6))
    for _ in range(4):
        colour = rng.uniform(0.05, 0.4) * rng.uniform(0.7, 1.3, 3)
        a, b = rng.uniform(x + 0.03, x + w - 0.05), rng.uniform(y + 0.03, y + h - 0.05)
        _box(picture, a, b, min(a + 0.06, x + w - 0.03), min(b + 0.07, y + h - 0.03), colour)


def _plant(rng, picture) -> None:
    n = len(picture)
    x, y = _away(rng) * n, rng.uniform(0.45, 0.75) * n
    for _ in range(rng.integers(14, 30)):
        angle, reach = rng.normal(-np.pi / 2, 0.8), rng.uniform(0.08, 0.3) * n
        green = np.array([0.05, 0.11, 0.04]) * rng.uniform(0.4, 1.6)
        tip = (int(x + reach * np.cos(angle)), int(y + reach * np.sin(angle)))
        middle = (int((x + tip[0]) / 2), int((y + tip[1]) / 2 - 0.02 * n))
        axes = (max(2, int(reach / 2)), max(2, int(0.016 * n)))
        cv2.ellipse(picture, middle, axes, np.degrees(angle), 0, 360, tuple(map(float, green)), -1)
    pot = np.array([0.28, 0.13, 0.08]) * rng.uniform(0.5, 1.8)
    _box(picture, x / n - 0.06, y / n, x / n + 0.06, y / n + 0.16, pot)


def _door(rng, picture) -> None:
    x = _away(rng) - 0.14
    colour = np.array([0.45, 0.42, 0.38]) * rng.uniform(0.35, 1.2)
    _box(picture, x, 0.0, x + 0.3, 1.0, colour * 0.75)
    _box(picture, x + 0.015, 0.0, x + 0.285, 1.0, colour)
    for top in (0.08, 0.55):
        _box(picture, x + 0.06, top, x + 0.24, top + 0.36, colour * 0.86)


def _lamp(rng, picture) -> None:
    n = len(picture)
    x, y = _away(rng), rng.uniform(0.2, 0.5)
    warm = np.array([1.0, 0.66, 0.34]) * rng.uniform(0.7, 1.6)
    yy, xx = np.mgrid[0:n, 0:n].astype(np.float32) / n
    glow = np.exp(-(((xx - x) ** 2 + (yy - y - 0.05) ** 2) / 0.05))
    picture += (0.25 * glow[..., None] * warm).astype(np.float32)
    shape = np.array([[x - 0.05, y], [x + 0.05, y], [x + 0.09, y + 0.13], [x - 0.09, y + 0.13]]) * n
    cv2.fillConvexPoly(picture, shape.astype(np.int32), tuple(map(float, warm)))
    _box(picture, x - 0.006, y + 0.13, x + 0.006, 1.0, np.full(3, 0.04))


def _curtain(rng, picture) -> None:
    n = len(picture)
    left = _away(rng) - 0.12
    cloth = rng.uniform(0.06, 0.35) * rng.uniform(0.75, 1.25, 3)
    a, b = (int(np.clip(v * n, 0, n)) for v in (left, left + 0.24))
    if b > a:
        fold = 0.7 + 0.3 * np.sin(np.arange(b - a) / n * rng.uniform(120, 220))
        picture[:, a:b] = (cloth * fold[:, None])[None]


def _window(rng, picture, side: int) -> None:
    left = rng.uniform(-0.1, 0.1) if side < 0 else rng.uniform(0.62, 0.8)
    width, bottom = rng.uniform(0.25, 0.4), rng.uniform(0.55, 0.8)
    frame = np.full(3, rng.uniform(0.3, 0.8))
    _box(picture, left - 0.02, 0.0, left + width + 0.02, bottom + 0.02, frame)
    sky = np.array([0.95, 1.05, 1.25]) * rng.uniform(0.8, 1.5)
    _box(picture, left, 0.0, left + width, bottom, sky)
    horizon = rng.uniform(0.3, 0.6) * bottom + 0.2
    _box(picture, left, horizon, left + width, bottom, np.array([0.20, 0.25, 0.16]) * rng.uniform(0.6, 1.5))
    for _ in range(5):
        x = left + rng.uniform(0, width * 0.8)
        _box(
            picture,
            x,
            horizon - rng.uniform(0.02, 0.14),
            min(x + rng.uniform(0.04, 0.12), left + width),
            horizon + 0.05,
            rng.uniform(0.15, 0.6, 3),
        )
    _box(picture, left + width / 2 - 0.008, 0.0, left + width / 2 + 0.008, bottom, frame)
    _box(picture, left, bottom * 0.5, left + width, bottom * 0.5 + 0.012, frame)


def _street(rng, picture) -> None:
    picture[:] = np.array([0.62, 0.70, 0.80]) * rng.uniform(0.6, 0.9)
    for _ in range(rng.integers(5, 10)):
        x, w, top = rng.uniform(-0.1, 1.0), rng.uniform(0.1, 0.3), rng.uniform(0.0, 0.5)
        colour = np.array([0.36, 0.33, 0.30]) * rng.uniform(0.4, 1.2) * rng.uniform(0.9, 1.1, 3)
        _box(picture, x, top, x + w, 1.0, colour)
        for yy in np.arange(top + 0.04, 0.9, 0.08):
            for xx in np.arange(x + 0.02, x + w - 0.03, 0.05):
                _box(picture, xx, yy, xx + 0.025, yy + 0.045, colour * rng.uniform(0.25, 1.6))
    for _ in range(rng.integers(10, 40)):
        n = len(picture)
        green = np.array([0.07, 0.11, 0.05]) * rng.uniform(0.5, 1.6)
        centre = (int(rng.uniform(0, n)), int(rng.uniform(0.55, 1.0) * n))
        cv2.circle(picture, centre, int(rng.uniform(0.02, 0.07) * n), tuple(map(float, green)), -1)


def _desk(rng, picture) -> None:
    top = rng.uniform(0.82, 0.95)
    _box(picture, 0.0, top, 1.0, 1.0, np.array([0.30, 0.19, 0.11]) * rng.uniform(0.3, 1.4))
    for _ in range(rng.integers(0, 4)):
        x = _away(rng)
        _box(
            picture,
            x,
            top - rng.uniform(0.03, 0.14),
            x + rng.uniform(0.03, 0.12),
            top,
            rng.uniform(0.03, 0.4) * rng.uniform(0.6, 1.4, 3),
        )
