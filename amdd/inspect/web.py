"""A run's network and a dozen of its test clips as files for the page "The network in this page".

The browser computes with them by ONNX Runtime, without a server: what is written here is all that it needs.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from amdd.base.paths import atomic, write_text
from amdd.data.dataset import MEAN, STD, evenly
from amdd.data.prepare import ClipStore
from amdd.data.spectrograms import shape_of
from amdd.inspect.onnx import export
from amdd.training.runs import Run

CLIPS = 12
INDEX = "network.json"
LARGE = 1024  # elements; smaller weights stay as they are


def write_web(
    folder: Path, run: Run, clips: ClipStore, predictions: pd.DataFrame, facts: dict[str, Any]
) -> dict[str, Any]:
    """Write the network, the chosen clips and their index ``network.json`` below ``folder``; returns the index.

    ``predictions`` are the run's for its test clips, ``facts`` (profile, seed, threshold) go into the index. Of each clip
    the crops are a strip without loss, ``NN.png`` (S, T x S), and the spectrogram ``NN.mel``, float32, little-endian. Raises
    ``RuntimeError`` without the packages that export.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shrink(export(run, folder / "network.onnx"))
    settings, listed = run.profile.preparation, []
    row_of = {name: row for row, name in enumerate(clips.manifest.clip_id)}
    for number, clip in enumerate(chosen(predictions).itertuples(), start=1):
        row, name = row_of[clip.clip_id], f"{number:02d}"
        frames = np.asarray(clips.frames(row))
        if settings.frames < len(frames):
            frames = evenly(frames, settings.frames)
        good, data = cv2.imencode(".png", np.hstack(list(frames))[..., ::-1])
        if not good:
            raise RuntimeError(f"{clip.clip_id}: its crops could not be written")
        mel = np.asarray(clips.mel(row), "<f4").tobytes()
        for end, content in (("png", data.tobytes()), ("mel", mel)):
            with atomic(folder / f"{name}.{end}") as temporary:
                temporary.write_bytes(content)
        heard = bool(clips.manifest.audio_present.iloc[row])
        listed.append(
            {"id": name, "truth": str(clip.generator), "heard": heard, "score": round(float(clip.score), 5)}
        )
    index = {
        **facts,
        "generators": list(run.profile.model.generators),
        "frames": settings.frames,
        "size": settings.size,
        "mel": list(shape_of(settings)),
        "audio": {
            key: getattr(settings, key)
            for key in ("seconds", "sample_rate", "n_fft", "hop_length", "n_mels", "top_db")
        },
        "mean": list(MEAN),
        "std": list(STD),
        "megabytes": round(sum(p.stat().st_size for p in folder.iterdir()) / 1e6, 1),
        "clips": listed,
    }
    write_text(folder / INDEX, json.dumps(index, indent=1) + "\n")
    return index


def chosen(predictions: pd.DataFrame, count: int = CLIPS) -> pd.DataFrame:
    """Return up to ``count`` clips, as many of each class as of any other, evenly over the order of their scores, so that
    errors are among them as often as they are among all. They are mixed by their names' hash."""
    classes = sorted(predictions.generator.unique(), key=lambda g: (g != "real", g))
    share, parts = max(1, count // max(1, len(classes))), []
    for name in classes:
        own = predictions[predictions.generator == name].sort_values(["score", "clip_id"])
        places = np.unique(
            ((np.arange(min(share, len(own))) + 0.5) * len(own) / min(share, len(own))).astype(int)
        )
        parts.append(own.iloc[places])
    found = pd.concat(parts).head(count)
    return found.iloc[np.argsort(pd.util.hash_array(found.clip_id.to_numpy(object)), kind="stable")]


def shrink(path: Path) -> None:
    """Store the large weights of an ONNX file in half precision; it goes on computing in single precision."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(path))
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < LARGE:
            continue
        name, half = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    with atomic(path) as temporary:
        onnx.save(model, str(temporary))
