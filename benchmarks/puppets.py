"""Cost of the built-in corpus, share of faces detected, and synchrony of lips and audio.

    python benchmarks/puppets.py [--people 200] [--pairs 100] [--clips 12]

- *Cost*, on one core: rendering, a real clip of four seconds from nothing to a file, and each forger on top.
- *Faces*: CenterFace, trained on photographs, on frames of many people (a hit has the landmarks' middle inside).
- *Lips and sound*: the lag at which the mouth's opening in the picture follows the sound best, for reals, for the
  same pictures with another person's sentence, and for lips that wav2lip drove by another sentence, against that
  sentence and against the sound that was filmed.

Writes ``benchmarks/results/puppets.json``; the book quotes it. Nothing here depends on the demo run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from amdd.base.paths import PROJECT, write_text
from amdd.data.faces.track import CenterFace
from amdd.data.media import write_video
from amdd.profiles import load_profile
from amdd.puppets.corpus.make import make_group
from amdd.puppets.corpus.plans import plan
from amdd.puppets.corpus.record import SAMPLE_RATE, frames_of, record_shot, seeds, speech_of
from amdd.puppets.forgers import align
from amdd.puppets.forgers.base import Source
from amdd.puppets.forgers.registry import FORGERS
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip
from amdd.puppets.voice.motion import make_motion
from amdd.puppets.voice.speech import talk
from amdd.puppets.voice.synchrony import audio_visual_offset, mouth_opening
from amdd.puppets.voice.voices import voice_for
from amdd.stats import wilson


def median(times: list[float]) -> dict[str, float]:
    """Median and the middle half, as a number of the book."""
    low, mid, high = np.percentile(times, [25, 50, 75])
    return {
        "value": round(float(mid), 4),
        "n": len(times),
        "quartiles": [round(float(low), 4), round(float(high), 4)],
    }


def share(hits: int, n: int) -> dict[str, float]:
    low, high = wilson(hits, n).interval
    return {
        "value": round(100 * hits / n, 2),
        "n": n,
        "low": round(100 * low, 2),
        "high": round(100 * high, 2),
        "unit": "%",
    }


def cost(clips: int) -> dict[str, dict]:
    settings = load_profile("demo").corpus
    reals = [c for c in plan(settings, ("puppet-favc",))["puppet-favc"] if not c.fake][:clips]
    render, real, size, forge = [], [], [], {name: [] for name in FORGERS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for k, clip in enumerate(tqdm(reals, desc="cost")):
            speech, n = speech_of(settings, clip.shot), frames_of(settings, clip.shot.corpus)
            motion = make_motion(speech, seeds(settings, clip.shot, 2), n, settings.fps)
            start = time.process_time()
            render_clip(make_identity(clip.shot.person), motion, k, size=settings.size)
            render.append((time.process_time() - start) / n * 1000)
            start = time.process_time()
            make_group(folder / str(k), settings, clip.shot, [clip])
            real.append(time.process_time() - start)
            size.append((folder / str(k) / clip.path).stat().st_size / 1000)
            source = record_shot(settings, clip.shot, folder)
            donor = record_shot(settings, reals[(k + 1) % len(reals)].shot, folder, 4)
            for forger, function in FORGERS.items():
                start = time.process_time()
                made = function(
                    source,
                    None if forger == "wav2lip" else donor,
                    source.audio if forger == "wav2lip" else None,
                    k,
                )
                write_video(folder / "forged.mp4", made.frames, fps=25, audio=source.audio)
                forge[forger].append(time.process_time() - start)
    out = {
        "render_ms": median(render) | {"unit": "ms"},
        "real_seconds": median(real) | {"unit": "s"},
        "clip_kb": median(size) | {"unit": "kB"},
    }
    out |= {f"forge.{name}": median(times) | {"unit": "s"} for name, times in forge.items()}
    return out


def film(seed: int, n: int, scene: int, step: int = 1):
    identity = make_identity(seed)
    speech = talk(voice_for(identity), n / 25 + 0.1, np.random.default_rng(seed))
    motion = make_motion(speech, seed, n)
    if step > 1:
        motion = type(motion)(*(getattr(motion, f.name)[::step] for f in dataclasses.fields(motion)))
    return render_clip(identity, motion, scene), speech


def faces(people: int) -> dict[str, dict]:
    detector, hits, total = CenterFace(), 0, 0
    for seed in tqdm(range(40_000, 40_000 + people), desc="faces"):
        clip, _ = film(seed, 50, seed, 10)
        for boxes, points in zip(detector.detect_many(clip.frames), clip.landmarks):
            total += 1
            x, y = points.mean(0)
            hits += any(b[0] < x < b[2] and b[1] < y < b[3] for b in np.asarray(boxes))
    return {"faces_found": share(hits, total)}


class LipReader:
    """Reads how far a mouth is open from pixels alone: a ridge regression on small grey crops of rendered reals, for
    forgeries, whose landmarks nobody knows. What is constant over a clip (looks, light) is taken out first."""

    def __init__(self, people: int = 40) -> None:
        from sklearn.linear_model import Ridge

        x, y = [], []
        for k in tqdm(range(people), desc="learning to read lips"):
            clip, _ = film(70_000 + k, 100, k)
            opening = mouth_opening(clip.landmarks)
            x.append(self._features(clip.frames, clip.landmarks))
            y.append((opening - opening.mean()) / (opening.std() + 1e-6))
        self.model = Ridge(300.0).fit(np.concatenate(x), np.concatenate(y))

    @staticmethod
    def _features(frames: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        crops = align.crop(
            frames, align.crop_matrices(landmarks, 96, align.RIGID), 96
        )  # eyes and nose place them: the mouth's corners would tell how far the filmed mouth was open
        grey = np.stack([cv2.cvtColor(c, cv2.COLOR_RGB2GRAY) for c in crops])[:, 54:92, 26:70].astype(float)
        small = np.stack([cv2.resize(g, (22, 19), interpolation=cv2.INTER_AREA) for g in grey])
        small -= small.mean((1, 2), keepdims=True)  # a whole patch that is brighter is no open mouth
        small -= small.mean(0)
        return (small / (small.std() + 1e-6)).reshape(len(small), -1)

    def __call__(self, frames: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        return self.model.predict(self._features(frames, landmarks))


def lips(pairs: int) -> dict[str, dict]:
    read, n = LipReader(), pairs // 2
    hits = dict.fromkeys(("own", "other", "read", "driven", "driven_against_filmed"), 0)
    for k in tqdm(range(pairs), desc="lips and sound"):
        clip, speech = film(50_000 + k, 100, k)
        opening, identity = mouth_opening(clip.landmarks), make_identity(50_000 + k)
        stranger = talk(voice_for(make_identity(51_000 + k)), 4.1, np.random.default_rng(51_000 + k)).audio

        def near(curve, sound):
            return abs(audio_visual_offset(curve, sound, SAMPLE_RATE)[0]) <= 1

        hits["own"] += near(opening, speech.audio)
        hits["other"] += near(opening, stranger)
        if k < n:
            source = Source(
                clip.frames, clip.landmarks, clip.face_mask, speech.audio, identity, SAMPLE_RATE, 25
            )
            made = FORGERS["wav2lip"](source, None, stranger, k)
            hits["read"] += near(read(clip.frames, clip.landmarks), speech.audio)
            curve = read(made.frames, clip.landmarks)
            hits["driven"] += near(curve, stranger)
            hits["driven_against_filmed"] += near(curve, speech.audio)
    return {f"lips_{key}": share(h, pairs if key in ("own", "other") else n) for key, h in hits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument(
        "--only", choices=("cost", "faces", "lips"), help="measure one part, keep the others' figures"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    target = PROJECT / "benchmarks" / "results" / "puppets.json"
    with threadpool_limits(1):
        parts = {
            "cost": lambda: cost(args.clips),
            "faces": lambda: faces(args.people),
            "lips": lambda: lips(args.pairs),
        }
        numbers = {} if args.only is None else json.loads(target.read_text(encoding="utf-8"))["numbers"]
        for name, measure in parts.items():
            if args.only in (None, name):
                numbers |= measure()
    record = {
        "machine": platform.machine(),
        "cores_used": 1,
        "python": platform.python_version(),
        "numbers": numbers,
    }
    write_text(target, json.dumps(record, indent=1) + "\n")
    for key, number in numbers.items():
        print(f"{key:32s} {number}")


if __name__ == "__main__":
    main()
