"""What several test files share: a finished smoke run with its book, made once, while the other tests run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from amdd.base.paths import PROJECT, Workspace

BUILD = PROJECT / "_build" / "tests"
_made: dict[str, subprocess.Popen] = {}


def pytest_collection_modifyitems(config, items) -> None:
    """Tests that look at the book come last: it is built in the meantime, by a process of its own."""
    items.sort(key=lambda item: "smoke" in item.fixturenames)


def pytest_collection_finish(session) -> None:
    wanted = any("smoke" in item.fixturenames for item in session.items)
    if wanted and not session.config.option.collectonly and not os.environ.get("AMDD_TEST_BOOK"):
        BUILD.mkdir(parents=True, exist_ok=True)
        with open(BUILD / "book.log", "w") as log:
            _made["book"] = subprocess.Popen(
                [sys.executable, "-m", "amdd.cli", "book", "--profile", "smoke"],
                cwd=PROJECT,
                env=os.environ | {"AMDD_BUILD": str(BUILD), "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def pytest_sessionfinish(session) -> None:
    process = _made.get("book")
    if process is not None and process.poll() is None and hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def smoke() -> Workspace:
    """Every notebook of the smoke profile through the real pipeline, and the strict book, below ``_build/tests``.

    What is unchanged since the last test run is not run again: that is the pipeline's own promise, and it is
    tested in ``test_pipeline.py``.
    """
    if os.environ.get("AMDD_TEST_BOOK"):  # look at another built book, e.g. AMDD_TEST_BOOK=demo
        return Workspace.of(os.environ["AMDD_TEST_BOOK"])
    status = _made["book"].wait(timeout=1800)
    text = (BUILD / "book.log").read_text(encoding="utf-8", errors="replace")
    assert status == 0, f"`amdd book --profile smoke` ended with {status}:\n{text[-4000:]}"
    before = os.environ.get("AMDD_BUILD")
    os.environ["AMDD_BUILD"] = str(BUILD)
    try:
        return Workspace.of("smoke")
    finally:
        if before is None:
            os.environ.pop("AMDD_BUILD")
        else:
            os.environ["AMDD_BUILD"] = before
