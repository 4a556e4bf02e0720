"""Values over several trainings: the mean of each training's own value, with an interval over seeds and people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from amdd.analysis.over_seeds import seeds_table, shift_over_seeds, value_over_seeds
from amdd.profiles import load_profile
from amdd.stats import estimate_of, metric_over_seeds, metrics, paired_over_seeds, two_way

EVALUATION = load_profile("smoke").evaluation


def told(seed: int, shift: float = 1.0, people: int = 12) -> pd.DataFrame:
    """Predictions of one training for five clips of each person, three of them fakes, in an order of its own."""
    rng = np.random.default_rng(seed)
    label = np.tile([0, 1, 1, 0, 1], people)
    logit = rng.normal(shift * label, 1)
    table = pd.DataFrame(
        {
            "clip_id": [f"clip {k}" for k in range(len(label))],
            "label": label,
            "logit": logit,
            "score": 1 / (1 + np.exp(-logit)),
            "identity": np.repeat([f"person {k}" for k in range(people)], 5),
            "generator": np.where(label == 1, "x", "real"),
            "attribution": "real",
            "known": True,
            "p_real": 0.2,
            "p_x": 0.5,
            "p_y": 0.3,
        }
    )
    return table.sample(frac=1, random_state=seed)


def test_a_mean_over_seeds_has_the_two_way_interval():
    runs = [told(seed) for seed in range(4)]
    each = [roc_auc_score(t.label, t.score) for t in runs]
    without = [
        [roc_auc_score(t.label[t.identity != p], t.score[t.identity != p]) for p in sorted(set(t.identity))]
        for t in runs
    ]
    found, expected = value_over_seeds(runs, EVALUATION), two_way(np.array(each), np.array(without))
    assert (found.value, *found.interval) == pytest.approx((np.mean(each), *expected.interval))
    assert (found.n, found.seeds, found.people) == (60, 4, 12)
    reals = value_over_seeds(runs, EVALUATION, "real_accuracy")
    assert reals.n == 24
    assert reals.value == pytest.approx(np.mean([(t.score[t.label == 0] < 0.5).mean() for t in runs]))
    assert value_over_seeds(runs, EVALUATION, "attribution_generators").value == 1.0


def test_one_seed_has_the_interval_over_people():
    one = told(0)
    assert value_over_seeds([one], EVALUATION) == estimate_of(metrics(one), "auc")
    unnamed = one.assign(known=False)
    assert not value_over_seeds([unnamed], EVALUATION, "attribution_generators").finite


def test_an_interval_over_seeds_stays_among_possible_values():
    runs = [told(seed, shift, people=3) for seed, shift in enumerate((9.0, 1.0, 9.0))]
    found = metric_over_seeds(runs)
    assert found.high == 1.0 and 0 <= found.low < found.value
    gap = paired_over_seeds(runs, [told(seed, 0.0, people=3) for seed in range(3)])
    assert gap.low is not None


def test_where_all_is_right_in_all_runs_the_interval_is_that_over_people():
    runs = [told(seed, 99.0) for seed in range(3)]
    for metric in ("auc", "fake_accuracy"):
        found, alone = metric_over_seeds(runs, metric), estimate_of(metrics(runs[0]), metric)
        assert found.value == 1.0 and 0 < alone.low < 1
        assert found.interval == pytest.approx(alone.interval)


def test_no_runs_and_no_such_metric_are_errors():
    with pytest.raises(ValueError, match="no runs"):
        metric_over_seeds([])
    with pytest.raises(ValueError, match="unknown metric"):
        metric_over_seeds([told(0), told(1)], "accuracy")


def test_a_shift_is_the_mean_difference_of_logits_over_the_chosen_clips():
    runs = [told(seed).sort_index() for seed in range(3)]
    moved = [t.assign(logit=t.logit + np.where(t.label == 1, 0.5 + 0.1 * k, 7.0)) for k, t in enumerate(runs)]
    fakes = (runs[0].label == 1).to_numpy()
    found = shift_over_seeds(moved, runs, fakes)
    assert found.value == pytest.approx(0.6)
    assert (found.n, found.seeds) == (36, 3)
    assert found.low < 0.6 < found.high
    alone = shift_over_seeds(moved[:1], runs[:1], fakes)
    assert alone.value == pytest.approx(0.5) and alone.seeds is None


def test_a_table_shows_every_seed_beside_their_mean():
    runs = {"a": [told(0), told(1)], "b": [told(2), told(3)]}
    table = seeds_table(runs, "choice", (5, 7), EVALUATION)
    assert table.choice.tolist() == ["a", "b"]
    assert table.AUC.to_numpy() == pytest.approx(table[["seed 5", "seed 7"]].mean(axis=1).to_numpy())
    assert {"from", "to", "true-negative rate", "true-positive rate"} <= set(table)
