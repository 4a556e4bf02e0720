"""The network as ONNX: for faster answers on a CPU, and for pages that compute in the browser.

Inputs ``frames`` (B, T, 3, S, S), ``mel`` (B, 1, M, F) and ``heard`` (B,) bool; B is free, T, S, M and F are the run's.
Outputs as :func:`amdd.inspect.novelty.features_of` names them. Needs the extra ``fast`` (onnx, onnxruntime, onnxscript).
"""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from amdd.base.paths import atomic, build_root
from amdd.data.prepare import ClipStore
from amdd.data.spectrograms import shape_of
from amdd.inspect.calibration import sigmoid
from amdd.inspect.novelty import features_of, first_convolution
from amdd.inspect.weights import Scorer
from amdd.model import AMDD
from amdd.training.inference import batch_of
from amdd.training.runs import Run

OUTPUTS = ("logit", "attribution", "fused", "visual", "audio", "texture")
TOLERANCE = 1e-3  # of a score
OPSET = 18
MISSING = "ONNX needs the packages onnx, onnxruntime and onnxscript: pip install 'amdd[fast]'"


class Exportable(nn.Module):
    """The evaluation pass without data-dependent shapes: absent audio is replaced after its encoder, not before."""

    def __init__(self, model: AMDD) -> None:
        super().__init__()
        self.model = model
        self.first = first_convolution(model.visual_encoder.trunk)

    def forward(self, frames: Tensor, mel: Tensor, heard: Tensor) -> tuple[Tensor, ...]:
        model = self.model
        visual, visual_tokens, _ = model.visual_encoder(frames)
        audio, audio_tokens = model.audio_encoder(mel)
        heard = heard[:, None]
        audio = torch.where(heard, audio, visual)
        audio_tokens = torch.where(heard[..., None], audio_tokens, visual[:, None])
        a, b, _ = model.cross_modal(visual, audio, visual_tokens, audio_tokens)
        fused = torch.cat([a, b], 1)
        response = self.first(frames.flatten(0, 1))
        spread = response.flatten(2).var(2, unbiased=True).clamp_min(0).sqrt()
        texture = torch.cat([response.mean((2, 3)), spread], 1).unflatten(0, frames.shape[:2]).mean(1)
        logits = model.detection_head(fused)[:, 0], model.attribution_head(fused)
        return *logits, fused, visual, audio, texture


def exportable() -> bool:
    """Return whether the packages that :func:`export` needs are installed."""
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))


def export(run: Run, out: Path) -> Path:
    """Write the network of ``run`` to ``out`` and return it. Raises ``RuntimeError`` without the packages."""
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError:
        raise RuntimeError(MISSING) from None
    settings = run.profile.preparation
    model = Exportable(run.model).cpu().eval()
    inputs = (
        torch.zeros(2, settings.frames, 3, settings.size, settings.size),
        torch.zeros(2, *shape_of(settings)),
        torch.ones(2, dtype=torch.bool),
    )
    batch = torch.export.Dim("batch", min=1, max=1024)
    names = ("frames", "mel", "heard")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            inputs,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(names),
            output_names=list(OUTPUTS),
            dynamic_shapes={name: {0: batch} for name in names},
            verbose=False,
        )
    proto = program.model_proto
    for part in (proto.graph, *proto.functions):
        # The exporter records source paths of this machine in every node.
        for noted in (*part.node, *part.value_info):
            noted.ClearField("metadata_props")
            noted.ClearField("doc_string")
    with atomic(out) as temporary:
        onnx.save(proto, str(temporary))  # one file, weights inside
    return out


def session_of(path: Path, threads: int | None = None) -> Any:
    """Return an ONNX Runtime session. Raises ``RuntimeError`` without the package."""
    try:
        import onnxruntime
    except ImportError:
        raise RuntimeError(MISSING) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answer(session: Any, run: Run, store: ClipStore) -> dict[str, np.ndarray]:
    """Return the features of all clips of ``store`` by ONNX Runtime."""
    batch, moved = batch_of(store, range(len(store)), run.profile, torch.device("cpu"))
    inputs = {
        "frames": moved["frames"].contiguous().numpy(),
        "mel": moved["mel"].numpy(),
        "heard": batch["audio_present"].numpy(),
    }
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), inputs)))


def features_by_onnx(scorer: Scorer) -> Callable[[ClipStore], dict[str, np.ndarray]]:
    """Return the function that answers windows by ONNX; the exported network is kept below the build folder."""
    return functools.partial(answer, _session(scorer), scorer.run)


_sessions: dict[str, Any] = {}


def _session(scorer: Scorer) -> Any:
    if scorer.digest not in _sessions:
        path = build_root() / "onnx" / f"{scorer.digest}.onnx"
        if not path.is_file():
            export(scorer.run, path)
        _sessions[scorer.digest] = session_of(path)
    return _sessions[scorer.digest]


class Noise:
    """Clips of noise in the form of prepared ones, to compare two ways of computing."""

    def __init__(self, run: Run, clips: int = 8, seed: int = 0) -> None:
        import pandas as pd

        self.settings, rng = run.profile.preparation, np.random.default_rng(seed)
        s = self.settings
        self._frames = rng.integers(0, 256, (clips, s.frames, s.size, s.size, 3), np.uint8)
        self._mel = rng.uniform(-1, 1, (clips, *shape_of(s))).astype(np.float16)
        self.manifest = pd.DataFrame({"clip_id": [f"noise {k}" for k in range(clips)], "label": 0})
        self.manifest["generator"] = "unknown"
        self.manifest["audio_present"] = np.arange(clips) % 3 != 2
        self.record: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.manifest)

    def frames(self, i: int) -> np.ndarray:
        return self._frames[i]

    def mel(self, i: int) -> np.ndarray:
        return self._mel[i]

    def geometry(self, i: int) -> np.ndarray:
        return np.zeros((self.settings.frames, 2, 3), np.float32)

    def frame_indices(self, i: int) -> np.ndarray:
        return np.zeros(self.settings.frames, np.int32)


def largest_difference(run: Run, path: Path, store: ClipStore | None = None) -> float:
    """Return the largest difference of a score, ONNX Runtime's from torch's, over clips (default: noise)."""
    store = store or Noise(run)
    ours, theirs = features_of(run, store)["logit"], answer(session_of(path), run, store)["logit"]
    return float(np.abs(sigmoid(ours) - sigmoid(theirs)).max())
