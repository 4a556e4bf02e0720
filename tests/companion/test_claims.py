"""Claims: the rule of the verdicts, and quotations that agree with the paper's tables."""

from __future__ import annotations

import dataclasses

import pytest
import yaml
from scipy import stats

from amdd.analysis.protocol import load_any, load_protocol
from amdd.analysis.study import seeds_done
from amdd.analysis.study import test_part as clips_of_the_test
from amdd.analysis.study_tables import STUDIES, shipped
from amdd.base.paths import PACKAGE, PROJECT
from amdd.companion.chapters import chapter_of
from amdd.companion.claims import claims, estimates, numbers, paper, study_numbers, verdicts
from amdd.companion.verdicts import (
    CONTRADICTED,
    NO_DIFFERENCE,
    NOT_ATTEMPTED,
    SUPPORTED,
    UNDECIDED,
    VERDICTS,
    combined,
    reason,
    verdict,
)
from amdd.profiles import load_profile
from amdd.stats import Estimate

STUDIED = [entry["id"] for entry in claims() if "study" in entry]
POSITIVE, NEGATIVE = {"holds_if": "positive"}, {"holds_if": "negative"}


@pytest.mark.parametrize(
    ("entry", "low", "high", "expected"),
    [
        (POSITIVE, 0.1, 0.4, SUPPORTED),
        (POSITIVE, -0.1, 0.4, UNDECIDED),
        (POSITIVE, -0.4, -0.1, CONTRADICTED),
        (POSITIVE, 0.0, 0.4, UNDECIDED),
        (POSITIVE, -0.02, 0.02, NO_DIFFERENCE),
        (POSITIVE, 0.001, 0.02, SUPPORTED),
        (POSITIVE | {"margin": 0.01}, -0.02, 0.02, UNDECIDED),
        (POSITIVE | {"beyond": 0.1}, 0.05, 0.4, UNDECIDED),
        (POSITIVE | {"beyond": 0.1}, 0.01, 0.09, CONTRADICTED),
        (NEGATIVE, -0.4, -0.1, SUPPORTED),
        (NEGATIVE, 0.1, 0.4, CONTRADICTED),
        (NEGATIVE, -0.1, 0.1, UNDECIDED),
        (NEGATIVE | {"beyond": 0.05}, -0.1, 0.04, SUPPORTED),
        ({"holds_if": "differs"}, 0.1, 0.2, SUPPORTED),
        ({"holds_if": "differs"}, -0.2, -0.1, SUPPORTED),
        ({"holds_if": "differs"}, -0.01, 0.02, NO_DIFFERENCE),
        ({"holds_if": "equal"}, -0.01, 0.02, SUPPORTED),
        ({"holds_if": "equal"}, 0.04, 0.2, CONTRADICTED),
        ({"holds_if": "equal"}, -0.1, 0.2, UNDECIDED),
        (POSITIVE | {"trainings": True}, 0.1, 0.4, UNDECIDED),
        (POSITIVE | {"trainings": True}, -0.4, -0.1, UNDECIDED),
    ],
)
def test_the_interval_decides(entry, low, high, expected):
    assert verdict(entry, Estimate((low + high) / 2, low, high)) == expected


def test_a_difference_between_trainings_is_judged_from_two_seeds_on():
    entry = POSITIVE | {"trainings": True}
    assert verdict(entry, Estimate(0.2, 0.1, 0.3, seeds=1)) == UNDECIDED
    assert verdict(entry, Estimate(0.2, 0.1, 0.3, seeds=2)) == SUPPORTED
    assert reason(entry, Estimate(0.2, 0.1, 0.3), UNDECIDED) == "one training is one draw"


@pytest.mark.parametrize("people", [3, 12, 200])
def test_equivalence_is_two_one_sided_tests_at_five_percent(people):
    """The 90 % interval by Student, written out: just inside the margin and just outside."""
    t90, t95 = (stats.t.ppf(q, people - 1) for q in (0.95, 0.975))
    for error, expected in ((0.0299 / t90, SUPPORTED), (0.0301 / t90, UNDECIDED)):
        number = Estimate(0.0, -t95 * error, t95 * error, people=people)
        assert verdict({"holds_if": "equal"}, number) == expected


