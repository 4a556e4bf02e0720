"""Settings of the corpora and of preparation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from amdd.settings.kinds import (
    CONFIG,
    Count,
    Counts,
    Crf,
    Device,
    Name,
    Names,
    Place,
    Positive,
    PositiveCounts,
    Seconds,
    Seed,
    Split,
)


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
    fake_audio: Count = 10
    """built-in corpus: clips of categories B and D each, test identities only"""
    timit: Count = 16
    """built-in corpus: DF-TIMIT reals, and swaps at each of two qualities"""
    dfdm_real: Count = 10
    """built-in corpus: reals beside the DFDM fakes"""
    dfdm_fake: Count = 3
    """built-in corpus: clips of each of five DFDM generators at each of crf 0, 10 and 23"""
    lav: Count = 10
    """built-in corpus: LAV-DF reals, video-only, audio-only and joint fakes each"""
    unseen: Count = 40
    """built-in corpus puppet-unseen, if it is among `external`: clips of each of six generators that no training clip
    comes from"""
    speech: Literal["bank", "espeak"] = "bank"
    """built-in corpus that is trained on: speech from the bank of neural speech that is shipped, or from the formant
    synthesiser espeak-ng"""
    external_speech: Literal["bank", "espeak"] = "espeak"
    """the same for built-in corpora that are only tested on: another engine makes their audio unseen"""
    neural_voice: Place = ""
    """Piper voice (.onnx) that speaks in all built-in corpora instead; needs the extra `voice`"""
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
    detector: Literal["centerface", "centerface-flow", "face-alignment"] = "centerface"
    """face detector; centerface-flow searches one frame and follows the face to the others, faster but not tried on films
    of people; face-alignment is the paper's and needs weights that are downloaded separately"""
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
