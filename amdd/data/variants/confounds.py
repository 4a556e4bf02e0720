"""Two confounds found in the field, as switches: what a detector learns when the data give the answer away.

- *Leading silence*: FakeAVCeleb's fakes begin with silence and its reals do not (arXiv 2412.00175).
- *A domain with reals only*: the paper adds DF-TIMIT's reals to the training data and then tests on DF-TIMIT, where the
  camera alone now says "real" (Table II and III).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from amdd.corpora import Manifest
from amdd.data.prepare import ClipStore
from amdd.data.splits import components
from amdd.data.variants.view import View, view
from amdd.profiles import PreparationSettings


def with_leading_silence(prepared: ClipStore, seconds: float, seed: int = 0) -> View:
    """``prepared`` with up to ``seconds`` of silence (from three tenths of it on) before every fake's audio.

    Silence is the lowest level of a spectrogram, -1, as it comes out of digital zeros; what is pushed past the end is
    lost. Nothing is copied. Raises ``ValueError`` for a length that is not positive or longer than the audio.
    """
    if not 0 < seconds <= prepared.settings.seconds:
        raise ValueError(f"{seconds} s of silence before {prepared.settings.seconds} s of sound")
    labels = prepared.manifest["label"].to_numpy()
    return view(
        prepared,
        f"silence {seconds} {seed}",
        mel=partial(_later, labels, prepared.settings, float(seconds), int(seed)),
    )


def _later(
    labels: np.ndarray, settings: PreparationSettings, seconds: float, seed: int, i: int, mel: np.ndarray
) -> np.ndarray:
    if labels[i] != 1:
        return mel
    rng = np.random.default_rng([seed, i])
    lead = rng.uniform(0.3, 1.0) * seconds * settings.sample_rate
    columns = min(round(lead / settings.hop_length), mel.shape[-1] - 1)
    quiet = np.full((*mel.shape[:-1], columns), -1, mel.dtype)
    return np.concatenate([quiet, mel[..., : mel.shape[-1] - columns]], axis=-1)


def supplemented(manifest: Manifest, other: Manifest) -> Manifest:
    """Return ``manifest`` with the reals of the corpus ``other`` added to its training clips.

    Its root is the folder that holds both corpora's roots, where each has one. Raises ``ValueError`` when ``other``
    has no reals, or clips that ``manifest`` holds already.
    """
    reals = other.where(other.label == 0).table.assign(split="train")
    if not len(reals):
        raise ValueError("the corpus that should supplement the training has no reals")
    if set(reals.clip_id) & set(manifest.clip_id):
        raise ValueError("the corpus that should supplement the training is in it already")
    table = pd.concat([manifest.table, reals], ignore_index=True)
    text = [c for c in table.columns if table[c].dtype.kind in "OU" or pd.api.types.is_string_dtype(table[c])]
    table[text] = table[text].fillna("")  # a column that only one of them has
    roots = [m.root for m in (manifest, other) if m.root is not None]
    root = Path(os.path.commonpath([os.path.abspath(r) for r in roots])) if len(roots) == 2 else None
    return manifest.with_table(table, root=root)


@dataclasses.dataclass
class Joined:
    """A :class:`ClipStore` over the clips of two others; see :func:`join`. ``places``: (store, row) of each clip."""

    parts: tuple[ClipStore, ClipStore]
    manifest: pd.DataFrame
    record: dict[str, Any]
    places: list[tuple[int, int]]

    @property
    def settings(self) -> PreparationSettings:
        """Settings of the preparation, which the two share."""
        return self.parts[0].settings

    def __len__(self) -> int:
        return len(self.manifest)

    def frames(self, i: int) -> np.ndarray:
        """Face crops of row ``i``: uint8 (T, S, S, 3), RGB."""
        part, row = self.places[i]
        return self.parts[part].frames(row)

    def mel(self, i: int) -> np.ndarray:
        """Spectrogram of row ``i``: float16 (1, n_mels, n_frames) in [-1, 1]."""
        part, row = self.places[i]
        return self.parts[part].mel(row)

    def geometry(self, i: int) -> np.ndarray:
        """Similarities float32 (T, 2, 3) from pixels of the decoded frame to pixels of the crop."""
        part, row = self.places[i]
        return self.parts[part].geometry(row)

    def frame_indices(self, i: int) -> np.ndarray:
        """Numbers of the frames in the file: int32 (T,)."""
        part, row = self.places[i]
        return self.parts[part].frame_indices(row)


def join(store: ClipStore, other: ClipStore, splits: Collection[str] | None = None) -> Joined:
    """Return ``store``, or its clips of ``splits``, with the reals of ``other`` added to its training clips; nothing is copied.

    Raises ``ValueError`` where the two were prepared by other settings, and as :func:`supplemented` does.
    """
    if dataclasses.replace(store.settings, workers=1) != dataclasses.replace(other.settings, workers=1):
        raise ValueError("the two corpora were not prepared by the same settings")
    tables = [
        s.manifest.assign(**{"part": k, "row of part": np.arange(len(s.manifest))})
        for k, s in enumerate((store, other))
    ]
    if splits is not None:
        tables[0] = tables[0][tables[0]["split"].isin(splits)].reset_index(drop=True)
    marks = [str(s.record.get("fingerprint", "")) for s in (store, other)] + sorted(splits or ())
    kept = {k: v for k, v in store.record.items() if not k.endswith("_fingerprint")}
    record = kept | {"fingerprint": hashlib.sha256(" ".join(marks).encode()).hexdigest()}
    table = supplemented(*map(Manifest, tables)).table
    places = list(zip(table["part"].astype(int).tolist(), table["row of part"].astype(int).tolist()))
    return Joined((store, other), table, record, places)


def folds_of_people(table: pd.DataFrame, count: int = 2) -> np.ndarray:
    """Return the fold (n,) of each clip of ``table``, 0 to ``count`` - 1, or -1 for every clip where there are too few groups.

    People who are swapped with each other are a group (:func:`amdd.data.splits.components`), which no fold divides; so are
    all clips in which nobody is named. The largest group goes first, into the fold with the fewest clips.
    """
    own = components(Manifest(table)).to_numpy()
    sizes = np.bincount(own, minlength=1)
    if (sizes > 0).sum() < count:
        return np.full(len(table), -1)
    fold, filled = np.zeros(len(sizes), int), np.zeros(count, int)
    for k in np.argsort(-sizes, kind="stable"):
        fold[k] = int(filled.argmin())
        filled[fold[k]] += sizes[k]
    return fold[own]


def camera_arms(clips: ClipStore, other: ClipStore) -> dict[str, ClipStore]:
    """Return what three kinds of networks train on, by name.

    ``plain``: the training clips of ``clips``. ``supplemented``: with all reals of the corpus ``other``, as in Table III.
    ``fold 0`` and ``fold 1``: with its reals but for the people of that fold (:func:`folds_of_people`), where it has both.
    A ``clips`` that holds the supplement already is taken apart. Nothing for a corpus without reals.
    """
    if not (other.manifest["label"] == 0).any():
        return {}
    corpus = other.manifest["corpus"].iloc[0]
    inside = (clips.manifest["corpus"] == corpus).any()
    whole = clips if inside else join(clips, other, ("train", "val"))
    arms: dict[str, ClipStore] = {
        "plain": _dropped(clips, clips.manifest["corpus"] == corpus) if inside else clips
    }
    arms["supplemented"] = whole
    folds = pd.Series(folds_of_people(other.manifest), other.manifest["clip_id"])
    reals = set(other.manifest["clip_id"][other.manifest["label"] == 0])
    if all(reals - set(folds.index[folds == k]) for k in (0, 1)) and (folds >= 0).all():
        added = whole.manifest["clip_id"].map(folds)
        arms |= {f"fold {k}": _dropped(whole, added == k) for k in (0, 1)}
    return arms


def _dropped(store: ClipStore, rows: pd.Series) -> ClipStore:
    table = store.manifest.assign(split=store.manifest["split"].mask(rows.to_numpy(), "dropped"))
    if isinstance(store, Joined):
        return dataclasses.replace(store, manifest=table)
    return view(store, "left out", table)


def of_strangers(told: Mapping[str, pd.DataFrame], other: ClipStore) -> pd.DataFrame:
    """Return one prediction for each clip of ``other`` that ``told`` holds, by ``fold 0`` for its people and by ``fold 1`` for the
    rest: each by the network that was trained without the clip's people."""
    folds = pd.Series(folds_of_people(other.manifest), other.manifest["clip_id"])
    parts = [
        table[(table["clip_id"].map(folds) == int(name.split()[1])).to_numpy()]
        for name, table in told.items()
    ]
    return pd.concat(parts).sort_index()
