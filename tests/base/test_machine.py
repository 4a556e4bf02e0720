"""Threads of this process."""

import os
import subprocess
import sys

import pytest

from amdd.base.machine import patient_threads


@pytest.mark.parametrize(("own", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_chose_otherwise(monkeypatch, own, expected):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if own:
        monkeypatch.setenv("OMP_WAIT_POLICY", own)
    patient_threads()
    assert os.environ["OMP_WAIT_POLICY"] == expected


def test_the_command_line_chooses_before_torch_is_imported():
    code = (
        "import os, sys; from unittest import mock; from amdd import cli\n"
        "with mock.patch.object(cli.tyro.extras, 'subcommand_cli_from_dict') as command:\n"
        "    command.return_value.do = lambda: print('torch' in sys.modules) or 0\n"
        "    try: cli.main()\n"
        "    except SystemExit: print(os.environ['OMP_WAIT_POLICY'])\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "PASSIVE"]
