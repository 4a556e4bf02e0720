"""Statistics: metrics of detection and attribution, their intervals and their tests."""

from amdd.stats.calibration import calibration, calibration_error
from amdd.stats.estimate import Estimate
from amdd.stats.intervals import (
    difference_of_means,
    effective_clips,
    jackknife,
    mean,
    mean_of_shares,
    mover,
    share,
    wilson,
    without_each,
)
from amdd.stats.measures import (
    METRICS,
    auc,
    balanced_accuracy,
    equal_error_rate,
    estimate_of,
    interval_of,
    metrics,
    over_seeds,
    per_generator,
)
from amdd.stats.paired_tests import difference, mcnemar, paired
from amdd.stats.people import clusters_of, people_in, people_of
from amdd.stats.resampling import bootstrap
from amdd.stats.thresholds import predictive_value, sweep
from amdd.stats.two_way import holm, mean_of_runs, metric_over_seeds, p_value, paired_over_seeds, two_way

__all__ = [
    "METRICS",
    "Estimate",
    "auc",
    "balanced_accuracy",
    "bootstrap",
    "calibration",
    "calibration_error",
    "clusters_of",
    "difference",
    "difference_of_means",
    "effective_clips",
    "equal_error_rate",
    "estimate_of",
    "holm",
    "interval_of",
    "jackknife",
    "mcnemar",
    "mean",
    "mean_of_runs",
    "mean_of_shares",
    "metric_over_seeds",
    "metrics",
    "mover",
    "over_seeds",
    "p_value",
    "paired",
    "paired_over_seeds",
    "people_in",
    "people_of",
    "per_generator",
    "predictive_value",
    "share",
    "sweep",
    "two_way",
    "wilson",
    "without_each",
]
