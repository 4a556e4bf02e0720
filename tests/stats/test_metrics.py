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
    mean_bootstrap,
    metrics,
    over_seeds,
    paired_bootstrap,
    per_generator,
    unpaired_bootstrap,
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


def test_naming_among_generators_leaves_reals_and_the_class_real_aside():
    t = table()
    assert "attribution_generators" not in metrics(t, bootstrap=5).index
    rng = np.random.default_rng(3)
    names = sorted(set(t.generator) - {"real"})
    chances = rng.dirichlet(np.ones(len(names) + 1), len(t))
    t["p_real"] = chances[:, 0] + 5  # whatever the head says of reals
    for k, name in enumerate(names, 1):
        t[f"p_{name}"] = chances[:, k]
    found = metrics(t, bootstrap=5).loc["attribution_generators"]
    right = [
        max(names, key=lambda g: row[f"p_{g}"]) == row.generator for _, row in t[t.label == 1].iterrows()
    ]
    assert found.value == pytest.approx(np.mean(right))
    assert found.n == len(right)
    t.loc[t.generator == names[0], "known"] = False
    kept = [r for r, g in zip(right, t.generator[t.label == 1]) if g != names[0]]
    assert metrics(t, bootstrap=5).value["attribution_generators"] == pytest.approx(np.mean(kept))


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
    assert wilson(k, n).interval == pytest.approx((centre - half, centre + half))
    assert (wilson(k, n).value, wilson(k, n).n) == (p, n)
    assert wilson(0, 0).interval == (0.0, 1.0)
    assert wilson(10, 10).high == pytest.approx(1.0)


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
    assert paired_bootstrap(a, b, draws=50) == Estimate(0.0, 0.0, 0.0, n=len(a), people=a.identity.nunique())


def test_paired_bootstrap_sees_a_better_model():
    good, bad = table(shift=2.5), table(shift=0.0)
    found = paired_bootstrap(good, bad, draws=300)
    assert found.low > 0
    assert found.value == pytest.approx(auc(good.label, good.score) - auc(bad.label, bad.score))


def test_over_seeds_is_mean_and_sample_deviation():
    tables = [metrics(table(seed=s), bootstrap=0) for s in range(3)]
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


def test_the_interval_is_scipys_where_every_clip_is_a_person():
    t = table(n=120)
    t["identity"] = [f"p{k}" for k in range(len(t))]
    found = metrics(t, bootstrap=3000).loc["attribution_all"]
    right = (t.attribution == t.generator).to_numpy(float)
    expected = stats.bootstrap(
        (right,), np.mean, n_resamples=3000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_the_interval_over_people_is_that_of_their_means():
    """Persons of one size with all clips alike: drawing people is drawing their values."""
    t = table(n=240, people=20)
    person = t.identity.str[1:].astype(int).to_numpy()
    t["attribution"] = np.where(person < 13, t.generator, "nobody")
    found = metrics(t, bootstrap=3000).loc["attribution_all"]
    low, high = stats.binom.ppf([0.025, 0.975], 20, 13 / 20) / 20
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.051)


@pytest.mark.parametrize(("k", "n"), [(0, 13), (1, 7), (13, 13), (139, 145), (220, 220)])
def test_wilson_interval_holds_exactly_the_shares_that_the_score_test_does_not_reject(k, n):
    """The definition: p lies inside where |k/n - p| is at most z standard errors at p itself."""
    low, high = wilson(k, n).interval
    z = stats.norm.ppf(0.975)

    def rejected(p):
        return abs(k / n - p) > z * math.sqrt(p * (1 - p) / n)

    for p in np.linspace(0.0005, 0.9995, 997):
        if min(abs(p - low), abs(p - high)) > 1e-3:
            assert rejected(p) == (not low <= p <= high), p


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


def test_paired_bootstrap_draws_the_same_people_for_both():
    """Each person loses a fifth of the clips: the difference is certain, though neither share alone is."""
    t = table(n=240, people=8)
    person, place = t.identity.str[1:].astype(int).to_numpy(), np.arange(len(t)) // 8  # 30 clips a person
    easy = person < 4
    good = t.assign(attribution=np.where(easy | (place < 10), t.generator, "nobody"))
    bad = t.assign(attribution=np.where(place < np.where(easy, 24, 4), t.generator, "nobody"))
    alone = metrics(good, bootstrap=200).loc["attribution_all"]
    assert alone.high - alone.low > 0.3
    paired = paired_bootstrap(good, bad, "attribution_all", draws=200)
    assert (paired.value, *paired.interval) == pytest.approx((0.2, 0.2, 0.2))


# --- estimates and resampling ------------------------------------------------------------------------------------


def test_intervals_are_those_of_a_bootstrap_written_out():
    """The whole algorithm as one naive loop over people, with the same stream of random numbers."""
    t = table(n=90, people=10)
    people = sorted(t.identity.unique())
    groups = [np.flatnonzero((t.identity == p).to_numpy()) for p in people]
    rng, values = np.random.default_rng(3), []
    for _ in range(120):
        drawn = t.iloc[np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])]
        values.append(sk.roc_auc_score(drawn.label, drawn.score))
    found = metrics(t, bootstrap=120, seed=3).loc["auc"]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))
    assert (found.n, found.people) == (90, 10)


def test_an_unpaired_difference_is_drawn_from_both_sets_in_turn():
    a, b = table(n=60, people=7, shift=2.0), table(n=80, people=8, shift=0.5, seed=1)
    sets = [
        (x, [np.flatnonzero((x.identity == p).to_numpy()) for p in sorted(x.identity.unique())])
        for x in (a, b)
    ]
    rng, values = np.random.default_rng(0), []
    for _ in range(80):
        pair = []
        for x, groups in sets:
            drawn = x.iloc[np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])]
            pair.append(auc(drawn.label, drawn.score))
        values.append(pair[0] - pair[1])
    found = unpaired_bootstrap(a, b, draws=80)
    assert found.value == pytest.approx(auc(a.label, a.score) - auc(b.label, b.score))
    assert found.interval == pytest.approx(tuple(np.nanquantile(values, [0.025, 0.975])))
    assert (found.n, found.people) == (140, 15)


def test_a_difference_reports_the_clips_that_its_metric_is_over():
    t = table(n=100)
    fakes = int((t.label == 1).sum())
    assert 0 < fakes < 100
    assert paired_bootstrap(t, t, "attribution_fakes", draws=5).n == fakes
    assert paired_bootstrap(t, t, "real_accuracy", draws=5).n == 100 - fakes
    assert paired_bootstrap(t, t, "auc", draws=5).n == 100
    with pytest.raises(ValueError, match="expected one of: balanced_accuracy, auc"):
        paired_bootstrap(t, t, "acu", draws=5)


def test_nobody_is_no_reason_to_fail():
    empty = mean_bootstrap(np.array([]), np.array([]))
    assert math.isnan(empty.value)
    assert not empty.bounded
    assert empty.n == 0
    some = mean_bootstrap(np.array([1.0, np.nan, 3.0]), np.array(["a", "b", ""]), draws=20)
    assert (some.value, some.n, some.people) == (2.0, 2, 2)


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
