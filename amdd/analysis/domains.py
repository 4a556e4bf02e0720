"""Separability of datasets by their reals alone: the size of the domain shift in a cross-dataset evaluation.

Another dataset differs in cameras and voices besides generators. If a simple classifier identifies the dataset of a
real clip from colour, fine detail or audio, the domain shift is large whatever the generators do.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from amdd.analysis.residual import residual_spectrum, rings
from amdd.data.prepare import ClipStore

GROUPS = {
    "light and colour": ("red", "green", "blue", "spread", "colour spread"),
    "fine detail": ("ring",),
    "audio": ("mel",),
}
MEL_BANDS = 8


def clip_features(frames: np.ndarray, mel: np.ndarray | None) -> dict[str, float]:
    """Return features of one prepared clip: ``frames`` uint8 (T, S, S, 3); ``mel`` (bands, windows), None without audio."""
    x = np.asarray(frames, np.float32)
    row = {name: float(v) for name, v in zip(("red", "green", "blue"), x.mean((0, 1, 2)))}
    row["spread"] = float(x.mean(3).std((1, 2)).mean())
    row["colour spread"] = float((x - x.mean(3, keepdims=True)).std((1, 2, 3)).mean())
    fine = np.log(rings(residual_spectrum(np.asarray(frames)), 12) + 1e-6)
    row |= {f"ring {k}": float(v) for k, v in enumerate(fine)}
    bands = np.full((MEL_BANDS, 2), np.nan)
    if mel is not None and np.size(mel):
        parts = np.array_split(np.asarray(mel, np.float32).reshape(-1, np.shape(mel)[-1]), MEL_BANDS)
        bands = np.array([(p.mean(), p.std()) for p in parts])
    row |= {
        f"mel {k} {what}": float(v) for k, b in enumerate(bands) for what, v in zip(("mean", "spread"), b)
    }
    return row


def features_of_reals(stores: dict[str, ClipStore], limit: int = 200) -> pd.DataFrame:
    """Return one row for each real clip of each store, at most ``limit`` a store: ``dataset``, ``identity`` and features."""
    rows = []
    for name, store in stores.items():
        table = store.manifest
        for i in table.index[table.generator == "real"][:limit]:
            mel = store.mel(int(i)) if table.has_audio[i] else None
            rows.append(
                {"dataset": name, "identity": f"{name}/{table.identity[i]}"}
                | clip_features(np.asarray(store.frames(int(i))), mel)
            )
    return pd.DataFrame(rows)


def dataset_separability(table: pd.DataFrame, training: str, folds: int = 5, seed: int = 0) -> pd.DataFrame:
    """Return the AUC of separating each other dataset's reals from those of ``training``, by feature group and overall.

    Gradient-boosted trees, cross-validated over people; one half is chance. ``table`` as :func:`features_of_reals` gives
    it. NaN where a dataset has fewer than ``folds`` people or no such features.
    """
    rows = []
    own = table[table.dataset == training]
    for name in dict.fromkeys(table.dataset):
        if name == training:
            continue
        both = pd.concat([own, table[table.dataset == name]], ignore_index=True)
        label = (both.dataset == name).to_numpy(int)
        row = {"dataset": name, "n": int(label.sum()), "people": both.identity[label == 1].nunique()}
        columns = [c for c in both.columns if c not in ("dataset", "identity")]
        chosen = {g: [c for c in columns if c.startswith(starts)] for g, starts in GROUPS.items()}
        # The mere presence of audio would separate them; audio is compared only if both have it.
        silent = both[chosen["audio"]].isna().all(axis=1).groupby(label).all().any()
        chosen["all together"] = [
            c for g, part in chosen.items() if not (silent and g == "audio") for c in part
        ]
        for group, part in chosen.items():
            enough = min(both.identity[label == k].nunique() for k in (0, 1)) >= folds
            if not part or not enough or (silent and group == "audio"):
                row[group] = float("nan")
                continue
            model = HistGradientBoostingClassifier(max_iter=60, min_samples_leaf=8, random_state=seed)
            cut = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
            with threadpool_limits(1, "openmp"):  # for tables this small threads wait more than they work
                score = cross_val_predict(
                    model,
                    both[part].to_numpy(float),
                    label,
                    groups=both.identity,
                    cv=cut,
                    method="predict_proba",
                )[:, 1]
            row[group] = float(roc_auc_score(label, score))
        rows.append(row)
    return pd.DataFrame(rows)
