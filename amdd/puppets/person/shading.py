"""Shading of what the rasteriser found: skin, eyes, mouth and cloth under a key light and an environment (numba)."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

# Share of light that wraps round the terminator, red farthest, and the reach of scattering in pixels at 100 pixels a dm.
WRAP = (0.34, 0.17, 0.11)
REACH = (2.3, 1.15, 0.75)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _bilinear(texture, u, v, out):
    height, width = texture.shape[0], texture.shape[1]
    x = min(max(u * width - 0.5, 0.0), width - 1.001)
    y = min(max(v * height - 0.5, 0.0), height - 1.001)
    x0, y0 = int(x), int(y)
    fx, fy = x - x0, y - y0
    for k in range(texture.shape[2]):
        top = texture[y0, x0, k] * (1 - fx) + texture[y0, x0 + 1, k] * fx
        bottom = texture[y0 + 1, x0, k] * (1 - fx) + texture[y0 + 1, x0 + 1, k] * fx
        out[k] = top * (1 - fy) + bottom * fy


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _power(base, exponent):
    """``base`` to a whole ``exponent`` by squaring: several times faster than ``**``."""
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def shade(
    index,
    bary,
    triangles,
    material,
    normals,
    uv,
    light,
    skin,
    eye,
    colours,
    turn,
    rows,
    sh,
    lobes,
    out,
    gleam,
    parts,
):
    """Colour every visible pixel; linear light.

    ``normals`` (V, 3); ``light`` (V, 2): occlusion and key-light visibility; ``skin`` (S, S, 8): linear RGB, gloss,
    cloth share, relief (3); ``eye`` (E, E, 4); ``colours`` (8, 4): plain colour and gloss by material; ``turn`` the
    head's rotation; ``rows``, ``sh``, ``lobes`` of :class:`amdd.puppets.person.light.Light`. ``out`` (H, W, 3)
    float32 gets scattered light, ``gleam`` (H, W, 3) what the surface mirrors, ``parts`` (H, W) material + 1, or 9
    for cloth that is drawn on the body.
    """
    height, width = index.shape
    texel = np.zeros(8, np.float64)
    kx, ky, kz = rows[0, 0], rows[0, 1], rows[0, 2]
    hx, hy, hz = kx, ky, kz + 1.0
    hl = np.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx / hl, hy / hl, hz / hl
    # Axes of the window that the cornea mirrors.
    ax, az = kz, -kx
    al = np.sqrt(ax * ax + az * az) + 1e-9
    ax, az = ax / al, az / al
    for y in range(height):
        for x in range(width):
            t = index[y, x]
            gleam[y, x, 0] = gleam[y, x, 1] = gleam[y, x, 2] = 0.0
            if t < 0:
                parts[y, x] = 0
                continue
            kind = material[t]
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            w0, w1 = bary[y, x, 0], bary[y, x, 1]
            w2 = 1.0 - w0 - w1
            nx = w0 * normals[a, 0] + w1 * normals[b, 0] + w2 * normals[c, 0]
            ny = w0 * normals[a, 1] + w1 * normals[b, 1] + w2 * normals[c, 1]
            nz = w0 * normals[a, 2] + w1 * normals[b, 2] + w2 * normals[c, 2]
            u = w0 * uv[a, 0] + w1 * uv[b, 0] + w2 * uv[c, 0]
            v = w0 * uv[a, 1] + w1 * uv[b, 1] + w2 * uv[c, 1]
            ao = w0 * light[a, 0] + w1 * light[b, 0] + w2 * light[c, 0]
            seen = w0 * light[a, 1] + w1 * light[b, 1] + w2 * light[c, 1]
            cloth = 0.0
            if kind == 0:
                _bilinear(skin, u, v, texel)
                cloth = texel[4]
                rx, ry, rz = texel[5], texel[6], texel[7]
                nx += turn[0, 0] * rx + turn[0, 1] * ry + turn[0, 2] * rz
                ny += turn[1, 0] * rx + turn[1, 1] * ry + turn[1, 2] * rz
                nz += turn[2, 0] * rx + turn[2, 1] * ry + turn[2, 2] * rz
            elif kind == 1:
                _bilinear(eye, u, v, texel)
            else:
                for k in range(4):
                    texel[k] = colours[kind, k]
                if kind == 6:  # ribs of a knitted collar
                    rib = 1.0 + 0.10 * np.sin(6.2831853 * u)
                    for k in range(3):
                        texel[k] *= rib
                    cloth = 1.0
            length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            nx, ny, nz = nx / length, ny / length, nz / length
            if nz < 0 and kind >= 6:
                nx, ny, nz = -nx, -ny, -nz
            gloss = texel[3]
            key = nx * kx + ny * ky + nz * kz
            facing = max(nz, 0.0)
            rim = max(0.0, nx * rows[4, 0] + ny * rows[4, 1] + nz * rows[4, 2]) * (1.0 - facing) * ao * ao
            graze = (1.0 - facing) * (1.0 - facing) * ao * ao
            graze = graze * graze * (1.0 - facing)
            fresnel = 0.03 + 0.26 * graze
            half = max(0.0, nx * hx + ny * hy + nz * hz)
            if kind == 1:
                spec = 0.0
            elif kind == 7 or kind == 2:
                spec = _power(half, 60) * 0.55
            else:
                # Two lobes: a broad one of the skin and a narrow one of the oil on it.
                spec = (0.055 * _power(half, 10) + 0.10 * _power(half, 34)) * (1.0 - 0.95 * cloth)
            spec *= gloss * seen * max(0.0, min(1.0, key * 4.0 + 0.4))
            mx, my, mz = 2 * nz * nx, 2 * nz * ny, 2 * nz * nz - 1
            inside = 0.0
            if kind == 1:
                # The cornea mirrors the window: two panes with a bar between them.
                s1 = mx * ax + mz * az
                s2 = my - ky
                if (
                    mx * kx + my * ky + mz * kz > 0.5
                    and abs(s1) < 0.15
                    and abs(s2) < 0.15
                    and abs(s1) > 0.015
                ):
                    inside = 1.1 * seen
            h4 = 1.092548 * nx * ny
            h5 = 1.092548 * ny * nz
            h6 = 0.315392 * (3 * nz * nz - 1)
            h7 = 1.092548 * nx * nz
            h8 = 0.546274 * (nx * nx - ny * ny)
            r0 = r1 = r2 = 0.0
            if cloth < 0.5:
                for k in range(lobes.shape[0]):
                    near = 1.0 + 0.5 * lobes[k, 6] * (
                        1.0 - (mx * lobes[k, 0] + my * lobes[k, 1] + mz * lobes[k, 2])
                    )
                    near = 1.0 / (near * near)
                    r0 += near * lobes[k, 3]
                    r1 += near * lobes[k, 4]
                    r2 += near * lobes[k, 5]
            mirror = fresnel * gloss * ao * (1.0 - 0.9 * cloth)
            for k in range(3):
                wrap = 0.0
                if kind == 0:
                    wrap = (WRAP[0] if k == 0 else (WRAP[1] if k == 1 else WRAP[2])) * (
                        1.0 - cloth
                    ) + 0.1 * cloth
                diffuse = max(0.0, (key + wrap) / (1.0 + wrap)) * (seen + (1 - seen) * wrap * 0.4)
                ambient = (
                    0.282095 * sh[0, k]
                    + 0.488603 * (ny * sh[1, k] + nz * sh[2, k] + nx * sh[3, k])
                    + h4 * sh[4, k]
                    + h5 * sh[5, k]
                    + h6 * sh[6, k]
                    + h7 * sh[7, k]
                    + h8 * sh[8, k]
                )
                # Light that left the skin elsewhere lifts red in creases.
                own = max(ao, 0.0) ** (1.0 - 0.25 * texel[k]) if kind == 0 else ao
                out[y, x, k] = texel[k] * (rows[1, k] * diffuse + max(0.0, ambient) * own)
                env = r0 if k == 0 else (r1 if k == 1 else r2)
                gleam[y, x, k] = (
                    spec * rows[1, k]
                    + mirror * env
                    + rim * rows[5, k] * (0.45 * texel[k] + 0.03 * gloss)
                    + inside * rows[1, k]
                )
            parts[y, x] = 9 if cloth > 0.5 and kind == 0 else kind + 1


def scatter(picture: np.ndarray, parts: np.ndarray, zoom: float) -> np.ndarray:
    """Scatter light below the skin: blur ``picture`` (H, W, 3) in place within skin, red farthest, and return it.

    ``parts`` (H, W) as :func:`shade` leaves it, ``zoom`` pixels a dm. After Jimenez et al. 2009 (screen space)."""
    rows, columns = np.nonzero(parts == 1)
    if not len(rows):
        return picture
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    skin = (parts[box] == 1).astype(np.float32)
    for k in range(3):
        sigma = REACH[k] * zoom / 100
        share = cv2.GaussianBlur(skin, (0, 0), sigma)
        blurred = cv2.GaussianBlur(picture[box][..., k] * skin, (0, 0), sigma)
        # A part passes unscattered: what a pore or a lid's edge shows.
        mixed = 0.25 * picture[box][..., k] + 0.75 * blurred / np.maximum(share, 1e-3)
        picture[box][..., k] = np.where(skin > 0, mixed, picture[box][..., k])
    return picture
