"""Intervals against naive loops, DeLong's variance, textbook formulas and known cases."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit
from support.predictions import drawn

from amdd.stats import (
    METRICS,
    Estimate,
    auc,
    balanced_accuracy,
    bootstrap,
    clusters_of,
    difference,
    difference_of_means,
    effective_clips,
    jackknife,
    mean,
    mean_of_shares,
    metrics,
    mover,
    paired,
    people_in,
    people_of,
    per_generator,
    share,
    wilson,
)

T11 = stats.t.ppf(0.975, 11)


# --- people -------------------------------------------------------------------------------------------------------


def test_versions_of_one_recording_are_one_unit_where_nobody_is_named():
    table = pd.DataFrame(
        {
            "clip_id": ["a", "b", "c", "d", "e", "f"],
            "identity": ["ann", "", "", "ann", None, ""],
            "recording": ["1", "2", "2", "3", "", np.nan],
        }
    )
    names = people_of(table)
    assert names[0] == names[3]
    assert names[1] == names[2]
    assert len(set(names)) == people_in(table) == 4
    assert people_in(table.drop(columns="recording")) == 5
    assert people_in(table.iloc[:0]) == 0


def test_clusters_hold_every_row_once():
    clusters = clusters_of(["b", "", "a", "b", ""])
    assert sorted(np.concatenate(clusters)) == [0, 1, 2, 3, 4]
    assert [list(c) for c in clusters if len(c) > 1] == [[0, 3]]


# --- jackknife ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "shift"), [(0, 0.8), (1, 1.5), (2, 3.0)])
def test_the_interval_of_auc_is_a_naive_loop_over_people(seed, shift):
    table = drawn(seed=seed, shift=shift)
    value = auc(table.label, table.score)
    left = []
    for person in sorted(table.identity.unique()):
        rest = table[table.identity != person]
        left.append(auc(rest.label, rest.score))
    n = len(table)
    inner = logit((np.array([value, *left]) * n + 0.5) / (n + 1))
    error = math.sqrt(11 / 12 * ((inner[1:] - inner[1:].mean()) ** 2).sum())
    low, high = ((expit(inner[0] + s * T11 * error) * (n + 1) - 0.5) / n for s in (-1, 1))
    found = metrics(table).loc["auc"]
    assert (found.value, found.people, found.n) == (value, 12, n)
    # No narrower than Wilson's interval for the same error, with at most as many trials as clips.
    plain = 11 / 12 * ((np.array(left) - np.mean(left)) ** 2).sum()
    trials = min(max(value * (1 - value) / plain, 6), n)
    centre = (value + T11**2 / (2 * trials)) / (1 + T11**2 / trials)
    half = T11 / (1 + T11**2 / trials) * math.sqrt(value * (1 - value) / trials + T11**2 / (4 * trials**2))
    assert found.low == pytest.approx(min(low, centre - half))
    assert found.high == pytest.approx(min(1.0, max(high, centre + half)))


def delong_variance(label: np.ndarray, score: np.ndarray) -> float:
    """The variance of AUC by its placement values (DeLong et al. 1988)."""
    fakes, reals = score[label == 1], score[label == 0]
    wins = (fakes[:, None] > reals[None]) + 0.5 * (fakes[:, None] == reals[None])
    return wins.mean(1).var(ddof=1) / len(fakes) + wins.mean(0).var(ddof=1) / len(reals)


@pytest.mark.parametrize("seed", range(3))
def test_where_every_clip_is_a_person_the_error_is_delongs(seed):
    table = drawn(people=300, clips=1, seed=seed, alike=0.0)
    label, score = table.label.to_numpy(), table.score.to_numpy()
    found = jackknife(lambda rows: auc(label[rows], score[rows]), clusters_of(table.identity))
    error = (found.high - found.low) / 2 / stats.t.ppf(0.975, 299)
    assert error == pytest.approx(math.sqrt(delong_variance(label, score)), rel=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_a_mean_of_equal_people_is_students_of_their_means(seed):
    rng = np.random.default_rng(seed)
    values, people = rng.normal(size=60), np.repeat(np.arange(12), 5)
    means = values.reshape(12, 5).mean(1)
    low, high = stats.t.interval(0.95, 11, means.mean(), stats.sem(means))
    assert mean(values, people).interval == pytest.approx((low, high))


def test_a_difference_of_means_is_unmoved_by_the_level_and_pairs_people():
    rng = np.random.default_rng(0)
    people, first = np.repeat(np.arange(12), 6), np.tile([True, True, False], 24)
    level = rng.normal(size=12)[people]
    values = 0.05 * first + 0.02 * rng.normal(size=72)
    found = difference_of_means(values + level, first, people)
    assert found.value == pytest.approx((values + level)[first].mean() - (values + level)[~first].mean())
    # A person has as many clips on both sides as any other: the person's level cancels.
    assert found.interval == pytest.approx(difference_of_means(values, first, people).interval)
    assert found.high - found.low < 0.05 < level.std()
    # Each person's own gap, by Student: the same where all have equally many clips.
    gaps = [(values[(people == p) & first].mean() - values[(people == p) & ~first].mean()) for p in range(12)]
    assert found.interval == pytest.approx(
        stats.t.interval(0.95, 11, np.mean(gaps), stats.sem(gaps)), abs=1e-9
    )


def test_nothing_is_stated_where_everything_rests_on_one_person():
    table = drawn()
    table.loc[table.label == 0, "identity"] = "p000"
    found = metrics(table)
    assert math.isnan(found.low["auc"])
    assert math.isfinite(found.value["auc"])
    assert math.isnan(found.low["real_accuracy"])
    assert math.isfinite(found.low["fake_accuracy"])
    assert found.people["real_accuracy"] == 1
    alone = metrics(table.assign(identity="p"))
    assert alone.low.isna().all()
    assert not mean(np.array([1.0, 2.0]), np.array(["a", "a"])).bounded


def test_nobody_is_no_reason_to_fail():
    empty = mean(np.array([]), np.array([]))
    assert math.isnan(empty.value)
    assert not empty.bounded
    assert empty.n == 0
    assert math.isnan(share(np.array([]), np.array([])).value)
    some = mean(np.array([1.0, np.nan, 3.0]), np.array(["a", "b", ""]))
    assert (some.value, some.n, some.people) == (2.0, 2, 2)
    nothing = metrics(drawn().iloc[:0])
    assert nothing.value.isna().all()
    assert (nothing.n == 0).all()


@pytest.mark.parametrize("shift", [0.0, 2.0, 12.0])
def test_no_interval_has_zero_width_and_all_hold_their_value(shift):
    found = metrics(drawn(shift=shift, named=1.0 if shift > 10 else 0.6))
    bounded = found.dropna(subset=["low", "high"]).drop("ece", errors="ignore")
    assert {"auc", "balanced_accuracy", "real_accuracy", "attribution_fakes"} <= set(bounded.index)
    assert (bounded.drop("brier_skill", errors="ignore").eval("high - low") > 1e-3).all()
    assert (bounded.low <= bounded.value + 1e-9).all()
    assert (bounded.value <= bounded.high + 1e-9).all()
    proportions = bounded.drop("brier_skill", errors="ignore")
    assert proportions.low.min() >= 0
    assert proportions.high.max() <= 1


def test_more_people_than_groups_are_left_out_in_groups():
    rng = np.random.default_rng(1)
    values = rng.normal(size=3000)
    found = mean(values, np.arange(3000))
    assert found.people == 3000
    width = 2 * stats.t.ppf(0.975, 2999) * stats.sem(values)
    assert found.high - found.low == pytest.approx(width, rel=0.12)


def test_the_interval_grows_when_clips_of_a_person_agree():
    table = drawn(people=4, clips=60)
    person = table.identity.str[1:].astype(int)
    table["score"] = np.where(person < 2, 0.9, 0.1)
    few = metrics(table).loc["fake_accuracy"]
    table["identity"] = [f"p{i}" for i in range(len(table))]
    many = metrics(table).loc["fake_accuracy"]
    assert few.high - few.low > 2 * (many.high - many.low)


# --- shares -------------------------------------------------------------------------------------------------------


def test_wilson_interval_against_its_formula():
    z, n, k = 1.959963984540054, 145, 139
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert wilson(k, n).interval == pytest.approx((centre - half, centre + half))
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n).interval == pytest.approx((expected.low, expected.high))
    assert (wilson(k, n).value, wilson(k, n).n) == (p, n)
    assert wilson(0, 0).interval == (0.0, 1.0)
    assert wilson(10, 10).high == 1.0


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


def test_clips_of_a_person_that_agree_count_as_one_and_independent_ones_as_all():
    people = np.repeat(np.arange(20), 10)
    same = np.repeat(np.arange(20) < 13, 10)
    assert effective_clips(same, people) == pytest.approx(20)
    found = share(same, people)
    t = stats.t.ppf(0.975, 19)
    centre = (0.65 + t * t / 40) / (1 + t * t / 20)
    half = t / (1 + t * t / 20) * math.sqrt(0.65 * 0.35 / 20 + t * t / 1600)
    assert found.interval == pytest.approx((centre - half, centre + half))
    assert (found.n, found.people) == (200, 20)
    # Every person like every other: the clips are worth at least what they are.
    spread = np.tile(np.arange(10) < 6, 20)
    assert effective_clips(spread, people) == pytest.approx(200)
    # A share of one shows nothing of it, and counts people.
    assert effective_clips(np.ones(200), people) == pytest.approx(20)
    assert share(np.ones(200), people).low == pytest.approx(1 / (1 + t * t / 20))


def test_the_design_effect_is_that_of_the_linearised_share():
    rng = np.random.default_rng(3)
    people = rng.integers(0, 15, 90)
    hits = (rng.random(90) < (0.3 + 0.4 * (people % 2))).astype(float)
    p, groups = hits.mean(), [hits[people == k] for k in np.unique(people)]
    variance = sum((g.sum() - p * len(g)) ** 2 for g in groups) / 90**2 * len(groups) / (len(groups) - 1)
    effect = variance / (p * (1 - p) / 90)
    assert 1 < effect < sum(len(g) ** 2 for g in groups) / 90
    assert effective_clips(hits, people) == pytest.approx(90 / effect)


def test_balanced_accuracy_combines_both_rates():
    table = drawn()
    correct = ((table.score >= 0.5) == (table.label == 1)).to_numpy()
    fake, people = (table.label == 1).to_numpy(), table.identity.to_numpy()
    found = mean_of_shares(correct, fake, people)
    assert found.value == pytest.approx(balanced_accuracy(table.label, table.score >= 0.5))
    # Different people on both sides share nothing: Newcombe's square-and-add.
    alone = np.char.add(people.astype(str), np.where(fake, "f", "r"))
    one, two = share(correct[fake], alone[fake]), share(correct[~fake], alone[~fake])
    free = mean_of_shares(correct, fake, alone)
    down = math.hypot(one.value - one.low, two.value - two.low) / 2
    up = math.hypot(one.high - one.value, two.high - two.value) / 2
    assert free.interval == pytest.approx((free.value - down, free.value + up))


# --- differences --------------------------------------------------------------------------------------------------


def test_mover_of_normal_intervals_is_the_normal_interval_of_the_difference():
    a, b = (
        Estimate(0.7, 0.7 - 1.96 * 0.03, 0.7 + 1.96 * 0.03),
        Estimate(0.5, 0.5 - 1.96 * 0.04, 0.5 + 1.96 * 0.04),
    )
    for r in (-0.5, 0.0, 0.8):
        half = 1.96 * math.sqrt(0.03**2 + 0.04**2 - 2 * r * 0.03 * 0.04)
        assert mover(a, b, r) == pytest.approx((0.2 - half, 0.2 + half))
    with pytest.raises(ValueError, match="both intervals"):
        mover(a, Estimate(0.5), 0.0)


def test_the_difference_of_two_models_is_near_the_jackknife_of_the_raw_difference():
    good = drawn(people=40, seed=1, shift=1.5)
    rng = np.random.default_rng(2)
    bad = good.assign(score=expit(0.5 * good.logit + rng.normal(size=len(good))))
    found = paired(good, bad)
    label, one, two = good.label.to_numpy(), good.score.to_numpy(), bad.score.to_numpy()
    raw = jackknife(
        lambda r: auc(label[r], one[r]) - auc(label[r], two[r]), clusters_of(good.identity), n=len(good)
    )
    assert found.value == pytest.approx(raw.value)
    assert found.interval == pytest.approx(raw.interval, abs=0.015)
    assert found.low > 0
    alone = metrics(good).loc["auc"]
    assert found.high - found.low < 1.9 * (alone.high - alone.low)


def test_a_difference_is_paired_in_the_people_and_reals_that_both_have():
    """Two conditions with the same reals of the same people vary together."""
    low = drawn(people=20, seed=4, shift=1.0, alike=0.9)
    rng = np.random.default_rng(5)
    fake = low.label == 1
    high = low.assign(
        score=expit(low.logit + 0.3 * fake + 0.1 * rng.normal(size=len(low)) * fake),
        clip_id=np.where(fake, low.clip_id + "b", low.clip_id),
    )
    shared = difference(high, low)
    strangers = difference(high, low.assign(identity=low.identity + "x"))
    assert shared.value == pytest.approx(strangers.value)
    assert shared.high - shared.low < 0.6 * (strangers.high - strangers.low)
    assert (shared.people, strangers.people) == (20, 40)
    assert shared.n == len(low) + int(fake.sum())
    # Without common people the variances add up.
    a, b = metrics(high).loc["auc"], metrics(low).loc["auc"]
    assert strangers.high - strangers.value == pytest.approx(math.hypot(a.high - a.value, b.value - b.low))


def test_each_person_loses_the_same_and_the_difference_is_far_surer_than_either():
    people, place = np.repeat(np.arange(10), 30), np.tile(np.arange(30), 10)
    base = drawn(people=10, clips=30).assign(generator="fsgan", label=1)
    easy = people < 5
    good = base.assign(attribution=np.where(easy | (place < 10), "fsgan", "nobody"))
    bad = base.assign(attribution=np.where(place < np.where(easy, 24, 4), "fsgan", "nobody"))
    found = paired(good, bad, "attribution_fakes")
    alone = metrics(good).loc["attribution_fakes"]
    assert found.value == pytest.approx(0.2)
    assert found.low > 0
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_same_predictions_have_no_interval_and_equal_errors_still_have_one():
    table = drawn()
    same = paired(table, table.sample(frac=1, random_state=1))
    assert (same.value, same.bounded) == (0.0, False)
    other = table.assign(score=table.score * 0.999 + 0.0001)  # other scores, the same ranking
    found = paired(table, other)
    assert found.value == 0
    assert found.low < -0.05
    assert found.high > 0.05


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_has_a_difference_with_its_clips(metric):
    table = drawn()
    rng = np.random.default_rng(0)
    table = table.assign(p_real=0.1, p_faceswap=rng.random(len(table)), p_fsgan=0.5)
    moved = table.assign(
        score=rng.permutation(table.score), attribution="fsgan", p_fsgan=rng.random(len(table))
    )
    found = paired(table, moved, metric)
    assert found.bounded
    assert found.low < found.value < found.high
    fakes = int((table.label == 1).sum())
    counts = {"fake_accuracy": fakes, "real_accuracy": len(table) - fakes, "attribution_fakes": fakes}
    counts |= {"attribution_generators": fakes}
    assert found.n == counts.get(metric, len(table))


def test_unknown_metrics_and_lacking_clips_are_named():
    table = drawn()
    with pytest.raises(ValueError, match="expected one of: balanced_accuracy, auc"):
        paired(table, table, "acu")
    with pytest.raises(KeyError):
        paired(table, table.iloc[1:])


def test_generators_have_intervals_over_people():
    found = per_generator(drawn()).set_index("generator")
    assert (found.people == 12).all()
    assert (found.low < found.detection).all()
    fakes = found.drop("real")
    assert (fakes["auc low"] < fakes.auc).all()
    assert math.isnan(found.loc["real", "auc low"])


# --- the bootstrap that they are compared with ---------------------------------------------------------------------


def test_the_bootstrap_is_a_naive_loop_over_people():
    table = drawn(people=10)
    groups = clusters_of(table.identity)
    rng, values = np.random.default_rng(3), []
    for _ in range(120):
        part = table.iloc[np.concatenate([groups[k] for k in rng.integers(0, 10, 10)])]
        values.append(auc(part.label, part.score))
    label, score = table.label.to_numpy(), table.score.to_numpy()
    found = bootstrap(lambda rows: auc(label[rows], score[rows]), groups, draws=120, seed=3)
    assert found.interval == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_ours_cover_the_truth_where_the_percentile_bootstrap_does_not():
    """Twelve people whose clips are all alike, a true share of 0.9: a simulation with a fixed seed."""
    rng, inside, old = np.random.default_rng(0), 0, 0
    people = np.repeat(np.arange(12), 4)
    for _ in range(300):
        hits = (rng.random(12) < 0.9)[people].astype(float)
        low, high = share(hits, people).interval
        inside += low <= 0.9 <= high
        drawn_people = rng.integers(0, 12, (300, 12))
        low, high = np.quantile(hits[::4][drawn_people].mean(1), [0.025, 0.975])
        old += low <= 0.9 <= high
    assert inside / 300 > 0.92
    assert old / 300 < 0.92 < inside / 300
