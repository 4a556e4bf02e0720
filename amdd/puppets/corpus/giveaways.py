"""Shortcut features: file and recording properties that should not separate real from fake.

File size, bit rate, codec metadata, length, leading silence, loudness, colour and noise of the background. In a sound
corpus each of them, and all together, classify at chance. Real corpora sometimes fail this test (leading silence in
FakeAVCeleb, arXiv 2412.00175).
"""

from __future__ import annotations

import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, cross_val_predict
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from amdd.data.media import MediaError, coding, probe, read_audio, read_video
from amdd.stats import auc

LOUD = 0.0005  # from this level on a sample counts as audio (arXiv 2412.00175)
CORNER = 0.14  # of the image's side: what is background in every talking-head image
FRAMES = 4


def features(manifest: pd.DataFrame, progress: bool = False) -> pd.DataFrame:
    """Return the shortcut features of each clip, one row per clip with the index of ``manifest``.

    NaN where a feature cannot be measured (loudness without audio, say). Units: bytes, bits per second, seconds,
    decibels, grey levels.
    """
    rows = [
        _of_clip(video, audio)
        for video, audio in tqdm(
            zip(manifest.video, manifest.audio),
            total=len(manifest),
            desc="give-aways",
            disable=not progress,
            mininterval=5,
        )
    ]
    return pd.DataFrame(rows, index=manifest.index)


def _of_clip(video: str, audio: str) -> dict[str, float]:
    row = dict.fromkeys(
        ("file size", "bit rate", "frames", "seconds", "leading silence", "loudness", "peak", "red", "green", "blue",
         "background spread", "background noise", "codec metadata"), float("nan"),
    )  # fmt: skip
    path = Path(video)
    try:
        facts = probe(video)
        n = read_video(video, [0]).n_frames
        frames = read_video(video, np.linspace(0, max(n - 1, 0), FRAMES).astype(int)).frames.astype(
            np.float32
        )
    except MediaError:
        return row
    seconds = n / facts.fps if facts.fps else float("nan")
    row["frames"], row["seconds"] = n, seconds
    # Only the few different lines matter, and trees find them in numbers of any order.
    row["codec metadata"] = zlib.crc32(coding(video).encode()) % 2**24
    if path.is_file():
        row["file size"] = path.stat().st_size
        row["bit rate"] = path.stat().st_size / seconds if seconds else float("nan")
    side = max(4, round(CORNER * frames.shape[1]))
    corners = np.concatenate([frames[:, :side, :side], frames[:, :side, -side:]], axis=2)
    row["red"], row["green"], row["blue"] = corners.mean((0, 1, 2))
    row["background spread"] = corners.std((1, 2)).mean()
    row["background noise"] = np.abs(np.diff(corners, axis=2)).mean()
    try:
        sound = read_audio(audio or video, 16_000)
    except MediaError:
        return row
    if len(sound):
        above = np.flatnonzero(np.abs(sound) > LOUD)
        row["leading silence"] = (above[0] if len(above) else len(sound)) / 16_000
        row["loudness"] = 10 * np.log10(np.mean(sound**2) + 1e-10)
        row["peak"] = float(np.abs(sound).max())
    return row


def separability(
    table: pd.DataFrame, label: np.ndarray, people: np.ndarray, folds: int = 5, seed: int = 0
) -> pd.DataFrame:
    """Return the AUC of each column, and of all together, for unseen identities: ``feature``, ``auc``.

    Gradient-boosted trees, cross-validated over ``people``; 0.5 is chance. NaN where no division of the people leaves
    reals and fakes in every fold's training part, as with fewer than two people.
    """
    label, people = np.asarray(label), np.asarray(people).astype(str)
    parts = _folds(label, people, min(folds, len(set(people))))
    model = HistGradientBoostingClassifier(
        max_iter=60, min_samples_leaf=8, learning_rate=0.1, random_state=seed
    )
    groups = {name: [name] for name in table.columns} | {"all together": list(table.columns)}
    rows = []
    for name, columns in groups.items():
        row = {"feature": name, "auc": float("nan")}
        if parts:
            values = table[columns].to_numpy(float)
            with threadpool_limits(1, "openmp"):  # for tables this small threads wait more than they work
                score = cross_val_predict(model, values, label, cv=parts, method="predict_proba")[:, 1]
            row["auc"] = auc(label, score)
        rows.append(row)
    return pd.DataFrame(rows)


def _folds(label: np.ndarray, people: np.ndarray, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return training and test rows of each fold over ``people``, reals and fakes in every training part; empty where
    there is no such division."""
    if len(set(label)) < 2:
        return []
    for number in range(folds, 1, -1):
        for kind in (GroupKFold(number), StratifiedGroupKFold(number)):
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", UserWarning
                )  # fewer clips of a class than folds is what is tried
                try:
                    parts = list(kind.split(label, label, people))
                except ValueError:
                    continue
            if all(len(test) and len(set(label[train])) == 2 for train, test in parts):
                return parts
    return []
