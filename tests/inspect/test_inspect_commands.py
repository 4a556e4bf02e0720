"""The commands on clips: output, exit status, files."""

from __future__ import annotations

import json

import jsonschema
import pytest
from support.filmed import write_clip

import amdd
from amdd.commands.inspect import Inspect
from amdd.inspect import answer
from amdd.inspect.folder import COLUMNS


@pytest.fixture
def weights(made):
    return made[1].folder


def test_one_clip_as_text_and_as_json(weights, tmp_path, capsys):
    clip = write_clip(tmp_path / "a.mp4", seed=4, forged=True)
    status = Inspect(files=(str(clip),), weights=weights).do()
    text = capsys.readouterr().out
    assert "a.mp4: " in text and "probability of forged" in text and "generator:" in text
    assert status == (3 if "CAN'T TELL" in text else 0)
    Inspect(files=(str(clip),), weights=weights, json=True).do()
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, answer.schema())
    assert found["probability"] > 0.5


def test_a_file_that_cannot_be_read_ends_with_four(weights, tmp_path, capsys):
    (tmp_path / "torn.mp4").write_bytes(b"torn" * 99)
    assert Inspect(files=(str(tmp_path / "torn.mp4"),), weights=weights).do() == 4
    error = capsys.readouterr().err
    assert "torn.mp4" in error and "convert it" in error and error.count("\n") == 1


def test_a_folder_ends_with_five_below_the_coverage(weights, tmp_path, capsys):
    write_clip(tmp_path / "in" / "a.mp4", seed=4)
    assert Inspect(files=(str(tmp_path / "in"),), weights=weights).do() == 0
    capsys.readouterr()
    (tmp_path / "in" / "notes.txt").write_text("no clip")
    out = tmp_path / "answers.csv"
    assert Inspect(files=(str(tmp_path / "in"),), weights=weights, out=out).do() == 5
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",") == list(COLUMNS) and len(lines) == 3
    assert "1 failed" in capsys.readouterr().err


def test_without_files_the_message_says_what_to_name():
    with pytest.raises(ValueError, match="no file given"):
        Inspect().do()


def test_onnx_is_written_and_its_difference_printed(exported):
    path, said = exported
    assert path.stat().st_size > 10_000
    assert float(said.rpartition(" ")[2]) < 1e-3


def test_fast_gives_the_same_answer(weights, exported, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", seed=6, forged=True)
    plain, fast = amdd.inspect(clip, weights), amdd.inspect(clip, weights, fast=True)
    assert fast.probability == pytest.approx(plain.probability, abs=1e-3)
    assert fast.verdict == plain.verdict
