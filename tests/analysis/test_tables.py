"""Tables of results, and the matching of forgeries with their own real clips."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from amdd.analysis import condition_tables, tables
from amdd.analysis.coverage import coverage_table
from amdd.analysis.open_set import open_set_separation
from amdd.analysis.pairs import own_reals
from amdd.analysis.transfer import transfer_differences, transfer_words
from amdd.profiles import load_profile
from amdd.stats import Estimate, difference, metrics, predictive_value, sweep


def predictions(n=40, seed=0, shift=1.0, quality="hq"):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    score = 1 / (1 + np.exp(-(rng.normal(size=n) + shift * (2 * label - 1))))
    generator = np.where(label == 1, "MyGen", "real")
    return pd.DataFrame(
        {
            "clip_id": [f"c{k}" for k in range(n)], "label": label, "generator": generator, "score": score,
            "identity": [f"p{k // 4}" for k in range(n)], "quality": np.where(label == 1, quality, ""),
            "attribution": generator, "known": True, "group": np.where(np.arange(n) < n // 2, "a", "b"),
        }
    )  # fmt: skip


def test_a_forgery_is_paired_with_its_own_real_only():
    table = pd.DataFrame(
        [
            ("x/00001.mp4", "ann", 0),
            ("x/00002.mp4", "ann", 0),
            ("x/00001_id2.mp4", "ann", 1),  # its own
            ("x/00003_id2.mp4", "ann", 1),  # no such recording
            ("x/00001_id9.mp4", "ben", 1),  # another person with the same number
            ("anna.mp4", "ann", 1),  # no number
            ("bea.mp4", "ann", 0),
            ("x/00001_id3.mp4", "", 1),  # nobody is named
            ("x/00001.mp4", "", 0),
        ],
        columns=["clip_id", "identity", "label"],
    )
    assert own_reals(table) == [(2, 0)]
    assert own_reals(table.iloc[:0]) == []


def test_conditions_hold_their_fakes_and_all_reals_of_their_corpus():
    both = {"one": predictions(), "two": pd.concat([predictions(8, quality="lq"), predictions(8)])}
    parts = condition_tables.conditions_of(both)
    assert set(parts) == {("one", "hq"), ("two", "hq"), ("two", "lq")}
    assert (parts["two", "lq"].label == 0).sum() == 8
    assert (parts["two", "lq"].label == 1).sum() == 4
    found = {k: metrics(p) for k, p in parts.items()}
    table = condition_tables.condition_table(found, parts).set_index(["corpus", "condition"])
    assert table.loc[("one", "hq"), ["reals", "fakes"]].tolist() == [20, 20]
    assert table.loc[("one", "hq"), "auc"] == found["one", "hq"].loc["auc", "value"]
    empty = condition_tables.condition_table({}, {})
    assert list(empty.columns)[:4] == ["corpus", "condition", "reals", "fakes"]


def test_unseen_data_are_compared_corpus_by_corpus_and_kind_by_kind():
    """Forgeries of a part of the clip are easy here and audio alone is not detected: neither moves the other's number."""
    known = predictions(80, shift=3.0, quality="")
    parts = {"lav-video": 3.0, "lav-both": 3.0, "lav-audio": 0.0}
    lav = pd.concat([predictions(80, seed=k, shift=v, quality=q) for k, (q, v) in enumerate(parts.items())])
    timit = pd.concat([predictions(80, shift=1.0, quality="hq"), predictions(80, shift=3.0, quality="lq")])
    found = transfer_differences(known, {"lav": lav, "timit": timit}, difference)
    assert set(found) == {
        "transfer.audio.lav", "transfer.part.lav", "transfer.whole.timit", "reals.drop.lav", "reals.drop.timit",
        "quality.gain.timit",
    }  # fmt: skip
    reals, audio = lav[lav.label == 0], lav[lav.quality == "lav-audio"]
    both = pd.concat([reals, audio])
    expected = sk.roc_auc_score(known.label, known.score) - sk.roc_auc_score(both.label, both.score)
    assert found["transfer.audio.lav"].value == pytest.approx(expected)
    assert found["transfer.audio.lav"].low > 0
    assert found["transfer.part.lav"].high < 0.25
    assert found["quality.gain.timit"].low > 0
    assert all(transfer_words(key) for key in found)
    assert transfer_differences(known, {}, difference) == {}


