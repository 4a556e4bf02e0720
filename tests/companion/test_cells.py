"""Cells that run in the page, here under this Python: their measures, their data, and every cell of the book."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from amdd import stats
from amdd.companion import cells
from amdd.companion.claims import paper
from amdd.companion.teaching import STUDY

TOPICS = sorted(path.stem for path in cells.CELLS.glob("*.yml"))


def scored(people=12, seed=0) -> pd.DataFrame:
    """Predictions as a run writes them, some scores tied."""
    rng = np.random.default_rng(seed)
    generators = ["real", "real", "real", "faceswap", "wav2lip", "fsgan"] * people
    table = pd.DataFrame({"generator": generators})
    table["label"] = (table.generator != "real").astype(int)
    table["identity"] = [f"person {k % people:02d}" for k in range(len(table))]
    table["score"] = np.clip(rng.normal(0.4 + 0.2 * table.label, 0.25), 0, 1).round(2)
    shares = rng.dirichlet(np.ones(4), len(table))
    for k, name in enumerate(("real", "faceswap", "fsgan", "wav2lip")):
        table[f"p_{name}"] = shares[:, k]
    table["attribution"] = [("real", "faceswap", "fsgan", "wav2lip")[k] for k in shares.argmax(1)]
    return table


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    corpora = {"own": cells.columns_of(scored()), "other": cells.columns_of(scored(seed=1))}
    run = {"train": "own", "threshold": 0.5, "corpora": corpora}
    for name, data in cells.data_files(run, pd.read_parquet(STUDY), paper()).items():
        (folder / name).write_bytes(data)
    spec = importlib.util.spec_from_file_location("lesson", cells.RUNTIME / "lesson.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.FOLDER = str(folder)
    return module


def test_measures_agree_with_the_books_own(lesson):
    table = scored()
    p = lesson.predictions()
    assert lesson.auc(p["label"], p["score"]) == pytest.approx(stats.auc(table.label, table.score), abs=1e-12)
    ours = stats.balanced_accuracy(table.label, (table.score >= 0.5).astype(int))
    assert lesson.balanced_accuracy(p["label"], p["score"], 0.5) == pytest.approx(ours, abs=1e-12)
    for k, n in ((0, 9), (73, 75), (75, 75)):
        ends = binomtest(k, n).proportion_ci(method="wilson")
        assert lesson.wilson(k, n) == pytest.approx((ends.low, ends.high), abs=1e-9)


def test_the_interval_over_people_is_wider_than_over_clips_if_clips_of_one_person_are_alike(lesson):
    people = np.repeat(np.arange(15), 10)
    values = np.random.RandomState(0).normal(size=15)[people]
    low, high = lesson.bootstrap(lambda rows: values[rows].mean(), people)
    alone = lesson.bootstrap(lambda rows: values[rows].mean(), np.arange(len(values)))
    assert high - low > 2 * (alone[1] - alone[0])


def test_the_data_hold_no_names_of_people_or_clips(lesson):
    p = lesson.predictions()
    assert sorted(set(p["person"].tolist())) == list(range(12))
    text = (cells.Path(lesson.FOLDER) / "predictions.json").read_text(encoding="utf-8")
    assert "person 0" not in text
    assert ".mp4" not in (cells.Path(lesson.FOLDER) / "study.json").read_text(encoding="utf-8")


def test_the_study_is_whole(lesson):
    table = pd.read_parquet(STUDY)
    table = table[table.part == "test"]
    counts = table.groupby("arm", observed=True).seed.nunique().to_dict()
    assert {arm: len(seeds) for arm, seeds in lesson.arms().items()} == counts
    own = table[(table.arm == "full") & (table.seed == 0)]
    p = lesson.study("full", 0)
    assert lesson.auc(p["label"], p["score"]) == pytest.approx(stats.auc(own.label, own.score), abs=1e-3)
    with pytest.raises(ValueError, match="full seed 0"):
        lesson.study("no such arm")


@pytest.mark.parametrize("topic", TOPICS)
def test_every_cell_runs_and_every_exercise_is_open_until_it_is_solved(lesson, topic):
    for place, cell in enumerate(cells.read_cells(cells.CELLS / f"{topic}.yml"), 1):
        found = json.loads(lesson.run(cell.code, cell.check))
        if not cell.check:
            assert found["out"], f"{topic}, cell {place} shows nothing"
            assert [o for o in found["out"] if o["kind"] == "error"] == [], f"{topic}, cell {place}"
            continue
        assert found["right"] is False, (
            f"{topic}, cell {place}: the start passes its check, or fails: {found['out']}"
        )
        assert len(found["said"]) > 10
        solved = json.loads(lesson.run(cell.solution, cell.check))
        assert solved["right"] is True, f"{topic}, cell {place}: {solved['said']} {solved['out']}"


@pytest.mark.parametrize("topic", TOPICS)
def test_no_line_of_code_is_cut_off_by_the_column(topic):
    found = cells.read_cells(cells.CELLS / f"{topic}.yml")
    lines = [line for cell in found for text in (cell.code, cell.solution) for line in text.splitlines()]
    assert [line for line in lines if len(line) > 76] == []


def test_what_a_cell_shows(lesson):
    def run(code):
        return json.loads(lesson.run(code))["out"]

    assert run("print('a'); 1 + 1") == [{"kind": "text", "text": "a\n2\n"}]
    assert run("x = 1") == []
    shown = run("show([[1, 0.25]], ['n', 'share'])")
    assert shown == [{"kind": "table", "columns": ["n", "share"], "rows": [["1", "0.250"]]}]
    assert run("a = 1\nb = a / 0")[-1] == {
        "kind": "error",
        "text": "ZeroDivisionError: division by zero (line 2)",
    }
    assert "line 2" in run("a = 1\nb = = 2")[-1]["text"]
    assert run("raise SystemExit(3)")[-1]["kind"] == "error"
    assert json.loads(lesson.run("x = 1", "assert missing == 2"))["right"] is False


def test_a_name_that_a_cell_defines_does_not_reach_the_next(lesson):
    lesson.run("auc = 3; left = 1")
    assert json.loads(lesson.run("left"))["out"][-1]["kind"] == "error"
    assert json.loads(lesson.run("auc([1, 0], [1, 0])"))["out"][-1]["text"] == "1.0\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {say: what, code: x = 1, check: assert 1}", "an exercise has check, solution and right"),
        ("- {say: what}", "0.code"),
        ("- [", "no readable YAML"),
    ],
)
def test_a_wrong_file_is_named_with_its_place(tmp_path, text, told):
    path = tmp_path / "topic.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"topic\.yml") as error:
        cells.read_cells(path)
    assert told in str(error.value)


def test_a_study_whose_arms_have_different_clips_is_refused():
    table = pd.read_parquet(STUDY)
    gone = (table.arm == "full") & (table.seed == 0) & (table.part == "test")
    with pytest.raises(ValueError, match="other clips"):
        cells.study_data(table.drop(table.index[gone][:1]))
