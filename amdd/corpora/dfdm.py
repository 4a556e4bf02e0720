"""DFDM's five autoencoders at three compressions, reals from Celeb-DF v2; neither has audio."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from amdd.corpora.celebdf import FOLDERS as CELEB_DF
from amdd.corpora.common import CorpusError, Reader, relative_id
from amdd.corpora.walk import Walk
from amdd.profiles import CorpusSettings

TREE = """DFDM_crf0/**/<idT>_<idS>_<rec>_<tag>.mp4   DFDM_crf10/...   DFDM_crf23/...
Celeb-DF-v2/Celeb-real/<idT>_<rec>.mp4
The tag 1original is read as the Faceswap baseline; --set corpus.dfdm_original=real reads it as real clips."""
FOLDER = re.compile(r"dfdm[ _-]?crf(\d+)", re.IGNORECASE)
NAME = re.compile(r"(id\d+)_(id\d+)_(\d+)_\d?([^_].*)", re.IGNORECASE)
REAL = re.compile(r"(id\d+)_(\d+)", re.IGNORECASE)
TAGS = (
    ("original", "dfdm-faceswap"),
    ("light", "dfdm-lightweight"),
    ("iae", "dfdm-iae"),
    ("dfaker", "dfdm-dfaker"),
    ("h128", "dfdm-dflh128"),
    ("dfl", "dfdm-dflh128"),
    ("faceswap", "dfdm-faceswap"),
)
EXPECTED = {"crf0": 2150, "crf10": 2150, "crf23": 2150, "real": 590}


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; ``quality`` is the compression, "real" for the reals of Celeb-DF v2.

    Raises :class:`CorpusError` for a clip whose name contradicts its folder.
    """
    walk = Walk(root)
    base = walk.base("DFDM")
    walk.bases.clear()
    rows: list[dict] = []
    for folder in walk.folders(base):
        match = FOLDER.fullmatch(folder.name)
        if match:
            walk.bases.append(folder)
            quality = f"crf{match[1]}"
            files = walk.files(folder, (".mp4",), deep=True)
            rows += [_fake(path, root, quality, settings) for path in files]
    rows += _reals(walk, base)
    report = {"found": dict(Counter(r["quality"] for r in rows)), "expected": EXPECTED}
    disputed = sum("original" in Path(r["video"]).stem.lower() for r in rows)
    if disputed:
        report["disputed tag"] = (
            f"{disputed:,} clips named 'original', read as {settings.dfdm_original}; "
            "corpus.dfdm_original=fake or =real decides"
        )
    return rows, report | walk.report(r["video"] for r in rows)


def _fake(path: Path, root: Path, quality: str, settings: CorpusSettings) -> dict:
    match = NAME.fullmatch(path.stem)
    if not match:
        cure = "restore the release's names; reals belong into Celeb-DF-v2/Celeb-real"
        raise CorpusError(path, "not named <target>_<source>_<recording>_<tag>.mp4", cure)
    tag = match[4].lower()
    generator = next((g for piece, g in TAGS if piece in tag), None)
    if generator is None:
        cure = "expected one of: " + ", ".join(t for t, _ in TAGS)
        raise CorpusError(path, f"unknown model tag {match[4]!r}", cure)
    real = "original" in tag and settings.dfdm_original == "real"
    return {
        "clip_id": relative_id(path, root),
        "label": 0 if real else 1,
        "generator": "real" if real else generator,
        "identity": match[1].lower(),
        "donor": match[2].lower(),
        "video": str(path),
        "has_audio": False,
        "quality": quality,
    }


def _reals(walk: Walk, base: Path) -> list[dict]:
    celeb = walk.base(*CELEB_DF)
    candidates = [f / "Celeb-real" for f in (celeb, base, walk.root)]
    folder = next((f for f in candidates if walk.files(f, (".mp4",))), None)
    walk.bases[-1:] = [folder.parent] if folder else []
    rows = []
    for path in walk.files(folder, (".mp4",)) if folder else []:
        match = REAL.fullmatch(path.stem)
        if not match:
            cure = "restore the release's names; forged clips belong into DFDM_crf0, DFDM_crf10 or DFDM_crf23"
            raise CorpusError(path, "in the folder of reals, but not named <id>_<recording>.mp4", cure)
        rows.append(
            {
                "clip_id": relative_id(path, walk.root),
                "label": 0,
                "generator": "real",
                "identity": match[1].lower(),
                "video": str(path),
                "has_audio": False,
                "quality": "real",
            }
        )
    return rows


READER = Reader(
    "dfdm",
    "DFDM with Celeb-DF v2",
    "https://github.com/shanface33/Deepfake_Model_Attribution and https://github.com/yuezunli/celeb-deepfakeforensics (request forms)",
    TREE,
    "video only",
    read,
)
