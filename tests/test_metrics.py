"""Measures against scikit-learn, statsmodels-style formulas and hand counts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from amdd.metrics import (
    auc,
    balanced_accuracy,
    calibration,
    calibration_error,
    equal_error_rate,
    mcnemar,
    metrics,
    over_seeds,
    paired_bootstrap,
    per_generator,
    wilson,
)


def table(n=60, seed=0, shift=1.0, people=12):
    rng = np.random.default_rng(seed)
    label = (np.arange(n) % 3 > 0).astype(int)
    generator = np.where(label == 0, "real", np.where(np.arange(n) % 3 == 1, "faceswap", "fsgan"))
    logit = rng.normal(size=n) + shift * (2 * label - 1)
    return pd.DataFrame(
        {
            "clip_id": [f"c{i:03d}" for i in range(n)],
            "label": label,
            "generator": generator,
            "identity": [f"p{i % people}" for i in range(n)],
            "score": 1 / (1 + np.exp(-logit)),
            "attribution": np.where(rng.random(n) < 0.7, generator, "wav2lip"),
            "known": True,
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_measures_agree_with_scikit_learn(seed):
    t = table(seed=seed)
    found = metrics(t, bootstrap=20)["value"]
    decided = t.score >= 0.5
    assert found["auc"] == pytest.approx(sk.roc_auc_score(t.label, t.score))
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(t.label, decided))
    assert found["f1"] == pytest.approx(sk.f1_score(t.label, decided))
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(t.label, t.score))
    assert found["fake_accuracy"] == pytest.approx(sk.recall_score(t.label, decided))
    assert found["real_accuracy"] == pytest.approx(sk.recall_score(t.label, decided, pos_label=0))
    fakes = t[t.label == 1]
    assert found["attribution_fakes"] == pytest.approx((fakes.attribution == fakes.generator).mean())


@pytest.mark.parametrize("seed", range(5))
def test_auc_with_ties_and_calibration_by_its_table(seed):
    rng = np.random.default_rng(seed)
    label, score = rng.integers(0, 2, 80), rng.integers(0, 11, 80) / 10
    assert auc(label, score) == pytest.approx(sk.roc_auc_score(label, score))
    bins = calibration(label, score)
    expected = (bins.n / bins.n.sum() * (bins.probability - bins.fakes).abs()).sum()
    assert calibration_error(label, score) == pytest.approx(expected)


def test_intervals_hold_the_value_and_come_again_with_the_seed():
    t = table()
    a, b = metrics(t, bootstrap=300), metrics(t, bootstrap=300)
    pd.testing.assert_frame_equal(a, b)
    inside = (a.low <= a.value + 1e-9) & (a.value <= a.high + 1e-9)
    assert inside.drop("ece").all()  # the calibration error of a resample is larger than the sample's


def test_the_bootstrap_draws_people_not_clips():
    # All clips of a person alike: with few people the interval must be wide however many clips there are.
    t = table(n=240, people=4)
    person = t.identity.str[1:].astype(int)
    t["score"] = np.where(person < 2, 0.9, 0.1)
    few = metrics(t, bootstrap=400).loc["fake_accuracy"]
    t["identity"] = [f"p{i}" for i in range(len(t))]
    many = metrics(t, bootstrap=400).loc["fake_accuracy"]
    assert few.high - few.low > 2 * (many.high - many.low)


def test_the_papers_denominator_is_fakes_alone():
    t = table()
    t.loc[t.label == 0, "attribution"] = "fsgan"
    found = metrics(t, bootstrap=5)
    assert found.n["attribution_fakes"] == (t.label == 1).sum()
    assert found.n["attribution_all"] == len(t)
    assert found.value["attribution_all"] < found.value["attribution_fakes"]


def test_generators_that_the_model_does_not_know_take_no_part_in_attribution():
    t = table()
    t.loc[t.generator == "fsgan", "known"] = False
    found = metrics(t, bootstrap=5)
    kept = t[(t.generator == "faceswap")]
    assert found.n["attribution_fakes"] == len(kept)
    assert found.value["attribution_fakes"] == pytest.approx((kept.attribution == kept.generator).mean())


def test_one_class_gives_nothing_rather_than_a_number():
    label, score = np.ones(5), np.linspace(0, 1, 5)
    assert math.isnan(auc(label, score))
    assert math.isnan(equal_error_rate(label, score))
    assert math.isnan(balanced_accuracy(label, score > 0.5))
    assert math.isnan(metrics(table().query("label == 1"), bootstrap=3).value["auc"])


def test_wilson_interval_against_its_formula():
    z, n, k = 1.959963984540054, 145, 139
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert wilson(k, n) == pytest.approx((centre - half, centre + half))
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10)[1] == pytest.approx(1.0)


def test_equal_error_rate_of_known_cases():
    assert equal_error_rate([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]) == 0
    assert equal_error_rate([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9]) == 1
    assert equal_error_rate([0, 1, 0, 1], [0.1, 0.4, 0.6, 0.9]) == pytest.approx(0.5)


def test_calibration_counts_every_clip_once_edges_too():
    label, score = np.array([0, 0, 1, 1, 1]), np.array([0.0, 0.1, 0.1, 1.0, 0.95])
    found = calibration(label, score)
    assert found.n.sum() == 5
    assert calibration_error(label, label.astype(float)) == 0
    assert calibration_error(np.zeros(4), np.ones(4)) == 1


def test_per_generator_compares_each_with_all_reals():
    t = table()
    found = per_generator(t).set_index("generator")
    both = t[(t.label == 0) | (t.generator == "fsgan")]
    assert found.auc["fsgan"] == pytest.approx(sk.roc_auc_score(both.label, both.score))
    assert found.n.sum() == len(t)
    assert math.isnan(found.auc["real"])
    assert found.right["real"] == (t[t.label == 0].score < 0.5).sum()


def test_mcnemar_against_the_binomial_sum():
    a, b = table(), table()
    b["score"] = 1 - a.score
    found = mcnemar(a, b)
    right = ((a.score >= 0.5) == (a.label == 1)).sum()
    assert (found["only_first"], found["only_second"]) == (right, len(a) - right)
    n, k = len(a), min(right, len(a) - right)
    p = min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)
    assert found["p"] == pytest.approx(p, rel=1e-6)
    assert mcnemar(a, a) == {"n": len(a), "only_first": 0, "only_second": 0, "p": 1.0}


def test_mcnemar_matches_clips_by_name_not_by_place():
    a = table()
    b = a.sample(frac=1, random_state=1).reset_index(drop=True)
    assert mcnemar(a, b)["p"] == 1.0
    assert paired_bootstrap(a, b, draws=50) == {"difference": 0.0, "low": 0.0, "high": 0.0, "n": len(a)}


def test_paired_bootstrap_sees_a_better_model():
    good, bad = table(shift=2.5), table(shift=0.0)
    found = paired_bootstrap(good, bad, draws=300)
    assert found["low"] > 0
    assert found["difference"] == pytest.approx(auc(good.label, good.score) - auc(bad.label, bad.score))


def test_over_seeds_is_mean_and_sample_deviation():
    tables = [metrics(table(seed=s), bootstrap=0) for s in range(3)]
    found = over_seeds(tables)
    values = [t.value["auc"] for t in tables]
    assert found.loc["auc", "mean"] == pytest.approx(np.mean(values))
    assert found.loc["auc", "sd"] == pytest.approx(np.std(values, ddof=1))
    assert math.isnan(over_seeds(tables[:1]).loc["auc", "sd"])
