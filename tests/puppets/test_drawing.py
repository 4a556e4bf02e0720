"""The drawing loops against the same formulas written plainly, pixel by pixel and in double precision."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from amdd.puppets.person.light import harmonics, light_of
from amdd.puppets.person.postprocess import scatter, soften_edges
from amdd.puppets.person.render import rotation
from amdd.puppets.person.roots import POINTS, Strands
from amdd.puppets.person.shading import BLOCK, WRAP, shade
from amdd.puppets.person.strands import CHANNELS, draw_strands, pack

SIDE = 40


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def texel(texture, u, v):
    """Bilinear value of ``texture`` at ``u``, ``v``."""
    high, wide = texture.shape[:2]
    x, y = np.clip(u * wide - 0.5, 0, wide - 1.001), np.clip(v * high - 0.5, 0, high - 1.001)
    x0, y0 = int(x), int(y)
    fx, fy = x - x0, y - y0
    top = texture[y0, x0] * (1 - fx) + texture[y0, x0 + 1] * fx
    return top * (1 - fy) + (texture[y0 + 1, x0] * (1 - fx) + texture[y0 + 1, x0 + 1] * fx) * fy


def plain(kind, n, uv, ao, seen, skin, eye, colours, turn, light):
    """Return diffuse and specular light of one pixel, and its part."""
    kx, rim = light.rows[0], light.rows[4]
    cloth, rgb, gloss = 0.0, colours[kind, :3].astype(float), float(colours[kind, 3])
    if kind == 0:
        t = texel(skin, *uv)
        rgb, gloss, cloth = t[:3], t[3], t[4]
        n = n + turn @ t[5:]
    elif kind == 1:
        t = texel(eye, *uv)
        rgb, gloss = t[:3], t[3]
    elif kind == 6:
        rgb, cloth = rgb * (1 + 0.1 * np.sin(2 * np.pi * uv[0])), 1.0
    n = unit(n)
    if kind >= 6 and n[2] < 0:
        n = -n
    key, half = n @ kx, max(0, n @ unit(kx + [0, 0, 1]))
    facing = max(n[2], 0)
    spec = (0.055 * half**10 + 0.10 * half**34) * (1 - 0.95 * cloth)
    if kind in (2, 7):
        spec = 0.55 * half**60
    spec = 0 if kind == 1 else spec * gloss * seen * np.clip(4 * key + 0.4, 0, 1)
    mirrored = 2 * n[2] * n - [0, 0, 1]
    window = 0.0
    if kind == 1:
        axis = np.array([kx[2], 0, -kx[0]]) / np.hypot(kx[0], kx[2])
        across, up = abs(mirrored @ axis), abs(mirrored[1] - kx[1])
        window = 1.1 * seen * (mirrored @ kx > 0.5 and 0.015 < across < 0.15 and up < 0.15)
    around = np.zeros(3)
    if cloth < 0.5:
        for lobe in light.lobes:
            around += lobe[3:6] / (1 + 0.5 * lobe[6] * (1 - mirrored @ lobe[:3])) ** 2
    graze = (((1 - facing) * ao) ** 2) ** 2 * (1 - facing)
    mirror = (0.03 + 0.26 * graze) * gloss * ao * (1 - 0.9 * cloth)
    edge = max(0, n @ rim) * (1 - facing) * ao**2
    wrap = np.array(WRAP) * (1 - cloth) + 0.1 * cloth if kind == 0 else np.zeros(3)
    diffuse = np.maximum(0, (key + wrap) / (1 + wrap)) * (seen + (1 - seen) * wrap * 0.4)
    ambient = np.maximum(0, harmonics(n) @ light.sh)
    own = ao ** (1 - 0.25 * rgb) if kind == 0 else ao
    sent = rgb * (light.rows[1] * diffuse + ambient * own)
    gleam = (
        (spec + window) * light.rows[1] + mirror * around + edge * light.rows[5] * (0.45 * rgb + 0.03 * gloss)
    )
    return sent, gleam, 9 if kind == 0 and cloth > 0.5 else kind + 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_material_is_lit_as_the_formulas_say(seed):
    rng = np.random.default_rng(seed)
    light = light_of(rng, ["office", "window", "evening"][seed])
    kinds = np.array([0, 1, 2, 3, 5, 6, 7] * 20, np.uint8)
    vertices = np.zeros((3 * len(kinds), 7), np.float32)
    vertices[:, :3] = unit(rng.normal(size=(len(vertices), 3)) + [0, 0, 1.2])
    vertices[:, 3:5], vertices[:, 5:] = (
        rng.random((len(vertices), 2)),
        rng.uniform(0.05, 1, (len(vertices), 2)),
    )
    # Some eyes look where the key light comes from, so that the window shows in them.
    towards = unit(unit(light.rows[0]) + [0, 0, 1])
    for t in np.flatnonzero(kinds == 1)[::2]:
        vertices[3 * t : 3 * t + 3, :3] = unit(towards + rng.normal(size=(3, 3)) * 0.05)
    triangles = np.arange(len(vertices), dtype=np.int32).reshape(-1, 3)
    skin, eye = rng.random((64, 64, 8)).astype(np.float32), rng.random((16, 16, 4)).astype(np.float32)
    skin[..., 4] = rng.random((64, 64)) > 0.6
    colours = rng.random((8, 4)).astype(np.float32)
    index = rng.integers(-1, len(kinds), (SIDE, SIDE)).astype(np.int32)
    assert (index >= 0).sum() > 3 * BLOCK and (index >= 0).sum() % BLOCK  # whole blocks and a rest
    bary = rng.dirichlet((1, 1, 1), (SIDE, SIDE))[..., :2].astype(np.float32)
    turn = rotation(0.3, -0.2, 0.1)
    out, gleam = np.full((SIDE, SIDE, 3), -7, np.float32), np.full((SIDE, SIDE, 3), -7, np.float32)
    parts = np.full((SIDE, SIDE), 77, np.uint8)
    shade(index, bary, triangles, kinds, vertices, skin, eye, colours, turn, light.lamp(), out, gleam, parts)
    nothing = index < 0
    assert (out[nothing] == -7).all() and (gleam[nothing] == 0).all() and (parts[nothing] == 0).all()
    windows = 0
    for y, x in np.argwhere(~nothing):
        kind = kinds[index[y, x]]
        w = np.array([*bary[y, x], 1 - bary[y, x].sum()], float)
        v = w @ vertices[triangles[index[y, x]]]
        sent, mirrored, part = plain(kind, v[:3], v[3:5], v[5], v[6], skin, eye, colours, turn, light)
        np.testing.assert_allclose(out[y, x], sent, atol=2e-4, rtol=1e-3)
        windows += kind == 1 and mirrored.max() > 1
        np.testing.assert_allclose(gleam[y, x], mirrored, atol=2e-4, rtol=1e-3)
        assert parts[y, x] == part
    assert windows > 3


def strands_of(rng, count):
    """A few strands that cross the picture, before and behind a wall at depth 0."""
    offset = np.cumsum(rng.normal(size=(count, POINTS, 3)) * [0.2, 0.2, 0.05], 1)
    offset -= offset[:, :1]
    normal = unit(rng.normal(size=offset.shape) + [0, 0, 1])
    return Strands(
        np.tile(np.arange(3, dtype=np.int32), (count, 1)),
        rng.dirichlet((1, 1, 1), count).astype(np.float32),
        offset.astype(np.float32),
        normal.astype(np.float32),
        rng.random((count, 3)).astype(np.float32),
        rng.uniform(0.02, 0.1, count).astype(np.float32),
        rng.random((count, POINTS)).astype(np.float32),
        rng.integers(0, 4, count).astype(np.uint8),
    )


def drawn(strands, side, depths, light, points, seen, turn, view):
    """Hair over a grey picture, by the library's loops."""
    picture = np.full((side, side, 3), 0.3, np.float32)
    hair, cover = np.zeros((side, side, CHANNELS), np.float32), np.zeros((side, side), np.float32)
    draw_strands(strands, pack(strands), points, seen, turn, view, light.lamp(), depths, picture, hair, cover)
    assert (hair == 0).all()  # ready for the next frame
    return picture, cover


