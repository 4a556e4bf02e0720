"""The settings of a run: frozen dataclasses whose types state what each value may be.

An enumeration is a ``Literal``, a number has a range, and both are checked whenever a section is built or changed, also
by :func:`dataclasses.replace`. The docstring below an attribute gives its meaning and, where the paper (arXiv
2604.26453) is silent, the reason for the value; ``amdd settings`` prints them. The profiles are in
:mod:`amdd.profiles`.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from amdd.settings.data import CorpusSettings, PreparationSettings
from amdd.settings.kinds import CONFIG, Items, Name, Positive, Seed, Share, Study
from amdd.settings.network import LossSettings, ModelSettings, TrainingSettings


@dataclass(frozen=True, config=CONFIG)
class EvaluationSettings:
    """Computation and display of results."""

    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), Items] = (0,)
    """training seeds of every ablation variant"""
    study_epochs: Annotated[int, Field(ge=1, le=100_000)] = 2
    """epochs of the short training runs in the studies beyond the paper; the demo starts to detect between its second and
    its fourth"""
    studies: Annotated[tuple[Study, ...], Items] = ("tokens", "learning rate x 3")
    """open choices that are trained beside the default"""
    study_seeds: Annotated[tuple[Seed, ...], Field(min_length=1), Items] = (0, 1, 2)
    """training seeds of these short runs, each of which is made for every seed"""
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
        for name in ("seeds", "study_seeds", "studies", "corruption_levels"):
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


__all__ = [
    "CorpusSettings",
    "EvaluationSettings",
    "LossSettings",
    "ModelSettings",
    "PreparationSettings",
    "Profile",
    "TrainingSettings",
]
