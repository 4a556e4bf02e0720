"""Draw strands of hair over a picture: anti-aliased lines, blended without sorting, lit along their length.

As in :mod:`amdd.puppets.person.shading`, points are placed and lit by the block, without branches; only the lines
themselves are drawn one by one.
"""

from __future__ import annotations

import numpy as np

from amdd.puppets.person.compiled import drawn
from amdd.puppets.person.light import Lamp
from amdd.puppets.person.roots import POINTS, Strands

CHANNELS = 8  # red, green, blue, weight, optical depth of the scalp's hair, that of other hair, two unused
F = np.float32
NEAR = F(7.0)  # 1/dm: how fast nearer strands win over those behind them
TOGETHER = 20  # strands in a block
BLOCK = TOGETHER * POINTS + 16  # the first place stays free, so that every point has one before it
# Where the values of a block begin: of what does not change, and of what is computed for a frame.
OFFSET_X, OFFSET_Y, OFFSET_Z, NORMAL_X, NORMAL_Y, NORMAL_Z, SHADE, WIDTH = (k * BLOCK for k in range(8))
FIXED = 8 * BLOCK
(
    ROOT_X, ROOT_Y, ROOT_Z, VISIBLE, SHINE, RED, GREEN, BLUE, X, Y, Z, SCALE, ACROSS, DOWN,
) = (k * BLOCK for k in range(14))  # fmt: skip
ROOM = 14 * BLOCK


