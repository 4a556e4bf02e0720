"""Forgeries beside their own real clips: matching and differences of spectrograms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from amdd.data.prepare import ClipStore

Pair = tuple[int, int]  # row of a forgery, row of its own real clip


def own_reals(manifest: pd.DataFrame) -> list[Pair]:
    """Return each forgery with the real clip that it was made from: the same person and the same recording number at the
    head of the file name. Forgeries without such a clip, and names without a number, are left out."""
    name = manifest["clip_id"].astype(str).str.rsplit("/", n=1).str[-1]
    number = name.str.extract(r"^(\d+)", expand=False).fillna("")
    person = manifest["identity"].astype(object).where(manifest["identity"].notna(), "").astype(str)
    known = (number != "") & (person != "")
    key = person + "/" + number
    real = (manifest["label"] == 0) & known
    alone = ~key[real].duplicated(
        keep=False
    )  # of two recordings with one number neither is known to be the source
    reals = dict(zip(key[real][alone], manifest.index[real][alone]))
    fakes = manifest.index[(manifest["label"] == 1) & known]
    return [(int(i), int(reals[key[i]])) for i in fakes if key[i] in reals]


def mel_gap(clips: ClipStore, fake: int, real: int) -> np.ndarray:
    """Return the absolute difference (n_mels, n_frames) of two clips' spectrograms."""
    pair = (np.asarray(clips.mel(k), np.float32)[0] for k in (fake, real))
    return np.abs(np.subtract(*pair))


def mel_differences(clips: ClipStore, pairs: list[Pair]) -> pd.DataFrame:
    """Return the mean absolute difference of each pair, with the forgery's ``generator``, ``category`` and
    ``audio_generator`` ("" where the audio is not forged or not known to be)."""
    table = clips.manifest
    audio = table.get("audio_generator", pd.Series("", index=table.index))
    rows = [
        (table.generator[f], table.category[f], audio[f], float(mel_gap(clips, f, r).mean()))
        for f, r in pairs
    ]
    return pd.DataFrame(rows, columns=["generator", "category", "audio_generator", "difference"])


def quiet_frames(clips: ClipStore, row: int) -> int:
    """Return the number of spectrogram frames before the level first exceeds a quarter of its range."""
    level = np.asarray(clips.mel(row), np.float32)[0].mean(0)
    return int(np.argmax(level > level.min() + 0.25 * np.ptp(level)))
