"""AV-Deepfake1M: short forged pieces in image, audio or both; labels from the metadata files."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, find_root, inside, relative_id
from amdd.profiles import CorpusSettings

TREE = """AV-Deepfake1M/
  train_metadata.json  val_metadata.json
  train/...mp4  val/...mp4   (the labels of test/ are kept by the authors)"""
KINDS = {
    "real": "real",
    "visual_modified": "av1m-video",
    "audio_modified": "av1m-audio",
    "both_modified": "av1m-both",
}
MAX_BYTES = 4 << 30


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report of the labelled parts that are there."""
    base = find_root(root, ("AV-Deepfake1M", "AV-Deepfake1M-PlusPlus", "av-deepfake1m"))
    tables = [base / f"{part}_metadata.json" for part in ("train", "val")]
    if not any(t.is_file() for t in tables):
        raise CorpusError(tables[-1], "not found", f"give the folder that holds it; expected\n{TREE}")
    rows, missing = [], 0
    for table in tables:
        if not table.is_file():
            continue
        part = table.name.split("_")[0]
        if table.stat().st_size > MAX_BYTES:
            raise CorpusError(table, "larger than 4 GiB", "copy it again from the download")
        try:
            entries = json.loads(table.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise CorpusError(
                table, f"not readable as JSON ({type(error).__name__})", "copy it again from the download"
            ) from None
        if not isinstance(entries, list):
            raise CorpusError(table, "not a list of clips", "use the metadata of the download")
        for number, entry in enumerate(entries):
            row = _row(entry, base, root, table, part, number)
            if Path(row["video"]).is_file():
                rows.append(row)
            else:
                missing += 1
    found = Counter(r["generator"] for r in rows)
    expected = {"real": 286_721, "forged": 860_039}
    return rows, {"found": dict(found), "expected, test included": expected, "listed but missing": missing}


def _row(entry, base: Path, root: Path, table: Path, part: str, number: int) -> dict:
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise CorpusError(table, "an entry without a file", "use the metadata of the download", number)
    kind = KINDS.get(str(entry.get("modify_type")))
    if kind is None:
        raise CorpusError(
            table, f"modify_type {str(entry.get('modify_type'))[:40]!r}", f"one of {', '.join(KINDS)}", number
        )
    name = entry["file"]
    # Some copies name files below train/ or val/, some already with it.
    path = inside(base, name if name.startswith(f"{part}/") else f"{part}/{name}", table, number)
    try:
        spans = [[float(a), float(b)] for a, b in entry.get("fake_segments") or []]
    except (TypeError, ValueError):
        raise CorpusError(table, "fake_segments", "pairs of seconds are expected", number) from None
    if any(not (math.isfinite(a) and math.isfinite(b) and 0 <= a <= b) for a, b in spans):
        raise CorpusError(
            table, f"fake_segments {spans[:3]}", "seconds from 0 on, start before end, are expected", number
        )
    parts = [p for p in name.split("/") if p not in ("train", "val")]
    return {
        "clip_id": relative_id(path, root),
        "label": int(kind != "real"),
        "generator": kind,
        "identity": parts[0] if len(parts) > 1 else "",  # VoxCeleb2's speaker is the first folder
        "video": str(path),
        "has_audio": True,
        "quality": kind,
        "fake_periods": json.dumps(spans),
        "official_split": part,
        "video_label": int(kind in ("av1m-video", "av1m-both")),
        "audio_label": int(kind in ("av1m-audio", "av1m-both")),
    }


READER = Reader(
    "avdeepfake1m",
    "AV-Deepfake1M",
    "https://github.com/ControlNet/AV-Deepfake1M (terms of use to sign)",
    TREE,
    "audio and video",
    read,
)
