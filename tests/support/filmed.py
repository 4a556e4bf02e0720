"""Clips of a face that were filmed by nobody, in two kinds that a small network separates; and such a network."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch

from amdd.base.machine import one_thread
from amdd.data.dataset import inputs_of
from amdd.data.media import write_video
from amdd.data.prepare import Prepared, prepare
from amdd.profiles import Profile, load_profile
from amdd.training import train
from amdd.training.inference import batch_of
from amdd.training.runs import Run, save_weights

SETTINGS = [
    "model.visual_backbone=shufflenet_v2_x0_5",
    "model.audio_backbone=shufflenet_v2_x0_5",
    "model.weights=random",
    "model.dim=32",
    "model.heads=4",
    "model.hidden=16",
    "model.dropout=0",
    "training.epochs=1",
    "training.precision=fp32",
    "training.augment=false",
    "preparation.frames=3",
    "preparation.size=48",
    "preparation.n_mels=16",
    "preparation.seconds=1.0",
    "corpus.external=",
    "evaluation.confidence=0.95",
]


def profile() -> Profile:
    return load_profile("smoke", SETTINGS)


@lru_cache(maxsize=1)
def portrait() -> np.ndarray:
    """The photograph of an astronaut (NASA, public domain) that scikit-image carries, its upper part."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[:300, 60:390])


def film(
    seconds: float = 1.0, *, fps: int = 10, side: int = 160, seed: int = 0, forged: bool = False
) -> np.ndarray:
    """Return frames (T, side, side, 3): the portrait panned and zoomed; forged ones have a green cast."""
    rng = np.random.default_rng(seed)
    speed, phase, light = rng.uniform(0.5, 1.5), rng.uniform(0, 6), rng.uniform(0.9, 1.05)
    frames = []
    for t in np.arange(round(seconds * fps)) / fps:
        zoom = side / 300 * (1.08 + 0.05 * np.sin(speed * t + phase))
        x, y = (14 * np.sin(0.7 * speed * t + phase + k) for k in range(2))
        matrix = np.array([[zoom, 0, x - 12], [0, zoom, y - 6]])
        frame = cv2.warpAffine(
            portrait(), matrix, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
        )
        frame = np.clip(frame * light + rng.normal(0, 2, frame.shape), 0, 255).astype(np.uint8)
        if forged:
            frame[..., 1] = np.minimum(frame[..., 1].astype(int) + 60, 255)
        frames.append(frame)
    return np.stack(frames)


def tone(seconds: float, seed: int = 0) -> np.ndarray:
    """A tone; a real clip and the forged one after it share theirs, so that audio tells nothing."""
    t = np.arange(round(seconds * 16_000)) / 16_000
    return (0.2 * np.sin(2 * np.pi * (180 + 7 * (seed % 9)) * t) * (1 + np.sin(9 * t)) / 2).astype(np.float32)


def write_clip(path: Path, seconds: float = 1.0, *, seed: int = 0, forged: bool = False, **options) -> Path:
    """Write such a clip with a tone as audio."""
    fps = options.pop("fps", 10)
    return write_video(
        path, film(seconds, seed=seed, forged=forged, fps=fps, **options), fps, tone(seconds, seed // 2)
    )


def manifest(folder: Path, clips: int = 32) -> pd.DataFrame:
    """Write ``clips`` clips, half of them forged, and return their table."""
    rows = []
    for k in range(clips):
        forged = bool(k % 2)
        video = write_clip(folder / f"{k:03d}.mp4", seed=k, forged=forged)
        split = "train" if k < 14 else ("val" if k < 26 else "test")
        generator = "tint" if forged else "real"
        identity = f"{split}{k // 2}"
        rows.append((f"c{k}", str(video), int(forged), generator, split, identity))
    table = pd.DataFrame(rows, columns=["clip_id", "video", "label", "generator", "split", "identity"])
    return table.assign(has_audio=True, donor="", quality="", group="", category="")


def trained(root: Path) -> tuple[Run, Prepared]:
    """Return a network that separates the two kinds, below ``root`` as the pipeline lays a run beside its corpus."""
    settings = profile()
    settings = dataclasses.replace(settings, corpus=dataclasses.replace(settings.corpus, train="tint"))
    prepared = prepare(
        manifest(root / "clips"), settings.preparation, root / "prepared" / "tint", progress=False
    )
    with one_thread():  # threads that wait for each other take minutes while a book is made beside
        run = train(settings, prepared, root / "runs" / "full-seed0", 0, progress=False)
        _fit(run, prepared)
    return run, prepared


def _fit(run: Run, prepared: Prepared, steps: int = 80) -> None:
    """Train on with all training clips in one batch, which separates the two kinds in seconds, and save.

    Batch normalisation ends with the clips' own statistics: after so few steps its running ones would be far from them.
    """
    rows = np.flatnonzero(prepared.manifest["split"] == "train")
    batch, moved = batch_of(prepared, rows, run.profile, run.device)
    model = run.model.requires_grad_(True).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(steps):
        out = model(*inputs_of(batch, moved))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(out.detection_logit, moved["label"])
        loss = loss + torch.nn.functional.cross_entropy(out.attribution_logits, moved["generator"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.reset_running_stats()
                module.momentum = None  # the plain mean over batches
        model(*inputs_of(batch, moved))
    model.requires_grad_(False).eval()
    save_weights(model, run.folder / "weights.safetensors", {})
