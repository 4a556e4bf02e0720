"""Networks that inspect: the one that is shipped, a packed folder, or any training run."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from amdd.base.hashing import hash_bytes, hash_path
from amdd.base.paths import PACKAGE, build_root
from amdd.inspect.calibrated import CALIBRATION, NOVELTY, calibrate, write_calibration
from amdd.inspect.calibration import Calibration, load_calibration
from amdd.inspect.novelty import Novelty, load_novelty
from amdd.model import AMDD
from amdd.profiles import profile_from_dict
from amdd.training.runs import CheckpointError, Run, choose_device, load_run

SHIPPED = PACKAGE / "inspect" / "network"
CARD = "CARD.md"

NONE_SHIPPED = (
    "no checkpoint is shipped with this version. Train one, which takes minutes: `amdd run --profile demo --only 01 --only "
    "02`, then name it: --weights _build/demo/runs/full-seed0"
)


@dataclass(frozen=True)
class Scorer:
    """A network with its calibration: what turns a window into an answer. ``digest`` is the hash of its files."""

    run: Run
    calibration: Calibration
    novelty: Novelty
    digest: str
    card: str = ""


def load_scorer(weights: str | Path | None = None, device: str = "cpu") -> Scorer:
    """Return the shipped network, or that of a packed folder or training run ``weights``.

    A training run is calibrated at its first use, on the validation clips of its prepared corpus, and the result is kept
    below the build folder: a run's folder stays as training left it. Raises :class:`CheckpointError` with the cure where there is none.
    """
    folder = SHIPPED if weights is None else Path(weights).expanduser()
    if weights is None and not (folder / CALIBRATION).is_file():
        raise CheckpointError(NONE_SHIPPED)
    return _loaded(str(folder.resolve()), device)


@lru_cache(maxsize=2)
def _loaded(name: str, device: str) -> Scorer:
    folder = Path(name)
    if (folder / CALIBRATION).is_file():
        run, beside = load_packed(folder, device), folder
    else:
        run, beside = load_run(folder, device), build_root() / "inspect" / _key(folder)
        if not (beside / CALIBRATION).is_file():
            write_calibration(calibrate(run), beside)
    card = beside / CARD
    digest = hash_path(folder) if beside == folder else hash_path(folder / "weights.safetensors")
    return Scorer(
        run,
        load_calibration(beside / CALIBRATION),
        load_novelty(beside / NOVELTY),
        digest,
        card.read_text(encoding="utf-8") if card.is_file() else "",
    )


def _key(folder: Path) -> str:
    """Return a name for a run's calibration: another one for other weights and another way of calibrating."""
    here = Path(__file__).parent
    files = (
        folder / "weights.safetensors",
        folder / "config.json",
        here / "calibration.py",
        here / "novelty.py",
    )
    return hash_bytes("".join(hash_path(file) for file in files).encode())


def weight_files(folder: Path) -> list[Path]:
    """Return the parts of packed weights, in order."""
    return sorted(folder.glob("weights-*.safetensors"))


def load_packed(folder: Path, device: str = "cpu") -> Run:
    """Return the run of a packed folder: weights of half precision or of eight bits, as float32.

    Raises :class:`CheckpointError` for a folder that is damaged or of another architecture.
    """
    try:
        record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        profile = profile_from_dict(record["profile"])
        parts: dict[str, torch.Tensor] = {}
        for file in weight_files(folder):
            with safe_open(file, framework="pt") as handle:
                parts |= {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"{folder.name}: not a packed network ({error}); pack the run again") from None
    model = AMDD(dataclasses.replace(profile.model, weights="random"))
    try:
        model.load_state_dict(unpacked(parts))
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise CheckpointError(
            f"{folder.name}: of another architecture ({first}); pack the run again"
        ) from None
    where = choose_device(device)
    model.eval().requires_grad_(False).to(where, memory_format=torch.channels_last)
    return Run(folder, profile, record["variant"], record["seed"], model, record, where)


def unpacked(parts: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return float32 weights; a tensor of int8 is multiplied by its scales, one for each of its first dimension."""
    state = {}
    for key, value in parts.items():
        if key.endswith(".scale!"):
            continue
        if value.dtype == torch.int8:
            scale = parts[f"{key}.scale!"].float()
            value = value.float() * scale.view(-1, *[1] * (value.ndim - 1))
        state[key] = value.float() if value.is_floating_point() else value
    return state
