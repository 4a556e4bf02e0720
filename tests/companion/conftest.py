"""The built book and a browser, for the tests of its pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browser import chromium


@pytest.fixture(scope="session")
def html(smoke) -> Path:
    return smoke.root / "book" / "_build" / "html"


@pytest.fixture(scope="module")  # two of Playwright's loops in one process refuse each other
def browser():
    with chromium() as one:
        yield one
