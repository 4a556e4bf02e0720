"""Statistics: metrics of detection and attribution, their intervals and their tests."""

from amdd.stats.measures import (
    auc,
    balanced_accuracy,
    calibration,
    calibration_error,
    equal_error_rate,
    mcnemar,
    mean_bootstrap,
    metrics,
    over_seeds,
    paired_bootstrap,
    per_generator,
    unpaired_bootstrap,
    wilson,
)

__all__ = [
    "auc",
    "balanced_accuracy",
    "calibration",
    "calibration_error",
    "equal_error_rate",
    "mcnemar",
    "mean_bootstrap",
    "metrics",
    "over_seeds",
    "paired_bootstrap",
    "per_generator",
    "unpaired_bootstrap",
    "wilson",
]
