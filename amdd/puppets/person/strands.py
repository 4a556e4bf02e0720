"""Draw strands of hair over a picture: anti-aliased lines, blended without sorting, lit along their length."""

from __future__ import annotations

import numpy as np
from numba import njit

from amdd.puppets.person.roots import Strands

CHANNELS = 6  # red, green, blue, weight, optical depth of all hair, optical depth of the scalp's hair
NEAR = 7.0  # 1/dm: how fast nearer strands win over those behind them


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _draw(
    root, weight, offset, normal, colour, width, shade, kind, points, seen, turn, view, light, sh, buffer, out
):
    height, wide = buffer.shape
    big, cx, cy, zoom, distance = view[0], view[1], view[2], view[3], view[4]
    steps = offset.shape[1]
    lx, ly, lz = light[0, 0], light[0, 1], light[0, 2]
    hx, hy, hz = lx, ly, lz + 1.0
    hl = np.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx / hl, hy / hl, hz / hl
    rx, ry, rz = light[4, 0], light[4, 1], light[4, 2]
    for s in range(root.shape[0]):
        bx = by = bz = 0.0
        visible = 0.0
        for k in range(3):
            v = root[s, k]
            bx += weight[s, k] * points[v, 0]
            by += weight[s, k] * points[v, 1]
            bz += weight[s, k] * points[v, 2]
            visible += weight[s, k] * seen[v]
        ends = kind[s] == 0
        bias = 0.05 if ends else 0.03
        px = py = pz = 0.0
        qx = qy = 0.0
        before = True
        for k in range(steps):
            ox, oy, oz = offset[s, k, 0], offset[s, k, 1], offset[s, k, 2]
            x = bx + turn[0, 0] * ox + turn[0, 1] * oy + turn[0, 2] * oz
            y = by + turn[1, 0] * ox + turn[1, 1] * oy + turn[1, 2] * oz
            z = bz + turn[2, 0] * ox + turn[2, 1] * oy + turn[2, 2] * oz
            scale = zoom * distance / (distance - z)
            sx = big / 2 + (x - cx) * scale
            sy = big / 2 - (y - cy) * scale
            hidden = True
            ix, iy = int(sx), int(sy)
            if ix >= 0 and iy >= 0 and ix < wide and iy < height:
                hidden = -z - bias > buffer[iy, ix]
            if k > 0 and not (hidden and before):
                tx, ty, tz = x - px, y - py, z - pz
                length = np.sqrt(tx * tx + ty * ty + tz * tz) + 1e-9
                tx, ty, tz = tx / length, ty / length, tz / length
                ox, oy, oz = normal[s, k, 0], normal[s, k, 1], normal[s, k, 2]
                nx = turn[0, 0] * ox + turn[0, 1] * oy + turn[0, 2] * oz
                ny = turn[1, 0] * ox + turn[1, 1] * oy + turn[1, 2] * oz
                nz = turn[2, 0] * ox + turn[2, 1] * oy + turn[2, 2] * oz
                nl = nx * lx + ny * ly + nz * lz
                diffuse = max(0.0, (nl + 0.45) / 1.45) * visible
                tl = tx * lx + ty * ly + tz * lz
                across = np.sqrt(max(0.0, 1 - tl * tl))
                # Two highlights, one at the root's side in the light's colour and one, wider, in the hair's.
                th = tx * hx + ty * hy + tz * hz
                th1 = th + 0.10
                th2 = th - 0.12
                s1 = max(0.0, 1 - th1 * th1)
                s1 = s1 * s1
                s1 = s1 * s1
                s1 = s1 * s1
                s1 = s1 * s1
                s1 = s1 * s1
                s1 = s1 * s1  # sin^128
                s2 = max(0.0, 1 - th2 * th2)
                s2 = s2 * s2
                s2 = s2 * s2
                s2 = s2 * s2  # sin^16
                back = max(0.0, nx * rx + ny * ry + nz * rz) * (1.0 - max(nz, 0.0))
                dark = shade[s, k]
                shine = 1.0 if ends else 0.35
                pixel = width[s] * scale * (1.0 - 0.55 * k / steps)
                alpha = min(0.92, pixel * 0.95)
                mz = 0.5 * (z + pz)
                near = np.exp(NEAR * mz)
                e0 = 0.282095
                e1 = 0.488603
                c0 = c1 = c2 = 0.0
                for c in range(3):
                    ambient = e0 * sh[0, c] + e1 * (ny * sh[1, c] + nz * sh[2, c] + nx * sh[3, c])
                    value = (
                        colour[s, c]
                        * (light[1, c] * diffuse * (0.35 + 0.75 * across) + max(0.0, ambient))
                        * dark
                    )
                    value += light[1, c] * diffuse * shine * dark * (0.045 * s1 + 0.42 * s2 * colour[s, c])
                    value += light[5, c] * back * (0.03 + 0.6 * colour[s, c]) * dark * shine
                    if c == 0:
                        c0 = value
                    elif c == 1:
                        c1 = value
                    else:
                        c2 = value
                dx, dy = sx - qx, sy - qy
                flat = abs(dx) >= abs(dy)
                lo, hi = (min(qx, sx), max(qx, sx)) if flat else (min(qy, sy), max(qy, sy))
                first = int(np.ceil(lo - 0.5))
                last = int(np.ceil(hi - 0.5)) - 1
                limit = wide if flat else height
                side = height if flat else wide
                if first < 0:
                    first = 0
                if last > limit - 1:
                    last = limit - 1
                slope = (dy / dx if dx != 0 else 0.0) if flat else (dx / dy if dy != 0 else 0.0)
                depth = -mz - bias
                for i in range(first, last + 1):
                    at = (qy + slope * (i + 0.5 - qx)) if flat else (qx + slope * (i + 0.5 - qy))
                    j = int(np.floor(at - 0.5))
                    f = at - 0.5 - j
                    for d in range(2):
                        jj = j + d
                        if jj < 0 or jj >= side:
                            continue
                        a = alpha * (1 - f) if d == 0 else alpha * f
                        if a < 0.004:
                            continue
                        yy, xx = (jj, i) if flat else (i, jj)
                        if depth > buffer[yy, xx]:
                            continue
                        w = a * near
                        out[yy, xx, 0] += w * c0
                        out[yy, xx, 1] += w * c1
                        out[yy, xx, 2] += w * c2
                        out[yy, xx, 3] += w
                        t = a * (1.0 + a * (0.5 + 0.45 * a))  # about -log(1 - a)
                        out[yy, xx, 4] += t
                        if ends:
                            out[yy, xx, 5] += t
            px, py, pz, qx, qy, before = x, y, z, sx, sy, hidden


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _blend(picture, hair, cover):
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            if hair[y, x, 3] > 0:
                a = 1 - np.exp(-hair[y, x, 4])
                for c in range(3):
                    picture[y, x, c] = picture[y, x, c] * (1 - a) + a * hair[y, x, c] / hair[y, x, 3]
                cover[y, x] = 1 - np.exp(-hair[y, x, 5])
            else:
                cover[y, x] = 0.0


def draw_strands(strands: Strands, points, seen, turn, view, light, sh, buffer, picture, hair, cover) -> None:
    """Blend ``strands`` over ``picture`` (H, W, 3), linear light; ``cover`` (H, W) gets the opacity of hair of the scalp.

    ``points`` (V, 3) the body's vertices as posed, ``seen`` (V,) share of the key light there, ``turn`` (3, 3) the
    head's rotation, ``view`` (5,): side in pixels, centre x and y (dm), pixels a dm, distance (dm); ``light`` and
    ``sh`` as in :mod:`amdd.puppets.person.light`; ``buffer`` (H, W) depths of the body; ``hair`` scratch (H, W, 6).
    """
    hair[:] = 0
    _draw(
        strands.root, strands.weight, strands.offset, strands.normal, strands.colour, strands.width,
        strands.shade, strands.kind, points, seen, turn, view, light, sh, buffer, hair,
    )  # fmt: skip
    _blend(picture, hair, cover)


__all__ = ["CHANNELS", "draw_strands"]
