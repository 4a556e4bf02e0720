"""Clips of one's own: folders named after their class, or a CSV."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, inside, relative_id
from amdd.profiles import CorpusSettings

TREE = """<root>/real/*.mp4   <root>/<generator>/*.mp4
or <root>/clips.csv with the columns path,label[,generator,identity,donor,group,split]"""
SUFFIXES = {
    ".mp4",
    ".m4v",
    ".mov",
    ".mkv",
    ".webm",
    ".avi",
    ".mpg",
    ".mpeg",
    ".ts",
    ".mts",
    ".m2ts",
    ".3gp",
    ".wmv",
    ".flv",
    ".ogv",
    ".gif",
}
# A folder with such a name is likely to hold reals; to take it for a generator would turn labels round.
PERHAPS_REAL = re.compile(r"real|genuine|original|pristine|bona[ _-]?fide|authentic", re.IGNORECASE)
LITTER = {"__macosx", "lost+found", "system volume information", "thumbs.db", "desktop.ini"}
LABELS = {"0": 0, "0.0": 0, "real": 0, "1": 1, "1.0": 1, "fake": 1}


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; ``not read`` counts media files below ``root`` that are no row, ``without`` names a class that has
    no clip."""
    table = root / "clips.csv"
    missing: list[str] = []
    rows = _from_csv(root, table, missing) if table.is_file() else _from_folders(root)
    report: dict = {"found": dict(Counter(r["generator"] for r in rows))}
    if missing:
        report["missing"] = missing
    taken = {r["video"] for r in rows}
    left = [relative_id(p, root) for p in _media(root) if str(p) not in taken]
    if left:
        report["not read"] = f"{len(left)} media files, for example {', '.join(left[:2])}"
    labels = {r["label"] for r in rows}
    if rows and labels != {0, 1}:
        report["without"] = "no fake clips" if labels == {0} else "no real clips"
    return rows, report


def _litter(name: str) -> bool:
    """Whether systems leave a file or folder of this name behind."""
    return name[:1] in ".@#$~" or name.lower() in LITTER


def _media(folder: Path) -> Iterator[Path]:
    """Yield the media files below ``folder`` in order, without what systems leave behind."""
    for path in sorted(folder.iterdir()):
        if _litter(path.name):
            continue
        if path.is_dir():
            yield from _media(path)
        elif path.is_file() and path.suffix.lower() in SUFFIXES:
            yield path


def _class_of(folder: Path) -> str:
    """Return the class that a folder's name states. Raises :class:`CorpusError` where it may mean real clips."""
    name = folder.name.strip()
    if name.casefold() == "real":
        return "real"
    if PERHAPS_REAL.search(name):
        cure = "rename it to 'real' if it holds real clips, or to the generator's name"
        raise CorpusError(folder, "the folder's name may mean real clips", cure)
    return name


def _from_folders(root: Path) -> list[dict]:
    rows = []
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and not _litter(p.name)):
        clips = [p for p in _media(folder) if p.parent == folder]
        if not clips:
            continue
        generator = _class_of(folder)
        for path in clips:
            rows.append(
                {
                    "clip_id": relative_id(path, root),
                    "label": int(generator != "real"),
                    "generator": generator,
                    "identity": path.stem,  # unknown: every clip counts as a person of its own
                    "video": str(path),
                }
            )
    return rows


def _from_csv(root: Path, table: Path, missing: list[str]) -> list[dict]:
    rows = []
    try:
        with open(table, newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            header = [str(name).strip().lower() for name in reader.fieldnames or []]
            reader.fieldnames = header
            if not {"path", "label"} <= set(header):
                problem = f"needs the columns path and label, and has {', '.join(header) or 'none'}"
                raise CorpusError(table, problem, "name them in the first line, separated by commas")
            for number, line in enumerate(reader, start=2):
                cells = {k: v.strip() for k, v in line.items() if isinstance(v, str)}
                if any(cells.values()):
                    rows += _row(root, table, number, cells, missing)
    except UnicodeDecodeError as error:
        raise CorpusError(table, f"not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except csv.Error as error:
        raise CorpusError(table, f"not readable as CSV ({error})", "save it again as CSV") from None
    return rows


def _row(root: Path, table: Path, number: int, cells: dict[str, str], missing: list[str]) -> list[dict]:
    """Return the row of one line, or none where its file is missing."""
    label = LABELS.get(cells.get("label", "").lower())
    if not cells.get("path") or label is None:
        problem = (
            f"needs a path and a label, and has {cells.get('path', '')!r} and {cells.get('label', '')!r}"
        )
        raise CorpusError(table, problem, "expected one of: real, fake", number)
    generator = cells.get("generator") or ("unknown" if label else "real")
    if (generator.casefold() == "real") != (label == 0):
        problem = f"the label {cells['label']!r} and the generator {generator!r} contradict each other"
        raise CorpusError(table, problem, "correct one of them", number)
    path = _there(inside(root, cells["path"], table, number))
    if path is None:
        missing.append(cells["path"])
        return []
    row = {"clip_id": relative_id(path, root), "label": label, "video": str(path)}
    row |= {"generator": "real" if label == 0 else generator, "identity": cells.get("identity") or path.stem}
    row |= {"donor": cells.get("donor", ""), "group": cells.get("group", "")}
    return [row | {"official_split": cells.get("split", "").lower()}]


def _there(path: Path) -> Path | None:
    """Return the file at ``path``, its name in either Unicode form, or None."""
    for form in ("NFC", "NFD"):
        other = path.with_name(unicodedata.normalize(form, path.name))
        for candidate in (path, other):
            if candidate.is_file():
                return candidate
    return None


READER = Reader("folder", "clips of your own", "", TREE, "audio and video", read)
