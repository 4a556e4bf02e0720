"""Random distortions of training crops."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from amdd.puppets.forgers.objectives import encoder_view


def warp(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return the encoder's training input: grey, warped and recoloured, so that it keeps expression and
    pose and must take looks from the donor."""
    b, _, s, _ = x.shape
    coarse = torch.from_numpy(rng.normal(0, 0.02, (b, 2, 5, 5)).astype(np.float32)).to(x.device)
    bend = F.interpolate(coarse, size=(s, s), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    theta = torch.eye(2, 3, device=x.device).repeat(b, 1, 1)
    theta[:, [0, 1], [0, 1]] *= torch.from_numpy(rng.uniform(0.95, 1.05, (b, 2)).astype(np.float32)).to(
        x.device
    )
    grid = F.affine_grid(theta, x.shape, align_corners=False) + bend
    bent = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return encoder_view(
        bent, torch.from_numpy(rng.uniform(0.6, 1.5, (b, 1, 1, 1)).astype(np.float32)).to(x.device)
    )


def nudge(x: torch.Tensor, run: int, rng: np.random.Generator) -> torch.Tensor:
    """Return crops (B, C, S, S) with a small random scale and shift, equal within a run, so that the position of
    the eyes carries no information on the jaw."""
    clips = len(x) // run
    draw = lambda low, high: np.repeat(rng.uniform(low, high, clips), run)  # noqa: E731
    theta = np.zeros((len(x), 2, 3), np.float32)
    theta[:, 0, 0] = theta[:, 1, 1] = draw(0.96, 1.04)
    theta[:, 0, 2], theta[:, 1, 2] = draw(-0.04, 0.04), draw(-0.04, 0.04)
    grid = F.affine_grid(torch.from_numpy(theta).to(x.device), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
