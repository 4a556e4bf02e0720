"""Does any file bring the preparation down? Mutated media and metadata, seeded.

    python benchmarks/fuzz_media.py --files 2400 --seed 0

Every mutant goes through the whole of ``prepare_clip`` (media) or ``scan`` (metadata) in a process of its own
kind, watched from outside. Counted: processes that die, files that take longer than 20 s, exceptions that are
no reasons, and reads outside the corpus (an inotify watch lies on a file that the mutants name). Writes
``benchmarks/results/fuzz_media.json`` and ends with status 1 if any count is not zero.
"""

from __future__ import annotations

import argparse
import collections
import ctypes
import json
import multiprocessing
import os
import re
import shutil
import struct
import sys
import tempfile
import time
import types
from pathlib import Path

import av
import numpy as np

from amdd.base.paths import PROJECT, write_text
from amdd.data.media import write_video, write_wav
from amdd.data.prepare.shards import Clip, prepare_clip
from amdd.profiles import PreparationSettings
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip

LIMIT = 20.0  # seconds for one file
SETTINGS = PreparationSettings(frames=3, size=48, n_mels=16, seconds=0.6)
CLEAN = re.compile(r"^[A-Z]\w*(Error|Exception|Warning): ")  # an exception where a reason should stand


def seeds(folder: Path) -> list[Path]:
    """Small files of every kind that the corpora hold."""
    rng = np.random.default_rng(0)
    still = {"actions": (2, 52), "shift": (2, 2), "gaze": (2, 2), "pose": (2, 3)}
    motion = types.SimpleNamespace(**{k: np.zeros(s, np.float32) for k, s in still.items()})
    frames = render_clip(make_identity(3), motion, 0, size=96).frames[[0, 1] * 8]
    sound = rng.normal(0, 0.1, 10_000).astype(np.float32)
    made = [write_video(folder / f"a{s}", frames, audio=sound) for s in (".mp4", ".avi", ".mkv", ".mov")]
    made.append(write_wav(folder / "a.wav", sound))
    with av.open(str(folder / "b.avi"), "w") as container:  # Xvid's family, as VidTIMIT conversions have
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuv420p"
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(folder / "p.jpg"), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuvj420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frames[0], format="rgb24")))
        container.mux(stream.encode(None))
    return [*made, folder / "b.avi", folder / "p.jpg"]


