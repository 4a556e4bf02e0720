"""Comparison of two runs' results: what agrees, what is tolerated, what differs, and by how much."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amdd.companion.compare import AGREES, DIFFERS, SKIPPED, WITHIN, Tolerance, compare, overall, tolerance

SAME, OTHER = tolerance("same machine"), tolerance("other machine")
NUMBERS = {
    "auc": {"value": 0.9, "low": 0.8, "high": 0.96, "n": 70, "people": 12, "profile": "demo"},
    "found": {"value": 97.5, "n": 40, "unit": "%", "profile": "demo"},
    "best": {"value": "wav2lip", "profile": "demo"},
    "took": {"value": 12.5, "unit": "s", "profile": "demo"},
    "steps": {"value": 200, "profile": "demo"},
}
TABLE = pd.DataFrame(
    {"corpus": ["a", "b"], "AUC": [0.9, 0.8], "shown": ["0.90 [0.80, 0.96]", "n/a"], "seconds": [1.0, 2.0]}
)


def write(
    folder: Path, numbers: dict | str = NUMBERS, table: pd.DataFrame = TABLE, kind: str = "table"
) -> Path:
    """Write the results of one chapter, ``topic``, below ``folder`` and return ``folder``."""
    place = folder / "topic"
    place.mkdir(parents=True)
    text = numbers if isinstance(numbers, str) else json.dumps(numbers)
    (place / "numbers.json").write_text(text)
    table.to_csv(place / "table.csv", index=False)
    (place / "table.json").write_text(json.dumps({"kind": kind}))
    return folder


def against(tmp_path: Path, allowed: Tolerance, **changed) -> dict:
    """Return the comparison of the results above with changed ones, by what was compared."""
    kept, new = (
        write(tmp_path / "kept", kind=changed.get("kind", "table")),
        write(tmp_path / "new", **changed),
    )
    return {row.what: row for row in compare(kept, new, ["topic"], allowed)}


def with_number(key: str, **fields) -> dict:
    return NUMBERS | {key: NUMBERS[key] | fields}


def test_equal_results_agree_and_times_are_not_compared(tmp_path):
    found = against(tmp_path, SAME)
    assert {name for name, row in found.items() if row.verdict == SKIPPED} == {"took", "table.csv: seconds"}
    assert {row.verdict for row in found.values()} == {AGREES, SKIPPED}
    assert {"auc", "auc (low)", "auc (high)", "auc (n)", "auc (people)", "table.csv: AUC"} < found.keys()
    assert overall(found.values()) == AGREES


@pytest.mark.parametrize(
    ("numbers", "what", "same", "other"),
    [
        (with_number("auc", value=0.9000005), "auc", WITHIN, WITHIN),
        (with_number("auc", value=0.901), "auc", DIFFERS, WITHIN),
        (with_number("auc", value=0.825), "auc", DIFFERS, WITHIN),  # half of the interval is 0.08
        (with_number("auc", value=0.81), "auc", DIFFERS, DIFFERS),
        (with_number("auc", low=0.71), "auc (low)", DIFFERS, DIFFERS),
        (with_number("auc", n=69), "auc (n)", DIFFERS, DIFFERS),
        (with_number("found", value=93.0), "found", DIFFERS, WITHIN),
        (with_number("found", value=92.0), "found", DIFFERS, DIFFERS),
        (with_number("found", unit="million"), "found", DIFFERS, DIFFERS),
        (with_number("best", value="fsgan"), "best", DIFFERS, DIFFERS),
        (with_number("steps", value=209), "steps", DIFFERS, WITHIN),
        (with_number("steps", value=211), "steps", DIFFERS, DIFFERS),
        (with_number("steps", value="not defined"), "steps", DIFFERS, DIFFERS),
        ({k: v for k, v in NUMBERS.items() if k != "steps"}, "steps", DIFFERS, DIFFERS),
        (NUMBERS | {"more": {"value": 1}}, "more", DIFFERS, DIFFERS),
    ],
)
def test_a_tampered_number_is_found_with_the_distance(tmp_path, numbers, what, same, other):
    rows = [
        {
            r.what: r
            for r in compare(write(tmp_path / f"{k}0"), write(tmp_path / f"{k}1", numbers), ["topic"], t)
        }
        for k, t in enumerate((SAME, OTHER))
    ]
    worst = [max((r.verdict for r in found.values() if r.what == what), key=len_of) for found in rows]
    assert worst == [same, other]
    touched = [name for name, row in rows[0].items() if row.verdict not in (AGREES, SKIPPED)]
    assert touched == [what]
    kept, new = NUMBERS.get(what, {}).get("value"), numbers.get(what, {}).get("value")
    if isinstance(kept, float) and isinstance(new, float) and kept != new:
        assert rows[0][what].difference == pytest.approx(abs(new - kept))


def len_of(verdict: str) -> int:
    return [AGREES, WITHIN, DIFFERS].index(verdict)


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"auc": 3}', '{"auc": {"value"'])
def test_damaged_numbers_differ_with_the_reason(tmp_path, text):
    row = against(tmp_path, OTHER, numbers=text)["numbers.json"]
    assert row.verdict == DIFFERS
    assert row.note.startswith("not readable")


@pytest.mark.parametrize(
    ("table", "what", "verdict"),
    [
        (TABLE.assign(AUC=[0.9, 0.84]), "table.csv: AUC", WITHIN),
        (TABLE.assign(AUC=[0.9, 0.7]), "table.csv: AUC", DIFFERS),
        (TABLE.assign(AUC=[0.9, None]), "table.csv: AUC", DIFFERS),
        (TABLE.assign(corpus=["a", "c"]), "table.csv: corpus", DIFFERS),
        (TABLE.assign(shown=["0.91 [0.80, 0.96]", "n/a"]), "table.csv: shown", WITHIN),
        (TABLE.assign(shown=["0.60 [0.80, 0.96]", "n/a"]), "table.csv: shown", DIFFERS),
        (TABLE.assign(shown=["-0.90 [0.80, 0.96]", "n/a"]), "table.csv: shown", DIFFERS),
        (TABLE.assign(seconds=[9.0, 9.0]), "table.csv: seconds", SKIPPED),
        (TABLE.iloc[:1], "table.csv", DIFFERS),
        (TABLE.rename(columns={"AUC": "EER"}), "table.csv", DIFFERS),
    ],
)
def test_cells_of_tables_are_compared(tmp_path, table, what, verdict):
    assert against(tmp_path, OTHER, table=table)[what].verdict == verdict


def test_the_worst_cell_of_a_column_is_shown(tmp_path):
    row = against(tmp_path, OTHER, table=TABLE.assign(AUC=[0.91, 0.5]))["table.csv: AUC"]
    assert (row.kept, row.new, row.note) == (0.8, 0.5, "row 2 of 2")
    assert row.difference == pytest.approx(0.3)


def test_data_of_figures_count_on_the_same_machine_only(tmp_path):
    other = TABLE.assign(AUC=[0.1, 0.1])
    assert against(tmp_path / "a", OTHER, table=other, kind="figure")["table.csv"].verdict == SKIPPED
    assert against(tmp_path / "b", SAME, table=other, kind="figure")["table.csv: AUC"].verdict == DIFFERS


def test_a_missing_table_differs_and_the_note_says_where(tmp_path):
    kept, new = write(tmp_path / "kept"), write(tmp_path / "new")
    (new / "topic" / "table.csv").unlink()
    there = {r.what: r for r in compare(kept, new, ["topic"], SAME)}["table.csv"]
    back = {r.what: r for r in compare(new, kept, ["topic"], SAME)}["table.csv"]
    assert (there.verdict, there.note) == (DIFFERS, "missing in the re-run")
    assert (back.verdict, back.note) == (DIFFERS, "missing in the kept run")


@given(st.floats(-1e6, 1e6), st.floats(0, 10), st.sampled_from(["", "%"]))
def test_another_machine_never_has_the_smaller_tolerance(kept, width, unit):
    assert SAME.allowed(kept, unit, width) <= OTHER.allowed(kept, unit, width)
