"""A pack for a class: the built book with its slides, predictions, clips, checksums and a one-page guide.

Everything opens from disk, for example from a memory stick. Clips are copied from the built-in corpus only: other corpora
show real people under licences of their own.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from amdd.base.paths import Workspace, write_text
from amdd.companion.book import built_of, changed_pages
from amdd.companion.html import render
from amdd.companion.records import read_manifest
from amdd.profiles import Profile, load_profile

LIMIT = 200_000_000  # bytes
MARK = "SHA256SUMS"
OTHERS = "no clips: this run is on corpora of your own, which are not passed on"


@dataclass(frozen=True)
class Packed:
    """A finished pack: its folder, bytes, and numbers of clips and files."""

    folder: Path
    size: int
    clips: int
    files: int


def pack(workspace: Workspace, target: Path, limit: int = LIMIT) -> Packed:
    """Write the pack of a finished run to ``target``, an earlier pack or a new folder; at most ``limit`` bytes.

    Raises ``RuntimeError`` for a book that is missing or was changed, for a folder that holds something else, and where
    book and predictions alone are too large.
    """
    html = workspace.root / "book" / "_build" / "html"
    if not built_of(workspace) or changed_pages(workspace):
        raise RuntimeError("the book is not built, or was changed since; run amdd book, then amdd pack")
    if target.exists() and any(target.iterdir()) and not (target / MARK).is_file():
        raise RuntimeError(f"{target}: holds other files and no earlier pack; name a new folder")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(html, target / "book")
    record = read_manifest(workspace)
    profile = load_profile(record["profile"], record["overrides"])
    predictions = copy_predictions(workspace, target / "predictions")
    used = size_of(target)
    if used > limit:
        parts = {p.name: size_of(p) // 1_000_000 for p in sorted(target.iterdir())}
        raise RuntimeError(
            f"{used // 1_000_000} MB without a clip, more than {limit // 1_000_000} MB: {parts}"
        )
    room = limit - used - 1_000_000  # for guide, index and checksums
    clips = 0 if profile.corpus.data else copy_clips(workspace, profile, target / "clips", room)
    facts = {"profile": profile.name, "corpus": profile.corpus.train, "clips": clips, "others": OTHERS}
    facts |= {"runs": predictions, "slides": (target / "book" / "slides" / "index.html").is_file()}
    write_text(target / "START.html", render("guide.html", **facts))
    sums = [f"{digest(p)}  {p.relative_to(target).as_posix()}" for p in files_of(target)]
    write_text(target / MARK, "\n".join(sums) + "\n")
    return Packed(target, size_of(target), clips, len(sums))


def copy_predictions(workspace: Workspace, target: Path) -> list[str]:
    """Copy every run's predictions as CSV, which any program opens, and return the runs' names."""
    names = []
    for path in sorted(workspace.runs.glob("*/predictions/*.parquet")):
        run = path.parent.parent.name
        (target / run).mkdir(parents=True, exist_ok=True)
        pd.read_parquet(path).to_csv(target / run / f"{path.stem}.csv", index=False)
        names.append(run)
    return sorted(set(names))


def copy_clips(workspace: Workspace, profile: Profile, target: Path, room: int) -> int:
    """Copy test clips of the built-in corpus, person by person, while there is ``room`` (bytes); return their number.

    ``clips.csv`` says what each is; file names say nothing, so that a class can vote on them too.
    """
    path = workspace.prepared / profile.corpus.train / "manifest.parquet"
    if not path.is_file():
        return 0
    table = pd.read_parquet(path)
    table = table[table.split == "test"].sort_values(["identity", "clip_id"], kind="stable")
    rows: list[dict] = []
    for clip in table.itertuples():
        film = Path(clip.video)
        if not film.is_file() or film.stat().st_size > room:
            continue
        room -= film.stat().st_size
        name = f"{len(rows) + 1:04d}{film.suffix}"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(film, target / name)
        rows.append(
            {"file": name, **{k: getattr(clip, k) for k in ("clip_id", "label", "generator", "identity")}}
        )
    if rows:
        pd.DataFrame(rows).to_csv(target / "clips.csv", index=False)
    return len(rows)


def files_of(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder in a fixed order."""
    yield from sorted(p for p in folder.rglob("*") if p.is_file())


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in files_of(path))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, as ``sha256sum`` prints it."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
