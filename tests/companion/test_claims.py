"""Claims: the rule of the verdicts, and quotations that agree with the paper's tables."""

from __future__ import annotations

import pytest
import yaml

from amdd.base.paths import PACKAGE, PROJECT
from amdd.companion.chapters import chapter_of
from amdd.companion.claims import NOT_ATTEMPTED, claims, numbers, paper, verdict
from amdd.stats import Estimate

POSITIVE, NEGATIVE = {"holds_if": "positive"}, {"holds_if": "negative"}


@pytest.mark.parametrize(
    ("entry", "low", "high", "expected"),
    [
        (POSITIVE, 0.1, 0.4, "supported"),
        (POSITIVE, -0.1, 0.4, "not supported"),
        (POSITIVE, -0.4, -0.1, "contradicted"),
        (POSITIVE, 0.0, 0.4, "not supported"),
        (NEGATIVE, -0.4, -0.1, "supported"),
        (NEGATIVE, 0.1, 0.4, "contradicted"),
        (NEGATIVE, -0.1, 0.1, "not supported"),
    ],
)
def test_the_interval_decides(entry, low, high, expected):
    assert verdict(entry, Estimate((low + high) / 2, low, high)) == expected


WITHIN = {"holds_if": "within", "needs": "fakeavceleb", "target": 0.9, "tolerance": 0.02}


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.91, 0.80, 0.99, "supported"),
        (0.85, 0.80, 0.89, "not supported"),
        (0.80, 0.70, 0.87, "contradicted"),
        (0.99, 0.95, 1.00, "contradicted"),
    ],
)
def test_a_value_of_the_paper_is_judged_on_its_own_data_only(value, low, high, expected):
    number = Estimate(value, low, high)
    assert verdict(WITHIN, number, corpus="fakeavceleb") == expected
    assert verdict(WITHIN, number, corpus="puppet-favc") == NOT_ATTEMPTED
    assert verdict(WITHIN, number, judge=False, corpus="fakeavceleb") == NOT_ATTEMPTED


def test_without_a_number_or_in_too_small_a_run_there_is_no_verdict():
    number = Estimate(1.0, 0.5, 1.5)
    assert verdict(POSITIVE, None) == NOT_ATTEMPTED
    assert verdict(POSITIVE, Estimate(1.0)) == NOT_ATTEMPTED
    assert verdict(POSITIVE, number, judge=False) == NOT_ATTEMPTED
    assert verdict(POSITIVE, number) == "supported"


def test_a_smoke_run_fills_no_verdict_but_writes_every_number(smoke):
    known = numbers(smoke.results)
    for entry in claims():
        if entry.get("needs", "puppet-favc") == "puppet-favc":
            assert f"{entry['topic']}.{entry['number']}" in known, entry["id"]
    assert known["claims.not_attempted"]["value"] == len(claims())


def test_claims_name_chapters_that_are_there_and_no_id_twice():
    entries = claims()
    assert len({e["id"] for e in entries}) == len(entries)
    for entry in entries:
        assert (PROJECT / "notebooks" / f"{chapter_of(entry['topic'])}.py").is_file()


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
