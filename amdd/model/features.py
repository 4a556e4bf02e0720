"""From a feature map to one vector: means over cells, standardised where the map comes from frozen blocks alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amdd.model.backbones import Trunk

NEVER = 1e-3  # a feature that varies less, by the rounding of half precision, stays as small as it is


class CellMeans(nn.Module):
    """Means of feature maps (N, width, h, w) over ``cells`` x ``cells`` parts of their area: (N, ``self.width``).

    One cell is global average pooling. Of a trunk that is ``constant`` each mean is standardised by :meth:`fit`: features of
    frozen blocks differ in size by a factor of hundreds, and no batch normalisation after them can adapt.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, trunk: Trunk, cells: int = 1) -> None:
        super().__init__()
        self.cells, self.width, self.constant = cells, trunk.width * cells**2, trunk.constant
        if self.constant:
            self.register_buffer("shift", torch.zeros(self.width))
            self.register_buffer("scale", torch.ones(self.width))

    def forward(self, maps: Tensor) -> Tensor:
        return self.standardised(self._means(maps))

    def standardised(self, means: Tensor) -> Tensor:
        """Return ``means`` (..., width) as the layers after them take them."""
        return (means - self.shift) / self.scale if self.constant else means

    def _means(self, maps: Tensor) -> Tensor:
        if self.cells == 1:
            return maps.mean((2, 3))
        # From a trunk with levels the maps are the cells already, and pooling them again costs a twentieth of a step.
        if maps.shape[-2:] == (self.cells, self.cells):
            return maps.flatten(1)
        return F.adaptive_avg_pool2d(maps, self.cells).flatten(1)

    @torch.no_grad()
    def fit(self, clips: Iterable[np.ndarray]) -> None:
        """Set mean and standard deviation of every feature to those over the maps (n, width, h, w) of all ``clips``."""
        total, n = torch.zeros(2, self.width, dtype=torch.float64), 0
        for maps in clips:
            means = self._means(torch.from_numpy(np.array(maps, np.float32))).double()
            total += torch.stack([means.sum(0), means.square().sum(0)])
            n += len(means)
        mean, square = total / n
        self.shift.copy_(mean)
        spread = (square - mean**2).clamp_min(0).sqrt()
        self.scale.copy_(spread.where(spread > NEVER, 1.0))
