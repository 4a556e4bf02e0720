"""Unusualness of a clip for the network: its distance to the clips that the network was trained on.

Four views of a window are compared: the embeddings of face, of audio and of both, by the mean cosine distance to the
nearest training clips (Sun et al. 2022), and the statistics of the first convolution's responses to the face (texture,
noise, sharpness), by Mahalanobis distance (Lee et al. 2018), since a network may put an image unlike any of its training in
the midst of a class. Each distance is set off against those of validation clips; the largest counts, and its rank among
the validation clips is what is reported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from amdd.base.paths import atomic
from amdd.data.dataset import inputs_of, row_numbers
from amdd.data.prepare import ClipStore
from amdd.training.inference import batch_of
from amdd.training.runs import Run

NEAREST = 5
FLOOR = 1e-3  # of a distance: half precision, in which training clips are kept, is no finer
MOST = 2000  # training clips that are kept for comparison
EMBEDDINGS = ("fused", "visual", "audio")
WITH_AUDIO = ("texture", "visual", "fused", "audio")
WITHOUT = ("texture", "visual")


def first_convolution(trunk: torch.nn.Module) -> torch.nn.Module:
    """Return the first convolution of a backbone. Raises ``ValueError`` where there is none."""
    for module in trunk.modules():
        if isinstance(module, torch.nn.Conv2d):
            return module
    raise ValueError("the visual backbone has no convolution")


@torch.inference_mode()
def features_of(run: Run, store: ClipStore, rows: Any = None) -> dict[str, np.ndarray]:
    """Return logits and the four views of clips ``rows``: ``logit`` (n,), ``attribution`` (n, K + 1), ``fused`` (n, 2d),
    ``visual`` and ``audio`` (n, d), ``texture`` (n, 2C), in float32 arithmetic, which gives one answer on every machine."""
    rows, size = row_numbers(store, rows), run.profile.evaluation.batch_size
    seen: list[torch.Tensor] = []

    def keep(_module: Any, _inputs: Any, output: torch.Tensor) -> None:
        seen.append(torch.cat([output.mean((2, 3)), output.std((2, 3))], 1).float().cpu())

    out: dict[str, list[np.ndarray]] = {}
    run.model.eval()
    hook = first_convolution(run.model.visual_encoder.trunk).register_forward_hook(keep)
    try:
        for first in range(0, len(rows), size):
            seen.clear()
            batch, moved = batch_of(store, rows[first : first + size], run.profile, run.device)
            got = run.model(*inputs_of(batch, moved))
            clips, frames = moved["frames"].shape[:2]
            parts = {
                "logit": got.detection_logit,
                "attribution": got.attribution_logits,
                "fused": got.fused,
                "visual": got.visual_embedding,
                "audio": got.audio_embedding,
                "texture": seen[0].view(clips, frames, -1).mean(1),
            }
            for key, value in parts.items():
                out.setdefault(key, []).append(value.float().cpu().numpy())
    finally:
        hook.remove()
    return {k: np.concatenate(v) for k, v in out.items()}


@dataclass(frozen=True)
class Novelty:
    """Training clips to compare with, and the distances of validation clips.

    ``references``: by name, training embeddings (m, d) of unit length; ``centre`` (2C,) and ``precision`` (2C, 2C) of the
    training clips' texture; ``middle`` and ``spread``: by name, median and distance from there to the 90th percentile of
    the validation clips' distances; ``ranked``: ascending validation scores, with and without audio.
    """

    references: dict[str, np.ndarray]
    centre: np.ndarray
    precision: np.ndarray
    middle: dict[str, float]
    spread: dict[str, float]
    ranked: dict[str, np.ndarray]

    def distances(self, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return by view the distance (n,) of each clip of :func:`features_of`."""
        off = found["texture"] - self.centre
        out = {"texture": np.sqrt(np.maximum(np.einsum("nd,de,ne->n", off, self.precision, off), 0))}
        for name in EMBEDDINGS:
            cosine = _unit(found[name]) @ self.references[name].astype(np.float32).T
            k = min(NEAREST, cosine.shape[1])
            out[name] = 1 - np.partition(cosine, -k, axis=1)[:, -k:].mean(1)
        return out

    def scores(self, found: dict[str, np.ndarray], audio: np.ndarray) -> np.ndarray:
        """Return the unusualness (n,): the largest of the views' distances in units of the validation clips' spread."""
        return _largest(self.distances(found), self.middle, self.spread, audio)

    def surprise(self, scores: np.ndarray, audio: np.ndarray) -> np.ndarray:
        """Return the share (n,) of validation clips that are less unusual than each clip."""
        out = np.empty(len(scores))
        for k, (score, heard) in enumerate(zip(scores, audio)):
            ranked = self.ranked["with audio" if heard else "without audio"]
            out[k] = np.searchsorted(ranked, score) / len(ranked)
        return out

    @property
    def clips(self) -> int:
        """Number of validation clips."""
        return len(self.ranked["with audio"])