def plainly(strands, side, depths, light, points, seen, turn, view):
    """The same, strand by strand and pixel by pixel."""
    big, cx, cy, zoom, distance = view
    lx, rim = light.rows[0], light.rows[4]
    half = unit(lx + [0, 0, 1])
    hair = np.zeros((side, side, 6))
    for s in range(len(strands.root)):
        base = strands.weight[s] @ points[strands.root[s]]
        visible = strands.weight[s] @ seen[strands.root[s]]
        p = base + strands.offset[s] @ turn.T
        scale = zoom * distance / (distance - p[:, 2])
        at = np.stack([big / 2 + (p[:, 0] - cx) * scale, big / 2 - (p[:, 1] - cy) * scale], 1)
        scalp = strands.kind[s] == 0
        bias, shine = (0.05, 1.0) if scalp else (0.03, 0.35)
        hidden = []
        for k in range(POINTS):
            x, y = int(at[k, 0]), int(at[k, 1])
            inside = 0 <= x < side and 0 <= y < side
            hidden.append(not inside or -p[k, 2] - bias > depths[y, x])
            if k == 0 or (hidden[k] and hidden[k - 1]):
                continue
            t = unit(p[k] - p[k - 1])
            n = turn @ strands.normal[s, k]
            diffuse, dark = max(0, (n @ lx + 0.45) / 1.45) * visible, strands.shade[s, k]
            s1, s2 = (max(0, 1 - (t @ half + d) ** 2) for d in (0.10, -0.12))
            back = max(0, n @ rim) * (1 - max(n[2], 0))
            ambient = np.maximum(0, harmonics(n)[:4] @ light.sh[:4])
            colour = strands.colour[s].astype(float)
            value = colour * (
                light.rows[1] * diffuse * (0.35 + 0.75 * np.sqrt(max(0, 1 - (t @ lx) ** 2))) + ambient
            )
            value = value * dark
            value += light.rows[1] * diffuse * shine * dark * (0.045 * s1**64 + 0.42 * s2**8 * colour)
            value += light.rows[5] * back * (0.03 + 0.6 * colour) * dark * shine
            alpha = min(0.92, strands.width[s] * scale[k] * (1 - 0.55 * k / POINTS) * 0.95)
            middle = (p[k, 2] + p[k - 1, 2]) / 2
            a, b = at[k - 1], at[k]
            flat = abs(b[0] - a[0]) >= abs(b[1] - a[1])
            along, aside = (0, 1) if flat else (1, 0)
            low, high = sorted((a[along], b[along]))
            for i in range(max(0, int(np.ceil(low - 0.5))), min(side, int(np.ceil(high - 0.5)))):
                where = a[aside] + (b - a)[aside] / (b - a)[along] * (i + 0.5 - a[along]) - 0.5
                j = int(np.floor(where))
                for d, share in ((0, 1 - where + j), (1, where - j)):
                    y, x = (j + d, i) if flat else (i, j + d)
                    o = alpha * share
                    if not (0 <= x < side and 0 <= y < side) or o < 0.004 or -middle - bias > depths[y, x]:
                        continue
                    hair[y, x, :3] += o * np.exp(7 * middle) * value
                    hair[y, x, 3] += o * np.exp(7 * middle)
                    hair[y, x, 4 if scalp else 5] += o * (1 + o * (0.5 + 0.45 * o))
    a = (1 - np.exp(-hair[..., 4] - hair[..., 5]))[..., None]
    mean = hair[..., :3] / np.maximum(hair[..., 3:4], 1e-12)
    return 0.3 * (1 - a) + a * mean, 1 - np.exp(-hair[..., 4])


