"""The settings of a run: frozen dataclasses whose types state what each value may be.

An enumeration is a ``Literal``, a number has a range, and both are checked whenever a section is built or changed, also
by :func:`dataclasses.replace`. The docstring below an attribute gives its meaning and, where the paper (arXiv
2604.26453) is silent, the reason for the value; ``amdd settings`` prints them. The profiles are in
:mod:`amdd.profiles`.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from amdd.settings.kinds import (
    Backbone,
    Count,
    Counts,
    Crf,
    Device,
    DeviceOrAuto,
    Items,
    Name,
    Names,
    Place,
    Positive,
    PositiveCounts,
    Seconds,
    Seed,
    Share,
    Split,
    Study,
    Weight,
)

CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


@dataclass(frozen=True, config=CONFIG)
class CorpusSettings:
    """The corpora: the built-in one at some size, or real ones below ``data``."""

    data: Place = ""
    """root folder of real corpora; empty: the built-in corpus"""
    train: Name = "puppet-favc"
    """corpus that is split for training, validation and test"""
    external: Names = ("puppet-timit", "puppet-dfdm", "puppet-lav")
    """corpora that are only tested on"""
    split: Split = "clean"
    """clean: no identity or donor in two subsets; clean-drop: as clean, clips in conflict dropped; clean-groups: by the
    corpus's own groups; paper: the counts of Table III; official: the corpus's published lists"""
    timit_supplement: bool = False
    """add the 320 real DF-TIMIT clips to training, as in the paper; a confound, hence a switch"""
    dfdm_original: Literal["fake", "real"] = "fake"
    """label of DFDM's files marked "original": fakes of its Faceswap baseline, as the counts of the release (5 x 430)
    indicate, or reals, as its author once wrote"""
    seed: Seed = 2604
    """seed of the built-in corpus and of the split"""
    seconds: Seconds = 4.0
    """built-in corpus: length of a clip; the audio branch takes four seconds (Sec. III-D)"""
    fps: Annotated[int, Field(ge=1, le=240)] = 25
    """built-in corpus: frames per second"""
    size: Annotated[int, Field(ge=64, le=4096, multiple_of=2)] = 256
    """built-in corpus: pixels per side of a frame"""
    crf: Crf = 23
    """built-in corpus: constant rate factor of each recording's first encoding"""
    bits_per_pixel: Annotated[float, Field(gt=0, le=24)] = 0.046
    """built-in corpus: mean rate of the second encoding, drawn for each clip"""
    bits_spread: Annotated[float, Field(ge=0, le=3)] = 0.35
    """built-in corpus: that rate varies within a factor of e to the power of this"""
    identities: PositiveCounts = (24, 6, 12)
    """built-in corpus: identities in train, validation and test"""
    real: PositiveCounts = (56, 16, 28)
    """built-in corpus: real clips in train, validation and test"""
    fake: Counts = (28, 8, 14)
    """built-in corpus: clips of each generator of category C in train, validation and test"""
    fake_audio: Count = 8
    """built-in corpus: clips of categories B and D each, test identities only"""
    timit: Count = 16
    """built-in corpus: DF-TIMIT reals, and swaps at each of two qualities"""
    dfdm_real: Count = 10
    """built-in corpus: reals beside the DFDM fakes"""
    dfdm_fake: Count = 3
    """built-in corpus: clips of each of five DFDM generators at each of crf 0, 10 and 23"""
    lav: Count = 10
    """built-in corpus: LAV-DF reals, video-only, audio-only and joint fakes each"""
    neural_voice: Place = ""
    """Piper voice (.onnx) that speaks instead of espeak-ng; needs the extra `voice`"""
    leading_silence: Annotated[float, Field(ge=0, le=60)] = 0.0
    """seconds of silence before the audio of every fake; a confound, hence a switch"""


@dataclass(frozen=True, config=CONFIG)
class PreparationSettings:
    """From a clip to arrays: T face crops and one mel spectrogram."""

    frames: Annotated[int, Field(ge=1, le=1000)] = 8
    """T, face crops of a clip; not given in the paper: related work (DMA-STA, LCL-AVD) takes 10, and the cost of a step
    is proportional to it"""
    size: Annotated[int, Field(ge=16, le=1024)] = 112
    """pixels per side of a face crop; not given in the paper: half the 224 of ImageNet has a quarter of its pixels"""
    margin: Annotated[float, Field(ge=0.5, le=4)] = 1.3
    """side of the crop over side of the detected face; not given in the paper: at this margin the crop includes chin and
    hairline, where swaps are blended"""
    detector: Literal["centerface", "face-alignment"] = "centerface"
    """face detector; face-alignment is the paper's and needs weights that are downloaded separately"""
    face_device: Device = "cpu"
    """device of the detector face-alignment; boxes differ slightly between devices"""
    seconds: Seconds = 4.0
    """length of the audio window (Sec. III-D)"""
    sample_rate: Annotated[int, Field(ge=4000, le=192_000)] = 16_000
    """audio samples per second (Sec. III-D)"""
    n_fft: Annotated[int, Field(ge=16, le=65_536)] = 1024
    """samples of a Fourier window (Sec. III-D)"""
    hop_length: Annotated[int, Field(ge=1, le=65_536)] = 512
    """samples from one Fourier window to the next (Sec. III-D)"""
    n_mels: Annotated[int, Field(ge=1, le=1024)] = 64
    """mel bands; not given in the paper: 64 and 128 are common, and 64 halve the spectrogram"""
    top_db: Annotated[float, Field(gt=0, le=300)] = 80.0
    """range of the spectrogram in decibels; not given in the paper: the default of librosa and torchaudio"""
    trim_silence: bool = False
    """remove leading samples whose absolute value is at most 0.0005 (arXiv 2412.00175)"""
    sampling: Literal["window", "clip"] = "window"
    """where frames are taken: the seconds of the audio window, or the whole clip"""
    follow_fakes: bool = True
    """lay the window over a manipulated period where fakes are local (LAV-DF)"""
    shard: Positive = 64
    """clips in a shard"""
    workers: Positive = 2
    """parallel processes; no effect on the result"""

    @model_validator(mode="after")
    def _consistent(self) -> PreparationSettings:
        if self.hop_length > self.n_fft:
            raise ValueError(f"hop_length={self.hop_length}: expected at most n_fft={self.n_fft}")
        if self.n_mels > self.n_fft // 2 + 1:
            raise ValueError(
                f"n_mels={self.n_mels}: expected at most {self.n_fft // 2 + 1}, half of n_fft and one"
            )
        return self


