"""Imported predictions: hostile files are refused with file, row and cure; good ones get the same metrics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.predictions import drawn

from amdd.analysis.imported import PredictionsError, beside, match, read_predictions
from amdd.stats import metrics


def written(tmp_path, text: str | bytes, name="theirs.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_same_predictions_get_the_same_numbers(tmp_path):
    ours = drawn()
    path = tmp_path / "theirs.csv"
    ours[["clip_id", "score", "attribution"]].sample(frac=1, random_state=0).to_csv(path, index=False)
    found = match(read_predictions(path), ours)
    assert found.coverage == {"scored": len(ours), "missing": 0, "failed": 0}
    table = beside(ours, {"theirs": found})
    expected = metrics(ours).dropna(subset=["value"])
    for name in ("ours, all clips", "theirs"):
        part = table[table.detector == name].set_index("metric")
        pd.testing.assert_frame_equal(part[["value", "low", "high"]], expected[["value", "low", "high"]])
        assert part.people.equals(expected.people)


def test_coverage_counts_what_is_missing_and_failed_and_ours_is_measured_on_the_same_clips(tmp_path):
    ours = drawn()
    theirs = ours[["clip_id", "score"]].iloc[5:].copy()
    theirs.loc[theirs.index[:3], "score"] = np.nan
    theirs.loc[1000] = ["nobody's clip", 0.5]
    path = tmp_path / "x.csv"
    theirs.to_csv(path, index=False)
    found = match(read_predictions(path), ours)
    assert found.coverage == {"scored": len(ours) - 8, "missing": 5, "failed": 3}
    assert found.unknown == ["nobody's clip"]
    assert found.missing == ours.clip_id[:5].tolist()
    table = beside(ours, {"x": found})
    assert set(table.detector) == {"ours, all clips", "x", "ours, clips of x"}
    auc = table[table.metric == "auc"].set_index("detector")
    assert auc.loc["x", "value"] == pytest.approx(auc.loc["ours, clips of x", "value"])
    assert auc.loc["x", ["n", "scored", "missing", "failed"]].tolist() == [len(ours) - 8, len(ours) - 8, 5, 3]
    # A detector that names no generator has no attribution, not one of zero.
    assert not table[table.detector == "x"].metric.str.startswith("attribution").any()


def test_a_files_own_labels_change_nothing(tmp_path):
    ours = drawn()
    text = ours[["clip_id", "score"]].assign(label=1 - ours.label, identity="x", known=1)
    path = tmp_path / "x.csv"
    text.to_csv(path, index=False)
    found = match(read_predictions(path), ours).table
    assert found.label.tolist() == ours.label.tolist()
    assert found.identity.tolist() == ours.identity.tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column clip_id and score"),
        ("clip_id,score\n", "no predictions"),
        ("clip_id;score\na;0.5\n", "delimiter seems to be ';'"),
        ("clip_id\tscore\na\t0.5\n", "delimiter seems to be"),
        ("clip,score\na,0.5\n", "no column clip_id"),
        ("clip_id,clip_id,score\na,b,0.5\n", "named twice"),
        ("clip_id,score\na,0.5\na,0.6\n", "row 3: 'a' is listed twice"),
        ("clip_id,score\na,0.5\n\nb,1.5\n", "score '1.5'"),
        ("clip_id,score\na,-0.1\n", "row 2: score '-0.1'"),
        ("clip_id,score\na,nan\n", "row 2: score 'nan'"),
        ("clip_id,score\na,inf\n", "row 2: score 'inf'"),
        ("clip_id,score\na,fake\n", "a probability of fake from 0 to 1"),
        ("clip_id,score\na,0,5\n", "row 2: 3 cells below 2 columns"),
        ("clip_id,score\n,0.5\n", "row 2: no clip_id"),
        ('clip_id,score\n"a,0.5\n', "theirs.csv"),
        (b"clip_id,score\n\xff\xfe,0.5\n", "not UTF-8"),
        (b"clip_id,score\na\x00,0.5\n", "not a text file"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
    ],
)
def test_hostile_files_are_refused_with_their_place(tmp_path, text, message):
    with pytest.raises(PredictionsError) as caught:
        read_predictions(written(tmp_path, text))
    assert message in str(caught.value)
    assert "theirs.csv" in str(caught.value)


def test_a_byte_order_mark_quotes_and_blanks_are_harmless(tmp_path):
    found = read_predictions(written(tmp_path, b'\xef\xbb\xbfclip_id, score \r\n"a,b", 0.25\r\nc,\r\n'))
    assert found.clip_id.tolist() == ["a,b", "c"]
    assert found.score.tolist()[0] == 0.25
    assert np.isnan(found.score[1])


def test_a_file_about_other_clips_is_refused(tmp_path):
    found = read_predictions(written(tmp_path, "clip_id,score\nz,0.5\n"))
    with pytest.raises(ValueError, match="expected names such as 'c0000', found 'z'"):
        match(found, drawn())


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("amdd.analysis.imported.MOST_BYTES", 10)
    with pytest.raises(PredictionsError, match="larger than"):
        read_predictions(written(tmp_path, "clip_id,score\na,0.5\n"))


def test_the_command_prints_both_with_coverage(tmp_path, monkeypatch, capsys):
    from amdd.commands.score import Score

    ours = drawn()
    ours.to_parquet(tmp_path / "ours.parquet")
    ours[["clip_id", "score"]].iloc[1:].to_csv(tmp_path / "theirs.csv", index=False)
    command = Score(files=[tmp_path / "theirs.csv"], predictions=tmp_path / "ours.parquet")
    command.out = tmp_path / "table.csv"
    assert command.do() == 0
    assert f"{len(ours) - 1} scored, 1 missing, 0 failed" in capsys.readouterr().out
    assert set(pd.read_csv(command.out).detector) == {"ours, all clips", "theirs", "ours, clips of theirs"}
    with pytest.raises(ValueError, match=r"--import predictions\.csv"):
        Score().do()
    monkeypatch.setenv("AMDD_BUILD", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="--only 03"):
        Score(files=[tmp_path / "theirs.csv"]).do()
