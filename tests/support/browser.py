"""The headless browser of the tests."""

from __future__ import annotations

import os
import sys

import pytest

from amdd.base.paths import PROJECT


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
