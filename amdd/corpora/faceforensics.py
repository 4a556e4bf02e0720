"""FaceForensics++: originals and their manipulations; no audio is read."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, find_root, relative_id
from amdd.profiles import CorpusSettings

TREE = """FaceForensics++/
  original_sequences/{youtube,actors}/{raw,c23,c40}/videos/NNN.mp4
  manipulated_sequences/<method>/{raw,c23,c40}/videos/<target>_<source>.mp4
  splits/{train,val,test}.json   (optional)"""
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter", "DeepFakeDetection")


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; ``quality`` is the compression, ``official_split`` that of the authors' lists."""
    base = find_root(root, ("FaceForensics++", "FaceForensics", "FF++", "ff++"))
    official = _official(base / "splits")
    rows: list[dict] = []
    for path in sorted((base / "original_sequences").glob("*/*/videos/*.mp4")):
        kind, quality = path.parts[-4], path.parts[-3]
        person = path.stem if kind == "youtube" else path.stem.split("__")[0]
        rows.append(_row(path, root, 0, "real", f"{kind}-{person}", "", quality, official.get(path.stem, "")))
    for path in sorted((base / "manipulated_sequences").glob("*/*/videos/*.mp4")):
        method, quality = path.parts[-4], path.parts[-3]
        if method not in METHODS:
            raise CorpusError(path, f"unknown method {method!r}", f"one of {', '.join(METHODS)}")
        if method == "DeepFakeDetection":  # <target>_<source>__<scene>__<hash>, actors
            match, kind = re.fullmatch(r"(\d+)_(\d+)__.*", path.stem), "actors"
        else:
            match, kind = re.fullmatch(r"(\d+)_(\d+)", path.stem), "youtube"
        if not match:
            raise CorpusError(path, "not named <target>_<source>.mp4", "restore the release's names")
        target, source = (f"{kind}-{n}" for n in match.groups())
        rows.append(_row(path, root, 1, method.lower(), target, source, quality, official.get(match[1], "")))
    found = Counter(r["generator"] for r in rows)
    return rows, {
        "found": dict(found),
        "expected (of each, at each compression)": {"youtube": 1000, "method": 1000},
    }


def _row(path, root, label, generator, identity, donor, quality, split) -> dict:
    return {
        "clip_id": relative_id(path, root),
        "label": label,
        "generator": generator,
        "identity": identity,
        "donor": donor,
        "video": str(path),
        "has_audio": False,
        "quality": quality,
        "official_split": split,
    }


def _official(folder: Path) -> dict[str, str]:
    """Number of a video -> train, val or test; empty where the lists are not there."""
    sides = {}
    for name in ("train", "val", "test"):
        file = folder / f"{name}.json"
        if not file.is_file():
            continue
        try:
            pairs = json.loads(file.read_text(encoding="utf-8"))
            sides |= {str(number): name for pair in pairs for number in pair}
        except (ValueError, TypeError, RecursionError) as error:
            raise CorpusError(
                file, f"not a list of pairs ({type(error).__name__})", "copy it again"
            ) from None
    return sides


READER = Reader(
    "faceforensics",
    "FaceForensics++",
    "https://github.com/ondyari/FaceForensics (request form)",
    TREE,
    "video only",
    read,
)
