"""A small triangle rasteriser for the CPU (numba): visibility first, shading after."""

from __future__ import annotations

import numpy as np
from numba import njit

from amdd.puppets.person.compiled import drawn


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


@drawn
def draw(points, depth, triangles, material, buffer, index, bary):
    """Fill the z-buffer.

    ``points`` (V, 2) pixels, ``depth`` (V,) larger is farther; ``buffer`` (H, W) float32, ``index`` (H, W)
    int32 with -1 where nothing is, ``bary`` (H, W, 2). Triangles of materials 0 to 3 and 5 show their front alone.
    """
    height, width = buffer.shape
    buffer[:] = 1e9
    index[:] = -1
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
        # Skin is a closed surface: its far side never shows. (Screen y points down.)
        if area > 0 and material[t] < 6 and material[t] != 4:
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
                buffer[y, x] = z
                index[y, x] = t
                bary[y, x, 0] = w0
                bary[y, x, 1] = w1


@drawn
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
    vertices: np.ndarray,
    triangles: np.ndarray,
    direction: np.ndarray,
    size: int,
    bias: float,
    grains: np.ndarray | None = None,
) -> np.ndarray:
    """Return the visibility (V,) of each vertex along ``direction``, 1.0 or 0.0, from one orthographic depth map.

    ``grains`` (N, 3) are small things that keep light off too: points of hair, each as large as a pixel."""
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
    if grains is not None and len(grains):
        at = (
            (np.stack([grains @ right, grains @ up], 1) - low) / (high - low).max() * (size - 2) + 1
        ).astype(int)
        inside = ((at >= 0) & (at < size)).all(1)
        np.minimum.at(
            buffer, (at[inside, 1], at[inside, 0]), -(grains[inside] @ direction).astype(np.float32)
        )
    column, row = points[:, 0].astype(int), points[:, 1].astype(int)
    return (depth <= buffer[row, column] + bias).astype(np.float64)
