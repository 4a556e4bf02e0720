"""The networks, in one place so that one can be compared with the other."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amdd.puppets.forgers.layers import UPSAMPLING, Nearest, PaintHead, Shuffle, WarpHead, conv, down


@dataclass(frozen=True)
class SwapSettings:
    """Configuration of one autoencoder swap: the properties in which the DFDM generators differ."""

    size_in: int = 96
    size_out: int = 96
    width: int = 32
    levels: int = 4
    upsampling: str = "shuffle"
    inner: bool = False  # an intermediate code shared by both people (IAE)
    moves: bool = False  # the donor's image is moved and mixed in, instead of painted over


class SwapNet(nn.Module):
    """Autoencoder swap: a shared encoder for expression and pose, a decoder conditioned on the donor.

    The original programs keep one decoder per person. Here one decoder reads the donor from a reference crop, whose
    features join at every scale, so that people not seen in training can be donors.

    ``forward(target, donor)``: (B, 3, s, s) in [0, 1] each -> (B, 3, S, S) and a mask (B, 1, S, S). Where many targets
    share few donor crops, :meth:`read` those once and pass on what it returned, picked for each target.
    """

    def __init__(self, settings: SwapSettings) -> None:
        super().__init__()
        s, w = settings, settings.width
        self.settings = s
        widths = [w, w * 2, w * 3, w * 4][: s.levels]
        self.encoder = nn.Sequential(*[down(i, o) for i, o in zip([3, *widths], widths)])
        self.reference = nn.ModuleList([down(i, o) for i, o in zip([3, *widths], widths)])
        deepest = widths[-1]
        # A narrow waist keeps the target's looks from leaking through.
        self.waist = nn.Sequential(
            nn.Conv2d(deepest, w // 2 if s.inner else w, 1), nn.Conv2d(w // 2 if s.inner else w, deepest, 1)
        )
        self.mix = conv(deepest * 2, deepest)
        up = UPSAMPLING[s.upsampling]
        stages = []
        doublings = s.levels + (1 if s.size_out > s.size_in else 0)
        current = deepest
        for k in range(doublings):
            level = s.levels - 2 - k
            skip = widths[level] if level >= 0 else 0
            out = max(w // 2, current * 2 // 3)
            stages.append(nn.ModuleDict({"up": up(current, out), "join": conv(out + skip, out)}))
            current = out
        self.stages = nn.ModuleList(stages)
        self.last = WarpHead(current + 3, 1, 0.2) if s.moves else PaintHead(current + 3)

    def read(self, donor: Tensor) -> list[Tensor]:
        """Return the features of donor crops (B, 3, s, s) at every scale, finest first."""
        features, x = [], donor
        for layer in self.reference:
            x = layer(x)
            features.append(x)
        return features

    def forward(
        self, target: Tensor, donor: Tensor, features: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        code = self.waist(self.encoder(target))
        features = self.read(donor) if features is None else features
        x = self.mix(torch.cat([code, features[-1]], 1))
        for k, stage in enumerate(self.stages):
            x = stage["up"](x)
            level = self.settings.levels - 2 - k
            if level >= 0:
                x = torch.cat([x, features[level]], 1)
            x = stage["join"](x)
        mean = (
            F.interpolate(donor, size=x.shape[-2:], mode="bilinear")
            if donor.shape[-1] != x.shape[-1]
            else donor
        )
        picture, mask = self.last(torch.cat([x, mean], 1), mean)
        return picture, torch.sigmoid(mask)


class LipNet(nn.Module):
    """Wav2Lip's generator, small: masked face + reference frame + mel window -> face with matching mouth.

    ``forward(face, mel)``: face (B, 6, 96, 96) in [0, 1], the lower half of its first three channels blank;
    mel (B, 1, 40, 16) in [-1, 1] -> (B, 3, 96, 96).
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        w = [width, width * 2, width * 3, width * 4, width * 5]
        self.first = conv(6, w[0])
        self.downs = nn.ModuleList([down(i, o) for i, o in itertools.pairwise(w)])
        self.sound = nn.Sequential(
            conv(1, 24), nn.MaxPool2d((2, 1)), conv(24, 48), nn.MaxPool2d(2), conv(48, 64), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 5 * 4, 128), nn.LeakyReLU(0.1),
        )  # fmt: skip
        self.join = conv(w[4] + 128, w[4])
        self.ups = nn.ModuleList([Nearest(w[k + 1], w[k]) for k in reversed(range(4))])
        self.joins = nn.ModuleList([conv(w[k] * 2, w[k]) for k in reversed(range(4))])
        self.last = WarpHead(w[0])

    def forward(self, face: Tensor, mel: Tensor) -> Tensor:
        x = self.first(face)
        skips = [x]
        for layer in self.downs:
            x = layer(x)
            skips.append(x)
        sound = self.sound(mel)[..., None, None].expand(-1, -1, *x.shape[-2:])
        x = self.join(torch.cat([x, sound], 1))
        for k, (up, join) in enumerate(zip(self.ups, self.joins)):
            x = join(torch.cat([up(x), skips[3 - k]], 1))
        return self.last(x, face[:, 3:])[0]


