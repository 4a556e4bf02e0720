"""What several test files share: a finished smoke run with its book, made once."""

from __future__ import annotations

import os

import pytest

from amdd.paths import PROJECT, Workspace


@pytest.fixture(scope="session")
def smoke() -> Workspace:
    """Every notebook of the smoke profile through the real pipeline, and the strict book, below ``_build/tests``.

    What is unchanged since the last test run is not run again: that is the pipeline's own promise, and it is
    tested in ``test_pipeline.py``.
    """
    if os.environ.get("AMDD_TEST_BOOK"):  # look at another built book, e.g. AMDD_TEST_BOOK=demo
        return Workspace.of(os.environ["AMDD_TEST_BOOK"])
    from amdd.book import build
    from amdd.pipeline import run

    before = os.environ.get("AMDD_BUILD")
    os.environ["AMDD_BUILD"] = str(PROJECT / "_build" / "tests")
    try:
        run("smoke")
        workspace = Workspace.of("smoke")
        build(workspace)
        return workspace
    finally:
        if before is None:
            os.environ.pop("AMDD_BUILD")
        else:
            os.environ["AMDD_BUILD"] = before
