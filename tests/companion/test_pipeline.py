"""The pipeline with small notebooks of its own: what runs, what is skipped, and what a failure leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_client.connect import LocalPortCache

from amdd.base.paths import Workspace
from amdd.companion import execute
from amdd.companion.pipeline import NotebookFailed, chapters, run
from amdd.profiles import load_profile

HEAD = """# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # {title}

# %% tags=["parameters"]
profile = "demo"
overrides = []

# %%
from amdd.companion.notebook import open_notebook
nb = open_notebook("{name}", profile, overrides)
"""
FIRST = HEAD.format(title="First", name="01_first") + (
    'path = nb.writes(nb.workspace.runs / "a.txt")\n'
    "path.parent.mkdir(parents=True, exist_ok=True)\n"
    "path.write_text(str(nb.profile.training.epochs))\n"
)
SECOND = HEAD.format(title="Second", name="02_second") + (
    'text = nb.reads(nb.workspace.runs / "a.txt").read_text()\n'
    'nb.results.number("epochs", int(text))\n'
    'nb.writes(nb.workspace.runs / "b.txt").write_text(text)\n'
)
THIRD = HEAD.format(title="Third", name="03_third") + (
    'nb.reads(nb.workspace.runs / "b.txt")\nprint(nb.workspace.root)\n'
)


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Three notebooks in a folder, a workspace, and a list of what the pipeline told."""
    monkeypatch.setenv("AMDD_BUILD", str(tmp_path / "build"))
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name, text in (("01_first", FIRST), ("02_second", SECOND), ("03_third", THIRD)):
        (folder / f"{name}.py").write_text(text)
    told: list[str] = []

    def go(**options):
        told.clear()
        return run("smoke", folder=folder, workspace=Workspace.of("smoke"), echo=told.append, **options)

    def ran():
        return [line.split()[1] for line in told if " running" in line]

    return folder, go, ran, told


def test_only_what_changed_runs_again(house):
    folder, go, ran, told = house
    manifest = go()
    assert ran() == ["01_first", "02_second", "03_third"]
    entry = manifest["notebooks"]["02_second"]
    assert entry["reads"].keys() == {"runs/a.txt"}
    assert entry["writes"].keys() == {"runs/b.txt", "results/second"}
    assert entry["seconds"] > 0
    assert entry["peak_memory_mb"] > 0
    assert {"source", "library", "lock", "parameters", "seed", "device"} <= entry.keys()

    go()
    assert ran() == []
    assert all("unchanged" in line for line in told)

    # Times do not count, contents do.
    os.utime(folder / "01_first.py")
    go()
    assert ran() == []

    # Prose alone: this notebook, and none that reads from it.
    script = folder / "01_first.py"
    script.write_text(script.read_text().replace("# # First", "# # First, reworded"))
    go()
    assert ran() == ["01_first"]
    told_expected = [line for line in told if "01_first" in line and "expected" in line]
    assert told_expected, "a second run says how long it will take"

    # Another result: those that read it as well, for their input has changed.
    script.write_text(script.read_text().replace(".epochs)", ".epochs + 1)"))
    go()
    assert ran() == ["01_first", "02_second", "03_third"]

    # An artefact that somebody touched is made again, and only what depends on it runs.
    (Workspace.of("smoke").runs / "b.txt").write_text("spoilt")
    go()
    assert ran() == ["02_second"]

    # Another parameter is another run.
    go(overrides=["training.epochs=5"])
    assert ran() == ["01_first", "02_second", "03_third"]
    assert (Workspace.of("smoke").runs / "b.txt").read_text() == "6"


def test_choosing_notebooks_by_hand(house):
    _, go, ran, _ = house
    go(only=["1"])
    assert ran() == ["01_first"]
    go(start="02")
    assert ran() == ["02_second", "03_third"]
    go(only=["03_third"], force=True)
    assert ran() == ["03_third"]
    go(force=True)
    assert ran() == ["01_first", "02_second", "03_third"]
    with pytest.raises(ValueError, match="02_second"):
        go(only=["07"])


def test_a_failure_names_cell_error_and_cure_and_the_next_run_goes_on(house):
    folder, go, ran, _ = house
    script = folder / "02_second.py"
    good = script.read_text()
    script.write_text(good.replace("text = nb", 'print("got here")\n1 / 0\ntext = nb'))
    with pytest.raises(NotebookFailed) as failure:
        go()
    message = str(failure.value)
    assert "02_second" in message
    assert "ZeroDivisionError" in message
    assert "1 / 0" in message
    assert "amdd run --profile smoke --from 02" in message
    workspace = Workspace.of("smoke")
    kept = nbformat.read(workspace.executed / "02_second.failed.ipynb", as_version=4)
    assert "got here" in json.dumps(kept)
    assert not (workspace.executed / "02_second.ipynb").exists()

    script.write_text(good)
    go()
    assert ran() == ["02_second", "03_third"]
    assert not (workspace.executed / "02_second.failed.ipynb").exists()


