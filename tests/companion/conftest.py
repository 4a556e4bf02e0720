"""The built book and a browser, for the tests of its pages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from install_browser import find


@pytest.fixture(scope="session")
def html(smoke) -> Path:
    return smoke.root / "book" / "_build" / "html"


@pytest.fixture(scope="session")
def browser():
    chromium = find()
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium, and in CI these tests must run")
        pytest.skip("no Chromium on this machine and none could be installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield one
        one.close()