WITHIN = {"holds_if": "within", "needs": "fakeavceleb", "target": 0.9, "tolerance": 0.02}


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.905, 0.895, 0.915, SUPPORTED),
        (0.91, 0.80, 0.99, UNDECIDED),  # the point is within the tolerance, the interval is not
        (0.85, 0.80, 0.89, UNDECIDED),
        (0.80, 0.70, 0.87, CONTRADICTED),
        (0.99, 0.95, 1.00, CONTRADICTED),
    ],
)
def test_a_value_of_the_paper_is_judged_on_its_own_data_only(value, low, high, expected):
    number = Estimate(value, low, high)
    assert verdict(WITHIN, number, corpus="fakeavceleb") == expected
    assert verdict(WITHIN, number, corpus="puppet-favc") == NOT_ATTEMPTED
    assert verdict(WITHIN, number, judge=False, corpus="fakeavceleb") == NOT_ATTEMPTED


def test_a_claim_about_each_corpus_fails_if_it_fails_in_one():
    assert combined([SUPPORTED, NOT_ATTEMPTED, SUPPORTED]) == SUPPORTED
    assert combined([SUPPORTED, UNDECIDED]) == UNDECIDED
    assert combined([SUPPORTED, UNDECIDED, CONTRADICTED]) == CONTRADICTED
    assert combined([NOT_ATTEMPTED]) == combined([]) == NOT_ATTEMPTED


def record(value, low, high, **more):
    return {"value": value, "low": low, "high": high, "n": 70, "people": 12, **more}


def test_the_table_of_verdicts_judges_each_corpus_and_says_why_not():
    known = {
        "cross_dataset.transfer.whole.one": record(0.3, 0.2, 0.4),
        "cross_dataset.transfer.whole.two": record(0.05, 0.01, 0.09),
        "cross_dataset.transfer.part.one": {"value": "not measured"},
        "ablations.attribution_loss.auc_gain": record(0.36, 0.2, 0.5),
        "in_domain_results.faceswap.taken_for_fsgan": {"value": "not measured (no misnamed clip)"},
        "in_domain_results.order.change": record(1e-7, 0.5e-7, 1.5e-7),
        "in_domain_results.full.auc": record(0.998, 0.99, 1.0),
    }
    table = verdicts(known, load_profile("demo")).set_index("id")
    assert list(table.index) == [e["id"] for e in claims()]
    whole = table.loc["does-not-transfer"]
    assert (whole.verdict, whole.value, whole.people) == (CONTRADICTED, 0.05, 12)
    assert "of 2 corpora" in whole.here
    loss = table.loc["attribution-loss-helps-detection"]
    assert (loss.verdict, loss.seeds, loss.reason) == (UNDECIDED, 1, "one training is one draw")
    assert table.loc["order-matters", "verdict"] == CONTRADICTED
    assert table.loc["faceswap-taken-for-fsgan", "verdict"] == NOT_ATTEMPTED
    assert table.loc["in-domain-auc", "reason"] == "needs fakeavceleb"
    for entry in claims():
        if "not_attempted" in entry:
            assert table.loc[entry["id"], "reason"] == entry["not_attempted"]
    assert (table.reason != "").eq(table.verdict.isin([UNDECIDED, NOT_ATTEMPTED])).all()
    assert set(table.verdict) <= set(VERDICTS)
    small = verdicts(known, load_profile("smoke")).set_index("id")
    assert set(small.drop(STUDIED).verdict) == {NOT_ATTEMPTED}


def test_without_a_number_or_in_too_small_a_run_there_is_no_verdict():
    number = Estimate(1.0, 0.5, 1.5)
    assert verdict(POSITIVE, None) == NOT_ATTEMPTED
    assert verdict(POSITIVE, Estimate(1.0)) == NOT_ATTEMPTED
    assert verdict(POSITIVE, number, judge=False) == NOT_ATTEMPTED
    assert verdict(POSITIVE, number) == "supported"
    assert verdict(POSITIVE, Estimate(float("nan"), 0.1, 0.2)) == NOT_ATTEMPTED


def test_a_smoke_run_fills_no_verdict_but_writes_every_number(smoke):
    known = numbers(smoke.results)
    for entry in claims():
        if entry.get("needs", "puppet-favc") == "puppet-favc" and "number" in entry:
            assert estimates(entry, known), entry["id"]
    assert known["claims.not_attempted"]["value"] == len(claims()) - len(STUDIED)


