"""FakeAVCeleb v1.2: labels come from ``meta_data.csv``, never from file names."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Listing, Reader, inside, relative_id
from amdd.corpora.tables import Table, read_csv
from amdd.corpora.walk import Walk
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
AUDIO_METHOD = "rtvc"  # all forged voices of the release (Khalid et al. 2021)
METHODS = {"real", "rtvc", "wav2lip", "fsgan", "faceswap", "fsgan-wav2lip", "faceswap-wav2lip"}


def _key(text: str) -> str:
    """Folder names compare without case, spaces, brackets, hyphens and underscores: users rename them."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; see :func:`amdd.corpora.scan`."""
    walk, listing = Walk(root), Listing()
    base = walk.base("FakeAVCeleb_v1.2", "FakeAVCeleb", "FakeAVCeleb_v1.0")
    file = base / "meta_data.csv"
    if not file.is_file():
        raise CorpusError(file, "not found", f"give the folder that holds it; expected\n{TREE}")
    table = read_csv(file, "copy it again from the download")
    columns = _columns(table)
    rows: list[dict] = []
    seen: dict[str, int] = {}
    double = 0
    for number, line in table.lines:
        row, path = _row(line, columns, table, walk, base, number)
        listing.listed += 1
        found = walk.locate(path)
        if found is None:
            listing.missing.append(walk.relative(path))
            continue
        key = relative_id(found, root)
        if key in seen:
            double += 1
            # 22 files of v1.2 stand in the list twice, as wav2lip and as faceswap-wav2lip: the first
            # row counts, and the clip is left out of attribution.
            if rows[seen[key]]["generator"] != row["generator"]:
                rows[seen[key]]["generator"] = "unknown"
            continue
        seen[key] = len(rows)
        rows.append({"clip_id": key, "video": str(found), **row})
    report = {
        "found": dict(sorted(Counter(r["category"] for r in rows).items())),
        "expected (v1.2)": EXPECTED,
        "methods": dict(Counter(r["generator"] for r in rows)),
        **listing.report(),
        "listed twice": double,
    }
    return rows, report | walk.report(r["video"] for r in rows)


def _columns(table: Table) -> dict[str, int]:
    """Return the position of each column; ``_name`` is the file name's, ``_folder`` the folder's (it may lie past the
    last header)."""
    names, file = table.names, table.file
    columns = {n: i for i, n in enumerate(names) if n}
    cure = "use the meta_data.csv of the download"
    for needed in ("source", "method", "type"):
        if needed not in columns:
            raise CorpusError(file, f"no column {needed!r} in {names}", cure, 1)
    # As shipped the file's column is "path" and the folder's has no name; pandas calls that one "Unnamed: 9", and may
    # put a blank one of its own, the index, in front. Users rename both.
    folder = _folder_column(table)
    for name in ("filename", "vid", "path"):
        if name in names and names.index(name) != folder:
            return columns | {"_name": names.index(name), "_folder": len(names) if folder is None else folder}
    raise CorpusError(file, f"no column with file names in {names}", cure, 1)


def _folder_column(table: Table) -> int | None:
    """Return the position of the column whose values name folders of the dataset, by its values, else by its name."""
    for _, cells in table.lines[:50]:
        for k, cell in enumerate(cells):
            parts = [_key(p) for p in cell.replace("\\", "/").split("/") if p.strip()]
            kinds = {_key(kind) for kind in TYPES}
            if len(parts) > 1 and (parts[0].startswith("fakeavceleb") or parts[0] in kinds):
                return k
    names = table.names
    after = names.index("path") + 1 if "path" in names else 0
    unnamed = [k for k, n in enumerate(names) if k >= after and (not n or n.startswith("unnamed"))]
    return unnamed[0] if unnamed else (names.index("path2") if "path2" in names else None)


def _folder(walk: Walk, base: Path, parts: list[str], file: Path, row: int) -> Path:
    """Return the folder of these parts below ``base``; renamed ones count by their letters and digits."""
    path = base
    for part in parts:
        direct = inside(path, part, file, row)
        same = [f for f in walk.folders(path) if f.name == direct.name or _key(f.name) == _key(part)]
        path = next((f for f in same if f.name == direct.name), same[0] if same else direct)
    return path


def _row(line: list[str], columns: dict[str, int], csv: Table, walk: Walk, base: Path, number: int):
    """Return a row of the manifest without its file, and the path at which the file is looked for."""
    table = csv.file
    needed = ("_name", "method", "type", "source")
    if len(line) <= max(columns[n] for n in needed):
        problem = f"{len(line)} values under {len(csv.header)} headers"
        raise CorpusError(table, problem, "correct or drop the row", number)
    method = line[columns["method"]].strip().lower()
    if method not in METHODS:
        raise CorpusError(
            table, f"unknown method {method!r}", f"expected one of: {', '.join(sorted(METHODS))}", number
        )
    kind = line[columns["type"]].strip()
    kind = next((t for t in TYPES if _key(t) == _key(kind)), kind)
    if kind not in TYPES:
        raise CorpusError(table, f"unknown type {kind!r}", f"expected one of: {', '.join(TYPES)}", number)
    category = TYPES[kind]
    if (method == "real") != (category == "A"):
        problem = f"the method {method!r} and the type {kind!r} contradict each other"
        raise CorpusError(table, problem, "correct or drop the row", number)
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
    path = inside(_folder(walk, base, parts, table, number), name, table, number)
    named = re.findall(r"id\d{5}", name)
    row = {
        "label": 0 if category == "A" else 1,
        "generator": method,
        "audio_generator": _audio_generator(line, columns) if category in "BD" else "",
        "identity": source,
        "donor": next((n for n in named if n != source), ""),
        "group": f"{race}/{gender}",
        "category": category,
        "video_label": int(category in "CD"),
        "audio_label": int(category in "BD"),
    }
    return row, path


def _audio_generator(line: list[str], columns: dict[str, int]) -> str:
    """Return the generator of a forged voice: as a column of that name says, else the dataset's only one."""
    place = columns.get("audio_generator", len(line))
    return (line[place].strip().lower() if place < len(line) else "") or AUDIO_METHOD


READER = Reader(
    "fakeavceleb",
    "FakeAVCeleb v1.2",
    "https://github.com/DASH-Lab/FakeAVCeleb (request form)",
    TREE,
    "audio and video",
    read,
)
