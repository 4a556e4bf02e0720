"""LAV-DF: short forged pieces in image, audio or both; labels from ``metadata.json``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Listing, Reader, inside, relative_id
from amdd.corpora.tables import boolean, periods, read_list
from amdd.corpora.walk import Walk
from amdd.profiles import CorpusSettings

TREE = """LAV-DF/{metadata.json or metadata.min.json, train/, dev/, test/NNNNNN.mp4}"""
KINDS = {
    (False, False): "real",
    (True, False): "lav-video",
    (False, True): "lav-audio",
    (True, True): "lav-both",
}
EXPECTED = {"real": 36431, "lav-both": 33160, "lav-video": 33543, "lav-audio": 33170}


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; ``fake_periods`` are in seconds. The release does not name its speakers."""
    walk, listing = Walk(root), Listing()
    base = walk.base("LAV-DF", "LAVDF", "LAV_DF")
    table = next((base / n for n in ("metadata.min.json", "metadata.json") if (base / n).is_file()), None)
    if table is None:
        cure = "it is part of the dataset, not of its repository"
        raise CorpusError(base / "metadata.json", "not found", cure)
    rows = []
    for number, entry in enumerate(read_list(table, "use the metadata.json of the download")):
        row, path = _row(entry, base, table, number)
        found, listing.listed = walk.locate(path), listing.listed + 1
        if found is None:
            listing.missing.append(walk.relative(path))
        else:
            rows.append({"clip_id": relative_id(found, root), "video": str(found), **row})
    report = {"found": dict(Counter(r["generator"] for r in rows)), "expected": EXPECTED, **listing.report()}
    return rows, report | walk.report(r["video"] for r in rows)


def _row(entry, base: Path, table: Path, number: int) -> tuple[dict, Path]:
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise CorpusError(table, "an entry without a file", "use the metadata.json of the download", number)
    path = inside(base, entry["file"], table, number)
    spans = periods(entry.get("fake_periods"), table, number, "fake_periods")
    flags = [boolean(entry.get(n), table, number, n) for n in ("modify_video", "modify_audio")]
    kind = KINDS[flags[0], flags[1]]
    if spans and kind == "real":
        problem = f"{entry['file']} has fake_periods, while neither modify_video nor modify_audio is true"
        raise CorpusError(table, problem, "correct one of them, or drop the entry", number)
    return {
        "label": int(kind != "real"),
        "generator": kind,
        "audio_generator": str(entry.get("audio_generator") or "") if flags[1] else "",
        "identity": "",  # the release does not say who speaks
        "has_audio": bool(entry.get("audio_channels", 1)),
        "quality": kind,
        "recording": _recording(entry),
        "fake_periods": json.dumps(spans),
        "official_split": str(entry.get("split") or ""),
    }, path


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
