"""Shading of what the rasteriser found: skin, eyes, mouth and cloth under a key light and an environment (numba).

Visible pixels are collected in blocks. What a pixel shows is read one by one; its light is computed for a block at once,
in loops without branches, which the compiler turns into vector instructions: a third of the time. For that, all values
of a block lie in one array, at distances that the compiler knows.
"""

from __future__ import annotations

import numpy as np

from amdd.puppets.person.compiled import drawn
from amdd.puppets.person.light import Lamp

# Share of light that wraps round the terminator, red farthest, and the reach of scattering in pixels at 100 pixels a dm.
WRAP = (0.34, 0.17, 0.11)
REACH = (2.3, 1.15, 0.75)

F = np.float32
BLOCK = 256
WRAP_RED, WRAP_GREEN, WRAP_BLUE = F(WRAP[0]), F(WRAP[1]), F(WRAP[2])
# Where a block's values begin: the surface as read, then what is computed from it.
(
    NX, NY, NZ, OCCLUSION, SEEN, CLOTH, GLOSS, OILY, RED, GREEN, BLUE, SOFT, SOFT_CLOTH, GLINT, BLEED, FX, FY,
    MX, MY, MZ, KEY, ENV_R, ENV_G, ENV_B, SPEC, MIRROR, RIM, DEEP, OUT_R, OUT_G, OUT_B, GLEAM_R, GLEAM_G, GLEAM_B,
) = (k * BLOCK for k in range(34))  # fmt: skip
ROOM = 34 * BLOCK


