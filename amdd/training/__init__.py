"""Training: Algorithm 1, its checkpoints, a run's folder, and the forward pass over clips."""

from amdd.training.loop import train, training_step
from amdd.training.optimiser import loader_of, optimiser_of, schedule_of
from amdd.training.outcome import TERMS, Diverged
from amdd.training.together import Training, side_by_side, train_all
from amdd.training.variants import VARIANTS, table_v, variant_profile

__all__ = [
    "TERMS",
    "VARIANTS",
    "Diverged",
    "Training",
    "loader_of",
    "optimiser_of",
    "schedule_of",
    "side_by_side",
    "table_v",
    "train",
    "train_all",
    "training_step",
    "variant_profile",
]
