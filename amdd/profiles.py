"""Every number that a run depends on, in frozen dataclasses: ``smoke``, ``demo`` and ``paper``.

A profile is data: notebooks, library and command line receive one and never ask for its name. Any single
value can be replaced by its dotted name::

    load_profile("demo", ["training.epochs=3", "preparation.size=96"])

Where the paper (arXiv 2604.26453) states a value the ``paper`` profile has it; where it is silent the value
is ours and the field's comment says why.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

Counts = tuple[int, int, int]  # clips in train, validation, test


@dataclass(frozen=True)
class CorpusSettings:
    """What is looked at: the built-in corpus at some size, or real corpora below ``data``."""

    data: str = ""  # root folder of real corpora; empty: the built-in corpus
    train: str = "puppet-favc"  # the corpus that is trained and tested on
    external: tuple[str, ...] = ("puppet-timit", "puppet-dfdm", "puppet-lav")
    split: str = "clean"  # "clean": disjoint in identity and donor; "paper": Table III's counts
    timit_supplement: bool = False  # the paper adds 320 DF-TIMIT reals to training; a confound, so a switch
    seed: int = 2604
    # --- the built-in corpus only ---
    seconds: float = 4.0  # what the audio branch looks at (Sec. III-D)
    fps: int = 25
    size: int = 256  # pixels a side
    crf: int = 23  # of every recording's first encoding
    bits_per_pixel: float = 0.046  # of the second, whose rate is drawn for each clip
    bits_spread: float = 0.35  # within a factor of e to the power of this
    identities: Counts = (24, 6, 12)
    real: Counts = (56, 16, 28)
    fake: Counts = (28, 8, 14)  # of each generator of category C
    fake_audio: int = 8  # categories B and D, test identities only, clips each
    timit: int = 16  # reals, and swaps at each of two qualities
    dfdm_real: int = 10
    dfdm_fake: int = 3  # of each of five generators, each at crf 0, 10 and 23
    lav: int = 10  # reals, video-only, audio-only and both: clips each
    neural_voice: str = ""  # a Piper voice (.onnx) to speak in espeak-ng's place; extra `voice`
    leading_silence: float = 0.0  # seconds of silence before every fake's sound: a confound, so a switch


@dataclass(frozen=True)
class PreparationSettings:
    """Clip to arrays: T face crops and one mel spectrogram. Sample rate, FFT and hop are the paper's (Sec. III-D)."""

    frames: int = (
        8  # T; unknown in the paper: neighbours (DMA-STA, LCL-AVD) take 10, and a step costs in proportion
    )
    size: int = (
        112  # pixels a side of a face crop; unknown in the paper: 224 is ImageNet's, a quarter of it is cheap
    )
    margin: float = (
        1.3  # crop side over detected face side; unknown: chin and hairline, where swaps are blended, stay
    )
    detector: str = "centerface"  # or "face-alignment" (the paper's; downloads its weights)
    seconds: float = 4.0
    sample_rate: int = 16_000
    n_fft: int = 1024
    hop_length: int = 512
    n_mels: int = 64  # unknown in the paper: 64 and 128 are usual, and 64 make a picture half as large
    top_db: float = (
        80.0  # unknown in the paper, which says decibels: the range that librosa and torchaudio keep
    )
    trim_silence: bool = False  # cut leading samples with |x| <= 0.0005 (arXiv 2412.00175)
    sampling: str = "window"  # frames from the seconds that are heard; "clip": from the whole clip
    follow_fakes: bool = True  # where fakes are local (LAV-DF), the window is laid over a forged period
    shard: int = 64  # clips in a shard
    workers: int = 2


@dataclass(frozen=True)
class ModelSettings:
    """The network of Fig. 2."""

    visual_backbone: str = "mobilenet_v2"
    audio_backbone: str = "resnet18"
    weights: str = "imagenet"  # "imagenet": found as `amdd.model` describes; "random"; or a folder of files
    dim: int = 512
    heads: int = 8
    hidden: int = 256
    dropout: float = (
        0.3  # there in the paper, its rate unknown: heads of 256 units take 0.1 to 0.5, the middle
    )
    cross_modal: str = "pooled"  # the paper's reading; "tokens" attends before pooling
    generators: tuple[str, ...] = ("faceswap", "wav2lip", "fsgan")


