"""Feature maps of the frozen blocks of the backbones, computed once for all trainings on the same clips.

Blocks that are not trained give the same maps at every step; computing them once leaves a step a fraction of its cost.
The maps of every prepared frame and of its mirror image are kept, so that of the paper's augmentation the flip remains;
colour jitter and grayscale would need maps of their own for each draw.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from amdd.base.machine import one_thread
from amdd.base.paths import atomic
from amdd.data.dataset import normalised
from amdd.data.prepare import ClipStore
from amdd.data.variants.confounds import Joined
from amdd.model import AMDD
from amdd.model.backbones import Trunk
from amdd.model.network import AudioEncoder, VisualEncoder
from amdd.profiles import ModelSettings, Profile
from amdd.training.runs import Run, choose_device

FOLDER = "frozen"  # beside the runs


@dataclass(frozen=True)
class FrozenMaps:
    """Maps of clips after the frozen blocks, float16, None where a backbone has none.

    ``visual`` (clips, 2, T, C, h, w): of T crops, and of their mirror images, or (clips, 1, ...); ``audio`` (clips, C, h, w).
    """

    visual: np.ndarray | None = None
    audio: np.ndarray | None = None

    def __bool__(self) -> bool:
        return self.visual is not None or self.audio is not None

    def part(self, first: int, size: int) -> FrozenMaps:
        """Return those of ``size`` clips from clip ``first`` on."""
        cut = [None if m is None else m[first : first + size] for m in (self.visual, self.audio)]
        return FrozenMaps(*cut)


def frozen_maps(
    model: AMDD | ModelSettings,
    prepared: ClipStore,
    rows: Any,
    folder: str | Path,
    device: torch.device | str = "cpu",
    progress: bool = True,
    mirrored: bool = True,
) -> FrozenMaps:
    """Return the maps of clips ``rows`` after the frozen blocks of both backbones; those of mirror images for training.

    They are read from ``folder`` if they are there for the same clips and blocks, or for all clips of ``prepared``, else
    computed and kept there; those of two corpora that were joined are put together from those of each. There are none where
    no block is frozen: by the settings, or since no pretrained weights were found.
    """
    rows, found = np.asarray(rows), []
    if isinstance(prepared, Joined) and len(rows):
        return _gathered(model, prepared, rows, folder, device, progress, mirrored)
    for name in ("visual", "audio"):
        settings = model.settings if isinstance(model, AMDD) else model
        trunk = (
            _trunk(model, name) if getattr(settings, f"{name}_frozen") else None
        )  # weights are looked for once
        if trunk is None or not trunk.frozen or not len(rows):
            found.append(None)
            continue
        both = mirrored and name == "visual"
        whole = Path(folder) / f"{name}-{_key(trunk, prepared, np.arange(len(prepared.manifest)), both)}.npy"
        path = Path(folder) / f"{name}-{_key(trunk, prepared, rows, both)}.npy"
        if whole.is_file():
            maps = np.load(whole, mmap_mode="r", allow_pickle=False)
            found.append(maps if path == whole else maps[rows])
            continue
        if not path.is_file():
            _compute(trunk, prepared, rows, path, device, progress, both)
        found.append(np.load(path, mmap_mode="r", allow_pickle=False))
    return FrozenMaps(*found)


def _gathered(model, joined: Joined, rows, folder, device, progress, mirrored) -> FrozenMaps:
    where = np.array([joined.places[i] for i in rows])
    sides = [where[:, 0] == k for k in range(len(joined.parts))]
    each = [
        frozen_maps(model, part, where[side, 1], folder, device, progress, mirrored)
        for part, side in zip(joined.parts, sides)
    ]
    found = []
    for name in ("visual", "audio"):
        kinds = [(side, getattr(maps, name)) for side, maps in zip(sides, each) if side.any()]
        if any(maps is None for _, maps in kinds):
            found.append(None)
            continue
        out = np.empty((len(rows), *kinds[0][1].shape[1:]), kinds[0][1].dtype)
        for side, maps in kinds:
            out[side] = maps
        found.append(out)
    return FrozenMaps(*found)


def share_maps(profile: Profile, clips: ClipStore, folder: Path, whole: bool = False) -> None:
    """Compute what trainings of ``profile`` on ``clips`` share, before they start side by side: maps of the training and of
    the validation clips, or of all (``whole``) where the trainings take different parts of them."""
    device, split = choose_device(profile.training.device), clips.manifest["split"].to_numpy()
    parts = [np.arange(len(split))] if whole else [np.flatnonzero(split == name) for name in ("train", "val")]
    for rows in parts:
        frozen_maps(profile.model, clips, rows, folder, device)


def maps_for(
    run: Run, prepared: ClipStore, rows: Any, folder: Path, mirrored: bool = False
) -> FrozenMaps | None:
    """Return the maps that the network of a finished ``run`` takes for clips ``rows``, None if it has no frozen block."""
    visual, audio = run.model.visual_encoder.trunk.frozen, run.model.audio_encoder.trunk.frozen
    if not (visual or audio):
        return None
    settings = dataclasses.replace(run.profile.model, visual_frozen=visual, audio_frozen=audio)
    return frozen_maps(settings, prepared, rows, folder, run.device, False, mirrored)


def standardise(model: AMDD, maps: FrozenMaps) -> None:
    """Fit what standardises the constant features of ``model`` to the ``maps`` of the training clips."""
    visual, audio = model.visual_encoder, model.audio_encoder
    if visual.trunk.constant and maps.visual is not None:
        visual.features.fit(m.reshape(-1, *m.shape[2:]) for m in maps.visual)
    if audio.trunk.constant and maps.audio is not None:
        audio.features.fit(m[None] for m in maps.audio)


def _trunk(model: AMDD | ModelSettings, name: str) -> Trunk:
    if isinstance(model, AMDD):
        return model.visual_encoder.trunk if name == "visual" else model.audio_encoder.trunk
    kind = VisualEncoder if name == "visual" else AudioEncoder
    return kind.trunk_of(model)


def _key(trunk: Trunk, prepared: ClipStore, rows: np.ndarray, both: bool) -> str:
    """Return a name that changes with the clips, their preparation, the network's weights and the frozen blocks."""
    array = "mel" if trunk.channels == 1 else "frames"
    clips = str(prepared.record.get(f"{array}_fingerprint") or prepared.record.get("fingerprint", ""))
    said: list[Any] = [str(trunk.provenance), trunk.frozen, both, clips, rows.tolist()]
    if trunk.levels:
        said += [trunk.levels, trunk.cells]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _compute(
    trunk: Trunk,
    prepared: ClipStore,
    rows: np.ndarray,
    path: Path,
    device: torch.device | str,
    progress: bool,
    both: bool,
) -> None:
    was, on_cpu = trunk.training, torch.device(device).type == "cpu"
    # The rounding of a convolution follows its threads, hence a clip a thread, and the order of its weights in memory, which
    # a network that is trained and one that is built from settings alone would not share.
    threads = torch.get_num_threads() if on_cpu else 1
    trunk.to(device, memory_format=torch.channels_last).eval()
    kept: np.ndarray | None = None

    def maps_of(row: int) -> np.ndarray:
        return _maps_of(trunk, prepared, int(row), device, both).to(torch.float16).cpu().numpy()

    bar = tqdm(
        desc="features of the frozen blocks",
        total=len(rows),
        unit="clip",
        mininterval=5,
        disable=not progress,
    )
    with (
        one_thread() if on_cpu else nullcontext(),
        ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        atomic(path) as temporary,
    ):
        for k, maps in enumerate(pool.map(maps_of, rows)):
            bar.update(1)
            if kept is None:
                shape = (len(rows), *maps.shape)
                kept = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float16, shape=shape)
            kept[k] = maps
        if kept is not None:
            kept.flush()
    bar.close()
    trunk.train(was)


@torch.no_grad()  # which holds for a thread alone
def _maps_of(trunk: Trunk, prepared: ClipStore, row: int, device: Any, both: bool) -> Tensor:
    """Maps of one clip: (2, T, C, h, w) of its crops and their mirror images, or (1, ...), (C, h, w) of its spectrogram."""
    if trunk.channels == 1:
        return trunk.of_frozen(torch.from_numpy(np.array(prepared.mel(row), np.float32)).to(device)[None])[0]
    images = normalised(torch.from_numpy(np.array(prepared.frames(row))).to(device))
    every = torch.cat([images, images.flip(-1)]) if both else images
    maps = trunk.of_frozen(every.contiguous(memory_format=torch.channels_last))
    return maps.unflatten(0, (-1, len(images)))
