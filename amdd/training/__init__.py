"""Training: Algorithm 1, its checkpoints, a run's folder, and the forward pass over clips."""

from amdd.training.loop import train, training_step
from amdd.training.optimiser import loader_of, optimiser_of, schedule_of
from amdd.training.outcome import TERMS, Diverged
from amdd.training.variants import VARIANTS, variant_profile

__all__ = [
    "TERMS",
    "VARIANTS",
    "Diverged",
    "loader_of",
    "optimiser_of",
    "schedule_of",
    "train",
    "training_step",
    "variant_profile",
]
