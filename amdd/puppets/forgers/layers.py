"""Layers shared by the generators' networks: convolutions, upsampling, and painting and warping heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def down(i: int, o: int) -> nn.Sequential:
    """Return a strided 5×5 convolution from ``i`` to ``o`` channels that halves the sides."""
    return nn.Sequential(nn.Conv2d(i, o, 5, 2, 2), nn.LeakyReLU(0.1, inplace=True))


def conv(i: int, o: int) -> nn.Sequential:
    """Return a 3×3 convolution from ``i`` to ``o`` channels."""
    return nn.Sequential(nn.Conv2d(i, o, 3, 1, 1), nn.LeakyReLU(0.1, inplace=True))


class Shuffle(nn.Module):
    """Upsampling by sub-pixel convolution (PixelShuffle), as the faceswap programs do."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(i, o * 4, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(F.pixel_shuffle(self.conv(x), 2), 0.1)


class Nearest(nn.Module):
    """Upsampling by bilinear interpolation, then a convolution."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(F.interpolate(x, scale_factor=2.0, mode="bilinear")), 0.1)


class Transposed(nn.Module):
    """Upsampling by transposed convolution, which leaves chequerboard artefacts."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(i, o, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(x), 0.1)


UPSAMPLING = {"shuffle": Shuffle, "nearest": Nearest, "transposed": Transposed}


class PaintHead(nn.Module):
    """Last layer that paints over the donor's image, starting from it.

    ``forward(features, picture)``: (B, C, s, s) and (B, 3, s, s) -> (B, 3, s, s), and (B, 1, s, s) raw.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.last = nn.Conv2d(width, 4, 3, 1, 1)
        with torch.no_grad():
            self.last.weight *= 0.1
            self.last.bias.zero_()

    def forward(self, features: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(features.device.type, enabled=False):
            out = self.last(features.float())
            return torch.sigmoid(out[:, :3] + torch.logit(picture.float(), 0.02)), out[:, 3:]


class WarpHead(nn.Module):
    """Last layer that warps the donor's image by a flow, synthesises pixels, and mixes both by a gate.

    The flow keeps fine detail such as pores and lashes; what the image does not show is synthesised.

    ``forward(features, picture)``: (B, C, s, s) and (B, 3, s, s) -> (B, 3, s, s), and (B, extra, s, s) raw.
    """

    def __init__(self, width: int, extra: int = 0, reach: float = 0.5) -> None:
        super().__init__()
        self.reach = reach  # the farthest that a pixel comes from, of half the image's side
        self.last = nn.Conv2d(width, 6 + extra, 3, 1, 1)
        with torch.no_grad():
            self.last.weight[3:5] *= 0.1  # begins by moving little
            self.last.bias[3:6] = 0

    def forward(self, features: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(features.device.type, enabled=False):
            out = self.last(features.float())
            flow = torch.tanh(out[:, 3:5]).permute(0, 2, 3, 1) * self.reach
            still = torch.eye(2, 3, device=out.device).repeat(len(out), 1, 1)
            grid = F.affine_grid(still, list(picture.shape), align_corners=False) + flow
            moved = F.grid_sample(picture.float(), grid, padding_mode="border", align_corners=False)
            gate = torch.sigmoid(out[:, 5:6])
            return gate * moved + (1 - gate) * torch.sigmoid(out[:, :3]), out[:, 6:]