@drawn
def _power(base, exponent):
    """``base`` to a whole ``exponent`` by squaring: several times faster than ``**``."""
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@drawn
def _light(s, m, key, sh, lobes):
    """Light the first ``m`` pixels of the block ``s``; ``key``, ``sh`` and ``lobes`` of a :class:`Lamp`."""
    zero, half, one = F(0), F(0.5), F(1)
    kx, ky, kz, hx, hy, hz, rx, ry, rz = (
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
    for i in range(m):
        x, y, z = s[NX + i], s[NY + i], s[NZ + i]
        length = one / (np.sqrt(x * x + y * y + z * z) + F(1e-9))
        x, y, z = x * length, y * length, z * length
        s[NX + i], s[NY + i], s[NZ + i] = x, y, z
        towards = x * kx + y * ky + z * kz
        ao = s[OCCLUSION + i]
        open_ = ao * ao
        away = one - max(z, zero)
        s[RIM + i] = max(zero, x * rx + y * ry + z * rz) * away * open_
        graze = away * away * open_
        graze = graze * graze * away
        p = max(zero, x * hx + y * hy + z * hz)
        p2 = p * p
        p8 = p2 * p2 * p2 * p2
        p32 = p8 * p8 * p8 * p8
        # Two lobes: a broad one of the skin and a narrow one of the oil on it.
        spec = (F(0.055) * p8 * p2 + F(0.10) * p32 * p2) * (one - F(0.95) * s[CLOTH + i])
        s[SPEC + i] = (
            spec * s[OILY + i] * s[SEEN + i] * max(zero, min(one, towards * F(4) + F(0.4))) + s[GLINT + i]
        )
        s[KEY + i] = towards
        s[MX + i], s[MY + i], s[MZ + i] = F(2) * z * x, F(2) * z * y, F(2) * z * z - one
        s[MIRROR + i] = (
            (F(0.03) + F(0.26) * graze) * s[GLOSS + i] * ao * (one - F(0.9) * s[CLOTH + i])
            if s[CLOTH + i] < half
            else zero
        )
        s[ENV_R + i] = s[ENV_G + i] = s[ENV_B + i] = zero
        # -log(occlusion), by the series of atanh after three square roots.
        e = np.sqrt(np.sqrt(np.sqrt(max(ao, F(1e-4)))))
        e = (e - one) / (e + one)
        e2 = e * e
        s[DEEP + i] = (
            F(-16) * s[BLEED + i] * e
            * (one + e2 * (F(1 / 3) + e2 * (F(1 / 5) + e2 * (F(1 / 7) + e2 * F(1 / 9)))))
        )  # fmt: skip
    for k in range(lobes.shape[0]):
        x, y, z, red, green, blue = (
            lobes[k, 0],
            lobes[k, 1],
            lobes[k, 2],
            lobes[k, 3],
            lobes[k, 4],
            lobes[k, 5],
        )
        sharp = half * lobes[k, 6]
        for i in range(m):
            near = one + sharp * (one - (s[MX + i] * x + s[MY + i] * y + s[MZ + i] * z))
            near = one / (near * near)
            s[ENV_R + i] += near * red
            s[ENV_G + i] += near * green
            s[ENV_B + i] += near * blue
    for k in range(3):
        o = k * BLOCK
        h0, h1, h2, h3, h4 = sh[0, k], sh[1, k], sh[2, k], sh[3, k], sh[4, k]
        h5, h6, h7, h8 = sh[5, k], sh[6, k], sh[7, k], sh[8, k]
        reach = WRAP_RED if k == 0 else (WRAP_GREEN if k == 1 else WRAP_BLUE)
        sun, back = key[9 + k], key[12 + k]
        for i in range(m):
            x, y, z = s[NX + i], s[NY + i], s[NZ + i]
            wrap = reach * s[SOFT + i] + s[SOFT_CLOTH + i]
            seen = s[SEEN + i]
            diffuse = max(zero, (s[KEY + i] + wrap) / (one + wrap)) * (seen + (one - seen) * wrap * F(0.4))
            ambient = (
                h0 + y * h1 + z * h2 + x * h3 + x * y * h4 + y * z * h5 + (F(3) * z * z - one) * h6 + x * z * h7
                + (x * x - y * y) * h8
            )  # fmt: skip
            albedo = s[RED + o + i]
            # Light that left the skin elsewhere lifts red in creases: occlusion ** (1 - 0.25 albedo), by a series.
            e = albedo * s[DEEP + i]
            e = one + e * (
                one + e * (half + e * (F(1 / 6) + e * (F(1 / 24) + e * (F(1 / 120) + e * F(1 / 720)))))
            )
            s[OUT_R + o + i] = albedo * (sun * diffuse + max(zero, ambient) * s[OCCLUSION + i] * e)
            s[GLEAM_R + o + i] = (
                s[SPEC + i] * sun
                + s[MIRROR + i] * s[ENV_R + o + i]
                + s[RIM + i] * back * (F(0.45) * albedo + F(0.03) * s[GLOSS + i])
            )


@drawn
def _read_skin(texels, at, wide, s, m, turn):
    """Read the skin's texture where ``at`` (BLOCK,) says so, -1 for other materials: bilinear, relief turned."""
    one = F(1)
    t00, t01, t02, t10, t11, t12 = turn[0, 0], turn[0, 1], turn[0, 2], turn[1, 0], turn[1, 1], turn[1, 2]
    t20, t21, t22 = turn[2, 0], turn[2, 1], turn[2, 2]
    for i in range(m):
        p = at[i]
        if p < 0:
            continue
        q = p + wide
        fx, fy = s[FX + i], s[FY + i]
        d = fx * fy
        b, c = fx - d, fy - d
        a = one - fx - c
        cloth = texels[p, 4] * a + texels[p + 1, 4] * b + texels[q, 4] * c + texels[q + 1, 4] * d
        gloss = texels[p, 3] * a + texels[p + 1, 3] * b + texels[q, 3] * c + texels[q + 1, 3] * d
        rx = texels[p, 5] * a + texels[p + 1, 5] * b + texels[q, 5] * c + texels[q + 1, 5] * d
        ry = texels[p, 6] * a + texels[p + 1, 6] * b + texels[q, 6] * c + texels[q + 1, 6] * d
        rz = texels[p, 7] * a + texels[p + 1, 7] * b + texels[q, 7] * c + texels[q + 1, 7] * d
        s[RED + i] = texels[p, 0] * a + texels[p + 1, 0] * b + texels[q, 0] * c + texels[q + 1, 0] * d
        s[GREEN + i] = texels[p, 1] * a + texels[p + 1, 1] * b + texels[q, 1] * c + texels[q + 1, 1] * d
        s[BLUE + i] = texels[p, 2] * a + texels[p + 1, 2] * b + texels[q, 2] * c + texels[q + 1, 2] * d
        s[GLOSS + i], s[OILY + i], s[CLOTH + i] = gloss, gloss, cloth
        s[SOFT + i], s[SOFT_CLOTH + i], s[BLEED + i] = one - cloth, F(0.1) * cloth, F(0.25)
        s[NX + i] += t00 * rx + t01 * ry + t02 * rz
        s[NY + i] += t10 * rx + t11 * ry + t12 * rz
        s[NZ + i] += t20 * rx + t21 * ry + t22 * rz


@drawn
def _read_other(kind, u, v, eye, colours, key, s, m):
    """Read a pixel of eye, mouth, glasses or collar into place ``m`` of the block: few pixels, so one by one."""
    zero, one = F(0), F(1)
    s[CLOTH + m] = s[SOFT + m] = s[SOFT_CLOTH + m] = s[BLEED + m] = s[GLINT + m] = zero
    if kind == 1:
        height, width = eye.shape[0], eye.shape[1]
        x = min(max(u * F(width) - F(0.5), zero), F(width - 1.001))
        y = min(max(v * F(height) - F(0.5), zero), F(height - 1.001))
        x0, y0 = int(x), int(y)
        fx, fy = x - F(x0), y - F(y0)
        for k in range(3):
            top = eye[y0, x0, k] * (one - fx) + eye[y0, x0 + 1, k] * fx
            low = eye[y0 + 1, x0, k] * (one - fx) + eye[y0 + 1, x0 + 1, k] * fx
            s[RED + k * BLOCK + m] = top * (one - fy) + low * fy
        top = eye[y0, x0, 3] * (one - fx) + eye[y0, x0 + 1, 3] * fx
        low = eye[y0 + 1, x0, 3] * (one - fx) + eye[y0 + 1, x0 + 1, 3] * fx
        gloss = top * (one - fy) + low * fy
    else:
        # Ribs of a knitted collar.
        rib = one + F(0.10) * np.sin(F(6.2831853) * u) if kind == 6 else one
        for k in range(3):
            s[RED + k * BLOCK + m] = colours[kind, k] * rib
        gloss = colours[kind, 3]
    s[GLOSS + m] = s[OILY + m] = gloss
    if kind == 6:
        s[CLOTH + m] = one
    if kind >= 6 and s[NZ + m] < zero:  # seen from both sides
        s[NX + m], s[NY + m], s[NZ + m] = -s[NX + m], -s[NY + m], -s[NZ + m]
    if kind == 3 or kind == 5 or kind == 6:
        return
    s[OILY + m] = zero
    x, y, z = s[NX + m], s[NY + m], s[NZ + m]
    length = np.sqrt(x * x + y * y + z * z) + F(1e-9)
    x, y, z = x / length, y / length, z / length
    kx, ky, kz = key[0], key[1], key[2]
    if kind == 1:
        # The cornea mirrors the window: two panes with a bar between them.
        mx, my, mz = F(2) * z * x, F(2) * z * y, F(2) * z * z - one
        side = np.sqrt(kz * kz + kx * kx) + F(1e-9)
        across = abs(mx * kz - mz * kx) / side
        if mx * kx + my * ky + mz * kz > F(0.5) and F(0.015) < across < F(0.15) and abs(my - ky) < F(0.15):
            s[GLINT + m] = F(1.1) * s[SEEN + m]
        return
    p = _power(max(zero, x * key[3] + y * key[4] + z * key[5]), 60)
    facing = max(zero, min(one, (x * kx + y * ky + z * kz) * F(4) + F(0.4)))
    s[GLINT + m] = F(0.55) * p * gloss * s[SEEN + m] * facing


@drawn
def _shade(
    index,
    bary,
    triangles,
    material,
    vertices,
    skin,
    wide,
    eye,
    colours,
    turn,
    key,
    sh,
    lobes,
    out,
    gleam,
    parts,
):
    s, at, place = np.zeros(ROOM, np.float32), np.zeros(BLOCK, np.int64), np.zeros(BLOCK, np.int64)
    zero, half, one = F(0), F(0.5), F(1)
    high = skin.shape[0] // wide
    last_u, last_v = F(wide - 1.001), F(high - 1.001)
    m, n = 0, index.shape[0]
    for p in range(n + 1):
        if p < n:
            t = index[p]
            if t < 0:
                parts[p] = 0
                gleam[p, 0] = gleam[p, 1] = gleam[p, 2] = zero
                continue
            kind = material[t]
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            w0, w1 = bary[p, 0], bary[p, 1]
            w2 = one - w0 - w1
            s[NX + m] = w0 * vertices[a, 0] + w1 * vertices[b, 0] + w2 * vertices[c, 0]
            s[NY + m] = w0 * vertices[a, 1] + w1 * vertices[b, 1] + w2 * vertices[c, 1]
            s[NZ + m] = w0 * vertices[a, 2] + w1 * vertices[b, 2] + w2 * vertices[c, 2]
            u = w0 * vertices[a, 3] + w1 * vertices[b, 3] + w2 * vertices[c, 3]
            v = w0 * vertices[a, 4] + w1 * vertices[b, 4] + w2 * vertices[c, 4]
            s[OCCLUSION + m] = w0 * vertices[a, 5] + w1 * vertices[b, 5] + w2 * vertices[c, 5]
            s[SEEN + m] = w0 * vertices[a, 6] + w1 * vertices[b, 6] + w2 * vertices[c, 6]
            parts[p] = kind + 1
            place[m] = p
            if kind == 0:
                x = min(max(u * F(wide) - half, zero), last_u)
                y = min(max(v * F(high) - half, zero), last_v)
                x0, y0 = int(x), int(y)
                s[FX + m], s[FY + m], s[GLINT + m] = x - F(x0), y - F(y0), zero
                at[m] = y0 * wide + x0
            else:
                at[m] = -1
                _read_other(kind, u, v, eye, colours, key, s, m)
            m += 1
        if m == BLOCK or p == n:
            _read_skin(skin, at, wide, s, m, turn)
            _light(s, m, key, sh, lobes)
            for i in range(m):
                q = place[i]
                out[q, 0], out[q, 1], out[q, 2] = s[OUT_R + i], s[OUT_G + i], s[OUT_B + i]
                gleam[q, 0], gleam[q, 1], gleam[q, 2] = s[GLEAM_R + i], s[GLEAM_G + i], s[GLEAM_B + i]
                if at[i] >= 0 and s[CLOTH + i] > half:
                    parts[q] = 9
            m = 0


def shade(
    index, bary, triangles, material, vertices, skin, eye, colours, turn, lamp: Lamp, out, gleam, parts
) -> None:
    """Colour every visible pixel; linear light.

    ``index`` (H, W) and ``bary`` (H, W, 2) of :func:`amdd.puppets.person.raster.draw`; ``vertices`` (V, 7) float32: unit
    normal, texture coordinates, occlusion and key-light visibility; ``skin`` (S, S, 8): linear RGB, gloss, cloth share,
    relief (3); ``eye`` (E, E, 4); ``colours`` (8, 4): plain colour and gloss by material; ``turn`` the head's rotation.
    ``out`` (H, W, 3) float32 gets scattered light, ``gleam`` (H, W, 3) what the surface mirrors, ``parts`` (H, W)
    material + 1, or 9 for cloth that is drawn on the body.
    """
    _shade(
        index.reshape(-1), bary.reshape(-1, 2), triangles, material, vertices, skin.reshape(-1, 8), skin.shape[1], eye,
        colours, turn, lamp.key, lamp.sh, lamp.lobes, out.reshape(-1, 3), gleam.reshape(-1, 3), parts.reshape(-1),
    )  # fmt: skip
