"""One process at a time in a folder: who waits, who is told what, and what a killed process leaves behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from amdd.base.lock import Busy, exclusive

HOLD = "import sys\nfrom amdd.base.lock import exclusive\nwith exclusive(sys.argv[1]):\n    print('held', flush=True)\n    input()\n"


def holder(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_who_holds_the_folder(tmp_path):
    process = holder(tmp_path / "new")
    try:
        with (
            pytest.raises(
                Busy, match=rf"process {process.pid} on .*, since \d{{4}}-.*{tmp_path}/new; wait.*AMDD_BUILD"
            ),
            exclusive(tmp_path / "new"),
        ):
            pytest.fail("entered")
        with exclusive(tmp_path / "other"):
            pass
    finally:
        process.communicate("\n")
    with exclusive(tmp_path / "new"):
        assert json.loads((tmp_path / "new" / ".holder.json").read_text())["process"] > 0
    assert not (tmp_path / "new" / ".holder.json").exists()


def test_a_killed_process_leaves_no_lock(tmp_path):
    process = holder(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / ".holder.json").exists(), "it had no time to remove it"
    with exclusive(tmp_path):
        pass


def test_the_same_process_may_enter_again_and_an_error_lets_go(tmp_path):
    with exclusive(tmp_path), exclusive(tmp_path):
        pass
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path):
        _ = 1 / 0
    process = holder(tmp_path)
    process.communicate("\n")
    assert process.returncode == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"process": 1}'])
def test_a_damaged_note_on_the_holder_does_no_harm(tmp_path, text):
    process = holder(tmp_path)
    try:
        (tmp_path / ".holder.json").write_text(text)
        with pytest.raises(Busy, match="another process works in"), exclusive(tmp_path):
            pytest.fail("entered")
    finally:
        process.communicate("\n")
