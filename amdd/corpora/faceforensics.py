"""FaceForensics++: originals and their manipulations; no audio is read."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from amdd.corpora.common import CorpusError, Reader, relative_id
from amdd.corpora.tables import read_text
from amdd.corpora.walk import Walk
from amdd.profiles import CorpusSettings

TREE = """FaceForensics++/
  original_sequences/{youtube,actors}/{raw,c23,c40}/videos/NNN.mp4
  manipulated_sequences/<method>/{raw,c23,c40}/videos/<target>_<source>.mp4
  splits/{train,val,test}.json   (optional)"""
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter", "DeepFakeDetection")
COMPRESSIONS = {"raw": "raw", "c0": "raw", "c23": "c23", "c40": "c40"}
EXPECTED = {"youtube": 1000, "method": 1000}


def read(root: Path, settings: CorpusSettings) -> tuple[list[dict], dict]:
    """Rows and report; ``quality`` is the compression, ``official_split`` that of the authors' lists.

    Videos of masks lie beside the manipulated ones and are no clips. Generators are named ``ff-<method>``: other
    datasets have methods of the same name.
    """
    walk = Walk(root)
    base = walk.base("FaceForensics++", "FaceForensics", "FF++", "FaceForensicspp")
    official = _official(base / "splits")
    rows: list[dict] = []
    for path, kind, quality in _clips(walk, base / "original_sequences"):
        person = path.stem if kind == "youtube" else path.stem.split("__")[0]
        rows.append(_row(path, root, 0, "real", f"{kind}-{person}", "", quality, official.get(path.stem, "")))
    known = {name.casefold(): name for name in METHODS}
    for path, folder, quality in _clips(walk, base / "manipulated_sequences"):
        method = known.get(folder)
        if method is None:
            raise CorpusError(path, f"unknown method {folder!r}", f"expected one of: {', '.join(METHODS)}")
        if method == "DeepFakeDetection":  # <target>_<source>__<scene>__<hash>, actors
            match, kind = re.fullmatch(r"(\d+)_(\d+)__.*", path.stem), "actors"
        else:
            match, kind = re.fullmatch(r"(\d+)_(\d+)", path.stem), "youtube"
        if not match:
            raise CorpusError(path, "not named <target>_<source>.mp4", "restore the release's names")
        target, source = (f"{kind}-{n}" for n in match.groups())
        split = official.get(match[1], "")
        rows.append(_row(path, root, 1, f"ff-{method.lower()}", target, source, quality, split))
    report = {
        "found": dict(Counter(r["generator"] for r in rows)),
        "expected (of each, at each compression)": EXPECTED,
    }
    return rows, report | walk.report(r["video"] for r in rows)


def _clips(walk: Walk, sequences: Path) -> list[tuple[Path, str, str]]:
    """Return path, kind or method (in lower case), and compression of every clip below ``sequences``."""
    found = []
    for method in walk.folders(sequences):
        for compression in walk.folders(method):
            quality = COMPRESSIONS.get(compression.name.casefold())
            if quality:
                files = walk.files(compression / "videos", (".mp4",))
                found += [(path, method.name.casefold(), quality) for path in files]
    return found


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
            pairs = json.loads(read_text(file))
            sides |= {str(number): name for pair in pairs for number in pair}
        except (json.JSONDecodeError, TypeError, RecursionError) as error:
            problem = f"not a list of pairs ({type(error).__name__})"
            raise CorpusError(file, problem, "copy it again") from None
    return sides


READER = Reader(
    "faceforensics",
    "FaceForensics++",
    "https://github.com/ondyari/FaceForensics (request form)",
    TREE,
    "video only",
    read,
)
