"""Image backbones from torchvision, and where their ImageNet weights are found.

The order of search: a file or folder that the user names, torch's hub cache, an installed package that carries
torchvision's own file (checked by its sha256), a download if ``AMDD_DOWNLOAD=1`` allows one. Otherwise the
weights are random, and that is said in the log, in ``run.json`` and on the results page.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import logging
import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

log = logging.getLogger("amdd")


@dataclass(frozen=True)
class Provenance:
    """Origin of a backbone's weights; ``source`` is "random" when there were none."""

    backbone: str
    source: str
    file: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        if self.source == "random":
            return f"{self.backbone}: random initialisation (no ImageNet weights were found)"
        return f"{self.backbone}: ImageNet weights from {self.source} ({self.file}, sha256 {self.sha256[:8]})"


def weights_file(name: str) -> str:
    """torchvision's file name of the first ImageNet weights of ``name``, e.g. ``resnet50-0676ba61.pth``."""
    try:
        enum = torchvision.models.get_model_weights(name)
    except ValueError:
        raise ValueError(f"torchvision has no model {name!r}; see torchvision.models.list_models()") from None
    return Path(next(iter(enum)).url).name


def _digest(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@functools.lru_cache
def _in_packages(file_name: str) -> tuple[tuple[Path, str], ...]:
    """Files of that name in installed packages, with the package's; listing them all takes a second."""
    return tuple(
        (Path(str(package.locate_file(file))), package.metadata["Name"])
        for package in importlib.metadata.distributions()
        for file in package.files or ()
        if file.name == file_name
    )


def find_weights(name: str, where: str = "imagenet") -> tuple[Path | None, Provenance]:
    """The file with ``name``'s ImageNet weights and where it came from; ``None`` for random.

    ``where`` is "imagenet" (search), "random", a file, or a folder that holds the file under torchvision's
    name. Raises ``FileNotFoundError`` when a path was given and the file is not there.
    """
    if where == "random":
        return None, Provenance(name, "random")
    wanted = weights_file(name)
    stem = wanted.removesuffix(".pth").rpartition("-")[2]

    def known(path: Path, source: str) -> tuple[Path, Provenance] | None:
        digest = _digest(path)
        if not digest.startswith(stem):
            log.warning("%s is not torchvision's file: its sha256 begins with %s", path.name, digest[:8])
            return None
        return path, Provenance(name, source, path.name, digest)

    if where != "imagenet":
        path = Path(where)
        path = path / wanted if path.is_dir() else path
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such weights; {name} needs torchvision's {wanted}")
        return path, Provenance(name, "the path given", path.name, _digest(path))
    cached = Path(torch.hub.get_dir()) / "checkpoints" / wanted
    if cached.is_file() and (found := known(cached, "torch's hub cache")):
        return found
    for path, package in _in_packages(wanted):
        if path.is_file() and (found := known(path, f"the package {package}")):
            return found
    if os.environ.get("AMDD_DOWNLOAD") == "1":
        try:
            url = next(iter(torchvision.models.get_model_weights(name))).url
            torch.hub.load_state_dict_from_url(url, check_hash=True, map_location="cpu", weights_only=True)
            if cached.is_file() and (found := known(cached, "a download")):
                return found
        except OSError as error:
            log.warning("%s could not be downloaded (%s)", wanted, error)
    log.warning(
        "no ImageNet weights for %s: it starts from random weights. Put torchvision's %s into %s, name its folder by "
        "model.weights=..., or set AMDD_DOWNLOAD=1.",
        name,
        wanted,
        "torch's hub cache ($TORCH_HOME/hub/checkpoints)",
    )
    return None, Provenance(name, "random")


# What a torchvision classifier does after its last feature map; everything before is the trunk.
HEADS = ("avgpool", "fc", "classifier", "head", "dropout", "flatten", "aux1", "aux2", "AuxLogits")
TINY = 1e-8  # variance at which the gradient of a standard deviation stays finite
PROBE = 96  # pixels: what the smallest image is that every trunk takes


class Trunk(nn.Module):
    """A torchvision classifier without its head: images (N, C, H, W) to a feature map (N, width, h, w).

    ``width`` is the number of channels. Works for every classifier of torchvision that has such a map: all but the
    vision transformers (``vit_*``) and MaxViT, whose images have a fixed size.

    Of its parts the first ``blocks`` are used (0: all), and the first ``frozen`` are not trained: their batch
    normalisation keeps its statistics. Without pretrained weights nothing is frozen. ``constant`` says that no block is
    meant to be trained.

    With ``levels``, which takes a network that is frozen whole, the feature map (N, width, cells, cells) has for each of these
    blocks the mean and the standard deviation of every channel over each of ``cells`` x ``cells`` parts of its map: what a
    global mean over the last map leaves out.

    Raises ``ValueError`` for a network without a map, for more blocks than there are, for levels that do not end with the
    last block or of a trunk that is not frozen whole, and for a weights file that belongs to another network.
    """

    def __init__(
        self,
        name: str,
        weights: str = "imagenet",
        channels: int = 3,
        blocks: int = 0,
        frozen: int = 0,
        levels: Sequence[int] = (),
        cells: int = 1,
    ) -> None:
        super().__init__()
        if name.startswith(("vit_", "maxvit")):
            raise ValueError(f"{name}: has no feature map for pictures of any size, and so can't be a trunk")
        # GoogLeNet and Inception: whatever they build beside the trunk is dropped below.
        plain = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        network = torchvision.models.get_model(name, weights=None, **plain)
        path, self.provenance = find_weights(name, weights)
        if path is not None:
            _fill(network, name, path)
        if hasattr(network, "features"):
            self.body = network.features
            if name.startswith("swin"):  # channels last, and a norm of its own
                self.body = nn.Sequential(network.features, network.norm, network.permute)
            elif name.startswith("densenet"):  # whose last rectifier stands in the classifier
                self.body = nn.Sequential(network.features, nn.ReLU(inplace=True))
        else:
            self.body = nn.Sequential()
            for key, part in network._modules.items():
                if part is not None and key not in HEADS:
                    self.body.add_module(key, part)
        if max(blocks, frozen) > len(self.body) or 0 < blocks < frozen:
            raise ValueError(
                f"{name} has {len(self.body)} blocks: can't take {blocks or 'all'} and freeze {frozen}; set "
                "model.visual_blocks and model.visual_frozen (or audio_blocks and audio_frozen) to fit, or to 0 for a "
                "whole backbone that is trained, which takes no model.visual_levels"
            )
        self.body = self.body[:blocks] if blocks else self.body
        if channels != 3:
            adapt_channels(self.body, channels)
        self.levels, self.cells = tuple(levels), cells
        if self.levels and not self.levels[-1] == len(self.body) == frozen:
            raise ValueError(
                f"levels {self.levels} of {len(self.body)} blocks, {frozen} of them frozen: expected a trunk that is "
                "frozen whole, its last level the last block"
            )
        self.channels, self.constant = channels, frozen == len(self.body)
        self.frozen = frozen if path is not None else 0
        self.body[: self.frozen].requires_grad_(False)
        was = self.body.training
        with torch.no_grad():
            self.body.eval()
            self.width = self(torch.zeros(1, channels, PROBE, PROBE)).shape[1]
        self.body.train(was)
        self.body[: self.frozen].eval()  # as `train` leaves them

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (N, channels, H, W), or what the frozen blocks make of them, to the feature map (N, width, h, w)."""
        done = self.frozen and pictures.shape[1] != self.channels
        if self.levels:
            return pictures if done else self._of_levels(pictures)
        return self.body[self.frozen :](pictures) if done else self.body(pictures)

    def of_frozen(self, pictures: Tensor) -> Tensor:
        """Return what the frozen blocks make of pictures (N, channels, H, W), which is what :meth:`forward` takes too."""
        return self._of_levels(pictures) if self.levels else self.body[: self.frozen](pictures)

    def _of_levels(self, maps: Tensor) -> Tensor:
        parts = []
        for number, block in enumerate(self.body, 1):
            maps = block(maps)
            if number in self.levels:
                mean = F.adaptive_avg_pool2d(maps, self.cells)
                variance = F.adaptive_avg_pool2d(maps.square(), self.cells) - mean.square()
                parts += [mean, (variance.clamp_min(0) + TINY).sqrt()]
        return torch.cat(parts, 1)

    def train(self, mode: bool = True) -> Trunk:
        super().train(mode)
        self.body[: self.frozen].eval()
        return self


def _fill(network: nn.Module, name: str, path: Path) -> None:
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{path}: not torchvision's weights of {name}, which are in {weights_file(name)} ({reason})"
        ) from None


def adapt_channels(body: nn.Module, channels: int) -> None:
    """Give the first convolution ``channels`` inputs whose weight is the mean of the RGB weights (Sec. III-D)."""
    for path, old in body.named_modules():
        if not isinstance(old, nn.Conv2d):
            continue
        same: dict[str, Any] = {
            "kernel_size": old.kernel_size,
            "stride": old.stride,
            "padding": old.padding,
            "dilation": old.dilation,
            "groups": old.groups,
            "bias": old.bias is not None,
            "padding_mode": old.padding_mode,
        }
        new = nn.Conv2d(channels, old.out_channels, **same)
        with torch.no_grad():
            new.weight.copy_(old.weight.mean(1, keepdim=True).expand_as(new.weight))
            if old.bias is not None and new.bias is not None:
                new.bias.copy_(old.bias)
        body.set_submodule(path, new)
        return
    raise ValueError("the network has no convolution to adapt")
