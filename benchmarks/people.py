"""Measures of the rendered people: share of faces detected, luminance and local contrast by group.

    python benchmarks/people.py            # 200 people, five frames each; writes benchmarks/results/people.json
    python benchmarks/people.py --sheets _build/sheets     # and contact sheets of all of them

Luminance (Rec. 709 on screen values, 0 to 1) is taken inside the face's mask; its range is from the 5th to the 95th
percentile. Local contrast is the mean absolute difference to the mean of the 9 x 9 pixels about, relative to that mean.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from amdd.base.paths import write_text
from amdd.data.faces.detectors import CenterFace
from amdd.puppets.person.people import RACES, make_identity
from amdd.puppets.person.render import render_clip
from amdd.puppets.voice.motion import make_motion
from amdd.puppets.voice.speech import talk
from amdd.puppets.voice.voices import voice_for

FIRST = 700_000
RESULTS = Path(__file__).parent / "results" / "people.json"


def measures(frame: np.ndarray, mask: np.ndarray) -> tuple[float, float, float]:
    """Median luminance, its range and local contrast inside ``mask`` of one frame."""
    luma = (frame @ np.array([0.2126, 0.7152, 0.0722]) / 255).astype(np.float32)
    inside = mask > 0
    about = cv2.blur(luma, (9, 9))
    low, middle, high = np.percentile(luma[inside], [5, 50, 95])
    return middle, high - low, float(np.mean(np.abs(luma - about)[inside] / np.maximum(about[inside], 0.02)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--sheets", type=Path)
    chosen = parser.parse_args()
    detector, rows, tiles, found = CenterFace(), [], [], []
    for k in tqdm(range(chosen.people), desc="people"):
        identity = make_identity(FIRST + k)
        speech = talk(voice_for(identity), 4.1, np.random.default_rng(k))
        motion = make_motion(speech, k, 100)
        picked = np.linspace(0, 99, chosen.frames).astype(int)
        motion = type(motion)(*(getattr(motion, f)[picked] for f in motion.__dataclass_fields__))
        clip = render_clip(identity, motion, k)
        for boxes, points in zip(detector.detect_many(clip.frames), clip.landmarks):
            x, y = points.mean(0)
            found.append(any(b[0] < x < b[2] and b[1] < y < b[3] for b in np.asarray(boxes)))
        rows.append((identity.race, *measures(clip.frames[0], clip.face_mask[0])))
        tiles.append(clip.frames[-1])
    groups = {}
    for race in RACES:
        values = np.array([r[1:] for r in rows if r[0] == race])
        names = ("median luminance", "luminance range", "local contrast")
        groups[race] = {
            n: {"mean": round(float(v.mean()), 4), "deviation": round(float(v.std(ddof=1)), 4)}
            for n, v in zip(names, values.T)
        }
        groups[race]["people"] = len(values)
    report = {
        "machine": platform.machine(),
        "people": chosen.people,
        "frames": len(found),
        "first_seed": FIRST,
        "faces_found": {
            "value": round(float(np.mean(found)), 5),
            "missed": int(len(found) - np.sum(found)),
            "detector": "CenterFace",
        },
        "groups": groups,
    }
    write_text(RESULTS, json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    if chosen.sheets:
        chosen.sheets.mkdir(parents=True, exist_ok=True)
        for page in range(0, len(tiles), 40):
            part = tiles[page : page + 40]
            part += [np.zeros_like(part[0])] * (-len(part) % 8)
            sheet = np.concatenate([np.concatenate(part[i : i + 8], 1) for i in range(0, len(part), 8)], 0)
            cv2.imwrite(str(chosen.sheets / f"people-{page // 40}.png"), sheet[..., ::-1])


if __name__ == "__main__":
    main()
