"""Blocks of an ImageNet backbone that know a generator's traces: linear classifiers on frozen features.

    python benchmarks/frozen_features.py PREPARED

``PREPARED`` is a prepared corpus with clips of the splits ``train`` and ``val``, such as the study's
(``amdd study run`` makes it). For block after block of MobileNetV2, as torchvision ships it, a frame's feature map is averaged
over the crop or over 4 x 4 cells, and over the clip's frames; logistic regression on the training clips then names the
generator of a fake, and tells reals from fakes. Only validation clips are scored: what the demo's network takes of its
backbone was chosen here. The crop is also made smaller first, to show what resolution is worth. Writes
``benchmarks/results/frozen_features.json``.
"""

from __future__ import annotations

import argparse
import json

import cv2
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F
from tqdm import tqdm

from amdd.base.paths import PROJECT, write_text
from amdd.data.dataset import normalised
from amdd.data.prepare import ClipStore, open_prepared
from amdd.model.backbones import Trunk
from amdd.stats import wilson

CELLS, FRAMES, PENALTY = (1, 4), 8, 0.01
BLOCKS = (5, 9, 11, 13, 14, 15, 17, 19)  # the first so many


@torch.inference_mode()
def features(store: ClipStore, rows: np.ndarray, size: int) -> dict[tuple[int, int], np.ndarray]:
    """Features (clips, width) by number of blocks and cells, of crops of ``size`` pixels."""
    trunk = Trunk("mobilenet_v2").eval()
    found: dict[tuple[int, int], list[np.ndarray]] = {(b, c): [] for b in BLOCKS for c in CELLS}
    for row in tqdm(rows, desc=f"{size} pixels", unit="clip"):
        frames = store.frames(int(row))
        frames = frames[np.linspace(0, len(frames) - 1, FRAMES).round().astype(int)]
        if size != frames.shape[1]:
            frames = np.stack([cv2.resize(f, (size, size), interpolation=cv2.INTER_AREA) for f in frames])
        x = normalised(torch.from_numpy(np.array(frames)))
        for k, block in enumerate(trunk.body, 1):
            x = block(x)
            for cells in CELLS if k in BLOCKS else ():
                found[k, cells].append(F.adaptive_avg_pool2d(x, cells).flatten(1).mean(0).numpy())
    return {key: np.stack(values) for key, values in found.items()}


def share(hits: np.ndarray) -> dict[str, float]:
    low, high = wilson(int(hits.sum()), len(hits)).interval
    return {
        "value": round(float(hits.mean()), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "n": len(hits),
    }


def scored(
    x: np.ndarray, label: np.ndarray, generator: np.ndarray, train: np.ndarray
) -> dict[str, dict[str, float]]:
    """Validation figures of two linear classifiers on features ``x``."""
    fakes, held = train & (label == 1), ~train & (label == 1)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=3000))
    named = model.fit(x[fakes], generator[fakes]).predict(x[held]) == generator[held]
    decision = model.fit(x[train], label[train]).decision_function(x[~train])
    auc = float(roc_auc_score(label[~train], decision))
    return {"named": share(named), "auc": {"value": round(auc, 4), "n": int((~train).sum())}}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("prepared", metavar="PREPARED")
    store = open_prepared(parser.parse_args().prepared)
    table = store.manifest
    rows = np.flatnonzero(table["split"].isin(["train", "val"]).to_numpy())
    part = table.iloc[rows]
    train = (part["split"] == "train").to_numpy()
    label, generator = part["label"].to_numpy(), part["generator"].to_numpy()
    people = {name: int(part[part.split == name].identity.nunique()) for name in ("train", "val")}
    size, numbers = store.settings.size, {}
    for pixels in sorted({112, size}):
        for (blocks, cells), x in features(store, rows, pixels).items():
            found = scored(x, label, generator, train)
            key = f"{pixels}.{blocks}.{cells}"
            numbers |= {f"{name}.{key}": value for name, value in found.items()}
            print(key, found["named"]["value"], found["auc"]["value"])
    numbers |= {
        "clips.train": {"value": int(train.sum())},
        "clips.val": {"value": int((~train).sum())},
        "people.train": {"value": people["train"]},
        "people.val": {"value": people["val"]},
    }
    record = {"backbone": "mobilenet_v2", "frames": FRAMES, "numbers": numbers}
    write_text(
        PROJECT / "benchmarks" / "results" / "frozen_features.json", json.dumps(record, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
