"""Gradient norms of the weighted loss terms: which term moves which part of the network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from amdd.data.dataset import inputs_of
from amdd.model.losses import Objective

PARTS = {
    "trunk": "visual_encoder.trunk.",
    "audio": "audio_encoder.",
    "all": "",
}


def gradient_norms(
    model: nn.Module, objective: Objective, batch: dict[str, Any], device: torch.device
) -> dict[str, float]:
    """Return the norm of the gradient of every weighted term of Eq. (8) on one batch, as ``grad_<part>_<term>``.

    ``part`` is the visual ``trunk``, the ``audio`` encoder or ``all`` parameters; a term of weight zero has norm zero. The
    norms are those before clipping. Neither weights nor the statistics of batch normalisation nor the centroids change.
    """
    kept = [(b, b.detach().clone()) for b in model.buffers()]
    was, ready = model.training, objective.training
    model.train()
    objective.eval()  # the centroids stay where they are
    try:
        moved = {k: v.to(device) for k, v in batch.items() if isinstance(v, Tensor)}
        terms = objective(model(*inputs_of(batch, moved)), moved)
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        found: dict[str, float] = {}
        for term, weight in objective.weights.items():
            gradients: Any = [None] * len(named)
            if weight and terms[term].requires_grad:
                gradients = torch.autograd.grad(
                    weight * terms[term], [p for _, p in named], retain_graph=True, allow_unused=True
                )
            for part, prefix in PARTS.items():
                squares = [
                    g.detach().float().square().sum()
                    for (name, _), g in zip(named, gradients)
                    if g is not None and name.startswith(prefix)
                ]
                found[f"grad_{part}_{term}"] = float(torch.stack(squares).sum().sqrt()) if squares else 0.0
        return found
    finally:
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)
        model.train(was)
        objective.train(ready)
