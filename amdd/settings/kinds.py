"""The kinds of values that settings have: enumerations, and numbers with their ranges."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field

CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

Split = Literal["clean", "clean-drop", "clean-groups", "paper", "official"]
Study = Literal[
    "tokens",
    "fingerprint over all pairs",
    "real as one class of the sampler",
    "learning rate x 3",
    "learning rate / 3",
    "weight decay x 100",
    "half the frames",
    "half the mel bands",
]
STUDIES: tuple[Study, ...] = get_args(Study)
# fmt: off
Backbone = Literal[
    "alexnet", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny", "densenet121", "densenet161",
    "densenet169", "densenet201", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3",
    "efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_l",
    "efficientnet_v2_m", "efficientnet_v2_s", "googlenet", "inception_v3", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0",
    "mnasnet1_3", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_16gf", "regnet_x_1_6gf",
    "regnet_x_32gf", "regnet_x_3_2gf", "regnet_x_400mf", "regnet_x_800mf", "regnet_x_8gf", "regnet_y_128gf",
    "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf", "regnet_y_3_2gf", "regnet_y_400mf", "regnet_y_800mf",
    "regnet_y_8gf", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50", "resnext101_32x8d",
    "resnext101_64x4d", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0", "squeezenet1_0", "squeezenet1_1", "swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s",
    "swin_v2_t", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn",
    "wide_resnet101_2", "wide_resnet50_2",
]
# fmt: on


def _items(value: Any) -> Any:
    """Split the text of a tuple, as it comes from the command line, at its commas."""
    if isinstance(value, str):
        return [item.strip() for item in value.strip("()[]").split(",") if item.strip()]
    return value


Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1_000_000)]
Seconds = Annotated[float, Field(gt=0, le=600)]
Crf = Annotated[int, Field(ge=0, le=51)]
Name = Annotated[str, Field(min_length=1)]
Place = Annotated[str, BeforeValidator(lambda v: os.fspath(v) if isinstance(v, os.PathLike) else v)]
Device = Annotated[str, Field(pattern=r"^(cpu|mps|cuda(:\d+)?)$")]
DeviceOrAuto = Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")]
Items = BeforeValidator(_items)
Counts = Annotated[tuple[Count, Count, Count], Items]
PositiveCounts = Annotated[tuple[Positive, Positive, Positive], Items]
Names = Annotated[tuple[Name, ...], Items]
Levels = Annotated[tuple[Positive, ...], Items]
