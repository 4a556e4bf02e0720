"""Names of media files, the error that names one, and the folders of images that stand for one."""

from __future__ import annotations

import os
import re
from pathlib import Path

FRAME_SUFFIXES = {"", ".jpg", ".jpeg", ".png"}


class MediaError(ValueError):
    """A file that can't be read, with the reason and what may cure it."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(f"{Path(path).name!a}: {reason}")


def path_text(path: str | os.PathLike[str]) -> str:
    """``path`` as text for tables: bytes that are not UTF-8 are written ``\\xNN``, since tables hold UTF-8 only."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def path_from_text(text: str) -> str:
    """The inverse of :func:`path_text`, for a file that exists under the name with those bytes."""
    if "\\x" in text and not os.path.lexists(text):
        raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), os.fsencode(text))
        if os.path.lexists(raw):
            return os.fsdecode(raw)
    return text


def frame_files(folder: Path) -> list[Path]:
    """The images of a frame folder (VidTIMIT keeps JPEGs named 001, 002, ... without a suffix)."""
    files = [f for f in folder.iterdir() if f.is_file() and f.suffix.lower() in FRAME_SUFFIXES]
    return sorted((f for f in files if not f.name.startswith(".")), key=lambda f: (len(f.stem), f.stem))


def words_of(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text)
