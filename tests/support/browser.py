"""The headless browser of the tests, small sites for it, and a folder served to it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from amdd.base.paths import PROJECT

PATIENCE = 240_000  # milliseconds


def chromium_or_skip() -> str:
    """Return the path of an installed Chromium; skip the test without one, fail in CI."""
    sys.path.insert(0, str(PROJECT / "tests"))
    from install_browser import find

    chromium = find()
    if chromium is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium, and in CI these tests must run")
    if chromium is None:
        pytest.skip("no Chromium on this machine and none could be installed")
    return chromium


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium whose pages wait long: beside other tests, what takes a second can take a minute."""
    path = chromium_or_skip()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"], timeout=PATIENCE
        )
        plain = browser.new_page

        def new_page(**options):
            page = plain(**options)
            page.set_default_timeout(PATIENCE)
            return page

        browser.new_page = new_page
        yield browser
        browser.close()


def build_site(source: Path, out: Path, settings: dict[str, Any]) -> Path:
    """Build the pages in ``source`` strictly and return ``out``; other sites can be built in the same process."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    with docutils_namespace():
        trees = out.with_name(out.name + "-trees")
        app = Sphinx(source, None, out, trees, "html", settings, status=None, warningiserror=True)
        app.build()
    assert app.statuscode == 0
    return out


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve ``folder`` as `amdd serve --book` does, in a thread; its address."""
    from amdd.companion.serve import start_book

    loop = asyncio.new_event_loop()
    ready = threading.Event()
    told = {}

    def serve():
        asyncio.set_event_loop(loop)

        async def begin():
            told["server"], told["address"] = start_book(folder)
            ready.set()

        loop.run_until_complete(begin())
        loop.run_forever()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(20)
    yield told["address"]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