@dataclass(frozen=True)
class LossSettings:
    """Table IV."""

    detection: float = 1.0
    attribution: float = 0.3
    contrastive: float = 0.1
    fingerprint: float = 0.2
    centroid: float = 0.05
    focal_alpha: float = 0.75
    focal_gamma: float = 2.0
    temperature: float = 0.07
    momentum: float = 0.9
    # "own": each clip's own pair; "all": all pairs of a generator. Eq. 12 sums over samples, not over pairs of them.
    fingerprint_pairs: str = "own"


@dataclass(frozen=True)
class TrainingSettings:
    """Algorithm 1."""

    # Where minutes count: after ten epochs AUC on validation clips still rose, after sixteen it hardly did (seed 0).
    epochs: int = 16
    batch_size: int = 4
    # Unknown in the paper. Neighbours with pretrained trunks take 1e-5 to 1e-3 (BA-TFD, OpenAVFF; MRDF, MDS): their
    # geometric middle. On validation clips of the built-in corpus it did better than three times as much (ten epochs,
    # seed 0); chapter "Open choices" shows others.
    learning_rate: float = 1e-4
    # Unknown in the paper: neighbours take 1e-5 (MDS) to 5e-4 (DMA-STA), MRDF and BA-TFD this.
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    loss: LossSettings = field(default_factory=LossSettings)
    # "halves": half of what is drawn is real, the generators share the rest evenly; "classes": real is one class beside
    # the K generators. The paper's "balances generator classes" can be read both ways. Its training set is halves, 670
    # and 674 clips (Table II), made so against an imbalance; drawing by classes would undo that, and with alpha on top
    # the fakes would weigh nine times what the reals do.
    sampler: str = "halves"
    augment: bool = True
    # Which epoch is kept; unknown in the paper. AUC needs no threshold; ties go to the lower validation loss.
    selection: str = "validation_auc"
    precision: str = "auto"  # "auto": bf16 where the device computes it natively; or "bf16", "fp32"
    channels_last: bool = True
    compile: bool = False
    workers: int = 0
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True)
class EvaluationSettings:
    """How results are counted and drawn."""

    seeds: tuple[int, ...] = (0,)  # of every ablation variant
    study_epochs: int = 2  # of the short trainings in the studies beyond the paper
    studies: tuple[str, ...] = (
        "tokens",
        "learning rate x 3",
    )  # open choices that are tried
    threshold: float = 0.5
    bootstrap: int = 2000
    confidence: float = 0.95
    verdicts: bool = True  # may this run judge the paper's claims? One that is too small may not
    batch_size: int = 16
    perplexity: float = 20.0
    neighbours: int = 15
    gradcam_clips: int = 4  # of each class, in the picture
    gradcam_scored: int = 40  # clips that are scored against their masks
    corruption_levels: tuple[int, ...] = (1, 3, 5)  # of five, in the study of robustness


@dataclass(frozen=True)
class Profile:
    """One named setting of everything."""

    name: str
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    preparation: PreparationSettings = field(default_factory=PreparationSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)


STUDIES = (
    "tokens",
    "fingerprint over all pairs",
    "real as one class of the sampler",
    "learning rate x 3",
    "learning rate / 3",
    "weight decay x 100",
    "half the frames",
    "half the mel bands",
)

PROFILES: dict[str, Profile] = {
    # Seconds a notebook: for the tests. Its figures mean nothing and no page may quote them as results.
    "smoke": Profile(
        "smoke",
        corpus=CorpusSettings(
            seconds=1.2,
            size=192,
            identities=(4, 2, 2),
            real=(6, 3, 4),
            fake=(3, 2, 2),
            fake_audio=1,
            timit=2,
            dfdm_real=2,
            dfdm_fake=1,
            lav=1,
        ),
        preparation=PreparationSettings(frames=3, size=64, n_mels=32, seconds=1.2, shard=16),
        training=TrainingSettings(epochs=2),
        evaluation=EvaluationSettings(
            study_epochs=1,
            studies=("tokens",),
            bootstrap=100,
            verdicts=False,
            perplexity=4.0,
            neighbours=4,
            gradcam_clips=1,
            gradcam_scored=3,
            corruption_levels=(5,),
        ),
    ),
    # Minutes on two cores: the default book.
    "demo": Profile("demo"),
    # The paper's settings; needs a GPU. Counts of Tables II and III.
    "paper": Profile(
        "paper",
        corpus=CorpusSettings(
            split="paper",
            identities=(350, 75, 75),
            real=(350, 75, 75),
            fake=(350, 75, 75),
            fake_audio=75,
            timit=320,
            dfdm_real=130,
            dfdm_fake=104,
            lav=166,
        ),
        preparation=PreparationSettings(frames=10, size=224, n_mels=128, workers=8),
        model=ModelSettings(visual_backbone="resnet50"),
        training=TrainingSettings(epochs=50, workers=4),
        evaluation=EvaluationSettings(
            seeds=(0, 1, 2),
            study_epochs=10,
            studies=STUDIES,
            perplexity=30.0,
            corruption_levels=(1, 2, 3, 4, 5),
        ),
    ),
}


