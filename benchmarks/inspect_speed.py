"""Time and memory of inspecting a folder of clips, beside the plain way of doing the same.

    python benchmarks/inspect_speed.py RUN [--clips 200] [--seconds 4] [--workers 2] [--prepared FOLDER]

In one run, on the same clips and weights: ``amdd inspect`` of the folder; the same by ONNX Runtime; and the plain way, one
clip after the other in one process, in which OpenCV decodes every frame, the same detector searches every frame, and the
same network scores the frames that are wanted. Then a clip of four seconds: from a cold start, by stages, and warm. Writes
``benchmarks/results/inspect_speed.json``; there is no figure for a machine on which it was not run.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from amdd.base.machine import one_thread, peak_memory_mb
from amdd.base.paths import MEASURED, write_text
from amdd.data.faces.track import crop_faces, detector_for
from amdd.data.media import read_timeline, write_video
from amdd.data.prepare.shards import choose_frames
from amdd.data.spectrograms import mel_spectrogram, silence
from amdd.inspect.clip import Piece, WindowStore, audio_of, open_clip
from amdd.inspect.faces import Track
from amdd.inspect.folder import inspect_folder
from amdd.inspect.inspector import inspect
from amdd.inspect.novelty import features_of
from amdd.inspect.weights import load_scorer

COLD = """
import time; t = [time.perf_counter()]
import torch; t.append(time.perf_counter())
import amdd.inspect.inspector, amdd.inspect.weights; t.append(time.perf_counter())
scorer = amdd.inspect.weights.load_scorer({weights!r}); t.append(time.perf_counter())
amdd.inspect.inspector.inspect({clip!r}, scorer=scorer); t.append(time.perf_counter())
amdd.inspect.inspector.inspect({clip!r}, scorer=scorer); t.append(time.perf_counter())
from amdd.base.machine import peak_memory_mb
names = ("import torch", "import amdd.inspect", "weights", "first clip", "warm clip")
import json; print(json.dumps({{n: b - a for n, a, b in zip(names, t, t[1:])}} | {{"peak MB": peak_memory_mb()}}))
"""


def write_clips(folder: Path, clips: int, seconds: float) -> list[Path]:
    """Write the photograph of an astronaut, panned and zoomed, 640 x 480 at 25 frames/s, with noise as audio."""
    from skimage.data import astronaut

    rng, portrait = np.random.default_rng(0), astronaut()
    paths = []
    for k in range(clips):
        phase, frames = rng.uniform(0, 6), []
        for t in np.arange(round(seconds * 25)) / 25:
            zoom, move = 1.0 + 0.1 * np.sin(t + phase), 40 * np.sin(0.7 * t + phase)
            matrix = np.array([[zoom, 0, 60 + move], [0, zoom, -10.0]])
            frames.append(cv2.warpAffine(portrait, matrix, (640, 480), borderMode=cv2.BORDER_REFLECT))
        audio = rng.normal(0, 0.05, round(seconds * 16_000)).astype(np.float32)
        paths.append(write_video(folder / f"{k:04d}.mp4", np.stack(frames), 25, audio))
    return paths


def plainly(path: Path, scorer) -> float:
    """Return the logit of a clip the plain way: every frame decoded, every frame searched."""
    settings, capture, frames = scorer.run.profile.preparation, cv2.VideoCapture(str(path)), []
    while True:
        good, frame = capture.read()
        if not good:
            break
        frames.append(frame[..., ::-1])
    detector = detector_for(settings.detector)
    for frame in frames:
        detector.detect_many(np.ascontiguousarray(frame)[None])
    wanted = choose_frames(read_timeline(path), 0.0, 0.5, settings)
    track = crop_faces(np.stack([frames[min(i, len(frames) - 1)] for i in wanted]), settings)
    sound = audio_of(open_clip(path), settings, 0.0)[0]
    mel = silence(settings) if sound is None else mel_spectrogram(sound, settings)
    face = Track(track.crops, track.boxes, track.found, track.transforms)
    size = frames[0].shape[1], frames[0].shape[0]
    piece = Piece(
        0.0, settings.seconds, (face,), mel, sound is not None, "", wanted, wanted / 25, size, False
    )
    return float(features_of(scorer.run, WindowStore(settings, [(piece, face)]))["logit"][0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", default="inspect_speed")
    options = parser.parse_args()
    scorer = load_scorer(options.run)
    with tempfile.TemporaryDirectory() as name:
        paths = write_clips(Path(name), options.clips, options.seconds)
        rows = {}
        for title, fast in (("amdd inspect", False), ("amdd inspect --fast", True)):
            began = time.perf_counter()
            found = list(inspect_folder(paths, {"weights": options.run, "fast": fast}, options.workers))
            assert all(answer for _, answer, _ in found)
            rows[title] = time.perf_counter() - began
            ours = [answer.people[0].windows[0].logit for _, answer, _ in found]
        began = time.perf_counter()
        with one_thread():
            theirs = [plainly(path, scorer) for path in paths]
        rows["plain way"] = time.perf_counter() - began
        code = COLD.format(weights=str(options.run), clip=str(paths[0]))
        cold = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        inspect(paths[0], scorer=scorer)
    record = {
        "clips": options.clips,
        "seconds of a clip": options.seconds,
        "workers": options.workers,
        "seconds": rows,
        "times as fast": {k: rows["plain way"] / v for k, v in rows.items()},
        "largest difference of a logit": float(np.abs(np.array(ours) - np.array(theirs)).max()),
        "one clip": json.loads(cold),
        "peak MB here": peak_memory_mb(),
        "machine": platform.machine(),
    }
    print(pd.Series(rows).round(1).to_string(), "\n", json.dumps(record["one clip"], indent=1))
    write_text(MEASURED / f"{options.out}.json", json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
