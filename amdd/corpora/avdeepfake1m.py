"""AV-Deepfake1M: short forged pieces in image, audio or both; labels from the metadata files."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Listing, Reader, inside, relative_id
from amdd.corpora.tables import periods, read_list
from amdd.corpora.walk import Walk
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
SOURCES = {"voxceleb2": "vox2", "lrs3": "lrs3", "silentvideos": "silent"}
EXPECTED = {"real": 286_721, "forged": 860_039}


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report of the labelled parts that are there."""
    walk, listing = Walk(root), Listing()
    base = walk.base("AV-Deepfake1M", "AV-Deepfake1M-PlusPlus", "AV-Deepfake1M++", "avdeepfake1m")
    tables = [base / f"{part}_metadata.json" for part in ("train", "val")]
    if not any(t.is_file() for t in tables):
        raise CorpusError(tables[-1], "not found", f"give the folder that holds it; expected\n{TREE}")
    rows = []
    for table in tables:
        if not table.is_file():
            continue
        part = table.name.split("_")[0]
        for number, entry in enumerate(read_list(table, "use the metadata of the download")):
            row, name = _row(entry, table, part, number)
            found, listing.listed = _located(walk, base, part, name, table, number), listing.listed + 1
            if found is None:
                listing.missing.append(walk.relative(base / part / name))
            else:
                rows.append({"clip_id": relative_id(found, root), "video": str(found), **row})
    found = Counter(r["generator"] for r in rows)
    report = {"found": dict(found), "expected, test included": EXPECTED, **listing.report()}
    return rows, report | walk.report(r["video"] for r in rows)


def _located(walk: Walk, base: Path, part: str, name: str, table: Path, number: int) -> Path | None:
    """Return the file, below ``part``, below ``part/part`` (archives unpack so at times) or beside the metadata."""
    for folder in (f"{part}/", f"{part}/{part}/", ""):
        found = walk.locate(inside(base, f"{folder}{name}", table, number))
        if found is not None:
            return found
    return None


def _row(entry, table: Path, part: str, number: int) -> tuple[dict, str]:
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise CorpusError(table, "an entry without a file", "use the metadata of the download", number)
    kind = KINDS.get(str(entry.get("modify_type")))
    if kind is None:
        problem = f"modify_type {str(entry.get('modify_type'))[:40]!r}"
        raise CorpusError(table, problem, f"expected one of: {', '.join(KINDS)}", number)
    spans = periods(entry.get("fake_segments"), table, number, "fake_segments")
    if spans and kind == "real":
        problem = f"{entry['file']} has fake_segments, while modify_type is real"
        raise CorpusError(table, problem, "correct one of them, or drop the entry", number)
    # Some copies name files below train/ or val/, some already with it.
    name = entry["file"].replace("\\", "/").removeprefix("./").removeprefix(f"{part}/")
    return {
        "label": int(kind != "real"),
        "generator": kind,
        "identity": _person(name),
        "has_audio": True,
        "quality": kind,
        "fake_periods": json.dumps(spans),
        "official_split": part,
        "video_label": int(kind in ("av1m-video", "av1m-both")),
        "audio_label": int(kind in ("av1m-audio", "av1m-both")),
    }, name


def _person(name: str) -> str:
    """Return the person that a path names, prefixed by the corpus that the clip was taken from, or "".

    AV-Deepfake1M names VoxCeleb2's speaker in the first folder; AV-Deepfake1M++ has a folder of the source corpus above
    it: the speaker below ``vox_celeb_2``, the video below ``lrs3``, the subject below ``silent_videos``.
    """
    folders = name.split("/")[:-1]
    folders = folders[folders[0] in ("train", "val", "test") :] if folders else []
    if not folders:
        return ""
    source, below = re.sub(r"[^a-z0-9]", "", folders[0].casefold()), folders[1:]
    if source not in SOURCES:
        return folders[0]
    prefix = SOURCES[source]
    if prefix == "silent":
        subject = re.search(r"subject[ _-]?0*(\d+)", name, re.IGNORECASE)
        if subject:
            return f"silent:subject_{subject[1]}"
    return f"{prefix}:{below[0] if below else name.rpartition('/')[2]}"


READER = Reader(
    "avdeepfake1m",
    "AV-Deepfake1M",
    "https://github.com/ControlNet/AV-Deepfake1M (terms of use to sign)",
    TREE,
    "audio and video",
    read,
)
