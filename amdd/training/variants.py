"""Table V's variants of the training objective."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from amdd.profiles import Profile

# Table V's variants: each is a weight set to zero.
VARIANTS: dict[str, dict[str, float]] = {
    "full": {},
    "without_attribution": {"attribution": 0.0},
    "without_fingerprint": {"fingerprint": 0.0},
    "without_contrastive": {"contrastive": 0.0},
}


def table_v(seeds: Iterable[int]) -> list[tuple[str, int]]:
    """Return the trainings that Table V compares as variant and seed, in the order in which they are made: the full model
    of the first seed first."""
    return [(variant, seed) for seed in seeds for variant in VARIANTS]


def variant_profile(profile: Profile, variant: str) -> Profile:
    """Return ``profile`` with the loss weights of one of Table V's variants; raises ``ValueError`` for an unknown one."""
    if variant not in VARIANTS:
        raise ValueError(f"no variant {variant!r}; expected one of: {', '.join(VARIANTS)}")
    loss = dataclasses.replace(profile.training.loss, **VARIANTS[variant])
    return dataclasses.replace(profile, training=dataclasses.replace(profile.training, loss=loss))
