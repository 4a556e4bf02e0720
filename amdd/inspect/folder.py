"""Many clips to a table: one row for every file, answered, abstained or failed, and why."""

from __future__ import annotations

import csv
import glob
import io
import math
import multiprocessing
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from amdd.base.paths import path_text, write_text
from amdd.inspect.answer import Inspection

# As ffmpeg and VidTIMIT number frames.
FRAME_NAME = re.compile(r"(frame)?[-_ ]?\d+(\.(jpe?g|png))?", re.IGNORECASE)
COVERED = 0.99  # share of files that must be read for the exit status 0
COLUMNS = (
    *("file", "status", "verdict", "rule", "why", "probability", "low", "high", "generator", "surprise"),
    *("people", "windows", "seconds", "has_audio", "missing", "sha256", "weights", "took"),
)


def files_of(names: Iterable[str | Path]) -> list[Path]:
    """Return the files that paths, folders (with those below) and patterns name, each once, in order.

    Folders are searched without following links to folders; hidden files are left out. A folder that holds only numbered
    images is one clip, a video whose frames were extracted, as VidTIMIT keeps its own. Raises ``FileNotFoundError``
    for a name without any file and for an empty one.
    """
    found: dict[str, Path] = {}
    for name in names:
        text = os.path.expanduser(os.fspath(name))
        if not text.strip():
            raise FileNotFoundError("an empty name; give a file, a folder or a pattern")
        if os.path.isdir(text):
            here = [
                path
                for folder, folders, files in os.walk(text)
                if not folders.sort()
                for path in _clips_in(Path(folder), sorted(f for f in files if not f.startswith(".")))
            ]
        elif os.path.lexists(text) or not glob.has_magic(text):
            here = [Path(text)]  # one that is missing gets a row that says so
        else:
            here = [Path(p) for p in sorted(glob.glob(text, recursive=True)) if os.path.isfile(p)]
        if not here:
            raise FileNotFoundError(f"{text}: no file there")
        found |= {os.path.abspath(p): p for p in here}
    return list(found.values())


def _clips_in(folder: Path, names: list[str]) -> list[Path]:
    frames = len(names) > 1 and all(FRAME_NAME.fullmatch(name) for name in names)
    return [folder] if frames else [folder / name for name in names]


def row_of(found: Inspection) -> dict[str, Any]:
    """Return the row of an answered or abstained clip."""
    row = {k: v for k, v in found.as_dict().items() if k in COLUMNS}
    row["status"] = "abstained" if found.abstained else "ok"
    row["people"] = len(found.people)
    row["windows"] = sum(len(p.windows) for p in found.people)
    row["missing"] = "; ".join(found.missing)
    return {k: "" if row.get(k) is None else row[k] for k in COLUMNS}


def failed_row(path: Path, reason: str) -> dict[str, Any]:
    """Return the row of a file that could not be read."""
    return dict.fromkeys(COLUMNS, "") | {"file": path_text(path), "status": "failed", "why": reason}


def _inspected(path: Path, options: dict[str, Any]) -> tuple[Inspection | None, str]:
    """Return the answer to one file, or the reason why there is none; whatever is in the file."""
    from amdd.base.machine import one_thread
    from amdd.data.media import MediaError
    from amdd.inspect.inspector import inspect

    try:
        with one_thread():
            return inspect(path, **options), ""
    except MediaError as error:
        return None, error.reason
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def inspect_folder(
    files: list[Path], options: dict[str, Any] | None = None, workers: int = 2
) -> Iterator[tuple[Path, Inspection | None, str]]:
    """Answer files in parallel, in their order: path, answer or None, reason of the failure.

    A file that takes its process down fails alone: what was under way with it is done again, one file a process.
    """
    options = options or {}
    if workers < 2 or len(files) < 4:
        yield from ((path, *_inspected(path, options)) for path in files)
        return
    context = multiprocessing.get_context("spawn")
    at, step = 0, workers * 8
    pool = ProcessPoolExecutor(workers, context)
    try:
        while at < len(files):
            some = files[at : at + step]
            futures = [pool.submit(_inspected, path, options) for path in some]
            broken = []
            for k, future in enumerate(futures):
                try:
                    yield some[k], *future.result()
                except BrokenProcessPool:
                    broken = some[k:]
                    break
            if broken:
                pool.shutdown(cancel_futures=True)
                yield from ((path, *_alone(path, options, context)) for path in broken)
                pool = ProcessPoolExecutor(workers, context)
            at += len(some)
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(path: Path, options: dict[str, Any], context: Any) -> tuple[Inspection | None, str]:
    with ProcessPoolExecutor(1, context) as pool:
        try:
            return pool.submit(_inspected, path, options).result()
        except BrokenProcessPool:
            return (
                None,
                "the decoder ended its process on this file; convert it: ffmpeg -i IN -c:v libx264 OUT.mp4",
            )


def csv_text(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as CSV. A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: _safe(v) for k, v in row.items()})
    return buffer.getvalue()


def _safe(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def write_csv(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    return write_text(path, csv_text(rows))


def coverage(rows: list[dict[str, Any]]) -> float:
    """Return the share of files that could be read, answered or not; 0 without files."""
    return sum(row["status"] != "failed" for row in rows) / len(rows) if rows else 0.0
