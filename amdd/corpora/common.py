"""Common parts of the readers: the manifest's columns, the one error, safe paths."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from amdd.profiles import CorpusSettings

# Column and what stands there when a dataset does not say.
COLUMNS: dict[str, object] = {
    "clip_id": "",
    "corpus": "",
    "split": "",
    "label": 0,
    "generator": "real",
    "audio_generator": "",
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


@dataclass
class Listing:
    """The clips that a metadata file lists: how many, and which of them are not there (paths below the root)."""

    listed: int = 0
    missing: list[str] = field(default_factory=list)

    def report(self) -> dict[str, object]:
        """Return the counts with three examples."""
        lines: dict[str, object] = {"listed": self.listed, "listed but missing": len(self.missing)}
        return lines | ({"examples of missing": self.missing[:3]} if self.missing else {})


@dataclass(frozen=True)
class Reader:
    """A dataset: how to read it and what a user must know to get it."""

    name: str
    title: str
    licence_page: str
    tree: str
    modality: str
    read: Callable[[Path, CorpusSettings], tuple[list[dict], dict]]


def leaves(path: str | os.PathLike[str], root: str | os.PathLike[str]) -> bool:
    """Whether ``path`` leads out of ``root`` by a link that may not be followed: all of them, unless the environment
    variable ``AMDD_FOLLOW_LINKS`` is 1."""
    if os.environ.get("AMDD_FOLLOW_LINKS") == "1":
        return False
    base = os.path.realpath(root)
    return os.path.commonpath([base, os.path.realpath(path)]) != base


def inside(root: Path, relative: str, file: Path, row: int | str) -> Path:
    """Return ``root / relative``; raises :class:`CorpusError` where it would lead out of ``root``.

    Metadata are hostile input: absolute paths, ``..`` and links out of the corpus are refused, the last unless
    ``AMDD_FOLLOW_LINKS`` is 1.
    """
    text = str(relative).strip().replace("\\", "/").removeprefix("./")
    if "\0" in text or text.startswith("/") or ".." in text.split("/") or not text.strip("./"):
        raise CorpusError(file, f"{text!r} leads out of the dataset", "correct the path or drop the row", row)
    try:
        lengths = [len(os.fsencode(part)) for part in text.split("/")]
    except UnicodeEncodeError:
        raise CorpusError(file, f"{text[:40]!r} is no file name", "correct the path", row) from None
    if max(lengths) > 255 or sum(lengths) > 2000:
        raise CorpusError(
            file, f"{text[:40]!r}... is too long for a file name", "correct the path or drop the row", row
        )
    path = root / text
    if leaves(path, root):
        cure = "copy the file in, or set AMDD_FOLLOW_LINKS=1 if you made the link yourself"
        raise CorpusError(file, f"{text!r} is a link that leads out of the dataset", cure, row)
    return path


def relative_id(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
