"""Measures against scikit-learn, statsmodels-style formulas and hand counts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from amdd.stats import (
    Estimate,
    auc,
    balanced_accuracy,
    calibration,
    calibration_error,
    equal_error_rate,
    mcnemar,
    metrics,
    over_seeds,
    paired,
    per_generator,
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
    found = metrics(t, intervals=False)["value"]
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


def test_the_papers_denominator_is_fakes_alone():
    t = table()
    t.loc[t.label == 0, "attribution"] = "fsgan"
    found = metrics(t, intervals=False)
    assert found.n["attribution_fakes"] == (t.label == 1).sum()
    assert found.n["attribution_all"] == len(t)
    assert found.value["attribution_all"] < found.value["attribution_fakes"]


def test_naming_among_generators_leaves_reals_and_the_class_real_aside():
    t = table()
    assert "attribution_generators" not in metrics(t, intervals=False).index
    rng = np.random.default_rng(3)
    names = sorted(set(t.generator) - {"real"})
    chances = rng.dirichlet(np.ones(len(names) + 1), len(t))
    t["p_real"] = chances[:, 0] + 5  # whatever the head says of reals
    for k, name in enumerate(names, 1):
        t[f"p_{name}"] = chances[:, k]
    found = metrics(t, intervals=False).loc["attribution_generators"]
    right = [
        max(names, key=lambda g: row[f"p_{g}"]) == row.generator for _, row in t[t.label == 1].iterrows()
    ]
    assert found.value == pytest.approx(np.mean(right))
    assert found.n == len(right)
    t.loc[t.generator == names[0], "known"] = False
    kept = [r for r, g in zip(right, t.generator[t.label == 1]) if g != names[0]]
    assert metrics(t, intervals=False).value["attribution_generators"] == pytest.approx(np.mean(kept))


def test_generators_that_the_model_does_not_know_take_no_part_in_attribution():
    t = table()
    t.loc[t.generator == "fsgan", "known"] = False
    found = metrics(t, intervals=False)
    kept = t[(t.generator == "faceswap")]
    assert found.n["attribution_fakes"] == len(kept)
    assert found.value["attribution_fakes"] == pytest.approx((kept.attribution == kept.generator).mean())


def test_one_class_gives_nothing_rather_than_a_number():
    label, score = np.ones(5), np.linspace(0, 1, 5)
    assert math.isnan(auc(label, score))
    assert math.isnan(equal_error_rate(label, score))
    assert math.isnan(balanced_accuracy(label, score > 0.5))
    assert math.isnan(metrics(table().query("label == 1"), intervals=False).value["auc"])


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
    assert paired(a, b) == Estimate(0.0, n=len(a), people=a.identity.nunique())


def test_over_seeds_is_mean_and_sample_deviation():
    tables = [metrics(table(seed=s), intervals=False) for s in range(3)]
    found = over_seeds(tables)
    values = [t.value["auc"] for t in tables]
    assert found.loc["auc", "mean"] == pytest.approx(np.mean(values))
    assert found.loc["auc", "sd"] == pytest.approx(np.std(values, ddof=1))
    assert math.isnan(over_seeds(tables[:1]).loc["auc", "sd"])


@pytest.mark.parametrize("seed", range(3))
def test_calibration_error_is_the_loop(seed):
    rng = np.random.default_rng(seed)
    label, probability = rng.integers(0, 2, 200), rng.random(200)
    expected = 0.0
    for b in range(10):
        inside = [i for i in range(200) if b / 10 <= probability[i] < (b + 1) / 10]
        if inside:
            gap = np.mean([label[i] for i in inside]) - np.mean([probability[i] for i in inside])
            expected += len(inside) / 200 * abs(gap)
    assert calibration_error(label, probability) == pytest.approx(expected)
    # Each bin of the reliability table beside scikit-learn's curve.
    found, (share, mean) = calibration(label, probability), calibration_curve(label, probability, n_bins=10)
    np.testing.assert_allclose(found.fakes, share)
    np.testing.assert_allclose(found.probability, mean)


@pytest.mark.parametrize("seed", range(5))
def test_equal_error_rate_is_where_the_curves_of_scikit_learn_cross(seed):
    t = table(n=400, seed=seed)
    false, missed, _ = sk.det_curve(t.label, t.score)
    nearest = np.argmin(np.abs(false - missed))
    found = equal_error_rate(t.label.to_numpy(), t.score.to_numpy())
    assert found == pytest.approx((false[nearest] + missed[nearest]) / 2, abs=1 / 130)


@pytest.mark.parametrize(("only_first", "only_second"), [(1, 5), (0, 4), (9, 3), (6, 6)])
def test_mcnemar_is_scipys_sign_test(only_first, only_second):
    n = 30
    a = pd.DataFrame({"clip_id": range(n), "label": 1, "generator": "fsgan", "score": 0.9})
    a = a.assign(attribution="fsgan", known=True)
    b = a.copy()
    b.loc[: only_first - 1, "score"] = 0.1
    a.loc[n - only_second :, "score"] = 0.1
    found = mcnemar(a, b)
    assert (found["only_first"], found["only_second"]) == (only_first, only_second)
    # Two-sided: the outcomes that are no more probable than the one seen, by the table of the binomial.
    pmf = stats.binom.pmf(np.arange(only_first + only_second + 1), only_first + only_second, 0.5)
    assert found["p"] == pytest.approx(min(1.0, pmf[pmf <= pmf[only_first] * (1 + 1e-9)].sum()))
    b["attribution"] = "wav2lip"
    assert mcnemar(a, b, what="attribution")["only_first"] == n


# --- estimates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(0.5),
        Estimate(0.9, 0.8, 0.95, n=70, seed=0, people=12),
        Estimate(-1.5, float("nan"), float("nan"), unit="%"),
    ],
)
def test_an_estimate_survives_its_record(estimate):
    again = Estimate.from_record(estimate.record())
    assert (again.value, again.n, again.seed, again.unit) == (
        estimate.value,
        estimate.n,
        estimate.seed,
        estimate.unit,
    )
    assert again.bounded == estimate.bounded
    assert "low" in estimate.record() if estimate.bounded else "low" not in estimate.record()


def test_an_estimate_says_whether_it_excludes_zero():
    assert Estimate(0.2, 0.1, 0.3).excludes_zero
    assert Estimate(-0.2, -0.3, -0.1).excludes_zero
    assert not Estimate(0.2, -0.1, 0.3).excludes_zero
    assert not Estimate(0.2).excludes_zero
    assert str(Estimate(0.917, 0.841, 0.97, n=70)) == "0.917 (95 % CI 0.841 to 0.970, n = 70)"
    for bad in ({"value": "many"}, {}, {"value": True}):
        with pytest.raises(ValueError, match="not the record of an estimate"):
            Estimate.from_record(bad)