def _unit(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float32)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def _largest(distances: dict, middle: dict, spread: dict, audio: np.ndarray) -> np.ndarray:
    scaled = {k: (v - middle[k]) / spread[k] for k, v in distances.items()}
    heard, silent = (np.max([scaled[k] for k in names], axis=0) for names in (WITH_AUDIO, WITHOUT))
    return np.where(np.asarray(audio, bool), heard, silent)


def fit_novelty(training: dict[str, np.ndarray], validation: dict[str, np.ndarray], seed: int = 0) -> Novelty:
    """Return the comparison with ``training`` clips, set off against ``validation`` clips (:func:`features_of` of both).

    Raises ``ValueError`` without clips on either side.
    """
    from sklearn.covariance import LedoitWolf

    n = len(training["logit"])
    if n < 2 or not len(validation["logit"]):
        raise ValueError("unusualness needs two training clips and one validation clip at least")
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(n)[:MOST])
    covariance = LedoitWolf().fit(training["texture"].astype(np.float64))
    references = {name: _unit(training[name][chosen]).astype(np.float16) for name in EMBEDDINGS}
    plain = Novelty(
        references,
        covariance.location_.astype(np.float32),
        covariance.precision_.astype(np.float32),
        *({}, {}, {}),
    )
    distances = plain.distances(validation)
    middle = {k: float(np.median(v)) for k, v in distances.items()}
    spread = {
        k: max(float(np.quantile(v, 0.9)) - middle[k], 0.05 * middle[k], FLOOR) for k, v in distances.items()
    }
    everyone = np.ones(len(validation["logit"]), bool)
    ranked = {
        "with audio": np.sort(_largest(distances, middle, spread, everyone)),
        "without audio": np.sort(_largest(distances, middle, spread, ~everyone)),
    }
    return Novelty(references, plain.centre, plain.precision, middle, spread, ranked)


def save_novelty(found: Novelty, path: Path) -> None:
    """Write it as safetensors."""
    tensors = {f"references.{k}": v for k, v in found.references.items()}
    tensors |= {f"ranked.{k}": v.astype(np.float32) for k, v in found.ranked.items()}
    tensors |= {"centre": found.centre, "precision": found.precision}
    scale = json.dumps({"middle": found.middle, "spread": found.spread}, sort_keys=True)
    with atomic(path) as temporary:
        save_file(
            {k: np.ascontiguousarray(v) for k, v in tensors.items()}, temporary, metadata={"scale": scale}
        )


def load_novelty(path: Path) -> Novelty:
    """Return what :func:`save_novelty` wrote."""
    with safe_open(path, framework="np") as handle:
        tensors = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
        scale = json.loads(handle.metadata()["scale"])
    return Novelty(
        {name: tensors[f"references.{name}"] for name in EMBEDDINGS},
        tensors["centre"],
        tensors["precision"],
        scale["middle"],
        scale["spread"],
        {name: tensors[f"ranked.{name}"] for name in ("with audio", "without audio")},
    )