def test_a_kernel_whose_port_another_program_took_is_started_again(house, monkeypatch):
    """Kernels answer on ports that were free when they were chosen; without that of its output one hangs for good."""
    _, go, ran, _ = house
    monkeypatch.setattr(execute, "START_SECONDS", 20)
    choose, asked = LocalPortCache.find_available_port, []
    with socket.create_server(("127.0.0.1", 0)) as other:

        def port(self, ip):
            asked.append(ip)
            return other.getsockname()[1] if len(asked) == 2 else choose(self, ip)

        monkeypatch.setattr(LocalPortCache, "find_available_port", port)
        go()
    assert len(asked) >= 4 * 5  # three notebooks and one start in vain, each with five ports
    assert ran() == ["01_first", "02_second", "03_third"]
    assert _kernels(Workspace.of("smoke").root) == []


def test_a_kernel_that_never_starts_is_reported_like_a_failed_cell(house, monkeypatch):
    _, go, _, told = house
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(LocalPortCache, "find_available_port", lambda *_: other.getsockname()[1])
        with pytest.raises(
            NotebookFailed, match="01_first: no kernel could be started in 3 attempts"
        ) as failure:
            go()
    assert "amdd run --profile smoke --from 01" in str(failure.value)
    assert "failed after" in told[-1]


def test_executed_notebooks_name_no_machine_path(house, tmp_path):
    _, go, _, _ = house
    go()
    for path in Workspace.of("smoke").executed.glob("*.ipynb"):
        text = path.read_text()
        assert str(tmp_path) not in text
        assert "papermill" not in json.loads(text)["metadata"]


def test_of_a_progress_bar_the_last_state_is_kept():
    from amdd.companion.cleaning import _one_stream

    pieces = ["\r 0%", "\r50%", "\r100%", "\n", "done\n"]
    outputs = [nbformat.v4.new_output("stream", name="stderr", text=t) for t in pieces]
    outputs.append(nbformat.v4.new_output("stream", name="stdout", text="found 3\n"))
    outputs.append(nbformat.v4.new_output("stream", name="stderr", text="\n"))
    assert [(o.name, o.text) for o in _one_stream(outputs)] == [
        ("stderr", "100%\ndone\n"),
        ("stdout", "found 3\n"),
    ]


def test_settings_reach_the_state_through_values_not_names():
    from amdd.companion.pipeline import _state

    chapter = chapters()[0]
    plain = _state(chapter, load_profile("smoke"), [])
    other = _state(chapter, load_profile("smoke", ["training.epochs=7"]), ["training.epochs=7"])
    assert plain["settings"] != other["settings"]


SLOW = HEAD.format(title="Slow", name="01_slow") + (
    "import time\nfrom amdd.base.paths import write_text\n"
    'path = nb.writes(nb.workspace.runs / "slow.txt")\n'
    "(nb.workspace.root / 'started').touch()\n"
    "time.sleep(float((nb.workspace.root / 'wait').read_text()))\n"
    'write_text(path, "done")\n'
)


def test_a_killed_run_leaves_nothing_half_written_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("AMDD_BUILD", str(tmp_path / "build"))
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "00_first.py").write_text(FIRST.replace("01_first", "00_first"))
    (folder / "01_slow.py").write_text(SLOW)
    workspace = Workspace.of("smoke")
    workspace.root.mkdir(parents=True)
    (workspace.root / "wait").write_text("60")
    code = f"from pathlib import Path\nfrom amdd.companion.pipeline import run\nrun('smoke', folder=Path({str(folder)!r}))\n"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        limit = time.monotonic() + 300
        while not (workspace.root / "started").exists():
            assert process.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for kernel in _kernels(workspace.root):
        with suppress(psutil.NoSuchProcess):
            kernel.kill()
    assert json.loads(workspace.manifest.read_text())["notebooks"].keys() == {"00_first"}
    assert not (workspace.executed / "01_slow.ipynb").exists()
    assert not (workspace.runs / "slow.txt").exists()

    (workspace.root / "wait").write_text("0")
    told: list[str] = []
    run("smoke", folder=folder, workspace=workspace, echo=told.append)
    assert [line.split()[1] for line in told if " running" in line] == ["01_slow"]
    assert (workspace.runs / "slow.txt").read_text() == "done"


def _kernels(root: Path) -> list[psutil.Process]:
    """The kernels of one workspace; others, of a book that is built beside the tests, are none of theirs."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        mine = (process.info["environ"] or {}).get("AMDD_BUILD") == str(root.parent)
        if mine and "ipykernel_launcher" in " ".join(process.info["cmdline"] or ()):
            found.append(process)
    return found


def test_a_relative_path_means_the_same_to_every_notebook(house, tmp_path, monkeypatch):
    go = house[1]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my data").mkdir()
    manifest = go(overrides=["corpus.data=my data"])
    assert manifest["overrides"] == [f"corpus.data={tmp_path / 'my data'}"]
    with pytest.raises(ValueError, match=r"no such folder: .*elsewhere"):
        go(overrides=["corpus.data=elsewhere"])
