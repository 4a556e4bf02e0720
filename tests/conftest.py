"""What several test files share: a finished smoke run with its book, made once, while the other tests run."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress

import pytest

# Before anything imports NumPy or torch. `make test` runs two processes and the book's beside them: threads of each
# that wait for one another on two cores cost more than they do.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from amdd.base.paths import PROJECT, Workspace

BUILD = PROJECT / "_build" / "tests"
RUN = os.environ.setdefault("AMDD_TEST_RUN", uuid.uuid4().hex)  # the same in all processes of one test run
BOOK, STATUS = BUILD / f"{RUN}.pid", BUILD / f"{RUN}.status"
PATIENCE = 3600  # seconds


def pytest_collection_modifyitems(config, items) -> None:
    """Tests that look at the book come last: it is built in the meantime, by a process of its own."""
    items.sort(key=lambda item: "smoke" in item.fixturenames)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file's tests stay in one process (``pytest -n 2``), since they share fixtures; so do those of ``inspect``, which
    share a network. Those of a file that were put behind the others, since they wait for the book, go by themselves."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def __init__(self, config, log) -> None:
            super().__init__(config, log)
            self.scopes: dict[str, str] = {}
            self.files: list[str] = []

        def _split_scope(self, nodeid: str) -> str:
            if nodeid not in self.scopes:  # first called in the order of the tests
                file = nodeid.split("::")[0]
                file = "tests/inspect" if file.startswith("tests/inspect/") else file
                if file in self.files[:-1]:
                    file += " with the book"
                if file not in self.files:
                    self.files.append(file)
                self.scopes[nodeid] = file
            return self.scopes[nodeid]

    config.option.loadscopereorder = False  # the order above holds
    return ByFile(config, log)


def pytest_collection_finish(session) -> None:
    wanted = any("smoke" in item.fixturenames for item in session.items)
    first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    if not wanted or not first or session.config.option.collectonly or os.environ.get("AMDD_TEST_BOOK"):
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    build = shlex.join([sys.executable, "-m", "amdd.cli", "book", "--profile", "smoke"])
    with open(BUILD / "book.log", "w") as log:
        process = subprocess.Popen(
            ["sh", "-c", f"{build}; echo $? > {shlex.quote(str(STATUS))}"],
            cwd=PROJECT,
            env=os.environ | {"AMDD_BUILD": str(BUILD), "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    BOOK.write_text(str(process.pid))


def pytest_sessionfinish(session) -> None:
    """End the book's process from the main one: a worker may still wait for it when another has no more to do."""
    if "PYTEST_XDIST_WORKER" in os.environ or not BOOK.is_file():
        return
    if not STATUS.is_file() and hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(int(BOOK.read_text()), signal.SIGKILL)
    for path in (BOOK, STATUS):
        path.unlink(missing_ok=True)


def _book_status() -> int:
    """Wait for the process that builds the book and return its exit status."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if STATUS.is_file() and (text := STATUS.read_text().strip()):
            return int(text)
        time.sleep(1)
    raise TimeoutError(f"the book was not built within {PATIENCE} s")


@pytest.fixture(scope="session")
def smoke() -> Workspace:
    """Every notebook of the smoke profile through the real pipeline, and the strict book, below ``_build/tests``.

    What is unchanged since the last test run is not run again: that is the pipeline's own promise, and it is
    tested in ``test_pipeline.py``.
    """
    if os.environ.get("AMDD_TEST_BOOK"):  # look at another built book, e.g. AMDD_TEST_BOOK=demo
        return Workspace.of(os.environ["AMDD_TEST_BOOK"])
    status = _book_status()
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
