"""Training: Algorithm 1, its checkpoints, a run's folder, and the forward pass over clips."""

from amdd.training.loop import (
    TERMS,
    VARIANTS,
    loader_of,
    optimiser_of,
    train,
    training_step,
    variant_profile,
)

__all__ = ["TERMS", "VARIANTS", "loader_of", "optimiser_of", "train", "training_step", "variant_profile"]
