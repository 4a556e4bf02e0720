"""The study's protocol and report, on synthetic predictions with known effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from amdd.analysis import study
from amdd.analysis.protocol import YOUNGER
from amdd.analysis.study_tables import one_pair
from amdd.base.paths import PROJECT
from amdd.profiles import load_profile
from amdd.settings import Profile
from amdd.settings.explain import settings_of
from amdd.stats import Estimate, holm, p_value, paired, paired_over_seeds, two_way

PROTOCOL = PROJECT / "book" / "studies" / "attribution.yml"
UNSEEN = ("x", "y")


def synthetic(effects: dict[str, float], seeds=8, people=20, rng=0, spread=0.3) -> pd.DataFrame:
    """Predictions of arms whose fakes lie ``effects`` farther from the reals; seeds move every fake of an arm, people are
    easy or hard in every arm."""
    rng = np.random.default_rng(rng)
    person = np.repeat(np.arange(people), 6)
    kind = np.tile(["real", "real", "x", "x", "y", "y"], people)
    fake = kind != "real"
    hard = 0.6 * rng.normal(size=people)[person] * fake
    clip_effect = rng.normal(size=len(person))
    rows = []
    for seed in range(seeds):
        common = spread * rng.normal()
        for arm, effect in effects.items():
            own = common + spread * rng.normal()
            score = fake * (1.2 + effect + own) + hard + clip_effect + 0.5 * rng.normal(size=len(person))
            rows.append(
                pd.DataFrame(
                    {"arm": arm, "seed": seed, "clip": np.arange(len(person)), "people": person.astype(str),
                     "label": fake.astype(int), "generator": kind, "score": score}
                )
            )  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def test_the_protocol_names_what_the_study_needs():
    protocol = study.load_protocol(PROTOCOL)
    assert list(protocol.arms) == ["none", "full", "twin", "naming", "shuffled", "detection"]
    assert protocol.contrasts.primary == ("full", "twin")
    assert protocol.seeds >= 14
    assert len(protocol.test.unseen) == 6
    # The power that it states is that of its own assumptions.
    error = study.expected_error(protocol.power, protocol.seeds, protocol.test.people)
    degrees = min(protocol.seeds, protocol.test.people) - 1
    reach = error * (stats.t.ppf(0.975, degrees) + stats.t.ppf(0.8, degrees))
    assert reach == pytest.approx(protocol.power.detectable, abs=0.003)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.pop("prediction"), "prediction: Field required"),
        (lambda p: p["contrasts"].update(primary=["full", "ful"]), "expected two of: detection, full"),
        (lambda p: p["contrasts"].update(primary=["full", "full"]), "contrast full - full"),
        (lambda p: p.update(margin=3), "margin"),
        (lambda p: p.update(seeds=1), "seeds"),
        (lambda p: p.update(extra=1), "extra"),
        (lambda p: p["decision"].pop("harms"), "decision lacks harms"),
    ],
)
def test_a_protocol_that_lacks_something_says_what(tmp_path, change, message):
    record = yaml.safe_load(PROTOCOL.read_text(encoding="utf-8"))
    change(record)
    path = tmp_path / "mine.yml"
    path.write_text(yaml.safe_dump(record))
    with pytest.raises(ValueError, match=f"mine.yml.*{message}"):
        study.load_protocol(path)


def test_a_file_that_is_no_protocol_is_named(tmp_path):
    path = tmp_path / "mine.yml"
    for text in ("a: [", "just text", ""):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"mine\.yml"):
            study.load_protocol(path)


def test_the_two_way_variance_is_its_three_parts_written_out():
    rng = np.random.default_rng(0)
    values = rng.normal(size=5)
    without = values[:, None] + 0.1 * rng.normal(size=(5, 9)) + 0.2 * rng.normal(size=9)
    seeds = sum((v - values.mean()) ** 2 for v in values) / 4 / 5
    columns = [np.mean([without[s, p] for s in range(5)]) for p in range(9)]
    people = 8 / 9 * sum((c - np.mean(columns)) ** 2 for c in columns)
    cell = [(without[s, p] - values[s]) / 5 for s in range(5) for p in range(9)]
    cells = 44 / 45 * sum((c - np.mean(cell)) ** 2 for c in cell)
    half = stats.t.ppf(0.975, 4) * np.sqrt(max(seeds + people - cells, seeds, people))
    found = two_way(values, without)
    assert found.interval == pytest.approx((values.mean() - half, values.mean() + half))
    assert (found.seeds, found.people) == (5, 9)
    assert not two_way(values[:1], without[:1]).bounded
    assert not two_way(values, without[:, :1]).bounded


def test_no_effect_is_covered_and_an_effect_is_found():
    """Coverage under the null over people *and* seeds, and power under an effect; one fixed seed each."""
    null, found = 0, 0
    for k in range(30):
        same = study.contrast(synthetic({"full": 0.0, "twin": 0.0}, 5, 10, k), ("full", "twin"), UNSEEN)
        null += same.low <= 0 <= same.high
        if k < 8:
            far = synthetic({"full": 1.2, "twin": 0.0}, 5, 10, k)
            found += study.contrast(far, ("full", "twin"), UNSEEN).low > 0
    assert null >= 27
    assert found >= 6


def test_a_contrast_is_the_mean_over_seeds_and_generators_by_a_naive_loop():
    table = synthetic({"full": 0.5, "twin": 0.0}, 3, 8)
    gaps = []
    for seed in range(3):
        value = {}
        for arm in ("full", "twin"):
            part = table[(table.arm == arm) & (table.seed == seed)]
            reals = part.score[part.label == 0].to_numpy()
            value[arm] = np.mean(
                [(part.score[part.generator == g].to_numpy()[:, None] > reals).mean() for g in UNSEEN]
            )
        gaps.append(value["full"] - value["twin"])
    shuffled = table.sample(frac=1, random_state=0)
    assert study.contrast(shuffled, ("full", "twin"), UNSEEN).value == pytest.approx(np.mean(gaps))


def test_the_report_decides_by_the_protocol():
    protocol = study.load_protocol(PROTOCOL)
    names = dict.fromkeys(protocol.arms, 0.0)
    changed = {"test": protocol.test.model_copy(update={"unseen": list(UNSEEN)}), "seeds": 6}
    protocol = protocol.model_copy(update=changed)
    table, verdict = study.report(synthetic(names | {"full": 1.5}, 6, 12), protocol)
    assert verdict == "regularises"
    assert table.contrast.tolist()[:2] == ["full - twin", "full - shuffled"]
    assert table.loc[0, "adjusted"] == table.loc[0, "p"]
    assert (table.adjusted >= table.p).all()
    # A second detector does as much: the placebo is not beaten.
    _, verdict = study.report(synthetic(names | {"full": 1.5, "twin": 1.5}, 6, 12), protocol)
    assert verdict != "regularises"
    _, verdict = study.report(synthetic(names | {"full": -1.0}, 6, 12), protocol)
    assert verdict == "harms"
    # However clear the effect, nothing is decided before all seeds are there.
    _, verdict = study.report(synthetic(names | {"full": 1.5}, 5, 12), protocol)
    assert verdict == "not finished: 5 of 6 seeds"


def test_decisions_of_known_intervals():
    above, zero = Estimate(0.05, 0.01, 0.09), Estimate(0.0, -0.01, 0.01)
    assert study.decision(above, above, 0.03) == "regularises"
    assert study.decision(above, zero, 0.03) == "undecided"
    assert study.decision(Estimate(0.02, 0.01, 0.03), above, 0.03) == "no effect beyond the margin"
    assert study.decision(zero, above, 0.03) == "no effect beyond the margin"
    assert study.decision(Estimate(0.0, -0.2, 0.2), above, 0.03) == "undecided"
    assert study.decision(Estimate(0.1), above, 0.03) == "undecided"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="people"), "lack the columns people"),
        (lambda t: t[t.arm != "twin"], "no predictions of the arms twin"),
        (lambda t: t.assign(score=t.score.where(t.index > 0)), "not a finite number"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "listed twice"),
        (lambda t: t.iloc[1:], "the same clips"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        study.contrast(change(synthetic({"full": 0.0, "twin": 0.0}, 2, 4)), ("full", "twin"), UNSEEN)


def test_seeds_that_one_arm_lacks_are_left_out_of_the_contrast():
    table = synthetic({"full": 0.0, "twin": 0.0}, 4, 6)
    part = table[~((table.arm == "twin") & (table.seed == 3))]
    found = study.contrast(part, ("full", "twin"), UNSEEN)
    assert found == study.contrast(table[table.seed < 3], ("full", "twin"), UNSEEN)
    assert found.seeds == 3


def test_the_same_against_the_same_holds_zero():
    found = study.same_against_same(synthetic({"full": 0.0}, 14, 12), "full", UNSEEN)
    assert len(found) == 7
    assert found["holds zero"].sum() >= 6
    biased = synthetic({"full": 0.0}, 14, 12, spread=0.02)
    biased.loc[biased.seed == 0, "score"] *= np.where(biased.label[biased.seed == 0] == 1, -1.0, 1.0)
    assert not study.same_against_same(biased, "full", UNSEEN)["holds zero"].iloc[0]


def test_holms_procedure_by_hand_and_p_values_agree_with_their_intervals():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}
    rng = np.random.default_rng(0)
    values = rng.normal(0.5, 1, 12)
    low, high = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    expected = stats.ttest_1samp(values, 0).pvalue
    assert p_value(Estimate(values.mean(), low, high, people=12)) == pytest.approx(expected)
    assert p_value(Estimate(0.1)) == 1.0


def history(starts: dict[tuple[str, int], int | None], epochs=24) -> pd.DataFrame:
    rows = [
        {"arm": arm, "seed": seed, "epoch": e, "focal": 0.02 if start and e >= start else 0.07}
        for (arm, seed), start in starts.items()
        for e in range(1, epochs + 1)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def test_take_off_is_a_survival_curve():
    starts = {("full", s): e for s, e in enumerate([5, 6, 6, 8])}
    starts |= {("none", s): e for s, e in enumerate([None, None, 20, None])}
    found = study.take_off(history(starts), 0.05)
    assert found[found.arm == "full"].epoch.tolist() == [5, 6, 6, 8]
    assert found[found.arm == "none"].started.tolist() == [False, False, True, False]
    curve = study.not_started(found)
    full = curve[curve.arm == "full"]
    assert full["not started"].tolist() == pytest.approx([1, 0.75, 0.25, 0])
    assert curve[curve.arm == "none"]["not started"].tolist() == pytest.approx([1, 0.75])
    assert study.log_rank(found, ("full", "none")) < 0.05
    assert study.log_rank(found, ("full", "full")) > 0.9
    stuck = study.take_off(history({("a", 0): None, ("b", 0): None}), 0.05)
    assert study.log_rank(stuck, ("a", "b")) == 1.0


def test_runs_paired_by_seed_agree_with_the_contrast():
    table = synthetic({"full": 0.5, "twin": 0.0}, 4, 8)
    one = table.assign(generator=np.where(table.label == 1, "x", "real"))
    as_metrics = one.rename(columns={"people": "identity"}).assign(attribution="", known=False)
    as_metrics["clip_id"] = as_metrics["clip"].astype(str)
    sides = [
        [as_metrics[(as_metrics.arm == a) & (as_metrics.seed == s)] for s in range(4)]
        for a in ("full", "twin")
    ]
    found, expected = paired_over_seeds(*sides), study.contrast(one, ("full", "twin"), ("x",))
    assert (found.value, *found.interval) == pytest.approx((expected.value, *expected.interval))
    each = [paired(a, b).value for a, b in zip(*sides)]
    assert found.value == pytest.approx(np.mean(each))
    with pytest.raises(ValueError, match="4 and 3 runs"):
        paired_over_seeds(sides[0], sides[1][:3])


def test_outcomes_of_trainings_are_those_of_their_scores():
    protocol = study.load_protocol(PROTOCOL)
    protocol = protocol.model_copy(update={"test": protocol.test.model_copy(update={"unseen": ["x"]})})
    table = synthetic({"full": 0.0, "twin": 9.0}, 2, 6)
    table["naming"] = np.where(table.seed == 0, table.generator, "x")
    found = study.outcomes(table.assign(part="test"), protocol).set_index(["arm", "seed"])
    assert (
        found.loc[("twin", 0), "unseen"]
        == found.loc[("twin", 0), "known"]
        == 1.0
        > found.loc[("full", 0), "unseen"]
    )
    assert found.loc[("full", 0), "naming"] == 1.0 and found.loc[("full", 1), "naming"] == 0.0
    # Validation clips have no part in any outcome.
    other = pd.concat([table.assign(part="test"), table.assign(part="validation", score=0.0)])
    assert study.outcomes(other, protocol).set_index(["arm", "seed"]).equals(found)


def test_a_repeated_training_is_held_against_the_shipped_one():
    protocol = study.load_protocol(PROTOCOL)
    protocol = protocol.model_copy(update={"test": protocol.test.model_copy(update={"unseen": ["x"]})})
    shipped = synthetic({"full": 0.5}, 1, 10)
    near = shipped.assign(score=shipped.score + 1e-4)
    table, agrees = study.compare(near, shipped, protocol)
    assert agrees and table.difference.abs().max() < 1e-3
    rng = np.random.default_rng(0)
    _, agrees = study.compare(shipped.assign(score=rng.permutation(shipped.score)), shipped, protocol)
    assert not agrees
    with pytest.raises(ValueError, match="no clip in common"):
        study.compare(shipped.assign(clip="other"), shipped.assign(clip="mine"), protocol)


@pytest.mark.parametrize("seed", range(3))
def test_the_outcome_without_each_person_is_that_of_the_clips_without_them(seed):
    rng = np.random.default_rng(seed)
    n, people = 90, 7
    generator = rng.choice(["real", "x", "y", "z"], n)
    data = {"generator": generator, "label": (generator != "real").astype(int), "score": rng.normal(size=n)}
    if seed == 2:
        data["score"] = data["score"].round()  # ties
    member = rng.integers(people, size=n)
    member[generator == "z"] = 3  # without this person nobody has fakes of z
    clusters = [np.flatnonzero(member == k) for k in range(people)]
    quick = study.macro_auc_without_each(data, ["x", "y"], clusters)
    left = [{key: v[member != k] for key, v in data.items()} for k in range(people)]
    slow = [study.macro_auc(part, ["x", "y"]) for part in left]
    assert np.allclose(quick, slow, atol=1e-12)
    assert np.isnan(study.macro_auc_without_each(data, ["x", "z"], clusters)).tolist() == [
        k == 3 for k in range(people)
    ]


def test_one_more_pair_of_trainings_falls_inside_its_interval_as_often_as_stated():
    rng, inside = np.random.default_rng(0), 0
    for _ in range(400):
        gaps = rng.normal(0.02, 0.01, 9)
        rows = [
            {"arm": a, "seed": s, "known": 0.9 + g * (a == "full")}
            for s, g in enumerate(gaps[:8])
            for a in ("full", "none")
        ]
        found = one_pair(pd.DataFrame(rows), ("full", "none"))
        inside += found.low <= gaps[8] <= found.high
    assert 0.92 < inside / 400 < 0.98
    lone = one_pair(pd.DataFrame(rows[:2]), ("full", "none"))
    assert not lone.bounded and lone.value == pytest.approx(gaps[0])


def test_naming_goes_with_detection_within_arms_only():
    rng = np.random.default_rng(0)
    rows = [
        {"arm": arm, "seed": s, "naming": level + 0.1 * rng.normal(), "unseen": level + 0.1 * rng.normal()}
        for arm, level in (("full", 0.0), ("naming", 5.0))
        for s in range(30)
    ]
    apart = study.naming_and_detection(pd.DataFrame(rows), ("full", "naming"))
    assert apart.low < 0 < apart.high and apart.n == 60 and apart.seeds == 30
    together = pd.DataFrame(rows).assign(unseen=lambda t: t.naming + 0.02 * rng.normal(size=60))
    close = study.naming_and_detection(together, ("full", "naming"))
    assert 0.9 < close.low < close.value < close.high < 1
    nothing = study.naming_and_detection(pd.DataFrame(rows[:3]).assign(unseen=0.5), ("full",))
    assert not nothing.bounded


@pytest.mark.parametrize("name", ["attribution", "attribution-frozen"])
def test_the_shipped_predictions_are_those_of_the_protocol(name):
    path = PROTOCOL.with_name(f"{name}.yml")
    protocol = study.load_protocol(path)
    table = pd.read_parquet(path.with_suffix(".parquet"))
    history = pd.read_parquet(path.with_name(f"{name}-history.parquet"))
    assert set(table.arm) <= {*protocol.arms, *protocol.minor["arms"]}
    tested = study.test_part(table)
    counts = tested.groupby(["arm", "seed", "generator"], observed=True).size().unstack()
    assert (counts["real"] == protocol.test.reals).all()
    assert (counts[list(protocol.test.unseen)] == protocol.test.fakes_each).all(axis=None)
    assert tested.people.nunique() == protocol.test.people
    assert set(map(tuple, history[["arm", "seed"]].to_numpy())) == set(
        map(tuple, table[["arm", "seed"]].to_numpy())
    )
    found, decided = study.report(tested, protocol)
    assert np.isfinite(found.difference).all()
    assert decided.startswith("not finished") == (study.seeds_done(tested, protocol) < protocol.seeds)


def test_the_study_does_not_change_when_the_demo_does():
    """Whatever the demo sets otherwise than the settings' defaults stands in the protocol itself."""
    own, plain = load_profile("demo"), Profile("demo")
    moved = {s.name for s in settings_of() if s.value(own) != s.value(plain)}
    assert "model.visual_frozen" in moved
    corpora = study.load_protocol(PROTOCOL).corpora
    for part in (corpora.train, corpora.test):
        pinned = {text.partition("=")[0] for text in [*YOUNGER, *part, *corpora.recipe]}
        assert moved <= pinned
