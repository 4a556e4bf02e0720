"""Several processes that train one model, started by ``torchrun``; alone, everything here does nothing.

Plain DistributedDataParallel rather than Lightning Fabric: it is all that is needed, comes with torch, and leaves the
loop of Algorithm 1 as it reads. The processes share each batch of ``training.batch_size`` clips, and both the losses
(:func:`gather`) and batch normalisation (:func:`synchronised`) see the whole of it, so that their number changes how
long a training takes and not what it learns: a batch of four over two processes would otherwise be normalised by
two clips at a time.
"""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import Tensor, nn


def join() -> tuple[int, int]:
    """Rank and number of processes; joins the group that ``torchrun`` announces."""
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world > 1 and not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return (dist.get_rank(), world) if world > 1 else (0, 1)


def several() -> bool:
    """Is this one of several processes?"""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def wide(x: Tensor) -> Tensor:
    """``x`` in float32 at least: halves become floats, doubles stay."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def gather(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The rows of all processes, in order of rank, for each of ``tensors`` (b, ...); differentiable.

    All travel together, in one exchange. ``b`` has to be the same everywhere. Integers go as floats, which is exact
    below 2**24.
    """
    if not several():
        return tensors
    from torch.distributed.nn.functional import all_gather

    flat = [wide(x).reshape(len(x), -1) for x in tensors]
    rows = torch.cat(all_gather(torch.cat(flat, 1).contiguous()))
    parts = rows.split([x.shape[1] for x in flat], 1)
    return tuple(p.reshape(-1, *x.shape[1:]).to(x.dtype) for p, x in zip(parts, tensors))


class GlobalBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by mean and variance of the whole batch, on CPUs too, which nn.SyncBatchNorm can't.

    Each process tells its count, means and variances; within- and between-process variance add up to the batch's.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and several()):
            return super().forward(x)
        from torch.distributed.nn.functional import all_gather

        y = wide(x)  # may hold no image at all, where this process's share of the batch has no audio
        n = y.numel() / y.shape[1]
        mean = y.sum((0, 2, 3)) / max(n, 1)
        var = ((y - mean[:, None, None]) ** 2).sum((0, 2, 3)) / max(n, 1)
        own = torch.stack([torch.full_like(mean, n), mean, var])
        count, mean, var = torch.stack(all_gather(own)).unbind(1)  # each (processes, channels)
        share = count / count.sum(0)
        middle = (share * mean).sum(0)
        spread = (share * (var + (mean - middle) ** 2)).sum(0)
        assert self.running_mean is not None and self.running_var is not None  # as in every trunk's layer
        assert self.num_batches_tracked is not None and self.momentum is not None
        with torch.no_grad():
            whole = count.sum(0)
            self.running_mean.lerp_(middle.to(self.running_mean.dtype), self.momentum)
            self.running_var.lerp_((spread * whole / (whole - 1)).to(self.running_var.dtype), self.momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(spread + self.eps)
        y = y * scale[:, None, None] + (self.bias - middle * scale)[:, None, None]
        return y.to(x.dtype)


def synchronised(model: nn.Module, device: torch.device) -> nn.Module:
    """``model`` with batch normalisation over all processes; parameters and their names stay."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = GlobalBatchNorm
    return model
