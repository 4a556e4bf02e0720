"""Feature maps of the frozen blocks of the visual backbone, computed once for all trainings of a corpus.

Blocks that are not trained give the same maps at every step; computing them once leaves a step a fraction of its cost.
The maps of every prepared frame and of its mirror image are kept, so that of the paper's augmentation the flip remains;
colour jitter and grayscale would need maps of their own for each draw.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from amdd.base.paths import atomic
from amdd.data.dataset import normalised
from amdd.data.prepare import ClipStore
from amdd.model import AMDD
from amdd.model.backbones import Trunk
from amdd.profiles import ModelSettings

FOLDER = "frozen"  # beside the runs


def frozen_maps(
    model: AMDD | ModelSettings,
    prepared: ClipStore,
    rows: Any,
    folder: str | Path,
    device: torch.device | str = "cpu",
    progress: bool = True,
) -> np.ndarray | None:
    """Return the maps of clips ``rows`` after the frozen blocks, float16 (clips, 2, T, C, h, w): of T crops, and mirrored.

    They are read from ``folder`` if they are there for the same clips and blocks, else computed and kept there. None where
    no block is frozen: by the settings, or since no pretrained weights were found.
    """
    if isinstance(model, ModelSettings):
        s = model
        trunk = Trunk(s.visual_backbone, s.weights, blocks=s.visual_blocks, frozen=s.frozen_blocks)
    else:
        trunk = model.visual_encoder.trunk
    rows = np.asarray(rows)
    if not trunk.frozen or not len(rows):
        return None
    path = Path(folder) / f"{_key(trunk, prepared, rows)}.npy"
    if not path.is_file():
        _compute(trunk, prepared, rows, path, device, progress)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _key(trunk: Trunk, prepared: ClipStore, rows: np.ndarray) -> str:
    """Return a name that changes with the clips, their preparation, the network's weights and the frozen blocks."""
    said = [str(trunk.provenance), trunk.frozen, str(prepared.record.get("fingerprint", "")), rows.tolist()]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


@torch.no_grad()
def _compute(
    trunk: Trunk,
    prepared: ClipStore,
    rows: np.ndarray,
    path: Path,
    device: torch.device | str,
    progress: bool,
) -> None:
    was = trunk.training
    trunk.eval()
    kept: np.ndarray | None = None
    with atomic(path) as temporary:
        for k, row in enumerate(
            tqdm(rows, desc="features of the frozen blocks", unit="clip", mininterval=5, disable=not progress)
        ):
            images = normalised(torch.from_numpy(np.array(prepared.frames(int(row)))).to(device))
            both = torch.cat([images, images.flip(-1)]).contiguous(memory_format=torch.channels_last)
            maps = trunk.body[: trunk.frozen](both)
            maps = maps.view(2, len(images), *maps.shape[1:]).to(torch.float16).cpu().numpy()
            if kept is None:
                shape = (len(rows), *maps.shape)
                kept = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float16, shape=shape)
            kept[k] = maps
        if kept is not None:
            kept.flush()
    trunk.train(was)