def mutate(data: bytes, rng: np.random.Generator, others: list[bytes], canary: str) -> bytes:
    """One to six mutations: bits, runs, cuts, swaps, boxes' sizes and names, splices, playlists, paths."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 7))):
        n = len(out)
        if n < 16:
            break
        at = int(rng.integers(0, n - 8)) if rng.random() < 0.5 else int(rng.integers(0, min(n - 8, 2000)))
        kind = int(rng.integers(0, 11))
        if kind == 0:
            out[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            length = int(rng.integers(1, 64))
            out[at : at + length] = rng.bytes(len(out[at : at + length]))
        elif kind == 2:
            del out[at : at + int(rng.integers(1, 400))]
        elif kind == 3:
            out = out[:at] if rng.random() < 0.3 else out
        elif kind == 4:
            value = int(rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 0x01000000]))
            out[at : at + 4] = struct.pack(str(rng.choice(["<I", ">I"])), value)
        elif kind == 5:
            to = int(rng.integers(0, n - 8))
            out[to : to + 32] = out[at : at + 32]
        elif kind == 6:
            other = others[int(rng.integers(len(others)))]
            out[at:at] = other[: int(rng.integers(1, max(2, len(other))))]
        elif kind == 7:
            boxes = [
                m.start()
                for m in re.finditer(
                    rb"moov|trak|mdia|stts|stsz|stco|stsd|tkhd|avcC|mdat|LIST|idx1|fmt ", out
                )
            ]
            if boxes:
                at = boxes[int(rng.integers(len(boxes)))] + int(rng.integers(-4, 24))
                out[max(at, 0) : max(at, 0) + 4] = rng.bytes(4)
        elif kind == 8:
            out[at : at + 300] = bytes(len(out[at : at + 300]))
        elif kind == 9:
            out[at : at + len(canary)] = canary.encode()
        elif rng.random() < 0.15:
            out = bytearray(f"#EXTM3U\n#EXTINF:9,\n{canary}\n#EXT-X-ENDLIST\n".encode())
    return bytes(out)


class Watch:
    """Says whether a file was opened by anyone (Linux's inotify)."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.handle = libc.inotify_init1(os.O_NONBLOCK)
        if self.handle < 0 or libc.inotify_add_watch(self.handle, os.fsencode(path), 0x20 | 0x1) < 0:
            raise OSError("inotify is not to be had")

    def seen(self) -> bool:
        try:
            return bool(os.read(self.handle, 4096))
        except BlockingIOError:
            return False


def work(pipe) -> None:
    """In the child: (path, kind) in, (outcome, seconds) out."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    import cv2

    cv2.setNumThreads(1)
    while True:
        path, kind = pipe.recv()
        began = time.monotonic()
        try:
            if kind == "media":
                clip = Clip(0, "x", path, "", True, (), False, "", 0)
                outcome = prepare_clip(clip, SETTINGS).reason or "prepared"
            else:
                from amdd.corpora import CorpusError, scan

                try:
                    outcome = f"read {min(len(scan(kind, path)), 1)}"
                except CorpusError:
                    outcome = "CorpusError with a cure"
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
        pipe.send((outcome, time.monotonic() - began))


class Child:
    """A process that can be lost."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def run(self, path: Path, kind: str, limit: float) -> tuple[str, float]:
        self.pipe.send((str(path), kind))
        outcome = "HANG", limit
        try:
            if self.pipe.poll(limit):
                return self.pipe.recv()
        except (EOFError, ConnectionError):
            outcome = "CRASH", 0.0
        self.process.kill()
        self.process.join()
        self.start()
        return outcome


def trees(folder: Path) -> dict[str, tuple[Path, Path]]:
    """A small tree and its metadata file, for each reader that has one."""
    favc = folder / "favc" / "FakeAVCeleb_v1.2"
    names = ["source,target1,target2,method,category,type,race,gender,path,"]
    for k, (method, category, kind) in enumerate(
        [("real", "A", "RealVideo-RealAudio"), ("wav2lip", "C", "FakeVideo-RealAudio")] * 4
    ):
        place = f"{kind}/African/men/id{k:05d}"
        (favc / place).mkdir(parents=True, exist_ok=True)
        name = "00001.mp4" if method == "real" else "00001_id00002_wavtolip.mp4"
        (favc / place / name).write_bytes(b"x")
        names.append(f"id{k:05d},-,-,{method},{category},{kind},African,men,{name},FakeAVCeleb/{place}")
    (favc / "meta_data.csv").write_text("\n".join(names) + "\n")
    lav = folder / "lav" / "LAV-DF"
    entries = []
    for k in range(6):
        (lav / "test").mkdir(parents=True, exist_ok=True)
        (lav / "test" / f"{k:06d}.mp4").write_bytes(b"x")
        entries.append(
            {"file": f"test/{k:06d}.mp4", "n_fakes": k % 2, "fake_periods": [[0.5, 1.0]] * (k % 2), "duration": 4.2,
             "original": None, "modify_video": bool(k % 2), "modify_audio": False, "split": "test",
             "video_frames": 105, "audio_channels": 1, "audio_frames": 67200}
        )  # fmt: skip
    (lav / "metadata.json").write_text(json.dumps(entries))
    return {
        "fakeavceleb": (favc.parent, favc / "meta_data.csv"),
        "lavdf": (lav.parent, lav / "metadata.json"),
    }


def mutate_text(data: bytes, rng: np.random.Generator, canary: str) -> bytes:
    """Metadata: fields swapped for what no field should hold, lines lost or doubled, bytes broken."""
    words = [
        "../" * 6 + canary,
        "NaN",
        "-1",
        "1e999",
        "null",
        "[]",
        "{}",
        '"',
        "\x00",
        "é" * 50,
        "[[2,1]]",
        ",",
        "A" * 9000,
    ]
    for _ in range(int(rng.integers(1, 4))):
        kind = int(rng.integers(0, 5))
        if kind == 0:
            fields = list(re.finditer(rb"[^,:\n\[\]{}]+", data))
            if fields:
                m = fields[int(rng.integers(len(fields)))]
                data = data[: m.start()] + words[int(rng.integers(len(words)))].encode() + data[m.end() :]
        elif kind == 1:
            lines = data.split(b"\n")
            lines.insert(int(rng.integers(len(lines))), lines[int(rng.integers(len(lines)))])
            data = b"\n".join(lines)
        elif kind == 2:
            data = data[: int(rng.integers(len(data) + 1))]
        elif kind == 3 and data:
            at = int(rng.integers(len(data)))
            data = data[:at] + rng.bytes(3) + data[at + 3 :]
        elif kind == 4 and rng.random() < 0.1:
            data = b",".join([b"column"] * 200_000) + b"\n" + data
    return data


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcomes: collections.Counter[str] = collections.Counter()
    bad: list[dict] = []
    slowest, began = 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "root").mkdir()
        canary = folder / "canary.mp4"
        made = seeds(folder)
        originals, suffixes = [p.read_bytes() for p in made], [p.suffix for p in made]
        shutil.copyfile(folder / "a.mp4", canary)
        tables = trees(folder)
        texts = {kind: table.read_bytes() for kind, (_, table) in tables.items()}
        watch, child = Watch(canary), Child()
        child.run(folder / "a.mp4", "media", 120)  # imports are no part of the first file's time
        for k in range(options.files):
            rng = np.random.default_rng([options.seed, k])
            if k % 5 == 4:
                kind = sorted(tables)[k // 5 % len(tables)]
                path, table = tables[kind]
                table.write_bytes(mutate_text(texts[kind], rng, "canary.mp4"))
            else:
                kind, which = "media", int(rng.integers(len(originals)))
                path = folder / "root" / f"m{suffixes[which]}"
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
                data = mutate(originals[which], rng, originals, str(canary))
                if suffixes[which] == ".jpg":
                    path = folder / "root" / "frames"
                    path.mkdir(exist_ok=True)
                    for number in ("001", "002", "003"):
                        (path / number).write_bytes(originals[which] if number == "002" else data)
                else:
                    path.write_bytes(data)
            outcome, seconds = child.run(path, kind, LIMIT)
            slowest = max(slowest, seconds)
            fault = outcome in ("HANG", "CRASH") or bool(CLEAN.match(outcome)) or watch.seen()
            outcomes[
                f"{'media' if kind == 'media' else 'metadata'}: {re.sub(r'[0-9]+', 'N', outcome)[:70]}"
            ] += 1
            if fault:
                bad.append({"file": k, "kind": kind, "outcome": outcome[:300]})
                print(f"file {k} ({kind}): {outcome[:200]}", flush=True)
        child.process.kill()
    for outcome, count in outcomes.most_common():
        print(f"{count:6d}  {outcome}")
    spent = time.monotonic() - began
    print(f"{options.files} files in {spent:.0f} s, slowest {slowest:.1f} s, faults: {len(bad)}")
    numbers = {
        "files": {"value": options.files},
        "faults": {"value": len(bad)},
        "slowest": {"value": round(slowest, 2), "unit": "s"},
    }
    record = {
        "seed": options.seed,
        "seconds": round(spent, 1),
        "numbers": numbers,
        "faults": bad,
        "outcomes": dict(outcomes.most_common()),
    }
    write_text(PROJECT / "benchmarks" / "results" / "fuzz_media.json", json.dumps(record, indent=1) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
