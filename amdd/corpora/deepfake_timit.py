"""DeepfakeTIMIT's swaps with VidTIMIT's reals; the audio lies in separate wav files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, relative_id
from amdd.corpora.walk import Walk
from amdd.profiles import CorpusSettings

TREE = """DeepfakeTIMIT/{higher_quality,lower_quality}/<subject>/<sentence>-video-<donor>.avi (+ .wav)
VidTIMIT/<subject>/{video/<sentence>/001 002 ... , audio/<sentence>.wav}"""
NAME = re.compile(r"(?P<sentence>[a-z]+\d+)-video-(?P<donor>[a-z]{4}\d)", re.IGNORECASE)
QUALITIES = {"higher_quality": "hq", "lower_quality": "lq"}
VIDEO_SUFFIXES = (".avi", ".mp4", ".mov")


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; reals are VidTIMIT clips, of the fakes' subjects where there are fakes."""
    walk = Walk(root)
    fakes, reals = walk.base("DeepfakeTIMIT", "deepfake_timit"), walk.base("VidTIMIT")
    rows: list[dict] = []
    for folder, quality in QUALITIES.items():
        for subject in walk.folders(fakes / folder):
            for path in walk.files(subject, (".avi",)):
                rows.append(_fake(path, subject.name.lower(), quality, reals, root))
    subjects = {r["identity"] for r in rows}
    for subject in walk.folders(reals) if reals != root or not rows else []:
        if subjects and subject.name.lower() not in subjects:
            continue
        for clip in _real_clips(walk, subject):
            if NAME.search(clip.name):
                cure = "restore the release's folders; swaps belong into DeepfakeTIMIT"
                raise CorpusError(clip, "named like a swap, in the folder of reals", cure)
            sound = subject / "audio" / f"{clip.stem if clip.suffix else clip.name}.wav"
            rows.append(
                {
                    "clip_id": relative_id(clip, root),
                    "label": 0,
                    "generator": "real",
                    "identity": subject.name.lower(),
                    "video": str(clip),
                    "audio": str(sound) if sound.is_file() else "",
                    "has_audio": sound.is_file(),
                    "quality": "real",
                    "group": _group(subject.name),
                }
            )
    counts = Counter(r["quality"] for r in rows)
    report = {"found": dict(counts), "expected": {"real": 320, "hq": 320, "lq": 320}}
    return rows, report | walk.report(r["video"] for r in rows)


def _fake(path: Path, subject: str, quality: str, reals: Path, root: Path) -> dict:
    match = NAME.fullmatch(path.stem)
    if not match:
        raise CorpusError(path, "not named <sentence>-video-<donor>.avi", "restore the release's names")
    sound = _sound(path, match["sentence"], reals, path.parent.name)
    return {
        "clip_id": relative_id(path, root),
        "label": 1,
        "generator": "gan-swap",
        "identity": subject,
        "donor": match["donor"].lower(),
        "video": str(path),
        "audio": str(sound) if sound else "",
        "has_audio": sound is not None,
        "quality": quality,
        "group": _group(subject),
    }


def _group(subject: str) -> str:
    return "women" if subject.lower().startswith("f") else "men"


def _sound(path: Path, sentence: str, reals: Path, subject: str) -> Path | None:
    candidates = (
        path.with_suffix(".wav"),
        path.with_name(f"{sentence}.wav"),
        reals / subject / "audio" / f"{sentence}.wav",
    )
    return next((c for c in candidates if c.is_file()), None)


def _real_clips(walk: Walk, subject: Path) -> list[Path]:
    """Sentences as frame folders (the release) or as converted videos; head-turning sequences are no speech."""
    clips = [*walk.folders(subject / "video"), *walk.files(subject, VIDEO_SUFFIXES)]
    return [p for p in clips if not p.name.lower().startswith("head")]


READER = Reader(
    "deepfake_timit",
    "DeepfakeTIMIT with VidTIMIT",
    "https://zenodo.org/records/4068245 and https://zenodo.org/records/158963 (licence to accept)",
    TREE,
    "audio and video",
    read,
)
