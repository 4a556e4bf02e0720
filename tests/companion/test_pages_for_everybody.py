"""The built pages for everybody: at any width, by keyboard and screen reader, in both themes.

A file of its own beside ``test_book.py``, so that two processes share what takes longest.
"""

from __future__ import annotations

import pytest
from test_book import by_hand, read

from amdd.base.paths import PROJECT

pytestmark = pytest.mark.book
OF_EACH_KIND = {
    "intro",
    "01_profiles",
    "03_in_domain_results",
    "10_claims",
    "11_thresholds",
    "17_try_it",
    "vote",
}
OF_EACH_KIND |= {"explore", "instructor", "search"}


def test_no_page_scrolls_sideways(html, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    for path in read(html):
        page.goto(path.as_uri(), wait_until="load")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert over <= 1, f"{path.stem} is {over} pixels too wide at {width}"
    shots = PROJECT / "_build" / "screenshots"
    page.goto((html / "notebooks" / "03_in_domain_results.html").as_uri())
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme == 'dark'")
    page.screenshot(path=str(shots / "results-390-dark.png"))
    page.close()


def test_no_serious_barrier_for_keyboard_or_screen_reader(html, browser):
    """By all of axe's rules in the light theme; by that on contrast also in the dark one, which differs in colours alone,
    on a page of each kind."""
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(color_scheme="light")
    few = {"resultTypes": ["violations"]}
    found = []
    for path in by_hand(html):
        page.goto(path.as_uri(), wait_until="load")
        page.add_style_tag(
            content="* { transition: none !important }"
        )  # colours on their way have no contrast
        dark = [("dark", few | {"runOnly": ["color-contrast"]})] if path.stem in OF_EACH_KIND else []
        for theme, options in [("light", few), *dark]:
            page.emulate_media(color_scheme=theme)
            page.wait_for_function(f"document.documentElement.dataset.theme == {theme!r}")
            for rule in Axe().run(page, options=options).response["violations"]:
                if rule["impact"] in ("serious", "critical"):
                    nodes = [n["html"][:100] for n in rule["nodes"]]
                    found += [f"{path.stem} ({theme}): {rule['id']}: {html}" for html in nodes]
    page.close()
    assert found == []
