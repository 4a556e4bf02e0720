"""Clips of one's own: folders named after their class, or a CSV."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Listing, Reader, inside, relative_id
from amdd.corpora.tables import Table, read_csv
from amdd.corpora.walk import Walk
from amdd.profiles import CorpusSettings

TREE = """<root>/real/*.mp4   <root>/<generator>/*.mp4
or <root>/clips.csv with the columns path,label[,generator,identity,donor,group,split]"""
# A folder with such a name is likely to hold reals; to take it for a generator would turn labels round.
PERHAPS_REAL = re.compile(
    r"real|genuine|original|pristine|bona[ _.-]?fide|authentic|legit|unaltered|untouched|unmodified|unmanipulated"
    r"|(\b|_)(non?|not|un)[ _.-]*(deep)?(fakes?|forged|manipulated|altered|edited|modified|tampered|synthetic|generated)"
    r"|^\s*(0|true|live|human)\s*$",
    re.IGNORECASE,
)
LABELS = {"real": 0, "fake": 1, "0": 0, "0.0": 0, "1": 1, "1.0": 1, "false": 0, "true": 1}
NAMELESS = "fake"  # the generator of fakes for which a list names none


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; ``without`` names a class that has no clip."""
    walk, table = Walk(root), root / "clips.csv"
    walk.bases.append(root)
    listing = Listing()
    if table.is_file():
        rows = _from_csv(walk, read_csv(table), listing)
    else:
        rows = _from_folders(walk)
    report: dict = {"found": dict(Counter(r["generator"] for r in rows))}
    if listing.listed:
        report |= listing.report()
    nameless = sum(r.pop("nameless", False) for r in rows)
    if nameless:
        report["without a generator"] = f"{nameless:,} fakes, read as the generator {NAMELESS!r}"
    labels = {r["label"] for r in rows}
    if rows and labels != {0, 1}:
        report["without"] = "no fake clips" if labels == {0} else "no real clips"
    return rows, report | walk.report(r["video"] for r in rows)


def _class_of(folder: Path) -> str:
    """Return the class that a folder's name states. Raises :class:`CorpusError` where it may mean real clips."""
    name = " ".join(folder.name.split())
    if name.casefold() == "real":
        return "real"
    if PERHAPS_REAL.search(name):
        cure = (
            "rename it to 'real' if it holds real clips, or to the generator's name; a generator with such a name "
            "can be listed in clips.csv"
        )
        raise CorpusError(folder, "the folder's name may mean real clips", cure)
    return name


def _from_folders(walk: Walk) -> list[dict]:
    """One row per clip of each class folder; names that differ in case alone are one class, spelled as the first."""
    rows, spelled = [], {}
    for folder in walk.folders(walk.root):
        clips = walk.files(folder)
        if not clips:
            continue
        name = _class_of(folder)
        generator = spelled.setdefault(name.casefold(), name)
        for path in clips:
            rows.append(
                {
                    "clip_id": relative_id(path, walk.root),
                    "label": int(generator != "real"),
                    "generator": generator,
                    "identity": path.stem,  # unknown: clips of one name count as one person
                    "video": str(path),
                }
            )
    return rows


def _from_csv(walk: Walk, table: Table, listing: Listing) -> list[dict]:
    if not {"path", "label"} <= set(table.names):
        seen = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}[table.delimiter]
        header = ", ".join(repr(name) for name in table.names) or "no columns"
        problem = f"needs the columns path and label, and has {header} (separated by {seen})"
        raise CorpusError(table.file, problem, "name the columns in the first line")
    rows, spelled = [], {}
    for number, cells in table.records():
        rows += _row(walk, table.file, number, cells, listing, spelled)
    return rows


def _row(walk: Walk, table: Path, number: int, cells: dict, listing: Listing, spelled: dict) -> list[dict]:
    """Return the row of one line, or none where its file is missing."""
    listing.listed += 1
    if not cells.get("path"):
        raise CorpusError(table, "the path is empty", "give one, or remove the line", number)
    label = LABELS.get(cells.get("label", "").casefold())
    if label is None:
        problem = f"the label {cells.get('label', '')!r} is unknown"
        raise CorpusError(table, problem, "expected one of: real, fake", number)
    named = " ".join(cells.get("generator", "").split())
    if named and (named.casefold() == "real") != (label == 0):
        problem = f"the label {cells['label']!r} and the generator {named!r} contradict each other"
        raise CorpusError(table, problem, "correct one of them", number)
    generator = "real" if label == 0 else spelled.setdefault(named.casefold(), named or NAMELESS)
    path = _located(walk, cells["path"], table, number)
    if path is None:
        listing.missing.append(cells["path"])
        return []
    row = {"clip_id": relative_id(path, walk.root), "label": label, "video": str(path)}
    row |= {"generator": generator, "identity": cells.get("identity") or path.stem}
    row |= {"donor": cells.get("donor", ""), "group": cells.get("group", "")}
    return [
        row | {"official_split": cells.get("split", "").casefold(), "nameless": bool(label) and not named}
    ]


def _located(walk: Walk, name: str, table: Path, number: int) -> Path | None:
    """Return the file that a line names, by a path below the root or an absolute one that leads there."""
    if Path(name).is_absolute() and Path(name).is_relative_to(walk.root):
        name = Path(name).relative_to(walk.root).as_posix()
    return walk.locate(inside(walk.root, name, table, number))


READER = Reader("folder", "clips of your own", "", TREE, "audio and video", read)
