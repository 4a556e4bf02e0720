"""The built pages for everybody: at any width, by keyboard and screen reader, in both themes, and on paper.

A file of its own beside ``test_book.py``, so that two processes share what takes longest.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest
from support.browser import chromium_or_skip
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


@pytest.fixture(scope="module")
def one_page(smoke):
    from amdd.companion.editions import one_page

    return one_page(smoke, echo=lambda *_: None)


def test_the_whole_book_can_be_printed(smoke, one_page, tmp_path):
    from amdd.companion.editions import pdf

    chromium_or_skip()
    target = pdf(smoke, tmp_path / "book.pdf", one_page, echo=lambda *_: None)
    data = target.read_bytes()
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) > 30
    assert len(re.findall(rb"/Subtype\s*/Image", data)) > 5


def test_the_whole_book_is_an_epub_of_well_formed_files_whose_links_lead_somewhere(smoke, one_page, tmp_path):
    from amdd.companion.editions import epub

    book = zipfile.ZipFile(epub(smoke, tmp_path / "book.epub", one_page, echo=lambda *_: None))
    pages = {
        n.rpartition("/")[2]: ElementTree.fromstring(book.read(n))
        for n in book.namelist()
        if n.endswith(".xhtml")
    }
    assert len(pages) > 30
    assert sum(1 for root in pages.values() for e in root.iter() if e.tag.endswith("}math")) > 20
    names = {n: {e.get("id") for e in root.iter()} for n, root in pages.items()}
    broken = []
    for name, root in pages.items():
        for link in (e.get("href", "") for e in root.iter() if e.tag.endswith("}a")):
            file, _, part = link.partition("#")
            if "://" not in link and part and part not in names.get(file.rpartition("/")[2] or name, set()):
                broken.append(f"{name}: {link}")
    assert broken == []
