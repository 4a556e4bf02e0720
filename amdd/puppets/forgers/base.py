"""Inputs and outputs of the generators, and their weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from amdd.puppets.forgers.networks import build
from amdd.puppets.person.people import Identity

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Source:
    """A clip of a rendered person, with what the renderer knows about it.

    ``frames`` uint8 (T, H, W, 3); ``landmarks`` float32 (T, 68, 2), pixels; ``face_mask`` uint8 (T, H, W);
    ``audio`` float32 (n,). Raises ``TypeError`` for anyone who was not rendered.
    """

    frames: np.ndarray
    landmarks: np.ndarray
    face_mask: np.ndarray
    audio: np.ndarray
    identity: Identity
    sample_rate: int = 16_000
    fps: float = 25.0

    def __post_init__(self) -> None:
        if not isinstance(self.identity, Identity):
            raise TypeError(
                "forgers work on rendered people only: a Source needs the Identity that was rendered"
            )
        steps = len(self.frames)
        if self.landmarks.shape != (steps, 68, 2) or len(self.face_mask) != steps:
            raise ValueError("frames, landmarks and face_mask must describe the same frames")


@dataclass(frozen=True)
class Forged:
    """A forged clip: ``frames`` uint8 (T, H, W, 3), ``mask`` uint8 (T, H, W) with 1 where a pixel was changed, and the
    changed ``segments`` in seconds."""

    frames: np.ndarray
    mask: np.ndarray
    segments: tuple[tuple[float, float], ...]


def whole(source: Source) -> tuple[tuple[float, float], ...]:
    """Return the single segment, in seconds, that spans the clip."""
    return ((0.0, len(source.frames) / source.fps),)


def fast_inference() -> torch.autocast:
    """Compute in bfloat16 where the processor supports it, in float32 elsewhere; last layers are always float32."""
    able = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.autocast("cpu", torch.bfloat16, enabled=bool(able))


@lru_cache(maxsize=16)
def load_network(name: str) -> torch.nn.Module:
    """Return the trained network ``name`` in evaluation mode; cached for the process.

    Raises ``FileNotFoundError`` or ``ValueError`` naming the file and the command that trains it.
    """
    path = WEIGHTS / f"{name}.safetensors"
    cure = f"python -m amdd.puppets.forgers.training.train {name} makes it"
    if not path.exists():
        raise FileNotFoundError(f"{path.name}: no weights for the forger {name!r}; {cure}")
    network = build(name)
    try:
        state = {key: value.float() for key, value in load_file(path).items()}
        network.load_state_dict(state)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"{path.name}: not the weights of {name!r} ({str(error).splitlines()[0]}); {cure}"
        ) from None
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
