"""The built pages: nothing from elsewhere in them, and a look at each in a real browser, from disk."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from amdd.base.paths import PROJECT

sys.path.insert(0, str(PROJECT / "tests"))

pytestmark = pytest.mark.book


def pages(html: Path) -> list[Path]:
    names = [p for p in sorted(html.rglob("*.html")) if not {"_static", "slides"} & {*p.parts}]
    assert len(names) > 10
    return names


def read(html: Path) -> list[Path]:
    """The pages that are read; the first one only leads on to another."""
    return [p for p in pages(html) if p.name != "index.html" or p.parent != html]


class Loads(HTMLParser):
    """Everything that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.images_without_words: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "img" and "alt" not in values:
            self.images_without_words.append(values.get("src", "")[:80])
        if tag in {"script", "img", "iframe", "source", "video", "audio", "embed", "track"}:
            self.found.append(values.get("src") or "")
        if tag == "link" and (values.get("rel") or "") not in {
            "canonical",
            "search",
            "index",
            "next",
            "prev",
            "author",
        }:
            self.found.append(values.get("href") or "")
        if tag == "object":
            self.found.append(values.get("data") or "")
        self.found += re.findall(r"url\(([^)]*)\)", values.get("style") or "")


def test_no_page_loads_anything_from_elsewhere(html):
    for page in pages(html):
        reader = Loads()
        text = page.read_text(encoding="utf-8")
        reader.feed(text)
        outside = [x for x in reader.found if re.match(r"\s*[\"']?(?:https?:)?//", x)]
        assert outside == [], page
        # Scripts in the page that would fetch more.
        inline = " ".join(re.findall(r"<script[^>]*>(.*?)</script>", text, re.S))
        assert not re.search(r"(?:src|import|fetch|require)\W{1,12}https?:", inline), page
    for sheet in html.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8", errors="replace")
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", text), sheet


def test_every_image_has_alternative_words(html):
    for page in pages(html):
        reader = Loads()
        reader.feed(page.read_text(encoding="utf-8"))
        assert reader.images_without_words == [], page


def test_results_roles_were_all_filled(html):
    for page in pages(html):
        assert "amdd-missing" not in page.read_text(encoding="utf-8"), page


def test_chapters_can_be_taken_along(html):
    for script in sorted((PROJECT / "notebooks").glob("*.py")):
        text = (html / "notebooks" / f"{script.stem}.html").read_text(encoding="utf-8")
        for suffix in (".ipynb", ".py"):
            link = re.search(rf'href="([^"]*_downloads[^"]*{script.stem}{re.escape(suffix)})"', text)
            assert link, f"{script.stem}{suffix} can't be downloaded"
            assert (html / "notebooks" / link.group(1)).resolve().is_file()


