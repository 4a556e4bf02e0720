"""One generator left out, and the dose: protocol and report, on synthetic predictions with known effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from amdd.analysis import left_out
from amdd.analysis.protocol import (
    LeftOutProtocol,
    Protocol,
    conditions,
    dose_name,
    left_out_name,
    load_any,
    load_left_out,
)
from amdd.analysis.study_tables import shipped_left_out
from amdd.base.paths import PROJECT

FILE = PROJECT / "book" / "studies" / "leave-one-out.yml"
PROTOCOL = load_left_out(FILE)


def synthetic(
    full=0.0, more=0.0, novel=0.0, hard=0.0, seeds=3, people=24, spread=0.05, rng=0
) -> pd.DataFrame:
    """Test predictions of all trainings: ``full`` moves the left-out generator's fakes away from the reals in the arm full,
    ``more`` those of the never-trained one for each further generator and unit of weight; certainty of a left-out generator's
    fakes falls by ``novel``, that of the generator wav2lip by ``hard`` wherever it is."""
    rng = np.random.default_rng(rng)
    generators = [*PROTOCOL.pool, PROTOCOL.never]
    kind = np.array((["real"] * 3 + generators) * people)
    person = np.repeat([f"p{k}" for k in range(people)], 3 + len(generators))
    fake, ease = kind != "real", rng.normal(size=len(kind))
    tables = []
    for seed in range(seeds):
        for c in conditions(PROTOCOL):
            score = 1.5 * fake + ease + spread * rng.normal(size=len(kind))
            if "without" in c.name and c.arm == "full":
                score[kind == c.name.split()[-1]] += full
            if c.name.startswith("dose"):
                score[kind == PROTOCOL.never] += more * len(c.generators) * c.weight
            known = np.isin(kind, c.generators)
            sure = (
                2 + ease - novel * ~known - hard * (kind == "wav2lip") + spread * rng.normal(size=len(kind))
            )
            naming = np.where(known & (rng.uniform(size=len(kind)) < 0.7), kind, c.generators[0])
            tables.append(pd.DataFrame({
                "arm": c.name, "seed": seed, "part": "test", "clip": np.arange(len(kind)), "people": person,
                "label": fake.astype(int), "generator": kind, "score": score, "naming": naming,
                "certainty": 1 / (1 + np.exp(-sure)),
            }))  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def test_the_protocol_trains_on_what_it_says():
    made = {c.name: c for c in conditions(PROTOCOL)}
    assert len(PROTOCOL.pool) == 8 and len(made) == 8 * 2 + 3 * 3
    for left in PROTOCOL.pool:
        own = [made[left_out_name(arm, left)] for arm in ("full", "twin")]
        assert own[0].generators == own[1].generators
        assert {*own[0].generators, left} == {*PROTOCOL.pool}
    assert {len(made[dose_name(n, w)].generators) for n in (1, 3, 8) for w in (0, 0.3, 1)} == {1, 3, 8}
    assert not any(PROTOCOL.never in c.generators for c in made.values())


def test_the_kind_of_a_protocol_is_told_by_its_content():
    assert isinstance(load_any(FILE), LeftOutProtocol)
    assert isinstance(load_any(FILE.with_name("attribution.yml")), Protocol)


@pytest.mark.parametrize(
    "change, word",
    [
        ({"never": "wav2lip"}, "never"),
        ({"dose": {"weights": [0, 1], "generators": {3: ["faceswap"]}}}, "dose"),
        ({"contrast": ["full", "none"]}, "contrast"),
        ({"seeds": 1}, "seeds"),
        ({"pools": []}, "pools"),
    ],
)
def test_a_protocol_that_contradicts_itself_is_refused_by_name(tmp_path, change, word):
    path = tmp_path / "other.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(FILE.read_text()) | change))
    with pytest.raises(ValueError, match=rf"other\.yml.*{word}"):
        load_left_out(path)


def test_the_outcome_is_the_auc_of_the_left_out_fakes_against_all_reals():
    table = synthetic()
    row = left_out.left_out_outcomes(table, PROTOCOL).query(
        "arm == 'twin' and `left out` == 'fsgan' and seed == 1"
    )
    part = table[
        (table.arm == "twin without fsgan") & (table.seed == 1) & table.generator.isin(["real", "fsgan"])
    ]
    assert row.AUC.item() == pytest.approx(roc_auc_score(part.label, part.score))
    others = table[
        (table.arm == "twin without fsgan")
        & (table.seed == 1)
        & table.generator.isin(set(PROTOCOL.pool) - {"fsgan"})
    ]
    assert row.named.item() == pytest.approx((others.naming == others.generator).mean())


@pytest.mark.parametrize(
    "effect, decision", [(0.0, "no effect beyond the margin"), (1.2, "helps"), (-1.2, "harms")]
)
def test_the_decision_finds_what_was_put_in(effect, decision):
    table, said = left_out.left_out_report(synthetic(full=effect), PROTOCOL)
    assert said == decision
    assert len(table) == 9
    assert np.sign(table.difference.iloc[-1]) == np.sign(effect) or effect == 0
    assert table.difference.iloc[-1] == pytest.approx(table.difference.iloc[:-1].mean())


def test_nothing_is_decided_before_all_seeds_are_there():
    table = synthetic(full=1.2)
    unfinished = table[(table.seed < 2) | (table.arm != "full without fsgan")]
    assert left_out.left_out_contrast(unfinished, PROTOCOL)[1] == "not finished: 2 of 3 seeds"


def test_a_score_that_is_no_number_is_refused():
    table = synthetic(seeds=2)
    table.loc[table.index[3], "score"] = np.nan
    with pytest.raises(ValueError, match="score"):
        left_out.left_out_outcomes(table, PROTOCOL)


def test_the_dose_finds_what_was_put_in():
    flat, steep = (left_out.dose_contrasts(synthetic(more=m), PROTOCOL) for m in (0.0, 0.3))
    assert flat.difference.abs().max() < 0.02
    assert (flat["from"] <= 0).all() and (flat["to"] >= 0).all()
    top = steep.set_index(["generators", "weights"]).difference
    assert top[8, "1 - 0"] > top[3, "1 - 0"] > top[1, "1 - 0"] > 0
    assert len(left_out.dose_outcomes(synthetic(seeds=2), PROTOCOL)) == 9 * 2


def test_certainty_tells_what_is_new_from_what_is_hard():
    hard = left_out.unknown_table(synthetic(hard=2.0), PROTOCOL).set_index("left out")
    assert hard.AUROC["wav2lip"] > 0.8  # less certain whether it was left out or not
    assert hard["was known"]["wav2lip"] == pytest.approx(hard.AUROC["wav2lip"], abs=0.05)
    plain, beyond = left_out.novelty(synthetic(hard=2.0), PROTOCOL)
    assert beyond.low < 0 < beyond.high or abs(beyond.value) < 0.01
    plain, beyond = left_out.novelty(synthetic(novel=1.0), PROTOCOL)
    assert plain.low > 0.6 and beyond.low > 0.1


def test_open_set_measures_on_small_oracles():
    perfect = left_out.open_set_measures([0.9, 0.8, 0.7], [True, True, False], [0.1, 0.2])
    assert perfect == {"AUROC": 1.0, "FPR at 95 %": 0.0, "OSCR": pytest.approx(2 / 3)}
    useless = left_out.open_set_measures([0.5] * 4, [True] * 4, [0.5] * 3)
    assert useless == {"AUROC": 0.5, "FPR at 95 %": 1.0, "OSCR": 0.5}
    assert np.isnan(left_out.open_set_measures([], [], [0.1])["AUROC"])


def test_oscr_is_the_area_under_its_curve():
    rng = np.random.default_rng(3)
    known, unknown, right = rng.normal(0.5, 1, 80), rng.normal(0, 1, 50), rng.uniform(size=80) < 0.6
    steps = np.sort(np.r_[known, unknown, np.inf])[::-1]
    passed = [(unknown >= t).mean() for t in steps]
    correct = [((known >= t) & right).mean() for t in steps]
    assert left_out.open_set_measures(known, right, unknown)["OSCR"] == pytest.approx(
        np.trapezoid(correct, passed)
    )


def test_what_ships_is_what_the_protocol_asks_for():
    plan, table, record = shipped_left_out()
    names, seeds = {c.name for c in conditions(plan)}, sorted(table.seed.unique())
    assert table.groupby("seed").arm.nunique().tolist() == [len(names)] * len(seeds)
    assert set(table.arm) == names and seeds == list(range(len(seeds)))
    assert {(r["arm"], r["seed"]) for r in record["trainings"]} == {(n, s) for n in names for s in seeds}
    tests = table[table.part == "test"]
    assert tests.groupby(["arm", "seed"])["clip"].nunique().unique().tolist() == [480]
    assert tests.people.nunique() == 60
    own = tests[tests["arm"] == tests["arm"].iloc[0]].drop_duplicates("clip")
    assert (own.generator == "real").sum() == 120 and set(own.generator.value_counts().drop("real")) == {40}
    assert {*plan.pool, plan.never, "real"} == set(own.generator)
    for condition in conditions(plan):
        assert set(table[table.arm == condition.name].naming) <= set(condition.generators)
    steps = [r["steps"] for r in record["trainings"]]
    assert max(abs(s - plan.steps) for s in steps) < 0.05 * plan.steps
