"""Statistics: metrics of detection and attribution, their intervals and their tests."""

from amdd.stats.calibration import calibration, calibration_error
from amdd.stats.estimate import Estimate
from amdd.stats.measures import (
    METRICS,
    auc,
    balanced_accuracy,
    equal_error_rate,
    estimate_of,
    metrics,
    over_seeds,
    per_generator,
    wilson,
)
from amdd.stats.paired_tests import mcnemar, paired_bootstrap, unpaired_bootstrap
from amdd.stats.resampling import bootstrap, clusters_of, mean_bootstrap, people_in
from amdd.stats.thresholds import predictive_value, sweep

__all__ = [
    "METRICS",
    "Estimate",
    "auc",
    "balanced_accuracy",
    "bootstrap",
    "calibration",
    "calibration_error",
    "clusters_of",
    "equal_error_rate",
    "estimate_of",
    "mcnemar",
    "mean_bootstrap",
    "metrics",
    "over_seeds",
    "paired_bootstrap",
    "people_in",
    "per_generator",
    "predictive_value",
    "sweep",
    "unpaired_bootstrap",
    "wilson",
]
