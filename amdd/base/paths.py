"""Places of all files, from one root.

The root is ``$AMDD_BUILD`` if set, else ``_build`` in the project's folder; each profile has its own folder
below it, so that a smoke run never touches a demo run's results.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
PROJECT = PACKAGE.parent
MEASURED = PROJECT / "benchmarks" / "results"  # what the benchmarks wrote


def build_root() -> Path:
    """Return the folder that holds everything a run writes: ``$AMDD_BUILD``, else ``_build`` in the repository or,
    where the package is installed without it, in the current folder."""
    here = PROJECT if (PROJECT / "pyproject.toml").is_file() else Path.cwd()
    return Path(os.path.expanduser(os.environ.get("AMDD_BUILD") or here / "_build")).resolve()


@dataclass(frozen=True)
class Workspace:
    """The folders of one profile's run."""

    root: Path

    @classmethod
    def of(cls, profile_name: str) -> Workspace:
        return cls(build_root() / profile_name)

    def _folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def corpora(self) -> Path:
        """Built-in corpora, one folder each, in the layout of the real one they stand for."""
        return self._folder("corpora")

    @property
    def prepared(self) -> Path:
        """Prepared corpora: shards, ``manifest.parquet``, ``prepared.json``; one folder each."""
        return self._folder("prepared")

    @property
    def runs(self) -> Path:
        """Training runs, one folder each, named ``<variant>-seed<seed>``."""
        return self._folder("runs")

    def run(self, variant: str, seed: int) -> Path:
        """Return the folder of one training run; the one place that spells its name."""
        return self.runs / f"{variant}-seed{seed}"

    @property
    def results(self) -> Path:
        """Results of the chapters: numbers, tables and figures, one folder per topic."""
        return self._folder("results")

    @property
    def executed(self) -> Path:
        """Executed notebooks."""
        return self._folder("executed")

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and move it there when the block ends without an error.

    A killed process leaves either the old file or the new one, never a part of one. The temporary name keeps
    the suffix, since encoders choose the format by it.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}.part{target.suffix}")
    try:
        yield temporary
        if temporary.is_file():
            with open(temporary, "rb") as handle:
                os.fsync(handle.fileno())
        os.replace(temporary, target)
    finally:
        if temporary.is_file():
            temporary.unlink()


PART = re.compile(r"\..+\.[0-9a-f]{8}\.part(\.[^.]*)?")  # as `atomic` names what is not finished


def remove_parts(folder: str | os.PathLike[str]) -> None:
    """Remove below ``folder`` what a killed process left of files that :func:`atomic` was to write.

    For a folder in which nobody else writes: what another process has begun would go as well."""
    for path in Path(folder).rglob(".*.part*"):
        if PART.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write UTF-8 ``text`` atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def path_text(path: str | os.PathLike[str]) -> str:
    """Return ``path`` as text for tables: bytes that are not UTF-8 are written ``\\xNN``, since tables hold UTF-8 only."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def path_from_text(text: str) -> str:
    """The inverse of :func:`path_text`, for a file that exists under the name with those bytes."""
    if "\\x" in text and not os.path.lexists(text):
        raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), os.fsencode(text))
        if os.path.lexists(raw):
            return os.fsdecode(raw)
    return text
