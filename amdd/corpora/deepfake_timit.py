"""DeepfakeTIMIT's swaps with VidTIMIT's reals; the audio lies in separate wav files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, find_root, relative_id
from amdd.profiles import CorpusSettings

TREE = """DeepfakeTIMIT/{higher_quality,lower_quality}/<subject>/<sentence>-video-<donor>.avi (+ .wav)
VidTIMIT/<subject>/{video/<sentence>/001 002 ... , audio/<sentence>.wav}"""
NAME = re.compile(r"(?P<sentence>[a-z]+\d+)-video-(?P<donor>[a-z]{4}\d)\.avi$", re.IGNORECASE)
QUALITIES = {"higher_quality": "hq", "lower_quality": "lq"}
VIDEO_SUFFIXES = {".avi", ".mp4", ".mov"}


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; reals are VidTIMIT clips, of the fakes' subjects where there are fakes."""
    fakes, reals = find_root(root, ("DeepfakeTIMIT",)), find_root(root, ("VidTIMIT", "vidtimit"))
    rows: list[dict] = []
    for folder, quality in QUALITIES.items():
        for path in sorted((fakes / folder).glob("*/*.avi")):
            match = NAME.search(path.name)
            if not match:
                raise CorpusError(
                    path, "not named <sentence>-video-<donor>.avi", "restore the release's names"
                )
            subject = path.parent.name
            sound = _sound(path, match["sentence"], reals, subject)
            rows.append(
                {
                    "clip_id": relative_id(path, root),
                    "label": 1,
                    "generator": "gan-swap",
                    "identity": subject,
                    "donor": match["donor"].lower(),
                    "video": str(path),
                    "audio": str(sound) if sound else "",
                    "has_audio": sound is not None,
                    "quality": quality,
                    "group": "women" if subject.startswith("f") else "men",
                }
            )
    subjects = {r["identity"] for r in rows}
    for subject in sorted(p for p in reals.iterdir() if p.is_dir()) if reals != root or not rows else []:
        if subjects and subject.name not in subjects:
            continue
        for clip in _real_clips(subject):
            sound = subject / "audio" / f"{clip.stem if clip.suffix else clip.name}.wav"
            rows.append(
                {
                    "clip_id": relative_id(clip, root),
                    "label": 0,
                    "generator": "real",
                    "identity": subject.name,
                    "video": str(clip),
                    "audio": str(sound) if sound.is_file() else "",
                    "has_audio": sound.is_file(),
                    "quality": "real",
                    "group": "women" if subject.name.startswith("f") else "men",
                }
            )
    counts = Counter(r["quality"] for r in rows)
    return rows, {"found": dict(counts), "expected": {"real": 320, "hq": 320, "lq": 320}}


def _sound(path: Path, sentence: str, reals: Path, subject: str) -> Path | None:
    for candidate in (
        path.with_suffix(".wav"),
        path.with_name(f"{sentence}.wav"),
        reals / subject / "audio" / f"{sentence}.wav",
    ):
        if candidate.is_file():
            return candidate
    return None


def _real_clips(subject: Path) -> list[Path]:
    """Sentences as frame folders (the release) or as converted videos; head-turning sequences are no speech."""
    video = subject / "video"
    clips = [p for p in sorted(video.iterdir()) if p.is_dir()] if video.is_dir() else []
    clips += [p for p in sorted(subject.iterdir()) if p.suffix.lower() in VIDEO_SUFFIXES]
    return [p for p in clips if not p.name.lower().startswith("head")]


READER = Reader(
    "deepfake_timit",
    "DeepfakeTIMIT with VidTIMIT",
    "https://zenodo.org/records/4068245 and https://zenodo.org/records/158963 (licence to accept)",
    TREE,
    "audio and video",
    read,
)