@pytest.mark.parametrize("count", [1, 20, 47])  # less than a block, one, several and a rest
def test_strands_are_drawn_and_lit_as_the_formulas_say(count):
    rng = np.random.default_rng(count)
    side = 64
    # Depths as the rasteriser leaves them: far where nothing is, a wall on the right.
    depths = np.full((side, side), 1e9, np.float32)
    depths[:, side // 2 :] = 0.0
    points = np.array([[-0.5, 0, 0], [0.5, 0.3, 0.1], [0, -0.5, -0.1]], np.float32)
    scene = (
        light_of(rng, "studio"), points, np.array([0.2, 0.9, 0.6], np.float32), rotation(0.2, 0.1, 0.05),
        np.array([side, 0.0, 0.0, 22.0, 13.0]),
    )  # fmt: skip
    strands = strands_of(rng, count)
    picture, cover = drawn(strands, side, depths, *scene)
    wanted, covered = plainly(strands, side, depths, *scene)
    assert (np.abs(wanted - 0.3).max(-1) > 1e-3).sum() > 20
    # A pixel on the border of a depth or a share may fall to the other side in single precision.
    same = (np.abs(picture - wanted).max(-1) < 2e-3) & (np.abs(cover - covered) < 2e-3)
    assert same.mean() > 0.998


def test_no_strands_leave_the_picture_alone():
    light = light_of(np.random.default_rng(0), "studio")
    none = strands_of(np.random.default_rng(0), 0)
    points = np.zeros((3, 3), np.float32)
    view = np.array([16, 0.0, 0.0, 22.0, 13.0])
    depths = np.full((16, 16), 1e9, np.float32)
    picture, cover = drawn(none, 16, depths, light, points, points[:, 0], np.eye(3, dtype=np.float32), view)
    assert (picture == np.float32(0.3)).all() and (cover == 0).all()


def test_scattering_stays_within_skin_and_keeps_an_even_tone():
    rng = np.random.default_rng(0)
    parts = np.zeros((80, 80), np.uint8)
    parts[10:60, 20:70] = 1
    parts[30:35, 30:60] = 3
    even = np.full((80, 80, 3), 0.4, np.float32)
    assert np.allclose(scatter(even.copy(), parts, 90), even, atol=1e-5)
    rough = rng.random((80, 80, 3)).astype(np.float32)
    done = scatter(rough.copy(), parts, 90)
    assert (done[parts != 1] == rough[parts != 1]).all()
    inside = parts == 1
    spread = [done[inside][:, k].std() for k in range(3)]
    assert spread[0] < spread[1] < spread[2] < rough[inside].std()  # red goes farthest
    assert (scatter(rough.copy(), np.zeros_like(parts), 90) == rough).all()


def test_only_outlines_are_softened():
    rng = np.random.default_rng(0)
    parts = np.zeros((40, 40), np.uint8)
    parts[:, 20:] = 1
    rough = rng.random((40, 40, 3)).astype(np.float32)
    done = soften_edges(rough.copy(), parts)
    changed = (done != rough).any(-1)
    assert changed[:, 19:21].all() and not changed[:, :19].any() and not changed[:, 21:].any()


TWO_PEOPLE = """
import hashlib
from types import SimpleNamespace
import numpy as np
from amdd.puppets.person.camera import Sensor
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip
light, expose = hashlib.sha256(), Sensor.expose
def exposed(sensor, picture, t):
    light.update(picture.tobytes())  # before it is rounded to eight bits
    return expose(sensor, picture, t)
Sensor.expose = exposed
rng, n = np.random.default_rng(0), 3
motion = SimpleNamespace(
    actions=rng.uniform(0, 0.6, (n, 52)), pose=rng.normal(0, 0.15, (n, 3)), shift=rng.normal(0, 0.05, (n, 2)),
    gaze=rng.normal(0, 0.1, (n, 2)),
)
for person in (41570, 41571):
    print(hashlib.sha256(render_clip(make_identity(person), motion, 5).frames.tobytes()).hexdigest())
print(light.hexdigest())
"""


@pytest.mark.slow
def test_a_process_that_compiles_the_loops_draws_what_one_with_a_cache_draws(tmp_path):
    """Of two workers that begin a corpus together, each compiles some loops and takes the others from the cache."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    drawn = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", TWO_PEOPLE], env=environment, capture_output=True, text=True, check=True
        )
        drawn.append(done.stdout)
        assert list(tmp_path.rglob("*.nbc"))
    assert len(drawn[0].split()) == 3 and drawn[0] == drawn[1]