@dataclass(frozen=True, config=CONFIG)
class ModelSettings:
    """The network of Fig. 2."""

    visual_backbone: Backbone = "mobilenet_v2"
    """torchvision network that encodes face crops; the paper takes resnet50, mobilenet_v2 costs a tenth"""
    audio_backbone: Backbone = "resnet18"
    """torchvision network that encodes the spectrogram"""
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
    cross_modal: Literal["pooled", "tokens"] = "pooled"
    """pooled: attention between the two pooled vectors, as in the paper; tokens: attention before pooling"""
    generators: Annotated[tuple[Name, ...], Field(min_length=1), Items] = ("faceswap", "wav2lip", "fsgan")
    """generators that the attribution head separates, beside real"""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the attribution head in the order of its logits."""
        return ("real", *self.generators)

    @model_validator(mode="after")
    def _consistent(self) -> ModelSettings:
        if self.dim % self.heads:
            raise ValueError(f"dim={self.dim}: expected a multiple of heads={self.heads}")
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
    fingerprint_pairs: Literal["own", "all"] = "own"
    """own: each clip's own audio-visual pair; all: all pairs of a generator. Eq. 12 sums over samples, not over pairs"""


@dataclass(frozen=True, config=CONFIG)
class TrainingSettings:
    """Algorithm 1."""

    epochs: Annotated[int, Field(ge=1, le=100_000)] = 16
    """epochs; short budget: validation AUC was still rising at 10 epochs and flat at 16 (seed 0)"""
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 4
    """clips in a batch (Table IV)"""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 1e-4
    """learning rate; not given in the paper: related work with pretrained backbones takes 1e-5 to 1e-3 (BA-TFD,
    OpenAVFF; MRDF, MDS), this is the geometric mean. On validation clips of the built-in corpus it did better than three
    times as much (ten epochs, seed 0); the chapter on open choices reports others"""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 1e-4
    """weight decay; not given in the paper: related work takes 1e-5 (MDS) to 5e-4 (DMA-STA), MRDF and BA-TFD this"""
    clip_norm: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    """largest norm of the gradient (Algorithm 1)"""
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
    """arithmetic; auto: bf16 where the device computes it natively, else fp32"""
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


@dataclass(frozen=True, config=CONFIG)
class EvaluationSettings:
    """Computation and display of results."""

    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), Items] = (0,)
    """training seeds of every ablation variant"""
    study_epochs: Annotated[int, Field(ge=1, le=100_000)] = 2
    """epochs of the short training runs in the studies beyond the paper"""
    studies: Annotated[tuple[Study, ...], Items] = ("tokens", "learning rate x 3")
    """open choices that are trained beside the default"""
    threshold: Share = 0.5
    """probability above which a clip is classified as fake"""
    bootstrap: Annotated[int, Field(ge=2, le=1_000_000)] = 2000
    """resamples of the bootstrap that a chapter compares with the intervals of this book"""
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """level of the confidence intervals"""
    verdicts: bool = True
    """whether this run may judge the paper's claims; a run that is too small may not"""
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 16
    """clips in a forward pass without gradients"""
    perplexity: Annotated[float, Field(gt=0, le=1000)] = 20.0
    """perplexity of t-SNE"""
    neighbours: Annotated[int, Field(ge=2, le=1000)] = 15
    """neighbours of UMAP"""
    gradcam_clips: Positive = 4
    """clips of each class in the Grad-CAM figure"""
    gradcam_scored: Positive = 40
    """clips whose Grad-CAM maps are compared with their masks"""
    corruption_levels: Annotated[
        tuple[Annotated[int, Field(ge=1, le=5)], ...], Field(min_length=1), Items
    ] = (1, 3, 5)
    """levels, of five, in the study of robustness"""

    @model_validator(mode="after")
    def _consistent(self) -> EvaluationSettings:
        for name in ("seeds", "studies", "corruption_levels"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name}={values}: expected each value once")
        return self


@dataclass(frozen=True, config=CONFIG)
class Profile:
    """One named choice of every setting."""

    name: Name
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    preparation: PreparationSettings = field(default_factory=PreparationSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
