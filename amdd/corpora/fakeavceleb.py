"""FakeAVCeleb v1.2: labels come from ``meta_data.csv``, never from file names."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, find_root, inside, relative_id
from amdd.profiles import CorpusSettings

TREE = """FakeAVCeleb_v1.2/
  meta_data.csv
  RealVideo-RealAudio/<race>/<gender>/<idNNNNN>/<clip>.mp4
  RealVideo-FakeAudio/...  FakeVideo-RealAudio/...  FakeVideo-FakeAudio/..."""
EXPECTED = {"A": 500, "B": 500, "C": 9709, "D": 10835}
TYPES = {
    "RealVideo-RealAudio": "A",
    "RealVideo-FakeAudio": "B",
    "FakeVideo-RealAudio": "C",
    "FakeVideo-FakeAudio": "D",
}
METHODS = {"real", "rtvc", "wav2lip", "fsgan", "faceswap", "fsgan-wav2lip", "faceswap-wav2lip"}
MAX_COLUMNS = 64


def _key(text: str) -> str:
    """Folder names compare without case, spaces, brackets, hyphens and underscores: users rename them."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _folder(root: Path, parts: list[str], file: Path, row: int, cache: dict) -> Path:
    """The folder of these parts, renamed ones included; the first part (the root's name) is dropped."""
    path = root
    for part in parts:
        direct = inside(path, part, file, row)
        if direct.is_dir():
            path = direct
            continue
        if path not in cache:
            cache[path] = {_key(p.name): p for p in path.iterdir() if p.is_dir()} if path.is_dir() else {}
        if _key(part) not in cache[path]:
            return direct
        path = cache[path][_key(part)]
    return path


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; see :func:`amdd.corpora.scan`."""
    base = find_root(root, ("FakeAVCeleb_v1.2", "FakeAVCeleb"))
    table = base / "meta_data.csv"
    if not table.is_file():
        raise CorpusError(table, "not found", f"give the folder that holds it; expected\n{TREE}")
    rows, seen, missing, double, cache = [], {}, [], 0, {}
    try:
        with open(table, newline="", encoding="utf-8-sig", errors="strict") as handle:
            csv.field_size_limit(1 << 16)
            lines = csv.reader(handle)
            header = next(lines, [])
            columns = _columns(header, table)
            for number, line in enumerate(lines, start=2):
                if not line or not any(cell.strip() for cell in line):
                    continue
                row, path = _row(line, columns, header, base, table, number, cache)
                key = relative_id(path, root) if path.is_relative_to(root) else str(path)
                if key in seen:
                    double += 1
                    # 22 files of v1.2 stand in the list twice, as wav2lip and as faceswap-wav2lip: the first
                    # row counts, and the clip is left out of attribution.
                    if rows[seen[key]]["generator"] != row["generator"]:
                        rows[seen[key]]["generator"] = "unknown"
                    continue
                if not path.is_file():
                    missing.append(key)
                    continue
                seen[key] = len(rows)
                rows.append({"clip_id": key, "video": str(path), **row})
    except UnicodeDecodeError as error:
        raise CorpusError(table, f"not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except csv.Error as error:
        raise CorpusError(
            table, f"not readable as CSV ({error})", "copy it again from the download"
        ) from None
    found = Counter(r["category"] for r in rows)
    on_disk = sum(1 for kind in TYPES for _ in (base / kind).rglob("*.mp4")) if base.is_dir() else 0
    report = {
        "found": dict(sorted(found.items())),
        "expected (v1.2)": EXPECTED,
        "methods": dict(Counter(r["generator"] for r in rows)),
        "listed but missing": len(missing),
        "examples of missing": missing[:5],
        "listed twice": double,
        "on disk but not listed": on_disk - len(rows),
    }
    return rows, report


def _columns(header: list[str], table: Path) -> dict[str, int]:
    if len(header) > MAX_COLUMNS:
        raise CorpusError(table, f"{len(header)} columns", "copy the file again from the download", 1)
    names = [h.strip().lower() for h in header]
    columns = {n: i for i, n in enumerate(names) if n}
    for needed in ("source", "method", "type"):
        if needed not in columns:
            raise CorpusError(
                table, f"no column {needed!r} in {names}", "use the meta_data.csv of the download", 1
            )
    # The file name's column and the folder's: as shipped "path" and a blank; users rename both.
    pairs = (("path", ""), ("filename", "path"), ("vid", "path"), ("path", "path2"), ("path", "unnamed: 9"))
    for name, folder in pairs:
        if name in names and folder in names and names.index(name) != names.index(folder):
            columns["_name"], columns["_folder"] = names.index(name), names.index(folder)
            return columns
    if "path" in names:
        columns["_name"] = names.index("path")
        columns["_folder"] = len(names)  # nine headers over ten values: the folder is what stands last
        return columns
    raise CorpusError(
        table, f"no column with file names in {names}", "use the meta_data.csv of the download", 1
    )


def _row(line, columns, header, base, table, number, cache) -> tuple[dict, Path]:
    if len(line) > MAX_COLUMNS or len(line) <= max(columns["_name"], columns["method"]):
        raise CorpusError(
            table, f"{len(line)} values under {len(header)} headers", "correct or drop the row", number
        )
    method = line[columns["method"]].strip().lower()
    if method not in METHODS:
        raise CorpusError(table, f"unknown method {method!r}", f"one of {', '.join(sorted(METHODS))}", number)
    kind = line[columns["type"]].strip()
    kind = next((t for t in TYPES if _key(t) == _key(kind)), kind)
    if kind not in TYPES:
        raise CorpusError(table, f"unknown type {kind!r}", f"one of {', '.join(TYPES)}", number)
    category = TYPES[kind]
    source = line[columns["source"]].strip()
    name = line[columns["_name"]].strip()
    folder = line[columns["_folder"]].strip() if columns["_folder"] < len(line) else ""
    race = line[columns["race"]].strip() if "race" in columns else ""
    gender = line[columns["gender"]].strip() if "gender" in columns else ""
    parts = [p for p in folder.replace("\\", "/").split("/") if p]
    if parts and _key(parts[0]).startswith("fakeavceleb"):
        parts = parts[1:]
    if not parts:
        parts = [kind, race, gender, source]
    path = _folder(base, parts, table, number, cache)
    path = inside(path, name, table, number)
    named = re.findall(r"id\d{5}", name)
    row = {
        "label": 0 if category == "A" else 1,
        "generator": method,
        "identity": source,
        "donor": next((n for n in named if n != source), ""),
        "group": f"{race}/{gender}",
        "category": category,
        "video_label": int(category in "CD"),
        "audio_label": int(category in "BD"),
    }
    return row, path


READER = Reader(
    "fakeavceleb",
    "FakeAVCeleb v1.2",
    "https://github.com/DASH-Lab/FakeAVCeleb (request form)",
    TREE,
    "audio and video",
    read,
)
