"""Tables of datasets, splits and the cost of preparing them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from amdd.analysis.residual import residual_spectrum
from amdd.corpora.manifest import Manifest
from amdd.data.prepare import ClipStore, foretell, prepare
from amdd.profiles import PreparationSettings

SUBSETS = ["train", "val", "test", "extra", "dropped"]
# Published numbers of clips, for an extrapolation of cost.
PUBLISHED = {
    "FakeAVCeleb v1.2": 21_544,
    "FakeAVCeleb, the paper's clips": 1_784,
    "DeepfakeTIMIT with VidTIMIT": 960,
    "DFDM with Celeb-DF": 650,
    "LAV-DF": 136_304,
}


def split_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Return clips by generator and subset (the form of Table III); subsets without clips are left out."""
    counts = pd.crosstab(table.generator, table.split).reindex(columns=SUBSETS, fill_value=0)
    return counts.loc[:, counts.sum() > 0].reset_index()


def corpus_counts(manifests: Mapping[str, Manifest]) -> pd.DataFrame:
    """Return clips of each corpus by class, with the number that have audio (the form of Table II)."""
    rows = []
    for name, manifest in manifests.items():
        for label, clips in manifest.table.groupby("label"):
            row = {"corpus": name, "class": "fake" if label else "real", "clips": len(clips)}
            rows.append(row | {"with audio": int(clips.has_audio.sum())})
    return pd.DataFrame(rows, columns=["corpus", "class", "clips", "with audio"])


def seconds_per_clip(few: Manifest, settings: PreparationSettings) -> float:
    """Return the measured time in seconds that one process takes to prepare a clip of ``few``."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        prepare(few, settings, folder, workers=1, progress=False)
        return (time.perf_counter() - start) / max(len(few), 1)


def cost_table(each: Mapping[str, tuple[float, PreparationSettings]], root: Path) -> pd.DataFrame:
    """Return an extrapolation of core hours and disk space to the published datasets; ``each`` maps a name to the seconds
    per clip and the settings."""
    rows = []
    for name, (seconds, settings) in each.items():
        size = foretell(1, settings, root).needed
        for dataset, clips in PUBLISHED.items():
            row = {"settings": name, "dataset": dataset, "clips": clips}
            rows.append(row | {"core hours": clips * seconds / 3600, "GB": clips * size / 1e9})
    return pd.DataFrame(rows)


def mean_spectra(clips: ClipStore, kinds: list[str]) -> dict[str, np.ndarray]:
    """Return the mean residual spectrum of the training clips of each class that has any."""
    spectra = {}
    training = clips.manifest[clips.manifest.split == "train"]
    for name in kinds:
        rows = training.index[training.generator == name]
        if len(rows):
            frames = (np.asarray(clips.frames(int(i))) for i in rows)
            spectra[name] = np.mean([residual_spectrum(f) for f in frames], axis=0)
    return spectra
