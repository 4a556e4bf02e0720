"""Prepared corpora on disk, from arrays; the one place in the tests that spells their format."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from amdd.data.prepare import Prepared, open_prepared
from amdd.profiles import PreparationSettings, load_profile

SMOKE = load_profile("smoke").preparation


def write_prepared(
    folder: Path,
    table: pd.DataFrame,
    frames: np.ndarray,
    mels: np.ndarray,
    *,
    settings: PreparationSettings | None = None,
    shard: int = 10_000,
    **record,
) -> Prepared:
    """Write clips as ``amdd prepare`` does and open them.

    ``table`` has a row per clip (without ``shard`` and ``row``); ``frames`` is uint8 (N, T, S, S, 3), ``mels`` float
    (N, 1, n_mels, n_frames); ``shard`` clips go into one file; ``record`` adds to ``prepared.json``.
    """
    (folder / "shards").mkdir(parents=True)
    n = len(table)
    table = table.assign(shard=np.arange(n) // shard, row=np.arange(n) % shard)
    for number in range(int(table["shard"].max()) + 1):
        part = slice(number * shard, (number + 1) * shard)
        np.save(folder / "shards" / f"{number:05d}.frames.npy", frames[part])
        np.save(folder / "shards" / f"{number:05d}.mel.npy", mels[part].astype(np.float16))
    table.to_parquet(folder / "manifest.parquet")
    (folder / "failures.csv").write_text("clip,clip_id,corpus,video,stage,reason,thumbnail\n")
    record = {"settings": asdict(settings or PreparationSettings()), **record}
    (folder / "prepared.json").write_text(json.dumps(record))
    return open_prepared(folder)


def corpus(folder: Path, name: str, n: int, seed: int) -> Prepared:
    """Return ``n`` test clips of noise, reals and fakes in turn, at the settings of the profile ``smoke``."""
    from amdd.data.spectrograms import shape_of

    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 255, (n, 3, 8, 8, 3), np.uint8)
    mels = rng.uniform(-0.9, 1, (n, *shape_of(SMOKE)))
    table = pd.DataFrame(
        {
            "clip_id": [f"{name}/{k}" for k in range(n)],
            "label": [k % 2 for k in range(n)],
            "generator": ["faceswap" if k % 2 else "real" for k in range(n)],
            "split": "test",
            "corpus": name,
        }
    )
    return write_prepared(folder / name, table, frames, mels, settings=SMOKE, fingerprint=name)


def split_corpus(folder: Path) -> Prepared:
    """Prepared clips of one person: eight to train on, four to validate on."""
    made = corpus(folder, "puppet-favc", 12, 0)
    split = ["train"] * 8 + ["val"] * 4
    return replace(made, manifest=made.manifest.assign(split=split, identity="p", audio_present=True))
