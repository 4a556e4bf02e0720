"""Progress of a chapter, from the bars of its kernel to the terminal."""

import os
import subprocess
import sys

import pytest

from amdd.base.progress import latest
from amdd.companion import execute

BARS = """
from amdd.base.progress import follow
from tqdm import tqdm
follow(); follow()
for _ in tqdm(range(7), desc="clips", unit="clip", mininterval=0, {more}): pass
"""


@pytest.mark.parametrize(("more", "expected"), [("", "clips 7/7 clip"), ("disable=True", "")])
def test_a_bar_writes_its_state(tmp_path, more, expected):
    path = tmp_path / "progress.txt"
    done = subprocess.run(
        [sys.executable, "-c", BARS.format(more=more)],
        env=os.environ | {"AMDD_PROGRESS": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert latest(path) == expected
    assert ("clips: 100%" in done.stderr) == (not more)  # the bar itself is as it was


def test_a_place_that_cannot_be_written_ends_nothing(tmp_path):
    gone = str(tmp_path / "missing" / "progress.txt")
    subprocess.run(
        [sys.executable, "-c", BARS.format(more="")],
        env=os.environ | {"AMDD_PROGRESS": gone},
        capture_output=True,
        check=True,
    )


def test_without_a_terminal_a_line_appears_when_something_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "TELL_AFTER", 0.2)
    path, told = tmp_path / "progress.txt", []
    with execute._Watch("[1/2] chapter", 1.0, told.append, path) as watch:
        path.write_text("clips 3/7 clip")
        watch._stop.wait(1.6)
    lines = [line for line in told if "clips 3/7 clip" in line]
    assert len(lines) == 1  # not again while nothing changes
    assert told[0].startswith("[1/2] chapter  running")
    assert told[-1].startswith("[1/2] chapter  done in")


def test_what_is_no_text_is_no_progress(tmp_path):
    path = tmp_path / "progress.txt"
    assert latest(path) == ""
    path.write_bytes(b"\xff\xfe\x00")
    assert latest(path) == ""
