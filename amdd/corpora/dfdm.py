"""DFDM's five autoencoders at three compressions, reals from Celeb-DF v2; neither has audio."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, relative_id
from amdd.profiles import CorpusSettings

TREE = """DFDM_crf0/**/<idT>_<idS>_<rec>_<tag>.mp4   DFDM_crf10/...   DFDM_crf23/...
Celeb-DF-v2/Celeb-real/<idT>_<rec>.mp4
The tag 1original is read as the Faceswap baseline; --set corpus.dfdm_original=real reads it as real clips."""
NAME = re.compile(r"(id\d+)_(id\d+)_(\d+)_\d?(.+)\.mp4$", re.IGNORECASE)
REAL = re.compile(r"(id\d+)_(\d+)\.mp4$", re.IGNORECASE)
TAGS = (
    ("original", "dfdm-faceswap"),
    ("light", "dfdm-lightweight"),
    ("iae", "dfdm-iae"),
    ("dfaker", "dfdm-dfaker"),
    ("h128", "dfdm-dflh128"),
    ("dfl", "dfdm-dflh128"),
    ("faceswap", "dfdm-faceswap"),
)


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    rows: list[dict] = []
    folders = sorted(
        p for p in root.iterdir() if p.is_dir() and re.fullmatch(r"dfdm_crf\d+", p.name, re.IGNORECASE)
    )
    for folder in folders:
        quality = folder.name.lower().removeprefix("dfdm_")
        for path in sorted(folder.rglob("*.mp4")):
            match = NAME.search(path.name)
            if not match:
                raise CorpusError(
                    path, "not named <target>_<source>_<recording>_<tag>.mp4", "restore the release's names"
                )
            tag = match[4].lower()
            generator = next((g for piece, g in TAGS if piece in tag), None)
            if generator is None:
                raise CorpusError(
                    path, f"unknown model tag {match[4]!r}", "one of " + ", ".join(t for t, _ in TAGS)
                )
            real = "original" in tag and settings.dfdm_original == "real"
            rows.append(
                {
                    "clip_id": relative_id(path, root),
                    "label": 0 if real else 1,
                    "generator": "real" if real else generator,
                    "identity": match[1],
                    "donor": match[2],
                    "video": str(path),
                    "has_audio": False,
                    "quality": quality,
                }
            )
    for name in ("Celeb-DF-v2", "Celeb-DF", "."):
        reals = root / name / "Celeb-real"
        if reals.is_dir():
            for path in sorted(reals.glob("*.mp4")):
                match = REAL.search(path.name)
                if not match:
                    raise CorpusError(path, "not named <id>_<recording>.mp4", "restore the release's names")
                rows.append(
                    {
                        "clip_id": relative_id(path, root),
                        "label": 0,
                        "generator": "real",
                        "identity": match[1],
                        "video": str(path),
                        "has_audio": False,
                        "quality": "real",
                    }
                )
            break
    found = Counter(r["quality"] for r in rows)
    return rows, {"found": dict(found), "expected": {"crf0": 2150, "crf10": 2150, "crf23": 2150, "real": 590}}


READER = Reader(
    "dfdm",
    "DFDM with Celeb-DF v2",
    "https://github.com/shanface33/Deepfake_Model_Attribution and https://github.com/yuezunli/celeb-deepfakeforensics (request forms)",
    TREE,
    "video only",
    read,
)
