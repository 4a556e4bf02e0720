"""A training run to the files that inspect: small weights, calibration, unusualness, record and card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import save_file

from amdd.base.hashing import code_hash, hash_path
from amdd.base.paths import atomic, write_text
from amdd.data.prepare import Prepared
from amdd.inspect.calibrated import Tests, calibrate, prepared_of, write_calibration
from amdd.inspect.calibration import sigmoid
from amdd.inspect.card import card_of
from amdd.inspect.novelty import features_of
from amdd.inspect.weights import CARD, load_packed
from amdd.profiles import as_dict
from amdd.training.runs import Run, load_run

PART = 6_000_000  # bytes of one file
MOST_BYTES = 20_000_000
SMALL = 1024  # a tensor below this stays float32


def shrunk(state: dict[str, torch.Tensor], precision: Literal["float16", "int8"]) -> dict[str, torch.Tensor]:
    """Return weights of half precision, or of eight bits with one scale for each of the first dimension.

    Vectors, small tensors and what float16 cannot hold stay float32; see :func:`amdd.inspect.weights.unpacked`.
    """
    out = {}
    for key, value in state.items():
        value = value.detach().cpu().contiguous()
        if not value.is_floating_point() or value.ndim < 2 or value.numel() < SMALL:
            out[key] = value
        elif precision == "float16":
            out[key] = value.half() if float(value.abs().max()) < 6e4 else value
        else:
            scale = value.abs().flatten(1).amax(1).clamp_min(1e-12) / 127
            out[key] = (value / scale.view(-1, *[1] * (value.ndim - 1))).round().to(torch.int8)
            out[f"{key}.scale!"] = scale
    return out


def _parts(state: dict[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    parts: list[dict[str, torch.Tensor]] = [{}]
    size = 0
    for key in sorted(state):
        bytes_ = state[key].numel() * state[key].element_size()
        if size and size + bytes_ > PART:
            parts.append({})
            size = 0
        parts[-1][key] = state[key]
        size += bytes_
    return parts


def pack(
    run: str | Path | Run,
    folder: str | Path,
    prepared: Prepared | None = None,
    precision: Literal["auto", "float16", "int8"] = "auto",
    further: Tests | None = None,
) -> Path:
    """Write the files by which a trained run inspects to ``folder`` and return it.

    ``precision``: "auto" takes float16 where all fits into 20 MB, else int8. The calibration is fitted with the weights as
    they are packed, so that it belongs to what is shipped; the record names the largest change of a validation score.
    ``further`` names other clips on which the frozen calibration is measured.
    Raises :class:`CheckpointError` without the prepared corpus, ``ValueError`` for weights that are too large.
    """
    run = load_run(run, "cpu") if not isinstance(run, Run) else run
    folder, prepared = Path(folder), prepared
    state = run.model.state_dict()
    half = sum(v.numel() * 2 for v in state.values())
    chosen = precision if precision != "auto" else ("float16" if half < MOST_BYTES * 0.95 else "int8")
    parts = _parts(shrunk(state, chosen))
    size = sum(v.numel() * v.element_size() for part in parts for v in part.values())
    if size > MOST_BYTES:
        raise ValueError(
            f"{run.name}: {size / 1e6:.0f} MB of {chosen} weights, at most {MOST_BYTES / 1e6:.0f} MB are shipped; "
            "train with smaller backbones (model.audio_backbone=mobilenet_v2) or name the run itself by --weights"
        )
    for stale in folder.glob("weights-*.safetensors"):
        stale.unlink()
    for k, part in enumerate(parts, 1):
        with atomic(folder / f"weights-{k}-of-{len(parts)}.safetensors") as temporary:
            save_file(part, temporary)
    clips = prepared or prepared_of(run)
    record = _record(run, clips, chosen, size)
    write_text(folder / "run.json", json.dumps(record, indent=1) + "\n")
    packed = load_packed(folder)
    found = calibrate(_beside(packed, run), prepared, further)
    validation = clips.manifest["split"].to_numpy(str) == "val"
    before, after = (features_of(r, clips, validation)["logit"].astype(float) for r in (run, packed))
    change = float(np.abs(sigmoid(before) - sigmoid(after)).max())
    write_text(folder / "run.json", json.dumps(record | {"largest_change": change}, indent=1) + "\n")
    write_text(folder / CARD, card_of(record | {"largest_change": change}, found.calibration))
    write_calibration(found, folder)
    return folder


def _beside(packed: Run, run: Run) -> Run:
    """Return the packed network as if it lay where the run does, beside the prepared corpora."""
    return Run(
        run.folder, packed.profile, packed.variant, packed.seed, packed.model, packed.record, packed.device
    )


def _record(run: Run, clips: Prepared, precision: str, size: int) -> dict[str, Any]:
    kept = ("commit", "library", "best_epoch", "epochs", "steps", "device", "precision", "weights")
    return {
        "profile": as_dict(run.profile),
        "variant": run.variant,
        "seed": run.seed,
        "run": run.name,
        "config": run.record.get("config", ""),
        "weights_sha256": hash_path(run.folder / "weights.safetensors"),
        "prepared": clips.record.get("fingerprint", ""),
        "packed_as": precision,
        "bytes": size,
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "clips": run.record.get("clips", {}),
        "people": {
            name: int(part["identity"].nunique()) if "identity" in part else 0
            for name, part in clips.manifest.groupby("split")
        },
        "code": code_hash(("amdd.inspect",)),
        "trained": {k: run.record[k] for k in kept if k in run.record},
    }