def load_profile(name: str, overrides: typing.Iterable[str] | dict[str, Any] = ()) -> Profile:
    """Return the profile called ``name`` with single values replaced.

    ``overrides`` are ``"training.epochs=3"`` strings or a mapping of dotted names to values. Raises
    ``ValueError`` that names the offending piece and what could stand there.
    """
    if name not in PROFILES:
        raise ValueError(f"no profile {name!r}; there are: {', '.join(PROFILES)}")
    profile = PROFILES[name]
    if isinstance(overrides, dict):
        pairs = list(overrides.items())
    else:
        pairs = []
        for text in overrides:
            key, sign, value = str(text).partition("=")
            if not sign:
                raise ValueError(f"override {text!r} is not of the form section.name=value")
            pairs.append((key.strip(), value.strip()))
    return replaced(profile, dict(pairs))


def replaced(profile: Profile, values: dict[str, Any]) -> Profile:
    """``profile`` with single values replaced, by dotted names; raises ``ValueError`` as :func:`load_profile` does."""
    for key, value in values.items():
        profile = _replace(profile, key.split("."), value, key)
    return profile


def _replace(node: Any, parts: list[str], value: Any, key: str) -> Any:
    head, rest = parts[0], parts[1:]
    names = {f.name for f in fields(node)}
    if head not in names or (head == "name" and isinstance(node, Profile)):
        raise ValueError(
            f"override {key!r}: no {head!r} here; there are: {', '.join(sorted(names - {'name'}))}"
        )
    current = getattr(node, head)
    if rest:
        if not is_dataclass(current):
            raise ValueError(f"override {key!r}: {head!r} is a value, not a section")
        return replace(node, **{head: _replace(current, rest, value, key)})
    if is_dataclass(current):
        raise ValueError(f"override {key!r}: {head!r} is a section; name one of its values")
    kind = typing.get_type_hints(type(node))[head]
    return replace(node, **{head: _convert(value, kind, key)})


def _convert(value: Any, kind: Any, key: str) -> Any:
    try:
        if typing.get_origin(kind) in (tuple, types.GenericAlias):
            items = (
                value
                if not isinstance(value, str)
                else [v for v in value.strip("()[]").split(",") if v.strip()]
            )
            args = typing.get_args(kind)
            if args[-1] is Ellipsis:
                return tuple(_convert(v, args[0], key) for v in items)
            if len(items) != len(args):
                raise ValueError(f"needs {len(args)} values")
            return tuple(_convert(v, a, key) for v, a in zip(items, args))
        if kind is bool:
            text = str(value).strip().lower()
            if text in ("1", "true", "yes", "on"):
                return True
            if text in ("0", "false", "no", "off"):
                return False
            raise ValueError("needs true or false")
        if kind is str:
            return str(value).strip()
        return kind(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"override {key}={value!r}: {error}") from None


def as_dict(settings: Any) -> dict[str, Any]:
    """A profile or one of its sections as plain JSON-ready values."""
    return json.loads(json.dumps(dataclasses.asdict(settings)))


def profile_from_dict(record: dict[str, Any]) -> Profile:
    """The inverse of :func:`as_dict` for a whole profile."""

    def build(cls: type, values: dict[str, Any]) -> Any:
        hints = typing.get_type_hints(cls)
        known = {f.name for f in fields(cls)}
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
        return cls(
            **{
                key: build(hints[key], value)
                if is_dataclass(hints[key])
                else _convert(value, hints[key], key)
                for key, value in values.items()
            }
        )

    return build(Profile, record)