def test_claims_name_chapters_that_are_there_and_no_id_twice():
    entries = claims()
    assert len({e["id"] for e in entries}) == len(entries)
    for entry in entries:
        chapter = chapter_of(entry["topic"])
        assert (PROJECT / "notebooks" / f"{chapter}.py").is_file()
        if (
            "number" in entry and "study" not in entry
        ):  # the chapter that judges reads it, so it must have run before
            assert chapter < chapter_of("claims"), entry["id"]


def test_an_incomplete_claim_is_named(tmp_path):
    path = tmp_path / "claims.yml"
    path.write_text(yaml.safe_dump({"claims": [{"id": "x", "where": "Table V", "claim": "…", "topic": "x"}]}))
    with pytest.raises(ValueError, match="'x'"):
        claims(path)


def test_quoted_values_are_those_of_the_papers_tables():
    tables = paper()
    eight = {(r["dataset"], r["condition"]): r for r in tables["table_8"]}
    places = {
        "table8.timit_hq": eight["DF-TIMIT", "higher quality"],
        "table8.dfdm": eight["DFDM", "crf0"],
        "table8.lav_video": eight["LAV-DF", "video only"],
        **{f"table5.{name}": row for name, row in tables["table_5"].items()},
    }
    quoted = yaml.safe_load((PACKAGE / "companion" / "claims.yml").read_text(encoding="utf-8"))["values"]
    assert quoted
    for key, record in quoted.items():
        place, _, column = key.rpartition(".")
        assert places[place][column] == record["value"], key


def test_tables_of_the_paper_agree_with_each_other():
    tables = paper()
    three, six = tables["table_3"], tables["table_6"]
    for name in ("faceswap", "wav2lip", "fsgan"):
        assert three[name]["test"] == six[name]["n"]
    two = {(r["dataset"], r["split"]): r for r in tables["table_2"]}
    assert (
        sum(three[g]["train"] for g in ("faceswap", "wav2lip", "fsgan"))
        == two["FakeAVCeleb", "train"]["fake"]
    )


def test_claims_that_rest_on_two_trainings_name_a_difference_over_seeds_that_was_measured():
    from amdd.companion.results import measured

    spread = measured("seed_spread")
    named = [e for e in claims() if "spread" in e]
    assert len(named) >= 4
    for entry in named:
        assert entry["trainings"], entry["id"]
        number = spread["numbers"][entry["spread"]]
        assert number["low"] < number["value"] < number["high"]
        assert number["seeds"] == len(spread["seeds"]) > 1


def test_a_claim_that_a_study_tests_reads_its_predictions_and_waits_for_its_last_seed():
    protocol = load_protocol(STUDIES / "attribution.yml")
    for entry in claims():
        if "study" in entry:
            assert entry["seeds"] == load_any(STUDIES / f"{entry['study']}.yml").seeds
    known = study_numbers()
    keys = ("contrast.primary", "contrast.decisive", "ablation", "naming_and_detection", "dose.more")
    assert known.keys() == {f"regulariser.{k}" for k in keys}
    table = verdicts(known, load_profile("smoke")).set_index("id")
    done = seeds_done(clips_of_the_test(shipped("attribution").predictions), protocol)
    if done < protocol.seeds:
        assert set(table.loc[STUDIED].verdict) == {UNDECIDED}
        assert set(table.loc[STUDIED].reason) == {f"{done} of {protocol.seeds} seeds are done"}
    entry = {"holds_if": "positive", "trainings": True, "seeds": 14}
    clear = Estimate(0.05, 0.04, 0.06, people=60, seeds=13)
    assert verdict(entry, clear) == UNDECIDED
    assert verdict(entry, dataclasses.replace(clear, seeds=14)) == "supported"


def test_the_table_of_a_page_holds_everything_in_five_columns():
    from amdd.companion.claims import verdict_table

    table = verdicts({}, load_profile("smoke"))
    shown = verdict_table(table)
    assert len(shown) == len(table) and shown.shape[1] == 5
    for row, full in zip(shown.to_dict("records"), table.to_dict("records")):
        assert full["where"] in row["in the paper"] and full["in the paper"] in row["in the paper"]
        assert row["verdict"].startswith(full["verdict"]) and row["verdict"].endswith(full["reason"])
        assert row["based on"] == "–"
    one = table.iloc[:1].assign(n=70, people=12, seeds=1, here="0.1 [0, 0.2]")
    assert verdict_table(one)["based on"].tolist() == ["n = 70, 12 people, 1 seed"]
    assert verdict_table(one.assign(seeds=3))["based on"].tolist() == ["n = 70, 12 people, 3 seeds"]
