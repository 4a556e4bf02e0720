"""LAV-DF: short forged pieces in image, audio or both; labels from ``metadata.json``."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, find_root, inside, relative_id
from amdd.profiles import CorpusSettings

TREE = """LAV-DF/{metadata.json or metadata.min.json, train/, dev/, test/NNNNNN.mp4}"""
MAX_BYTES = 1 << 30


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    base = find_root(root, ("LAV-DF", "lavdf"))
    table = next((base / n for n in ("metadata.min.json", "metadata.json") if (base / n).is_file()), None)
    if table is None:
        raise CorpusError(
            base / "metadata.json", "not found", "it is part of the dataset, not of its repository"
        )
    if table.stat().st_size > MAX_BYTES:
        raise CorpusError(table, "larger than 1 GiB", "use metadata.min.json")
    try:
        entries = json.loads(table.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CorpusError(
            table, f"not readable as JSON ({type(error).__name__})", "copy it again from the download"
        ) from None
    if not isinstance(entries, list):
        raise CorpusError(table, "not a list of clips", "use the metadata.json of the download")
    rows, missing = [], 0
    for number, entry in enumerate(entries):
        row = _row(entry, base, root, table, number)
        if Path(row["video"]).is_file():
            rows.append(row)
        else:
            missing += 1
    kinds = Counter(r["generator"] for r in rows)
    return rows, {
        "found": dict(kinds),
        "expected": {"real": 36431, "lav-both": 33160, "lav-video": 33543, "lav-audio": 33170},
        "listed but missing": missing,
    }


def _row(entry, base: Path, root: Path, table: Path, number: int) -> dict:
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise CorpusError(table, "an entry without a file", "use the metadata.json of the download", number)
    path = inside(base, entry["file"], table, number)
    periods = entry.get("fake_periods") or []
    try:
        spans = [[float(a), float(b)] for a, b in periods]
    except (TypeError, ValueError):
        raise CorpusError(
            table, f"fake_periods {str(periods)[:60]!r}", "pairs of seconds are expected", number
        ) from None
    if any(not (math.isfinite(a) and math.isfinite(b) and 0 <= a <= b) for a, b in spans):
        raise CorpusError(
            table, f"fake_periods {spans[:3]}", "seconds from 0 on, start before end, are expected", number
        )
    video, audio = bool(entry.get("modify_video")), bool(entry.get("modify_audio"))
    kind = {
        (False, False): "real",
        (True, False): "lav-video",
        (False, True): "lav-audio",
        (True, True): "lav-both",
    }[(video, audio)]
    return {
        "clip_id": relative_id(path, root),
        "label": int(kind != "real"),
        "generator": kind,
        "identity": "",  # the release does not say who speaks
        "video": str(path),
        "has_audio": bool(entry.get("audio_channels", 1)),
        "quality": kind,
        "recording": _recording(entry),
        "fake_periods": json.dumps(spans),
        "official_split": str(entry.get("split", "")),
    }


def _recording(entry: dict) -> str:
    """Return the recording that an entry is a version of: the file that it was made from, or itself."""
    original = entry.get("original")
    return str(original) if isinstance(original, str) and original else str(entry["file"])


READER = Reader(
    "lavdf",
    "LAV-DF",
    "https://github.com/ControlNet/LAV-DF (terms of use to sign)",
    TREE,
    "audio and video",
    read,
)
