"""Common parts of the readers: the manifest's columns, the one error, safe paths."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from amdd.profiles import CorpusSettings

# Column and what stands there when a dataset does not say.
COLUMNS: dict[str, object] = {
    "clip_id": "",
    "corpus": "",
    "split": "",
    "label": 0,
    "generator": "real",
    "identity": "",
    "donor": "",
    "video": "",
    "audio": "",
    "has_audio": True,
    "quality": "",
    "fake_periods": "",
    "group": "",
    "recording": "",
    "category": "",
    "official_split": "",
}


class CorpusError(ValueError):
    """Something in a corpus that can't be made sense of: which file, which row, what may cure it."""

    def __init__(self, file: str | Path, problem: str, cure: str, row: int | str | None = None) -> None:
        self.file, self.problem, self.cure, self.row = Path(file), problem, cure, row
        where = f"{Path(file).name}" + (f", row {row}" if row is not None else "")
        super().__init__(f"{where}: {problem}; {cure}")


@dataclass(frozen=True)
class Reader:
    """A dataset: how to read it and what a user must know to get it."""

    name: str
    title: str
    licence_page: str
    tree: str
    modality: str
    read: Callable[[Path, CorpusSettings], tuple[list[dict], dict]]


def inside(root: Path, relative: str, file: Path, row: int | str) -> Path:
    """``root / relative``, refused when it would lead out of ``root`` (metadata are hostile input)."""
    text = str(relative).replace("\\", "/")
    if "\0" in text or text.startswith("/") or ".." in text.split("/"):
        raise CorpusError(file, f"{text!r} leads out of the dataset", "correct the path or drop the row", row)
    if max(map(len, text.split("/"))) > 255 or len(text) > 2000:
        raise CorpusError(
            file, f"{text[:40]!r}... is too long for a file name", "correct the path or drop the row", row
        )
    path = root / text
    base = os.path.realpath(root)
    if os.path.commonpath([base, os.path.realpath(path)]) != base:
        raise CorpusError(file, f"{text!r} is a link that leads out of the dataset", "copy the file in", row)
    return path


def find_root(root: Path, names: tuple[str, ...]) -> Path:
    """The folder of one of ``names`` below ``root``, or ``root`` itself when it is such a folder."""
    for name in names:
        if (root / name).is_dir():
            return root / name
    return root


def relative_id(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
