"""Names of media files, the error that names one, and the folders of images that stand for one."""

from __future__ import annotations

from pathlib import Path

from amdd.base.paths import path_from_text, path_text

__all__ = ["FRAME_SUFFIXES", "MediaError", "frame_files", "path_from_text", "path_text"]

FRAME_SUFFIXES = {"", ".jpg", ".jpeg", ".png"}


class MediaError(ValueError):
    """A file that can't be read, with the reason and what may cure it."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(f"{Path(path).name!a}: {reason}")


def frame_files(folder: Path) -> list[Path]:
    """The images of a frame folder (VidTIMIT keeps JPEGs named 001, 002, ... without a suffix)."""
    files = [f for f in folder.iterdir() if f.is_file() and f.suffix.lower() in FRAME_SUFFIXES]
    return sorted((f for f in files if not f.name.startswith(".")), key=lambda f: (len(f.stem), f.stem))


def words_of(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text)
