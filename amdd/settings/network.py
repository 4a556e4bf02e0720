"""Settings of the network, its losses and its training."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from amdd.settings.kinds import (
    CONFIG,
    Backbone,
    Count,
    DeviceOrAuto,
    Levels,
    Names,
    Place,
    Positive,
    Seed,
    Share,
    Weight,
)

PAPER_GENERATORS = ("faceswap", "fsgan", "wav2lip")  # Table III


@dataclass(frozen=True, config=CONFIG)
class ModelSettings:
    """The network of Fig. 2."""

    visual_backbone: Backbone = "mobilenet_v2"
    """torchvision network that encodes face crops; the paper takes resnet50, mobilenet_v2 costs a tenth"""
    visual_blocks: Count = 0
    """first blocks of the visual backbone that are used; 0: all, as in the paper. Of the middle blocks of MobileNetV2 a
    linear classifier names generators better than of the last ones (validation clips)"""
    visual_frozen: Count = 0
    """first blocks of the visual backbone that keep their ImageNet weights; 0: none, as in the paper. What they make of a
    frame is computed once, and of the augmentation the flip remains"""
    visual_cells: Annotated[int, Field(ge=1, le=16)] = 1
    """cells per side over which a frame's feature map is averaged; 1: over the whole crop, as ResNet50 does. More of them
    keep where in the face a trace lies"""
    visual_levels: Levels = ()
    """blocks of the visual backbone of whose maps means and standard deviations over each cell are taken; empty: the mean of
    the last block's map, as in the paper. Early blocks see a generator's texture, late ones its shapes. The last one named
    is the last one used, and all are frozen"""
    audio_backbone: Backbone = "resnet18"
    """torchvision network that encodes the spectrogram; the paper takes resnet18"""
    audio_blocks: Count = 0
    """first blocks of the audio backbone that are used; 0: all, as in the paper"""
    audio_frozen: Count = 0
    """first blocks of the audio backbone that keep their ImageNet weights; 0: none, as in the paper"""
    weights: Annotated[Place, Field(min_length=1)] = "imagenet"
    """imagenet: searched as :mod:`amdd.model.backbones` describes; random; or a folder or file of weights"""
    dim: Positive = 512
    """width of the embeddings; divisible by heads"""
    heads: Positive = 8
    """heads of the cross-modal attention"""
    hidden: Positive = 256
    """hidden units of each classification head"""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """dropout of the heads; used in the paper, rate not given: heads of 256 units take 0.1 to 0.5, this is the middle"""
    feature_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """dropout of a frame's features before their projection; not in the paper, whose backbone is trained. Thousands of
    constant features of few people are learned by heart otherwise"""
    cross_modal: Literal["pooled", "tokens"] = "pooled"
    """pooled: attention between the two pooled vectors, as in the paper; tokens: attention before pooling"""
    generators: Names = ()
    """generators that the attribution head separates, beside real; empty: those of the training clips, in alphabetical
    order (a network that is built without a corpus has the paper's three)"""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the attribution head in the order of its logits."""
        return ("real", *(self.generators or PAPER_GENERATORS))

    @model_validator(mode="after")
    def _consistent(self) -> ModelSettings:
        if self.dim % self.heads:
            raise ValueError(f"dim={self.dim}: expected a multiple of heads={self.heads}")
        for name in ("visual", "audio"):
            blocks, frozen = getattr(self, f"{name}_blocks"), getattr(self, f"{name}_frozen")
            if 0 < blocks < frozen:
                raise ValueError(f"{name}_frozen={frozen}: expected at most {name}_blocks={blocks}")
        levels = list(self.visual_levels)
        if levels and (
            levels != sorted(set(levels)) or not levels[-1] == self.visual_blocks == self.visual_frozen
        ):
            raise ValueError(
                f"visual_levels={self.visual_levels}: expected ascending blocks, the last of them "
                f"visual_blocks={self.visual_blocks} and visual_frozen={self.visual_frozen}; empty (model.visual_levels=) "
                "for a backbone that is trained"
            )
        if len(set(self.generators) | {"real"}) <= len(self.generators):
            raise ValueError(f"generators={self.generators}: expected different names, none of them 'real'")
        return self


@dataclass(frozen=True, config=CONFIG)
class LossSettings:
    """The loss weights and constants of Table IV."""

    detection: Weight = 1.0
    """weight of the focal detection loss"""
    attribution: Weight = 0.3
    """weight of the attribution loss"""
    contrastive: Weight = 0.1
    """weight of the cross-modal contrastive loss"""
    fingerprint: Weight = 0.2
    """weight of the fingerprint consistency loss"""
    centroid: Weight = 0.05
    """weight of the centroid loss"""
    focal_alpha: Share = 0.75
    """alpha of the focal loss: weight of fakes, 1 - alpha that of reals"""
    focal_gamma: Annotated[float, Field(ge=0, le=10)] = 2.0
    """gamma of the focal loss"""
    temperature: Annotated[float, Field(gt=0, le=100)] = 0.07
    """temperature of the contrastive loss"""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """momentum of the class centroids"""
    attribution_target: Literal["classes", "binary", "generators"] = "classes"
    """classes: real and every generator, as in the paper; binary: real against any generator, a second detector that
    sees no generator label; generators: the generators of fakes, without the binary part. The two parts sum to classes"""
    attribution_labels: Literal["true", "shuffled"] = "true"
    """shuffled: the generator labels of the training fakes are permuted once, by the training seed; a control"""
    contrastive_clips: Literal["all", "real"] = "all"
    """clips of the contrastive loss; the paper motivates it with the coupling in authentic recordings, its equation sums
    over all clips"""
    fingerprint_pairs: Literal["own", "all"] = "own"
    """own: each clip's own audio-visual pair; all: all pairs of a generator. Eq. 12 sums over samples, not over pairs"""


@dataclass(frozen=True, config=CONFIG)
class TrainingSettings:
    """Algorithm 1."""

    epochs: Annotated[int, Field(ge=1, le=100_000)] = 16
    """epochs; the demo's 48 named more generators than 24 did, over folds of training and validation people (seed 0)"""
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 4
    """clips in a batch (Table IV)"""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 1e-4
    """learning rate; not given in the paper: related work with pretrained backbones takes 1e-5 to 1e-3 (BA-TFD,
    OpenAVFF; MRDF, MDS), this is the geometric mean. On validation clips of the built-in corpus it did better than three
    times as much (ten epochs, seed 0); the chapter on open choices reports others"""
    warmup: Count = 0
    """steps over which the learning rate rises from zero; not mentioned in the paper"""
    backbone_rate: Annotated[float, Field(gt=0, le=10)] = 1.0
    """learning rate of the two backbones as a multiple of learning_rate; the paper names one rate"""
    draw_frames: Count = 0
    """frames that each step draws at random from a clip's prepared ones; 0: the same frames at every step"""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 1e-4
    """weight decay; not given in the paper: related work takes 1e-5 (MDS) to 5e-4 (DMA-STA), MRDF and BA-TFD this"""
    clip_norm: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    """largest norm of the gradient (Algorithm 1)"""
    validate_every: Positive = 1
    """epochs from one evaluation on validation clips to the next; the last epoch is always evaluated"""
    gradients: bool = True
    """record, on the first batch of every epoch, the norm of each term's gradient (one process only)"""
    loss: LossSettings = field(default_factory=LossSettings)
    sampler: Literal["halves", "classes"] = "halves"
    """halves: half of the samples are real, the generators share the rest equally; classes: real is one class beside the K
    generators. The paper's "balances generator classes" allows both. Its training set has halves, 670 and 674 clips
    (Table II); sampling by classes would undo that, and with alpha = 0.75 fakes would weigh nine times as much as reals"""
    augment: bool = True
    """augment the face crops"""
    selection: Literal["validation_auc", "validation_loss", "last"] = "validation_auc"
    """which checkpoint is selected; not given in the paper. AUC needs no threshold; ties go to the lower validation loss"""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """arithmetic; auto: bf16 where it is the faster (a GPU with bf16 units, a CPU with AMX), else fp32; a resumed run keeps it"""
    channels_last: bool = True
    """memory order of the images; affects speed"""
    compile: bool = False
    """compile the network with torch.compile; affects speed"""
    workers: Count = 0
    """data loading processes; no effect on the result"""
    seed: Seed = 0
    """seed of weights, batches and augmentation"""
    device: DeviceOrAuto = "auto"
    """device; auto: a CUDA device where one is present, else the CPU"""
