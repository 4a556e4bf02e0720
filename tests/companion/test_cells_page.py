"""Cells on a page, in a real browser without network: a small page of the same parts as the book's, served and from disk."""

from __future__ import annotations

import urllib.error
import urllib.request

import pandas as pd
import pytest
from support.browser import build_site, served
from test_cells import scored

from amdd.base.paths import PROJECT, Workspace
from amdd.companion import cells
from amdd.companion.claims import paper
from amdd.companion.serve import built_folder, start_book
from amdd.companion.teaching import STUDY

TOPICS = ("in_domain_results", "regulariser")
FIRST, LATER = 60, 10  # seconds
PATIENCE = 240_000  # milliseconds, on a machine that is busy with other tests


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A book of two pages, one with cells."""
    folder = tmp_path_factory.mktemp("site")
    source, out = folder / "source", folder / "html"
    (source / "book" / "cells").mkdir(parents=True)
    for topic in TOPICS:
        name = f"book/cells/{topic}.yml"
        (source / name).write_bytes((PROJECT / name).read_bytes())
    page = "".join(f"## {topic}\n\n```{{python-cells}} {topic}\n```\n\n" for topic in TOPICS)
    (source / "index.md").write_text("# Cells\n\n" + page + "[Other](other)\n", encoding="utf-8")
    (source / "other.md").write_text("---\norphan: true\n---\n# Without cells\n", encoding="utf-8")
    static = source / "data" / "cells"
    static.mkdir(parents=True)
    run = {"train": "own", "threshold": 0.5}
    run["corpora"] = {"own": cells.columns_of(scored()), "other": cells.columns_of(scored(seed=1))}
    for name, data in cells.data_files(run, pd.read_parquet(STUDY), paper()).items():
        (static / name).write_bytes(data)
    settings = {
        "extensions": ["myst_parser", "amdd.companion.sphinx.cells"],
        "html_theme": "sphinx_book_theme",
        "html_static_path": [str(PROJECT / "book" / "_static"), str(source / "data")],
        "exclude_patterns": ["book/**"],
        "language": "en",
    }
    return build_site(source, out, settings)


@pytest.fixture(scope="module")
def address(site):
    with served(site) as found:
        yield found


def run(cell, name="Run"):
    """Press a cell's button and wait for its answer; the seconds that it took."""
    cell.locator(".amdd-out").evaluate("node => delete node.dataset.seconds")
    cell.get_by_role("button", name=name, exact=True).click()
    cell.locator(".amdd-out[data-seconds]").wait_for(timeout=PATIENCE)
    return float(cell.locator(".amdd-out").get_attribute("data-seconds"))


def test_cells_run_in_the_page_without_network(browser, address):
    page = browser.new_page()
    foreign = []
    page.on("request", lambda r: None if r.url.startswith((address, "blob:")) else foreign.append(r.url))
    page.goto(address)
    note = page.locator(".amdd-cells-note").first.inner_text()
    assert f"{cells.megabytes():.1f} MB" in note  # said before anything is loaded
    boxes = page.locator(".amdd-cell")
    assert run(boxes.nth(0)) < FIRST
    table = boxes.nth(0).locator("table")
    assert table.locator("tbody tr").count() == 4
    from amdd.stats import auc

    whole = scored()
    assert (
        table.locator("tbody tr").first.locator("td").nth(1).inner_text()
        == f"{auc(whole.label, whole.score):.3f}"
    )
    assert run(boxes.nth(1)) < LATER
    assert boxes.nth(1).locator("svg polyline").count() == 2
    assert foreign == []
    page.close()


def test_an_exercise_says_what_is_missing_and_then_why_the_answer_is_right(browser, address):
    page = browser.new_page()
    page.goto(address)
    exercise = page.locator(".amdd-cell").nth(2)
    run(exercise, "Run and check")
    said = exercise.locator(".amdd-checked")
    assert said.inner_text().startswith("Not yet: by_pairs returns nothing yet.")
    solution = next(c.solution for c in cells.read_cells(cells.CELLS / "in_domain_results.yml") if c.check)
    exercise.locator("textarea").fill(solution)
    run(exercise, "Run and check")
    assert said.inner_text().startswith("Correct. A threshold never appears in it")
    exercise.get_by_role("button", name="As it was").click()
    assert "return ..." in exercise.locator("textarea").input_value()
    page.close()


def test_an_error_names_its_line_and_a_cell_without_end_can_be_stopped(browser, address):
    page = browser.new_page()
    page.goto(address)
    cell = page.locator(".amdd-cell").nth(0)
    cell.locator("textarea").fill("a = 1\nb = a / 0")
    run(cell)
    assert "ZeroDivisionError: division by zero (line 2)" in cell.locator(".amdd-error").inner_text()
    cell.locator("textarea").fill("while True: pass")
    cell.get_by_role("button", name="Run", exact=True).click()
    cell.get_by_role("button", name="Stop").click()
    assert "Stopped" in cell.locator(".amdd-error").inner_text()
    cell.locator("textarea").fill("print('<b>again</b>')")
    run(cell)
    assert cell.locator(".amdd-out").inner_text().strip() == "<b>again</b>"
    page.close()


def test_the_page_with_editors_has_no_serious_fault_for_assistive_technology(browser, address):
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page()
    page.goto(address)
    assert page.locator(".amdd-cell textarea").count() > 4
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    own = [
        v for v in found if any("amdd-" in str(n["target"]) or "textarea" in n["html"] for n in v["nodes"])
    ]
    assert [
        (v["id"], v["nodes"][0]["html"][:80]) for v in own if v["impact"] in ("serious", "critical")
    ] == []
    page.close()


def test_opened_from_disk_the_cells_are_read_and_the_page_says_how_to_run_them(browser, site):
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    assert "amdd serve --book" in page.locator(".amdd-cells-note").first.inner_text()
    assert page.locator("textarea").count() == 0
    assert "predictions()" in page.locator(".amdd-cell pre").first.inner_text()
    page.close()


def test_pages_without_cells_load_nothing_of_them(site):
    assert "cells.js" in (site / "index.html").read_text(encoding="utf-8")
    assert "cells." not in (site / "other.html").read_text(encoding="utf-8")


def test_the_book_is_served_to_this_machine_only(address):
    with urllib.request.urlopen(address) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="421"):
        urllib.request.urlopen(urllib.request.Request(address, headers={"Host": "elsewhere.example"}))
    for path in ("..%2f..%2fetc/passwd", "../../etc/passwd", "_static/../../trees/environment.pickle"):
        with pytest.raises(urllib.error.HTTPError, match=r"40[34]"):
            urllib.request.urlopen(address + path)
    with pytest.raises(ValueError, match="this machine alone"):
        start_book(PROJECT, host="0.0.0.0")


def test_without_a_built_book_the_message_says_which_command_makes_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="amdd book --profile"):
        built_folder(Workspace(tmp_path))
