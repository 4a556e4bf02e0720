"""Rules that say "unknown", against plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from amdd.analysis.open_set import distance_to_known, strange_against_known, unsureness
from amdd.stats import metrics


def test_unsureness_is_what_the_largest_probability_leaves():
    table = pd.DataFrame({"p_real": [0.7, 0.2, 0.25], "p_a": [0.2, 0.8, 0.25], "p_b": [0.1, 0.0, 0.5]})
    np.testing.assert_allclose(unsureness(table), [0.3, 0.2, 0.5])
    with pytest.raises(ValueError, match="p_<class>"):
        unsureness(pd.DataFrame({"score": [1.0]}))


@pytest.mark.parametrize("k", [1, 3, 50])
def test_distance_is_the_loop(k):
    rng = np.random.default_rng(k)
    training, asked = rng.normal(size=(20, 6)), rng.normal(size=(7, 6))
    expected = []
    for x in asked:
        far = sorted(1 - x @ t / np.linalg.norm(x) / np.linalg.norm(t) for t in training)
        expected.append(np.mean(far[: min(k, 20)]))
    np.testing.assert_allclose(distance_to_known(training, asked, k), expected, atol=1e-9)
    with pytest.raises(ValueError, match="no training clips"):
        distance_to_known(training[:0], asked)


def test_strangers_that_lie_apart_are_told_apart_and_others_are_not():
    rng = np.random.default_rng(0)

    def table(shift: float, n: int) -> pd.DataFrame:
        people = [f"p{shift}{i // 2}" for i in range(n)]
        return pd.DataFrame({"score": rng.normal(shift, 1, n), "identity": people, "label": 1})

    far = metrics(strange_against_known(table(0, 60), table(6, 40))).loc["auc"]
    same = metrics(strange_against_known(table(0, 60), table(0, 40))).loc["auc"]
    assert far.value > 0.99
    assert same.low < 0.5 < same.high
    assert far.n == 100