def pack(strands: Strands) -> np.ndarray:
    """Return what of ``strands`` is the same in every frame, in blocks, for :func:`draw_strands`: float32 (N, FIXED)."""
    count = len(strands.root)
    blocks = -(-count // TOGETHER)
    packed = np.zeros((blocks, FIXED // BLOCK, BLOCK), np.float32)
    taper = strands.width[:, None] * (1.0 - 0.55 * np.arange(POINTS) / POINTS)
    values = [*np.moveaxis(strands.offset, 2, 0), *np.moveaxis(strands.normal, 2, 0), strands.shade, taper]
    for k, value in enumerate(values):
        whole = np.zeros((blocks * TOGETHER, POINTS), np.float32)
        whole[:count] = value
        packed[:, k, 1 : 1 + TOGETHER * POINTS] = whole.reshape(blocks, TOGETHER * POINTS)
    return packed.reshape(blocks, FIXED)


@drawn
def _place(fixed, s, turn, view):
    """Put the points of a block where they are and where they show; ``view``: half a side, centre, zoom, distance."""
    t00, t01, t02, t10, t11, t12 = turn[0, 0], turn[0, 1], turn[0, 2], turn[1, 0], turn[1, 1], turn[1, 2]
    t20, t21, t22 = turn[2, 0], turn[2, 1], turn[2, 2]
    middle, cx, cy, zoom, distance = view[0], view[1], view[2], view[3], view[4]
    for i in range(BLOCK):
        a, b, c = fixed[OFFSET_X + i], fixed[OFFSET_Y + i], fixed[OFFSET_Z + i]
        x = s[ROOT_X + i] + t00 * a + t01 * b + t02 * c
        y = s[ROOT_Y + i] + t10 * a + t11 * b + t12 * c
        z = s[ROOT_Z + i] + t20 * a + t21 * b + t22 * c
        scale = zoom * distance / (distance - z)
        s[X + i], s[Y + i], s[Z + i], s[SCALE + i] = x, y, z, scale
        s[ACROSS + i] = middle + (x - cx) * scale
        s[DOWN + i] = middle - (y - cy) * scale


@drawn
def _light(fixed, s, turn, key, sh):
    """Turn the colours of a block's points into the light that they send."""
    zero, one = F(0), F(1)
    t00, t01, t02, t10, t11, t12 = turn[0, 0], turn[0, 1], turn[0, 2], turn[1, 0], turn[1, 1], turn[1, 2]
    t20, t21, t22 = turn[2, 0], turn[2, 1], turn[2, 2]
    lx, ly, lz, hx, hy, hz, rx, ry, rz = (
        key[0],
        key[1],
        key[2],
        key[3],
        key[4],
        key[5],
        key[6],
        key[7],
        key[8],
    )
    sun_r, sun_g, sun_b, rim_r, rim_g, rim_b = key[9], key[10], key[11], key[12], key[13], key[14]
    r0, r1, r2, r3 = sh[0, 0], sh[1, 0], sh[2, 0], sh[3, 0]
    g0, g1, g2, g3 = sh[0, 1], sh[1, 1], sh[2, 1], sh[3, 1]
    b0, b1, b2, b3 = sh[0, 2], sh[1, 2], sh[2, 2], sh[3, 2]
    for i in range(1, BLOCK):
        tx, ty, tz = s[X + i] - s[X + i - 1], s[Y + i] - s[Y + i - 1], s[Z + i] - s[Z + i - 1]
        length = one / (np.sqrt(tx * tx + ty * ty + tz * tz) + F(1e-9))
        tx, ty, tz = tx * length, ty * length, tz * length
        a, b, c = fixed[NORMAL_X + i], fixed[NORMAL_Y + i], fixed[NORMAL_Z + i]
        nx = t00 * a + t01 * b + t02 * c
        ny = t10 * a + t11 * b + t12 * c
        nz = t20 * a + t21 * b + t22 * c
        diffuse = max(zero, (nx * lx + ny * ly + nz * lz + F(0.45)) * F(1 / 1.45)) * s[VISIBLE + i]
        along = tx * lx + ty * ly + tz * lz
        across = np.sqrt(max(zero, one - along * along))
        # Two highlights, one at the root's side in the light's colour and one, wider, in the hair's.
        towards = tx * hx + ty * hy + tz * hz
        narrow, wide = towards + F(0.10), towards - F(0.12)
        p = max(zero, one - narrow * narrow)
        p = p * p * p * p
        p = p * p * p * p
        narrow = F(0.045) * p * p * p * p  # sin^128
        p = max(zero, one - wide * wide)
        p = p * p * p * p
        wide = F(0.42) * p * p  # sin^16
        dark, shine = fixed[SHADE + i], s[SHINE + i]
        back = max(zero, nx * rx + ny * ry + nz * rz) * (one - max(nz, zero)) * dark * shine
        matt = diffuse * (F(0.35) + F(0.75) * across) * dark
        gloss = diffuse * shine * dark
        red, green, blue = s[RED + i], s[GREEN + i], s[BLUE + i]
        s[RED + i] = (
            red * (sun_r * matt + dark * max(zero, r0 + ny * r1 + nz * r2 + nx * r3))
            + sun_r * gloss * (narrow + wide * red)
            + rim_r * back * (F(0.03) + F(0.6) * red)
        )
        s[GREEN + i] = (
            green * (sun_g * matt + dark * max(zero, g0 + ny * g1 + nz * g2 + nx * g3))
            + sun_g * gloss * (narrow + wide * green)
            + rim_g * back * (F(0.03) + F(0.6) * green)
        )
        s[BLUE + i] = (
            blue * (sun_b * matt + dark * max(zero, b0 + ny * b1 + nz * b2 + nx * b3))
            + sun_b * gloss * (narrow + wide * blue)
            + rim_b * back * (F(0.03) + F(0.6) * blue)
        )


@drawn
def _drop(out, p, a, near, red, green, blue, which):
    """Add a strand of opacity ``a`` to pixel ``p``; its optical depth goes to channel ``which``."""
    o = np.uint64(p * CHANNELS)
    out[o] += a * red
    out[o + np.uint64(1)] += a * green
    out[o + np.uint64(2)] += a * blue
    out[o + np.uint64(3)] += a * near
    out[o + which] += a * (F(1) + a * (F(0.5) + F(0.45) * a))  # about -log(1 - a)


@drawn
def _line(s, i, alpha, bias, which, depths, height, wide, out):
    """Draw the piece of a strand that ends at point ``i`` of the block."""
    zero, half, one, least = F(0), F(0.5), F(1), F(0.004)
    sx, sy, qx, qy = s[ACROSS + i], s[DOWN + i], s[ACROSS + i - 1], s[DOWN + i - 1]
    dx, dy = sx - qx, sy - qy
    if abs(dx) >= abs(dy):
        low, high, limit, side, step, aside = min(qx, sx), max(qx, sx), wide, height, 1, wide
        slope = dy / dx if dx != zero else zero
        start = qy + slope * (half - qx) - half
    else:
        low, high, limit, side, step, aside = min(qy, sy), max(qy, sy), height, wide, wide, 1
        slope = dx / dy if dy != zero else zero
        start = qx + slope * (half - qy) - half
    first, last = max(int(np.ceil(low - half)), 0), min(int(np.ceil(high - half)), limit)
    if first >= last:
        return
    middle = half * (s[Z + i] + s[Z + i - 1])
    near, depth = np.exp(NEAR * middle), -middle - bias
    red, green, blue = near * s[RED + i], near * s[GREEN + i], near * s[BLUE + i]
    for k in range(first, last):
        at = start + slope * F(k)
        if at < -one or at >= F(side):
            continue
        j = int(at + one) - 1
        share = at - F(j)
        p = k * step + j * aside
        a = alpha - alpha * share
        if j >= 0 and a >= least and depth <= depths[np.uint64(p)]:
            _drop(out, p, a, near, red, green, blue, which)
        a, p = alpha * share, p + aside
        if j + 1 < side and a >= least and depth <= depths[np.uint64(p)]:
            _drop(out, p, a, near, red, green, blue, which)


@drawn
def _draw(packed, root, weight, colour, kind, points, seen, turn, view, key, sh, height, wide, depths, out):
    s = np.zeros(ROOM, np.float32)
    for block in range(packed.shape[0]):
        fixed = packed[block]
        count = min(TOGETHER, root.shape[0] - block * TOGETHER)
        for j in range(count):
            q = block * TOGETHER + j
            x = y = z = visible = F(0)
            for k in range(3):
                v, w = root[q, k], weight[q, k]
                x += w * points[v, 0]
                y += w * points[v, 1]
                z += w * points[v, 2]
                visible += w * seen[v]
            shine = F(1) if kind[q] == 0 else F(0.35)
            for i in range(1 + j * POINTS, 1 + (j + 1) * POINTS):
                s[ROOT_X + i], s[ROOT_Y + i], s[ROOT_Z + i], s[VISIBLE + i], s[SHINE + i] = (
                    x,
                    y,
                    z,
                    visible,
                    shine,
                )
                s[RED + i], s[GREEN + i], s[BLUE + i] = colour[q, 0], colour[q, 1], colour[q, 2]
        _place(fixed, s, turn, view)
        _light(fixed, s, turn, key, sh)
        for j in range(count):
            scalp = kind[block * TOGETHER + j] == 0
            bias = F(0.05) if scalp else F(0.03)
            which = np.uint64(4) if scalp else np.uint64(5)
            before = True
            for k in range(POINTS):
                i = 1 + j * POINTS + k
                column, row = int(s[ACROSS + i]), int(s[DOWN + i])
                hidden = True
                if column >= 0 and row >= 0 and column < wide and row < height:
                    hidden = -s[Z + i] - bias > depths[row * wide + column]
                if k > 0 and not (hidden and before):
                    alpha = min(F(0.92), F(0.95) * fixed[WIDTH + i] * s[SCALE + i])
                    _line(s, i, alpha, bias, which, depths, height, wide, out)
                before = hidden


@drawn
def _blend(picture, hair, cover):
    """Lay ``hair`` over ``picture``, and clear it for the next frame."""
    one = F(1)
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            weight = hair[y, x, 3]
            cover[y, x] = F(0)
            if weight > F(0):
                keep = np.exp(-hair[y, x, 4] - hair[y, x, 5])
                for k in range(3):
                    picture[y, x, k] = picture[y, x, k] * keep + (one - keep) / weight * hair[y, x, k]
                if hair[y, x, 4] > F(0):
                    cover[y, x] = one - np.exp(-hair[y, x, 4])
                for k in range(CHANNELS):
                    hair[y, x, k] = F(0)


def draw_strands(
    strands: Strands, packed, points, seen, turn, view, lamp: Lamp, buffer, picture, hair, cover
) -> None:
    """Blend ``strands`` over ``picture`` (H, W, 3), linear light; ``cover`` (H, W) gets the opacity of hair of the scalp.

    ``packed`` comes from :func:`pack`; ``points`` (V, 3) the body's vertices as posed, ``seen`` (V,) share of the key
    light there, ``turn`` (3, 3) the head's rotation, ``view`` (5,): side in pixels, centre x and y (dm), pixels a dm,
    distance (dm); ``buffer`` (H, W) depths of the body; ``hair`` scratch (H, W, 8), zero before and after.
    """
    height, wide = buffer.shape
    half = np.array([view[0] / 2, *view[1:]], np.float32)
    _draw(
        packed, strands.root, strands.weight, strands.colour, strands.kind, points, seen, turn, half, lamp.key, lamp.sh,
        height, wide, buffer.reshape(-1), hair.reshape(-1),
    )  # fmt: skip
    _blend(picture, hair, cover)


__all__ = ["CHANNELS", "draw_strands", "pack"]