def test_every_link_within_the_book_leads_somewhere(html):
    known: dict[Path, set[str]] = {}

    def ids(page: Path) -> set[str]:
        if page not in known:
            known[page] = set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))
        return known[page]

    broken = []
    for page in read(html):
        for address in set(re.findall(r'<a[^>]*\bhref="([^"]*)"', page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", address) or address in ("", "#"):
                continue
            path, _, anchor = address.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and target.suffix == ".html" and anchor not in ids(target)):
                broken.append(f"{page.stem}: {address}")
    assert sorted(set(broken)) == []


def test_claims_lead_to_the_exhibit_that_shows_their_number(html):
    text = (html / "notebooks" / "10_claims.html").read_text(encoding="utf-8")
    links = re.findall(r'<td><a href="(\d\d_\w+\.html)#(exhibit-[\w-]+)">', text)
    assert len(links) >= 8
    for page, anchor in links:
        assert f'id="{anchor}"' in (html / "notebooks" / page).read_text(encoding="utf-8")


def test_a_figure_carries_its_data_and_leads_to_the_code_that_drew_it(html):
    import base64
    import csv

    page = html / "notebooks" / "03_in_domain_results.html"
    text = page.read_text(encoding="utf-8")
    name, data = re.search(r'href="data:text/csv;base64,([^"]+)" download="roc', text), None
    assert name, "the ROC's values can't be taken along"
    data = list(csv.DictReader(base64.b64decode(name[1]).decode().splitlines()))
    assert data
    code = re.search(r'href="([^"]*detection\.py\.txt)"[^>]*>code: roc<', text)
    assert code
    assert "def roc(" in (page.parent / code[1]).resolve().read_text(encoding="utf-8")


def test_terms_explain_themselves_under_the_pointer(html):
    text = (html / "notebooks" / "03_in_domain_results.html").read_text(encoding="utf-8")
    titles = re.findall(r'href="[^"]*glossary\.html#term-[^"]*" title="([^"]+)"', text)
    assert any(
        "mean absolute difference between predicted probability and observed frequency" in t for t in titles
    )


def test_no_built_file_names_a_machine_path(html):
    """Nor does a file that a page loads or offers, such as the network."""
    for path in html.rglob("*"):
        assert not path.is_file() or str(PROJECT).encode() not in path.read_bytes(), path


def test_pages_are_light(html):
    heavy = {p.name: p.stat().st_size for p in pages(html) if p.stat().st_size > 1.5e6}
    assert heavy == {}


# --- in a browser --------------------------------------------------------------------------------------------


def watch(page) -> list[str]:
    """What goes wrong in a page, as it goes wrong."""
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    page.on("requestfailed", lambda r: wrong.append(f"not loaded: {r.url[:120]}"))
    return wrong


FROM_ELSEWHERE = "performance.getEntriesByType('resource').map(e => e.name).filter(n => n.startsWith('http'))"


def by_hand(html: Path) -> list[Path]:
    """The pages that somebody wrote, and one of those that are drawn from docstrings, which are all of one build."""
    drawn = {"genindex", "py-modindex"} | {p.stem for p in html.rglob("api/*.html")} - {"01_profiles"}
    return [p for p in read(html) if p.stem not in drawn]


def test_every_page_opens_from_disk_without_a_complaint(html, browser):
    shots = PROJECT / "_build" / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    wrong = watch(page)
    for path in read(html):
        page.goto(path.as_uri(), wait_until="load")
        if path in by_hand(
            html
        ):  # a picture of the whole page; it also makes the browser load what lies below
            page.screenshot(path=str(shots / f"{path.stem}.png"), full_page=True)
        broken = page.eval_on_selector_all(
            "img", "all => all.filter(i => i.complete && i.naturalWidth === 0).map(i => i.src.slice(0, 80))"
        )
        assert broken == [], path
        assert page.evaluate(FROM_ELSEWHERE) == [], path
        assert wrong == [], path
    page.close()


def test_the_threshold_can_be_moved_by_keyboard(html, browser):
    page = browser.new_page()
    wrong = watch(page)
    page.goto((html / "notebooks" / "11_thresholds.html").as_uri())
    box = page.locator(".amdd-slider").first
    start = box.locator('[data-cell="threshold"]').inner_text()
    box.locator("input").focus()
    for _ in range(200):
        page.keyboard.press("ArrowRight")
    counts = {key: int(box.locator(f'[data-cell="{key}"]').inner_text()) for key in ("tp", "fn", "fp", "tn")}
    assert box.locator('[data-cell="threshold"]').inner_text() == "1.00" != start
    # A score that rounds to 1 counts as fake even there; its mark stands at the right end.
    certain = box.locator('svg line[stroke][x1="630.0"]').count()
    assert counts["fp"] + counts["tp"] <= certain < sum(counts.values())
    page.keyboard.press("Home")
    counts = {key: int(box.locator(f'[data-cell="{key}"]').inner_text()) for key in ("tp", "fn", "fp", "tn")}
    assert counts["fn"] == counts["tn"] == 0
    assert wrong == []
    page.close()


def test_the_map_shows_the_clip_under_the_pointer(html, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    wrong = watch(page)
    page.goto((html / "notebooks" / "06_embedding_space.html").as_uri())
    box = page.locator(".amdd-map").first
    box.scroll_into_view_if_needed()
    before = box.locator('[data-cell="face"]').get_attribute("src")
    box.locator("[data-clip]").last.hover(force=True)
    page.wait_for_function(
        "before => document.querySelector('.amdd-map [data-cell=face]').getAttribute('src') !== before",
        arg=before,
    )
    assert box.locator("[data-clip].amdd-chosen").count() == 1
    box.locator("input").focus()
    page.keyboard.press("Home")
    assert box.locator('[data-cell="face"]').get_attribute("src") == before
    assert wrong == []
    page.close()


def test_a_clip_can_be_chosen_moved_through_and_played(html, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    wrong = watch(page)
    page.goto((html / "notebooks" / "03_in_domain_results.html").as_uri())
    box = page.locator(".amdd-player").first
    box.scroll_into_view_if_needed()
    told, bars = box.locator('[data-cell="summary"]'), box.locator("[data-bar]")
    first, count = told.inner_text(), bars.count()
    assert count >= 3
    box.locator("[data-pick]").nth(1).click()
    assert told.inner_text() != first
    assert bars.count() == count
    box.locator("input").focus()
    page.keyboard.press("Home")
    assert box.locator('[data-cell="time"]').inner_text() == "0.0 s"
    start = box.locator('[data-cell="picture"]').get_attribute("src")
    box.locator('[data-cell="play"]').click()
    page.wait_for_function(
        "start => document.querySelector('.amdd-player [data-cell=picture]').getAttribute('src') !== start"
        " && parseFloat(document.querySelector('.amdd-player [data-cell=time]').innerText) > 0.2",
        arg=start,
    )  # however busy the machine is
    box.locator('[data-cell="play"]').click()
    assert float(box.locator('[data-cell="time"]').inner_text().split()[0]) > 0.2
    assert box.locator('[data-cell="picture"]').get_attribute("src") != start
    assert wrong == []
    page.close()


def test_the_first_page_leads_into_the_book(html, browser):
    page = browser.new_page()
    page.goto((html / "index.html").as_uri())
    page.wait_for_url("**/book/intro.html", timeout=60_000)
    page.close()


def test_a_formula_is_drawn(html, browser):
    page = browser.new_page()
    page.goto((html / "book" / "method.html").as_uri())
    page.wait_for_selector("mjx-container svg", timeout=60_000)
    assert page.locator("mjx-container svg").count() > 5
    assert page.locator("mjx-container svg").first.bounding_box()["height"] > 5
    page.close()


def test_the_table_of_contents_leads_to_every_chapter(html, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((html / "book" / "intro.html").as_uri())
    links = page.eval_on_selector_all(".bd-sidebar-primary nav a", "all => all.map(a => a.href)")
    for script in sorted((PROJECT / "notebooks").glob("*.py")):
        assert any(link.endswith(f"{script.stem}.html") for link in links), script.stem
    page.click(".bd-sidebar-primary nav a[href*='04_ablations']")
    page.wait_for_url("**/04_ablations.html")
    assert "Ablations" in page.inner_text("h1")
    page.close()


def test_search_finds_what_is_written(html, browser):
    page = browser.new_page()
    wrong = watch(page)
    page.goto((html / "search.html").as_uri() + "?q=CMFFC")
    page.wait_for_selector("ul.search li a", timeout=60_000)
    found = page.eval_on_selector_all("ul.search li a", "all => all.map(a => a.textContent)")
    assert any("method" in text.lower() for text in found), found
    assert wrong == []
    page.goto((html / "search.html").as_uri() + "?q=zzzunheardof")
    page.wait_for_timeout(1500)
    assert page.locator("ul.search li a").count() == 0
    page.close()


def test_dark_mode_can_be_switched_on(html, browser):
    page = browser.new_page(color_scheme="light")
    page.goto((html / "book" / "intro.html").as_uri())
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    for _ in range(3):
        page.locator("button.theme-switch-button").first.click()
        if page.evaluate("document.documentElement.dataset.theme") == "dark":
            break
    page.wait_for_function("document.documentElement.dataset.theme == 'dark'")
    assert page.evaluate(colour) != light
    page.close()