def test_the_simulated_coverage_is_its_least_and_mean_over_settings():
    rows = [
        {"metric": "AUC", "truth": truth, "people": people, "alike": alike, "sets": 10}
        | {k: {"coverage": c, "width": w} for k, c, w in (("bootstrap", c - 0.1, 0.1), ("ours", c, 0.2))}
        for truth, people, alike, c in ((0.9, 12, 0.2, 0.95), (0.7, 12, 0.6, 0.97), (0.9, 24, 0.2, 0.94))
    ]
    table = coverage_table({"rows": rows})
    assert table.people.tolist() == [12, 24]
    first = table.iloc[0]
    assert first["this book, least"] == 0.95 and first["this book, mean"] == pytest.approx(0.96)
    assert first["bootstrap, least"] == pytest.approx(0.85) and first["bootstrap, mean"] == pytest.approx(
        0.86
    )
    assert first["this book, width"] == pytest.approx(0.2)


def test_ablations_are_means_over_seeds():
    runs = {
        ("full", 0): predictions(seed=1),
        ("full", 1): predictions(seed=2),
        ("without_x", 0): predictions(seed=3),
    }
    evaluation = load_profile("smoke").evaluation
    table = tables.ablation_table(runs, evaluation).set_index("variant")
    each = [
        metrics(runs["full", s], evaluation.threshold, intervals=False).loc["auc", "value"] for s in (0, 1)
    ]
    assert table.loc["full", "AUC"] == pytest.approx(np.mean(each))
    assert table.seeds.to_dict() == {"full": 2, "without x": 1}


def test_a_cell_says_value_and_interval():
    assert tables.interval(Estimate(0.25, 0.1, 0.4)) == "0.250\u00a0[0.100,\u00a00.400]"
    assert tables.interval(Estimate(0.25, -0.1, 0.4), sign=True).startswith("+0.250\u00a0[-0.100,")
    assert tables.interval(Estimate(float("nan"))) == "–"
    assert tables.interval(Estimate(0.5)) == "0.500"


def test_groups_count_their_identities():
    table = condition_tables.group_table(predictions(), 0.5).set_index("group")
    assert table.people.tolist() == [5, 5]
    assert table.reals.tolist() == [10, 10]
    reals = predictions().query("label == 0 and group == 'a'")
    assert table.loc["a", "false-positive rate"] == pytest.approx((reals.score >= 0.5).mean())


def test_corruption_rows_carry_the_interval_of_the_change():
    clean = predictions(shift=2)
    row = condition_tables.corruption_row(clean, clean, Estimate(0.0, -0.1, 0.2), 0.5)
    assert (row["AUC from"], row["AUC to"]) == pytest.approx((row["AUC"] - 0.2, min(1, row["AUC"] + 0.1)))
    assert row["attribution"] == 1
    unknown = clean.assign(known=False)
    assert np.isnan(condition_tables.corruption_row(unknown, unknown, Estimate(0.0), 0.5)["attribution"])


def test_nothing_unseen_is_nothing_separated():
    scored = {"rule": {"known": predictions()}}
    assert open_set_separation(scored, metrics) == {}
    assert list(condition_tables.open_set_table({}).columns) == [
        "rule",
        "clips",
        "AUC",
        "from",
        "to",
        "known",
        "unseen",
    ]


def test_a_sweep_counts_every_clip_and_agrees_with_the_metrics():
    table = predictions()
    curve = sweep(table.label, table.score, 11)
    counts = curve[["true positives", "false negatives", "false positives", "true negatives"]]
    assert (counts.sum(1) == len(table)).all()
    half = curve[curve.threshold == 0.5].iloc[0]
    found = metrics(table, 0.5, intervals=False)["value"]
    assert half["balanced accuracy"] == pytest.approx(found["balanced_accuracy"])
    assert half["true-positive rate"] == pytest.approx(found["fake_accuracy"])
    assert half["F1"] == pytest.approx(found["f1"])
    assert (curve["true-positive rate"].diff().dropna() <= 0).all()


def test_the_predictive_value_is_bayes_theorem():
    # 100,000 clips, one in a thousand forged: 95 hits, 1998 false alarms.
    assert predictive_value(0.95, 0.98, 0.001) == pytest.approx(95 / (95 + 1998))
    assert predictive_value(0.9, 0.9, [1.0, 0.5]) == pytest.approx([1.0, 0.9])
    assert np.isnan(predictive_value(0.0, 1.0, 0.5))
