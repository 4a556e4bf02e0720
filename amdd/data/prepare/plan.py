"""Manifest to prepared clips: in parallel, resumable, with a list of the failures and their reasons.

A shard is named by a hash of its clips' content, of the settings and of the code that makes it. A run that was
killed goes on where it stopped, and a run with nothing to do returns at once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from amdd.base.hashing import code_hash
from amdd.base.paths import remove_parts
from amdd.corpora import Manifest
from amdd.data.prepare.pool import run_shards
from amdd.data.prepare.rows import checked, clips_of, storable
from amdd.data.prepare.shards import Clip, Made, prepare_clip, warm
from amdd.data.prepare.store import Prepared, finish, open_prepared, record_of, settings_record, shard_record
from amdd.data.spectrograms import shape_of
from amdd.profiles import PreparationSettings

FEW = 32  # clips that are done here sooner than other processes could start


@dataclass(frozen=True)
class Forecast:
    """Disk space that a preparation needs, in bytes, and that is free."""

    clips: int
    needed: int
    free: int

    def __str__(self) -> str:
        return f"{self.clips:,} clips, {self.needed / 1e9:.2f} GB at most ({self.free / 1e9:.1f} GB are free)"


def foretell(n_clips: int, settings: PreparationSettings, out: str | Path) -> Forecast:
    """Disk use of ``n_clips`` prepared clips below ``out``."""
    clip = settings.frames * (settings.size**2 * 3 + 6 * 4 + 8) + 2 * int(np.prod(shape_of(settings))) + 600
    folder = Path(out).absolute()
    while not folder.exists():
        folder = folder.parent
    return Forecast(n_clips, n_clips * clip, shutil.disk_usage(folder).free)


@lru_cache(maxsize=1)
def library_hash() -> str:
    """Return a hash of the code that the arrays depend on."""
    return code_hash(("amdd.data.prepare.shards",), within=("amdd.data",))


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
        raise ValueError(f"no backend {backend!r}; expected one of: loky, dask")
    out = Path(out)
    if isinstance(manifest, Manifest):
        root, manifest = root or manifest.root, manifest.table
    manifest = checked(manifest)
    table = storable(manifest)
    clips = clips_of(manifest, settings, seed, root)
    code = _hash([settings_record(settings), seed, library_hash(), getattr(make, "__name__", "")])
    step = settings.shard
    groups = [clips[first : first + step] for first in range(0, len(clips), step)]
    keys = [_hash([code, [[c.clip_id, c.content, c.has_audio, c.periods, c.placed, c.refused] for c in g]])
            for g in groups]  # fmt: skip
    places = table[[c for c in ("video", "audio") if c in table]]
    paths = _hash(_text(places))
    # A corpus that was moved is the same corpus: what its files hold is in the keys.
    rest = table.drop(columns=places.columns)
    fingerprint = _hash([keys, [str(c) for c in table.columns], _text(rest)])
    former = record_of(out)
    if former.get("fingerprint") == fingerprint and former.get("paths") == paths:
        return open_prepared(out)

    remove_parts(out)
    open_shards = [k for k, key in enumerate(keys) if shard_record(out, k).get("key") != key]
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
    names = {"fingerprint": fingerprint, "paths": paths, "library": library_hash()}
    return finish(out, table, settings, seed, keys, names, time.perf_counter() - began)


def _text(table: pd.DataFrame) -> str:
    return table.to_json(orient="values", default_handler=str, date_format="iso")


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
