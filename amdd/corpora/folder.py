"""Clips of one's own: folders named after their class, or a CSV."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, inside, relative_id

TREE = """<root>/real/*.mp4   <root>/<generator>/*.mp4
or <root>/clips.csv with the columns path,label[,generator,identity,donor,group]"""
SUFFIXES = {".mp4", ".avi", ".mov", ".mkv", ".webm"}


def read(root: Path) -> tuple[list[dict], dict]:
    table = root / "clips.csv"
    rows = _from_csv(root, table) if table.is_file() else _from_folders(root)
    return rows, {"found": dict(Counter(r["generator"] for r in rows))}


def _from_folders(root: Path) -> list[dict]:
    rows = []
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES):
            rows.append(
                {
                    "clip_id": relative_id(path, root),
                    "label": int(folder.name != "real"),
                    "generator": folder.name,
                    "identity": path.stem,  # unknown: every clip counts as a person of its own
                    "video": str(path),
                }
            )
    return rows


def _from_csv(root: Path, table: Path) -> list[dict]:
    rows = []
    try:
        with open(table, newline="", encoding="utf-8-sig") as handle:
            for number, line in enumerate(csv.DictReader(handle), start=2):
                if not line.get("path") or line.get("label") not in ("0", "1", "real", "fake"):
                    raise CorpusError(
                        table, "needs a path and a label (real or fake)", "correct the row", number
                    )
                path = inside(root, line["path"].strip(), table, number)
                label = int(line["label"] in ("1", "fake"))
                rows.append(
                    {
                        "clip_id": relative_id(path, root),
                        "label": label,
                        "generator": (line.get("generator") or ("unknown" if label else "real")).strip(),
                        "identity": (line.get("identity") or path.stem).strip(),
                        "donor": (line.get("donor") or "").strip(),
                        "group": (line.get("group") or "").strip(),
                        "video": str(path),
                    }
                )
    except UnicodeDecodeError as error:
        raise CorpusError(table, f"not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except csv.Error as error:
        raise CorpusError(table, f"not readable as CSV ({error})", "save it again as CSV") from None
    return rows


READER = Reader("folder", "clips of your own", "", TREE, "audio and video", read)
