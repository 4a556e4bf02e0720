"""Celeb-DF v2: celebrities' and other videos, and face swaps of the first; no audio."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Listing, Reader, inside, relative_id
from amdd.corpora.tables import read_text
from amdd.corpora.walk import Walk
from amdd.profiles import CorpusSettings

TREE = """Celeb-DF-v2/
  Celeb-real/<id>_<recording>.mp4   YouTube-real/NNNNN.mp4
  Celeb-synthesis/<target>_<source>_<recording>.mp4
  List_of_testing_videos.txt"""
FOLDERS = ("Celeb-DF-v2", "Celeb-DF", "Celeb_DF_v2", "celebdf")
EXPECTED = {"Celeb-real": 590, "YouTube-real": 300, "Celeb-synthesis": 5639}
NAMES = {
    "Celeb-real": re.compile(r"(?P<identity>id\d+)_\d+"),
    "YouTube-real": re.compile(r"(?P<identity>\d+)"),
    "Celeb-synthesis": re.compile(r"(?P<identity>id\d+)_(?P<donor>id\d+)_\d+"),
}


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; clips of the official test list carry ``official_split`` "test", the others "train"."""
    walk, listing = Walk(root), Listing()
    base = walk.base(*FOLDERS)
    tested = _test_list(walk, base, listing)
    rows: list[dict] = []
    for folder, pattern in NAMES.items():
        for path in walk.files(base / folder, (".mp4",)):
            match = pattern.fullmatch(path.stem)
            if not match:
                raise CorpusError(path, f"not named as {folder}'s clips are", "restore the release's names")
            fake, youtube = folder == "Celeb-synthesis", folder == "YouTube-real"
            rows.append(
                {
                    "clip_id": relative_id(path, root),
                    "label": int(fake),
                    "generator": "celeb-synthesis" if fake else "real",
                    "identity": f"youtube-{match['identity']}" if youtube else match["identity"],
                    "donor": match["donor"] if fake else "",
                    "video": str(path),
                    "has_audio": False,
                    "quality": folder,
                    "official_split": "" if tested is None else ("test" if path in tested else "train"),
                }
            )
    report = {"found": dict(Counter(r["quality"] for r in rows)), "expected": EXPECTED}
    if tested is not None:
        report["test list"] = listing.report()
    return rows, report | walk.report(r["video"] for r in rows)


def _test_list(walk: Walk, base: Path, listing: Listing) -> set[Path] | None:
    file = base / "List_of_testing_videos.txt"
    if not file.is_file():
        return None
    listed = set()
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if not line.strip():
            continue
        label, _, name = line.strip().partition(" ")
        if label not in ("0", "1") or not name:
            raise CorpusError(file, f"{line[:60]!r}", "lines are '<0 or 1> <folder>/<clip>.mp4'", number)
        # In this list 1 stands for a real clip; labels are taken from the folders all the same.
        path, listing.listed = inside(base, name, file, number), listing.listed + 1
        listed.add(path)
        if walk.locate(path) is None:
            listing.missing.append(walk.relative(path))
    return listed


READER = Reader(
    "celebdf",
    "Celeb-DF v2",
    "https://github.com/yuezunli/celeb-deepfakeforensics (request form)",
    TREE,
    "video only",
    read,
)
