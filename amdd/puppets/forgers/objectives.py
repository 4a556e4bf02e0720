"""Training inputs and losses of the forgers' networks."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def encoder_view(x: torch.Tensor, contrast: torch.Tensor | float = 1.0) -> torch.Tensor:
    """Return crops (B, 3, S, S) in [0, 1] as the shared encoder receives them: grey, with equal mean and contrast.

    ``contrast`` (a number or (B, 1, 1, 1)) scales what is left; training draws it.
    """
    grey = (x * x.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    grey = (grey - grey.mean((2, 3), keepdim=True)) / (
        grey.std((2, 3), keepdim=True) + 0.05
    ) * 0.22 * contrast + 0.5
    return grey.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def blank(face: torch.Tensor) -> torch.Tensor:
    """Return crops (B, C, S, S) with the lower half set to 0.5."""
    out = face.clone()
    out[:, :, face.shape[2] // 2 :] = 0.5
    return out


def mouth_weight(face: torch.Tensor) -> torch.Tensor:
    """Return a soft window (1, 1, S, S) over the mouth of the canonical crop."""
    s = face.shape[-1]
    axis = (torch.arange(s, device=face.device) + 0.5) / s
    return (
        torch.exp(-(((axis[:, None] - 0.71) / 0.10) ** 2)) * torch.exp(-(((axis[None] - 0.49) / 0.16) ** 2))
    )[None, None]


def glance_weight(face: torch.Tensor) -> torch.Tensor:
    """Return soft windows (1, 1, S, S) over eyes and mouth of the canonical crop, the parts viewers look at."""
    s = face.shape[-1]
    axis = (torch.arange(s, device=face.device) + 0.5) / s
    out = torch.zeros(s, s, device=face.device)
    for x, y, wide, high in ((0.32, 0.33, 0.09, 0.06), (0.66, 0.33, 0.09, 0.06), (0.49, 0.70, 0.14, 0.09)):
        out += torch.exp(-(((axis[:, None] - y) / high) ** 2)) * torch.exp(-(((axis[None] - x) / wide) ** 2))
    return out[None, None]


def picture_loss(
    picture: torch.Tensor, goal: torch.Tensor, mask: torch.Tensor, extra: torch.Tensor | float = 0.0
) -> torch.Tensor:
    """Return the L1 loss on pixels and on image gradients, weighted by 0.25 + 0.75 ``mask`` + ``extra``.

    ``picture`` and ``goal`` (B, 3, S, S) in [0, 1]; ``mask`` (B, 1, S, S) of the face.
    """
    weight = 0.25 + 0.75 * mask + extra
    loss = ((picture - goal).abs() * weight).mean() * 3
    for axis in (2, 3):
        loss = (
            loss
            + (
                (picture.diff(dim=axis) - goal.diff(dim=axis)).abs()
                * weight.narrow(axis, 0, weight.shape[axis] - 1)
            ).mean()
            * 3
        )
    return loss


def mask_loss(segmentation: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the binary cross-entropy of a segmentation (B, 1, S, S) in [0, 1], in fp32."""
    with torch.autocast(segmentation.device.type, enabled=False):
        return F.binary_cross_entropy(segmentation.float().clamp(1e-4, 1 - 1e-4), mask.clamp(0, 1))
