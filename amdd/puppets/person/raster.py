"""A small triangle rasteriser for the CPU (numba): visibility first, shading after."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath=False)
def _normals(vertices, triangles, out):
    out[:] = 0.0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        vx, vy, vz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            out[k, 0] += nx
            out[k, 1] += ny
            out[k, 2] += nz
    for v in range(out.shape[0]):
        length = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2) + 1e-12
        out[v, 0] /= length
        out[v, 1] /= length
        out[v, 2] /= length


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals (V, 3) of a mesh, float32."""
    out = np.empty_like(vertices, dtype=np.float32)
    _normals(vertices, triangles, out)
    return out


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def draw(points, depth, triangles, material, uv, coverage, hair_alpha, buffer, index, bary):
    """Fill the z-buffer.

    ``points`` (V, 2) pixels, ``depth`` (V,) larger is farther; ``buffer`` (H, W) float32, ``index`` (H, W)
    int32 with -1 where nothing is, ``bary`` (H, W, 2). Triangles of material 6 (hair) are cut out where the
    strand pattern ``hair_alpha`` (its side a power of two) at ``uv`` is below 1 - ``coverage``.
    """
    height, width = buffer.shape
    buffer[:] = 1e9
    index[:] = -1
    size = hair_alpha.shape[0]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = (
            points[a, 0],
            points[a, 1],
            points[b, 0],
            points[b, 1],
            points[c, 0],
            points[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        # Skin and clothes are closed surfaces: their far sides never show. (Screen y points down.)
        if area > 0 and material[t] != 6 and material[t] != 4:
            continue
        # Only pixels whose centres lie in the box: most triangles are a few pixels large.
        x0 = int(np.ceil(max(0.0, min(ax, bx, cx) - 0.5)))
        x1 = int(np.floor(min(width - 1.0, max(ax, bx, cx) - 0.5)))
        y0 = int(np.ceil(max(0.0, min(ay, by, cy) - 0.5)))
        y1 = int(np.floor(min(height - 1.0, max(ay, by, cy) - 0.5)))
        if x0 > x1 or y0 > y1:
            continue
        inverse = 1.0 / area
        step0, step1 = (by - cy) * inverse, (cy - ay) * inverse
        za, zb, zc = depth[a], depth[b], depth[c]
        px = x0 + 0.5
        for y in range(y0, y1 + 1):
            py = y + 0.5
            w0 = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse - step0
            w1 = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse - step1
            for x in range(x0, x1 + 1):
                w0 += step0
                w1 += step1
                w2 = 1.0 - w0 - w1
                if w0 < -1e-5 or w1 < -1e-5 or w2 < -1e-5:
                    continue
                z = w0 * za + w1 * zb + w2 * zc
                if z >= buffer[y, x]:
                    continue
                if material[t] == 6 or material[t] == 4:
                    u = w0 * uv[a, 0] + w1 * uv[b, 0] + w2 * uv[c, 0]
                    v = w0 * uv[a, 1] + w1 * uv[b, 1] + w2 * uv[c, 1]
                    cover = w0 * coverage[a] + w1 * coverage[b] + w2 * coverage[c]
                    iu = int(np.floor(u * size)) & (size - 1)
                    iv = int(np.floor(v * size)) & (size - 1)
                    if hair_alpha[iv, iu] < 1.0 - cover:
                        continue
                buffer[y, x] = z
                index[y, x] = t
                bary[y, x, 0] = w0
                bary[y, x, 1] = w1


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _depth_only(points, depth, triangles, buffer):
    height, width = buffer.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = (
            points[a, 0],
            points[a, 1],
            points[b, 0],
            points[b, 1],
            points[c, 0],
            points[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        # Only pixels whose centres lie in the box: most triangles are a few pixels large.
        x0 = int(np.ceil(max(0.0, min(ax, bx, cx) - 0.5)))
        x1 = int(np.floor(min(width - 1.0, max(ax, bx, cx) - 0.5)))
        y0 = int(np.ceil(max(0.0, min(ay, by, cy) - 0.5)))
        y1 = int(np.floor(min(height - 1.0, max(ay, by, cy) - 0.5)))
        if x0 > x1 or y0 > y1:
            continue
        inverse = 1.0 / area
        step0, step1 = (by - cy) * inverse, (cy - ay) * inverse
        za, zb, zc = depth[a], depth[b], depth[c]
        px = x0 + 0.5
        for y in range(y0, y1 + 1):
            py = y + 0.5
            w0 = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse - step0
            w1 = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse - step1
            for x in range(x0, x1 + 1):
                w0 += step0
                w1 += step1
                w2 = 1.0 - w0 - w1
                if w0 < -1e-5 or w1 < -1e-5 or w2 < -1e-5:
                    continue
                z = w0 * za + w1 * zb + w2 * zc
                if z < buffer[y, x]:
                    buffer[y, x] = z


def depth_map(
    vertices: np.ndarray, triangles: np.ndarray, direction: np.ndarray, size: int, bias: float
) -> np.ndarray:
    """Return the visibility (V,) of each vertex along ``direction``, 1.0 or 0.0, from one orthographic depth map."""
    direction = np.asarray(direction, np.float64) / np.linalg.norm(direction)
    helper = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(helper, direction)
    right /= np.linalg.norm(right)
    up = np.cross(direction, right)
    flat = np.stack([vertices @ right, vertices @ up], 1)
    low, high = flat.min(0), flat.max(0)
    points = ((flat - low) / (high - low).max() * (size - 2) + 1).astype(np.float32)
    depth = -(vertices @ direction).astype(np.float32)
    buffer = np.full((size, size), 1e9, np.float32)
    _depth_only(points, depth, triangles, buffer)
    column, row = points[:, 0].astype(int), points[:, 1].astype(int)
    return (depth <= buffer[row, column] + bias).astype(np.float64)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _bilinear(texture, u, v, out):
    height, width = texture.shape[0], texture.shape[1]
    x = min(max(u * width - 0.5, 0.0), width - 1.001)
    y = min(max(v * height - 0.5, 0.0), height - 1.001)
    x0, y0 = int(x), int(y)
    fx, fy = x - x0, y - y0
    for k in range(4):
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
def shade(index, bary, triangles, material, normals, uv, light, skin, eye, hair, colours, lights, out, mask):
    """Colour every visible pixel; linear light.

    ``normals`` (V, 3); ``light`` (V, 2): occlusion and key-light visibility; ``skin`` (H, W, 4), ``eye``,
    ``hair``: textures, linear RGB and gloss; ``colours`` (8, 3): plain colour by material; ``lights`` rows:
    key direction, key colour, fill direction, fill colour, sky, ground, rim direction, rim colour (8, 3).
    ``out`` (H, W, 3) float32 is drawn over, ``mask`` (H, W) gets material + 1.
    """
    height, width = index.shape
    texel = np.zeros(4, np.float64)
    for y in range(height):
        for x in range(width):
            t = index[y, x]
            if t < 0:
                mask[y, x] = 0
                continue
            kind = material[t]
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            w0, w1 = bary[y, x, 0], bary[y, x, 1]
            w2 = 1.0 - w0 - w1
            nx = w0 * normals[a, 0] + w1 * normals[b, 0] + w2 * normals[c, 0]
            ny = w0 * normals[a, 1] + w1 * normals[b, 1] + w2 * normals[c, 1]
            nz = w0 * normals[a, 2] + w1 * normals[b, 2] + w2 * normals[c, 2]
            length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            nx, ny, nz = nx / length, ny / length, nz / length
            u = w0 * uv[a, 0] + w1 * uv[b, 0] + w2 * uv[c, 0]
            v = w0 * uv[a, 1] + w1 * uv[b, 1] + w2 * uv[c, 1]
            ao = w0 * light[a, 0] + w1 * light[b, 0] + w2 * light[c, 0]
            seen = w0 * light[a, 1] + w1 * light[b, 1] + w2 * light[c, 1]
            if kind == 0 or kind == 7:
                _bilinear(skin, u, v, texel)
            elif kind == 1:
                _bilinear(eye, u, v, texel)
            elif kind == 6:
                _bilinear(hair, u % 1.0, v % 1.0, texel)
            else:
                texel[0], texel[1], texel[2], texel[3] = (
                    colours[kind, 0],
                    colours[kind, 1],
                    colours[kind, 2],
                    0.3,
                )
            gloss = texel[3]
            power = 18
            strength = 0.22
            if kind == 1:
                power, strength = 140, 1.7
            elif kind == 6:
                power, strength = 24, 0.25
            elif kind == 2:
                power, strength = 40, 0.5
            key = nx * lights[0, 0] + ny * lights[0, 1] + nz * lights[0, 2]
            fill = nx * lights[2, 0] + ny * lights[2, 1] + nz * lights[2, 2]
            rim = max(0.0, nx * lights[6, 0] + ny * lights[6, 1] + nz * lights[6, 2]) * (1.0 - max(nz, 0.0))
            hx, hy, hz = lights[0, 0], lights[0, 1], lights[0, 2] + 1.0
            hl = np.sqrt(hx * hx + hy * hy + hz * hz)
            spec = _power(max(0.0, (nx * hx + ny * hy + nz * hz) / hl), power) * strength * gloss * seen
            fresnel = (1.0 - max(nz, 0.0)) ** 4 * 0.10 * ao
            up = 0.5 + 0.5 * ny
            for k in range(3):
                # Light bleeds around the terminator of skin, red farthest.
                wrap = 0.0
                if kind == 0:
                    wrap = 0.32 if k == 0 else (0.16 if k == 1 else 0.10)
                diffuse = max(0.0, (key + wrap) / (1.0 + wrap)) * (seen + (1 - seen) * wrap * 0.5)
                second = max(0.0, (fill + 0.3) / 1.3)
                ambient = lights[5, k] + (lights[4, k] - lights[5, k]) * up
                value = texel[k] * (
                    lights[1, k] * diffuse + lights[3, k] * second * (0.4 + 0.6 * ao) + ambient * ao
                )
                value += spec * lights[1, k] + fresnel * lights[4, k] + rim * lights[7, k] * 0.5 * texel[k]
                out[y, x, k] = value
            mask[y, x] = kind + 1
