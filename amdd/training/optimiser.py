"""Optimiser, learning rate and batches of a training run."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.utils.data import DataLoader

from amdd.data.dataset import collate
from amdd.profiles import TrainingSettings


def optimiser_of(model: nn.Module, s: TrainingSettings, device: torch.device) -> torch.optim.Optimizer:
    """Return AdamW over all parameters, the backbones at ``backbone_rate`` times the learning rate."""
    # Fewer passes over the weights, a tenth of the kernels. Whole networks on a CPU keep the arithmetic of earlier versions.
    partly = not all(p.requires_grad for p in model.parameters())
    fused = device.type == "cuda" or (device.type == "cpu" and partly)
    if s.backbone_rate == 1:
        return torch.optim.AdamW(
            model.parameters(), s.learning_rate, weight_decay=s.weight_decay, fused=fused
        )
    named = list(model.named_parameters())
    trunk = [p for name, p in named if ".trunk." in name]
    rest = [p for name, p in named if ".trunk." not in name]
    groups = [{"params": rest}, {"params": trunk, "lr": s.learning_rate * s.backbone_rate}]
    return torch.optim.AdamW(groups, s.learning_rate, weight_decay=s.weight_decay, fused=fused)


def schedule_of(
    optimiser: torch.optim.Optimizer, total: int, warmup: int = 0
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the learning rate over ``total`` steps: cosine to zero, after ``warmup`` steps of linear increase."""
    if not warmup:
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, total)
    warmup = min(warmup, max(total - 1, 1))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))

    return torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def loader_of(
    dataset, sampler, s: TrainingSettings, epoch: int, first: int = 0, rank: int = 0, world: int = 1
):
    """Batches of one epoch from step ``first`` on; each process gets its share of every batch."""
    dataset.set_epoch(epoch)
    sampler.set_epoch(epoch)
    order = list(sampler)
    batches = [order[i : i + s.batch_size] for i in range(0, len(order), s.batch_size)]
    mine = [b[rank::world] for b in batches[first:]]
    return DataLoader(
        dataset,
        batch_sampler=mine,
        num_workers=s.workers,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available() and s.workers > 0,
    )