class SyncNet(nn.Module):
    """Lip-sync expert (Chung and Zisserman 2016; Prajwal et al. 2020): similarity of five lower faces and a mel window.

    ``forward(mouth, mel)``: mouth (B, 15, 48, 96), mel (B, 1, 40, 16) -> cosine similarity (B,).
    """

    def __init__(self) -> None:
        super().__init__()
        self.mouth = nn.Sequential(
            down(15, 24),
            down(24, 48),
            down(48, 64),
            down(64, 96),
            nn.Flatten(),
            nn.Linear(96 * 3 * 6, 64),
        )
        self.sound = nn.Sequential(
            conv(1, 24), nn.MaxPool2d((2, 1)), conv(24, 48), nn.MaxPool2d(2), conv(48, 64), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 5 * 4, 64),
        )  # fmt: skip

    def embed(self, mouth: Tensor, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Return visual and audio embeddings, each (B, 64) of unit length."""
        # What matters is how the mouth moves, not whose it is or how it is lit.
        still = mouth.unflatten(1, (5, 3))
        still = still - 0.8 * still.mean(1, keepdim=True) - 0.2 * still.mean((1, 3, 4), keepdim=True)
        still = still / (still.std((1, 2, 3, 4), keepdim=True) + 0.02)
        return F.normalize(self.mouth(still.flatten(1, 2)), dim=1), F.normalize(self.sound(mel), dim=1)

    def forward(self, mouth: Tensor, mel: Tensor) -> Tensor:
        seen, heard = self.embed(mouth, mel)
        return (seen * heard).sum(1)


class ReenactNet(nn.Module):
    """FSGAN's reenactment, small: a donor frame and the target's landmarks -> the donor in the target's pose.

    ``forward(donor, donor_maps, target_maps)``: (B, 3, 96, 96) and two (B, 7, 96, 96) landmark maps -> image
    (B, 3, 96, 96) and face segmentation (B, 1, 96, 96).
    """

    def __init__(self, width: int = 28, maps: int = 7) -> None:
        super().__init__()
        w = [width, width * 2, width * 3, width * 4, width * 5]
        self.first = conv(3 + 2 * maps, w[0])
        self.downs = nn.ModuleList([down(i, o) for i, o in itertools.pairwise(w)])
        self.middle = nn.Sequential(conv(w[4], w[4]), conv(w[4], w[4]))
        self.ups = nn.ModuleList([Shuffle(w[k + 1], w[k]) for k in reversed(range(4))])
        self.joins = nn.ModuleList([conv(w[k] * 2, w[k]) for k in reversed(range(4))])
        self.last = WarpHead(w[0], extra=1)

    def forward(self, donor: Tensor, donor_maps: Tensor, target_maps: Tensor) -> tuple[Tensor, Tensor]:
        x = self.first(torch.cat([donor, donor_maps, target_maps], 1))
        skips = [x]
        for layer in self.downs:
            x = layer(x)
            skips.append(x)
        x = self.middle(x)
        for k, (up, join) in enumerate(zip(self.ups, self.joins)):
            x = join(torch.cat([up(x), skips[3 - k]], 1))
        picture, mask = self.last(x, donor)
        return picture, torch.sigmoid(mask)


class Critic(nn.Module):
    """A patch discriminator for the adversarial swap (hinge loss)."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            down(3, width),
            down(width, width * 2),
            down(width * 2, width * 4),
            nn.Conv2d(width * 4, 1, 3, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


SWAPS: dict[str, SwapSettings] = {
    "faceswap": SwapSettings(96, 96, 32, 4, "shuffle", moves=True),
    "dfdm-faceswap": SwapSettings(64, 64, 28, 4, "shuffle"),
    "dfdm-lightweight": SwapSettings(64, 64, 14, 3, "shuffle"),
    "dfdm-iae": SwapSettings(64, 64, 28, 4, "transposed", inner=True),
    "dfdm-dfaker": SwapSettings(64, 128, 26, 4, "shuffle", moves=True),
    "dfdm-dflh128": SwapSettings(128, 128, 22, 4, "nearest", moves=True),
    "gan-swap-lq": SwapSettings(64, 64, 24, 4, "shuffle", moves=True),
    "gan-swap-hq": SwapSettings(128, 128, 20, 4, "shuffle", moves=True),
}
NAMES = (*SWAPS, "wav2lip", "syncnet", "fsgan")


def build(name: str) -> nn.Module:
    """Return the untrained network ``name``; raises ``ValueError`` for an unknown one."""
    if name in SWAPS:
        return SwapNet(SWAPS[name])
    if name == "wav2lip":
        return LipNet()
    if name == "syncnet":
        return SyncNet()
    if name == "fsgan":
        return ReenactNet()
    raise ValueError(f"no forger network {name!r}; expected one of: {', '.join(NAMES)}")
