"""The one way in which readers look into folders: no litter, no special files, one rule for links."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from amdd.corpora.common import CorpusError, leaves

# fmt: off
MEDIA = frozenset({
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".3g2", ".wmv",
    ".flv", ".ogv", ".mxf", ".vob", ".gif",
})
# fmt: on
LITTER = {
    "__macosx",
    "lost+found",
    "system volume information",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
}


def is_litter(name: str) -> bool:
    """Whether operating systems, editors or synchronisers leave a file or folder of this name behind."""
    return name[:1] in {".", "@", "#", "$", "~"} or name.casefold() in LITTER


class Walk:
    """Folders and regular files below the root of a corpus.

    Litter and special files (pipes, sockets, devices) are left out at every level; so are links that lead out of the
    root, whose number :meth:`report` gives. Names are compared in either Unicode form, so that a list written on one
    system finds the files copied from another.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.bases = root, []  # type: Path, list[Path]
        self.refused: list[str] = []
        self._listed: dict[Path, tuple[list[Path], list[Path]]] = {}

    def base(self, *names: str) -> Path:
        """Return the folder below the root that bears one of ``names``, in any case, or the root itself.

        Archives unpack into ``<name>/<name>`` at times, so the innermost folder of that name counts. What lies below
        the folder returned is what :meth:`report` accounts for.
        """
        wanted, base = {n.casefold() for n in names}, self.root
        for _ in range(2):
            inner = [p for p in self.folders(base) if p.name.casefold() in wanted]
            if not inner:
                break
            base = inner[0]
        self.bases.append(base)
        return base

    def folders(self, folder: Path) -> list[Path]:
        """Return the folders in ``folder``, sorted by name; none where it is not there."""
        return self._list(folder)[0]

    def files(self, folder: Path, suffixes: Iterable[str] = MEDIA, *, deep: bool = False) -> list[Path]:
        """Return the regular files in ``folder`` (with ``deep``, below it) whose suffix, in any case, is one of ``suffixes``,
        sorted by path."""
        wanted = frozenset(suffixes)
        found = [p for p in self._list(folder)[1] if p.suffix.lower() in wanted]
        if deep:
            for inner in self.folders(folder):
                found += self.files(inner, wanted, deep=True)
        return found

    def _list(self, folder: Path) -> tuple[list[Path], list[Path]]:
        if folder not in self._listed:
            self._listed[folder] = self._look(folder)
        return self._listed[folder]

    def _look(self, folder: Path) -> tuple[list[Path], list[Path]]:
        folders: list[Path] = []
        files: list[Path] = []
        if folder != self.root and leaves(folder, self.root):
            self.refused.append(self.relative(folder))
            return folders, files
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except (FileNotFoundError, NotADirectoryError):
            return folders, files
        except OSError as error:
            raise CorpusError(
                folder, f"can't be listed ({error.strerror})", "check its permissions"
            ) from None
        for entry in entries:
            if is_litter(entry.name):
                continue
            path = folder / entry.name
            if entry.is_symlink():
                if self._is_loop(path, folder):
                    continue
                if leaves(path, self.root):
                    self.refused.append(self.relative(path))
                    continue
            if entry.is_dir():
                folders.append(path)
            elif entry.is_file():
                files.append(path)
        return folders, files

    @staticmethod
    def _is_loop(path: Path, folder: Path) -> bool:
        """Whether a link leads to a folder that holds it, or nowhere."""
        try:
            target = os.path.realpath(path, strict=True)
        except OSError:
            return True
        return os.path.isdir(target) and os.path.commonpath([os.path.realpath(folder), target]) == target

    def relative(self, path: Path) -> str:
        """Return ``path`` as it lies below the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def locate(self, path: Path) -> Path | None:
        """Return the regular file or folder of frames at ``path``, its name in either Unicode form, or None."""
        if path.is_file() or path.is_dir():
            return path
        here = self.root
        for part in path.relative_to(self.root).parts:
            if not (here / part).exists():
                form = unicodedata.normalize("NFC", part)
                folders, files = self._list(here)
                part = next((p.name for p in (*folders, *files) if _nfc(p.name) == form), part)
            here = here / part
        return here if here.is_file() or here.is_dir() else None

    def unread(self, taken: Iterable[str]) -> Iterator[Path]:
        """Yield the media files below the bases that are not among the paths ``taken``."""
        taken, seen = set(taken), set()
        for base in dict.fromkeys(self.bases or [self.root]):
            for path in self.files(base, deep=True):
                if str(path) not in taken and path not in seen:
                    seen.add(path)
                    yield path

    def report(self, taken: Iterable[str]) -> dict[str, str]:
        """Return what was left out, counted, with two examples: ``not read``, ``links refused``."""
        report = {}
        left = sorted(self.relative(p) for p in self.unread(taken))
        if left:
            report["not read"] = f"{len(left):,} media files, for example {', '.join(left[:2])}"
        if self.refused:
            report["links refused"] = (
                f"{len(self.refused):,} that lead out of the corpus, for example {self.refused[0]}; "
                "set AMDD_FOLLOW_LINKS=1 if you made them yourself"
            )
        return report


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)
