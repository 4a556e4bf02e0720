"""The blind test page: made once, rated in a real browser, its ratings saved."""

from __future__ import annotations

import csv

import pytest
from support.browser import chromium

from amdd.puppets.corpus.rate import FIRST, pairs, write_page


def test_sides_are_mixed_and_follow_the_seed():
    once, again, other = pairs(1, 6), pairs(1, 6), pairs(2, 6)
    assert once == again
    assert [p["person"] for p in once] != [p["person"] for p in other] or once != other
    for pair in once:
        assert {pair[s]["renderer"] for s in ("left", "right")} == {"first", "this"}
        assert pair["left"]["picture"] != pair["right"]["picture"]


@pytest.mark.parametrize("count", [0, 21, -1])
def test_a_page_of_no_pairs_or_too_many_is_refused(count, tmp_path):
    with pytest.raises(ValueError, match="20 pairs"):
        write_page(tmp_path / "rate.html", count=count)
    assert FIRST.is_file()


def test_ratings_are_collected_and_saved_without_a_network(tmp_path):
    page_file = write_page(tmp_path / "rate.html", seed=5, count=3)
    with chromium() as browser:
        page = browser.new_page()
        asked, faults = [], []
        page.on("request", lambda r: asked.append(r.url))
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.goto(page_file.as_uri())
        for mark in (2, 3, 5):
            assert page.locator("#next").is_disabled()
            assert "first" not in page.locator("#task").inner_text()
            page.locator(f"input[name=left][value='{mark}']").check(force=True)
            page.locator("input[name=right][value='4']").check(force=True)
            page.locator("#next").click()
        with page.expect_download() as waiting:
            page.locator("#save").click()
        waiting.value.save_as(tmp_path / "ratings.csv")
    assert not faults
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    rows = list(csv.DictReader((tmp_path / "ratings.csv").open()))
    assert len(rows) == 6
    assert {r["renderer"] for r in rows} == {"first", "this"}
    assert [r["rating"] for r in rows if r["side"] == "left"] == ["2", "3", "5"]
