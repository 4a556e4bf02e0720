"""A training run's folder: configuration, weights, history, and the state to resume from."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from amdd.base.paths import atomic, write_text
from amdd.model import AMDD
from amdd.profiles import Profile, as_dict, profile_from_dict


class CheckpointError(ValueError):
    """A weights file that does not fit: truncated, of another architecture, or with foreign tensors."""


@dataclass
class Run:
    """A finished run, loaded: ``model`` in evaluation mode on ``device``."""

    folder: Path
    profile: Profile
    variant: str
    seed: int
    model: AMDD
    record: dict[str, Any] = field(default_factory=dict)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def history(self) -> pd.DataFrame:
        """One row per epoch: each loss term, validation figures, learning rate, seconds."""
        return pd.read_parquet(self.folder / "history.parquet")

    @property
    def name(self) -> str:
        return self.folder.name


def choose_device(wish: str = "auto") -> torch.device:
    if wish != "auto":
        return torch.device(wish)
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    return torch.device("cpu")


def choose_precision(wish: str, device: torch.device) -> tuple[str, str]:
    """``("bf16" or "fp32", why)``. "auto" takes the faster one by what the device has, which two runs on one machine
    answer alike; a stop-watch would not."""
    if wish != "auto":
        return wish, "as asked"
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("bf16", "the GPU has bf16 units") if native else ("fp32", "the GPU has no bf16 units")
    # Vector instructions for bf16 alone don't pay: a step of the demo took 0.51 s with them, 0.41 s in fp32.
    if getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)():
        return "bf16", "the CPU multiplies matrices in bf16 (AMX)"
    return "fp32", "the CPU has no matrix unit for bf16 (AMX)"


def save_weights(model: torch.nn.Module, path: Path, metadata: dict[str, str]) -> None:
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    # One entry only: the format keeps several unordered, and the same weights shall be the same bytes.
    with atomic(path) as temporary:
        save_file(state, temporary, metadata={"amdd": json.dumps(metadata, sort_keys=True)})


def load_weights(model: torch.nn.Module, path: Path) -> None:
    """Fill ``model`` from a safetensors file; :class:`CheckpointError` says what does not fit."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weights; train the run again")
    try:
        with safe_open(path, framework="pt") as handle:
            state = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path.name}: not a complete safetensors file ({error}); train the run again"
        ) from None
    own = model.state_dict()
    foreign, missing = sorted(set(state) - set(own)), sorted(set(own) - set(state))
    if foreign or missing:
        raise CheckpointError(
            f"{path.name}: of another architecture; foreign tensors {foreign[:3]}, missing tensors {missing[:3]}; "
            "check the model settings in config.json"
        )
    for key, value in state.items():
        if value.shape != own[key].shape:
            raise CheckpointError(
                f"{path.name}: tensor {key} is {tuple(value.shape)}, the model needs {tuple(own[key].shape)}; "
                "check the model settings in config.json"
            )
    model.load_state_dict(state)


def load_run(folder: str | Path, device: str = "auto") -> Run:
    """A finished run by its folder. Raises :class:`CheckpointError` when it is not finished or does not fit."""
    folder = Path(folder)
    if not (folder / "run.json").is_file():
        raise CheckpointError(f"{folder.name}: no finished run here (run.json is missing); train it first")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    profile = profile_from_dict(config["profile"])
    import dataclasses

    # The file holds every weight: looking for ImageNet's first would only cost time and a warning.
    model = AMDD(dataclasses.replace(profile.model, weights="random"))
    load_weights(model, folder / "weights.safetensors")
    for name, encoder in (("visual", model.visual_encoder), ("audio", model.audio_encoder)):
        said = str(record.get("weights", {}).get(name, "random initialisation"))
        if "random initialisation" not in said:  # else it was trained whole
            encoder.trunk.frozen = getattr(profile.model, f"{name}_frozen")
    where = choose_device(device)
    model.eval().requires_grad_(False).to(where, memory_format=torch.channels_last)
    return Run(folder, profile, config["variant"], config["seed"], model, record, where)


def config_of(profile: Profile, variant: str, seed: int, data: str) -> dict[str, Any]:
    """Return the configuration of a run: settings, variant, seed and data."""
    body = {"profile": as_dict(profile), "variant": variant, "seed": seed, "data": data}
    # What is evaluated later, and where the corpus came from, does not change what is trained.
    key = {k: body["profile"][k] for k in ("preparation", "model", "training")} | {
        "variant": variant,
        "seed": seed,
        "data": data,
    }
    return body | {"hash": hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]}


def write_record(folder: Path, record: dict[str, Any]) -> None:
    write_text(folder / "run.json", json.dumps(record, indent=1) + "\n")
