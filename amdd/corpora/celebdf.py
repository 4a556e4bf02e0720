"""Celeb-DF v2: celebrities' and other videos, and face swaps of the first; no audio."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, find_root, inside, relative_id
from amdd.profiles import CorpusSettings

TREE = """Celeb-DF-v2/
  Celeb-real/<id>_<recording>.mp4   YouTube-real/NNNNN.mp4
  Celeb-synthesis/<target>_<source>_<recording>.mp4
  List_of_testing_videos.txt"""
EXPECTED = {"Celeb-real": 590, "YouTube-real": 300, "Celeb-synthesis": 5639}
NAMES = {
    "Celeb-real": re.compile(r"(?P<identity>id\d+)_\d+"),
    "YouTube-real": re.compile(r"(?P<identity>\d+)"),
    "Celeb-synthesis": re.compile(r"(?P<identity>id\d+)_(?P<donor>id\d+)_\d+"),
}


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; clips of the official test list carry ``official_split`` "test", the others "train"."""
    base = find_root(root, ("Celeb-DF-v2", "Celeb-DF", "Celeb_DF_v2"))
    tested = _test_list(base)
    rows: list[dict] = []
    for folder, pattern in NAMES.items():
        for path in sorted((base / folder).glob("*.mp4")):
            match = pattern.fullmatch(path.stem)
            if not match:
                raise CorpusError(path, f"not named as {folder}'s clips are", "restore the release's names")
            fake = folder == "Celeb-synthesis"
            rows.append(
                {
                    "clip_id": relative_id(path, root),
                    "label": int(fake),
                    "generator": "celeb-synthesis" if fake else "real",
                    "identity": match["identity"]
                    if folder != "YouTube-real"
                    else f"youtube-{match['identity']}",
                    "donor": match["donor"] if fake else "",
                    "video": str(path),
                    "has_audio": False,
                    "quality": folder,
                    "official_split": "" if tested is None else ("test" if path in tested else "train"),
                }
            )
    return rows, {"found": dict(Counter(r["quality"] for r in rows)), "expected": EXPECTED}


def _test_list(base: Path) -> set[Path] | None:
    file = base / "List_of_testing_videos.txt"
    if not file.is_file():
        return None
    listed = set()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CorpusError(file, f"not UTF-8 text (byte {error.start})", "copy it again") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        label, _, name = line.strip().partition(" ")
        if label not in ("0", "1") or not name:
            raise CorpusError(file, f"{line[:60]!r}", "lines are '<0 or 1> <folder>/<clip>.mp4'", number)
        # In this list 1 stands for a real clip; labels are taken from the folders all the same.
        listed.add(inside(base, name.strip(), file, number))
    return listed


READER = Reader(
    "celebdf",
    "Celeb-DF v2",
    "https://github.com/yuezunli/celeb-deepfakeforensics (request form)",
    TREE,
    "video only",
    read,
)
