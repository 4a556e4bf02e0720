"""The built book and a browser, for the tests of its pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browser import chromium_or_skip


@pytest.fixture(scope="session")
def html(smoke) -> Path:
    return smoke.root / "book" / "_build" / "html"


@pytest.fixture(scope="module")  # two of Playwright's loops in one process refuse each other
def browser():
    chromium = chromium_or_skip()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield one
        one.close()
