"""Image backbones from torchvision, and where their ImageNet weights are found.

The order of search: a file or folder that the user names, torch's hub cache, an installed package that carries
torchvision's own file (checked by its sha256), a download if ``AMDD_DOWNLOAD=1`` allows one. Otherwise the
weights are random, and that is said in the log, in ``run.json`` and on the results page.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

log = logging.getLogger("amdd")


@dataclass(frozen=True)
class Provenance:
    """Where a backbone's weights came from; ``source`` is "random" when there were none."""

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
    for package in importlib.metadata.distributions():
        for file in package.files or ():
            if file.name == wanted:
                path = Path(str(package.locate_file(file)))
                if path.is_file() and (found := known(path, f"the package {package.metadata['Name']}")):
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


class Trunk(nn.Module):
    """A torchvision classifier without its head: pictures (N, C, H, W) to a feature map (N, width, h, w).

    ``width`` is the number of channels. Works for networks that keep their convolutions in ``features`` and for
    the ResNet family.
    """

    def __init__(self, name: str, weights: str = "imagenet", channels: int = 3) -> None:
        super().__init__()
        network = torchvision.models.get_model(name, weights=None)
        path, self.provenance = find_weights(name, weights)
        if path is not None:
            network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        if hasattr(network, "features"):
            self.body = network.features
        elif hasattr(network, "layer4"):
            kept = [k for k in network._modules if k not in ("avgpool", "fc")]
            self.body = nn.Sequential()
            for key in kept:
                self.body.add_module(key, network._modules[key])
        else:
            raise ValueError(
                f"{name}: only torchvision networks with `features` or ResNet layers can be trunks"
            )
        if channels != 3:
            adapt_channels(self.body, channels)
        was = self.body.training
        with torch.no_grad():
            self.width = self.body.eval()(torch.zeros(1, channels, 64, 64)).shape[1]
        self.body.train(was)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.body(pictures)


def adapt_channels(body: nn.Module, channels: int) -> None:
    """Give the first convolution ``channels`` inputs whose weight is the mean of the RGB weights (Sec. III-D)."""
    for parent in body.modules():
        for key, child in parent.named_children():
            if isinstance(child, nn.Conv2d):
                new = nn.Conv2d(
                    channels,
                    child.out_channels,
                    child.kernel_size,
                    child.stride,
                    child.padding,
                    child.dilation,
                    child.groups,
                    child.bias is not None,
                )
                with torch.no_grad():
                    new.weight.copy_(child.weight.mean(1, keepdim=True).expand_as(new.weight))
                    if child.bias is not None:
                        new.bias.copy_(child.bias)
                setattr(parent, key, new)
                return
    raise ValueError("the network has no convolution to adapt")
