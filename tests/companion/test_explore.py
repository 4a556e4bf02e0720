"""The page "Explore the predictions": what the browser computes against the library, and its tasks."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from support.browser import chromium
from support.sphinx_page import build_page

from amdd.base.paths import PROJECT
from amdd.companion.explore import SCORES, write_scores
from amdd.stats import auc, predictive_value

STATIC = PROJECT / "book" / "_static"


def table(seed: int, shift: float = 0.0, n: int = 40) -> pd.DataFrame:
    """Return predictions of ``n`` reals and as many fakes by two generators, some of them with equal scores."""
    rng = np.random.default_rng(seed)
    label = np.repeat([0, 1], n)
    score = np.clip(np.round(0.3 + 0.3 * label + shift + 0.12 * rng.normal(size=2 * n), 2), 0, 1)
    generator = np.where(label == 0, "real", np.where(np.arange(2 * n) % 2, "fsgan", "wav2lip"))
    return pd.DataFrame({"label": label, "score": score, "generator": generator, "clip_id": "someone"})


TABLES = {"own": table(0), "shifted": table(1, shift=0.3)}


def test_only_numbers_and_generators_are_written(tmp_path):
    path = tmp_path / "scores.json"
    write_scores(path, TABLES | {"reals only": TABLES["own"][:10]}, 0.5)
    record = json.loads(path.read_text())
    assert list(record["corpora"]) == ["own", "shifted"] and record["threshold"] == 0.5
    assert record["corpora"]["own"][0] == ["real", float(TABLES["own"].score[0])]
    assert "someone" not in path.read_text()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("explore")
    (root / "_static").mkdir()
    for name in ("explore.js", "explore.css"):
        (root / "_static" / name).write_bytes((STATIC / name).read_bytes())
    (root / "results" / SCORES[0]).mkdir(parents=True)
    write_scores(root.joinpath("results", *SCORES), TABLES, 0.5)
    (root / "index.md").write_text("# Explore\n\n## Scores\n\n```{explore}\n```\n")
    built = build_page(root, "amdd.companion.sphinx.results", "amdd.companion.sphinx.explore")
    with chromium() as browser:
        one = browser.new_page()
        one.goto(built.as_uri())
        yield one


def put(page, corpus: str, threshold: float, prevalence: str = "0.5", kind: str = "") -> dict[str, str]:
    """Set the controls and return the facts that the page shows."""
    page.locator("#amdd-corpus").select_option(corpus)
    page.locator("#amdd-kind").select_option(kind)
    page.locator("#amdd-rare").select_option(prevalence)
    page.locator("#amdd-cut").fill(str(threshold))
    names = page.locator(".amdd-facts dt").all_inner_texts()
    return dict(zip(names, page.locator(".amdd-facts dd").all_inner_texts()))


@pytest.mark.parametrize("kind", ["", "fsgan"])
@pytest.mark.parametrize("corpus", list(TABLES))
def test_rates_auc_and_the_worth_of_an_alarm_are_the_librarys(page, corpus, kind):
    shown = put(page, corpus, 0.6, "0.01", kind)
    own = TABLES[corpus]
    own = own[(own.label == 0) | (own.generator == kind)] if kind else own
    alarm = own.score >= 0.6
    found, passed = alarm[own.label == 1].mean(), (~alarm[own.label == 0]).mean()
    assert shown["AUC"] == f"{auc(own.label, own.score):.3f}"
    assert abs(float(shown["fakes detected"].split()[0]) - 100 * found) <= 0.5
    assert abs(float(shown["reals passed"].split()[0]) - 100 * passed) <= 0.5
    worth = predictive_value(found, passed, [0.01])[0]
    assert abs(float(shown["an alarm is correct"].split()[0]) - 100 * worth) <= 0.06
    cells = [int(x) for x in page.locator(".amdd-explore tbody td").all_inner_texts()]
    negatives, positives = (int((own.label == k).sum()) for k in (0, 1))
    assert cells[0] + cells[1] == negatives and cells[2] + cells[3] == positives
    assert cells[3] == int(alarm[own.label == 1].sum())


def check(page, number: int) -> str:
    item = page.locator(".amdd-explore ol li").nth(number)
    item.get_by_role("button", name="Check").press("Enter")
    return item.locator(".amdd-feedback").inner_text()


def test_tasks_accept_what_fulfils_them_and_say_why_not(page):
    own = TABLES["own"]
    reals = np.sort(own.score[own.label == 0])
    good = float(reals[-3]) + 0.01  # two of forty reals lie at or above it
    put(page, "own", good)
    assert check(page, 0).startswith("Correct.")
    put(page, "own", 0.1)
    assert "of the reals are called fake" in check(page, 0)
    put(page, "own", 0.99)
    assert "could be detected" in check(page, 0)
    assert check(page, 1).startswith("Not yet. Fakes are too frequent")
    put(page, "own", 0.3, "0.001")
    assert "of the alarms are correct" in check(page, 1)
    put(page, "own", float(reals[-1]) + 0.01, "0.001")
    assert check(page, 1).startswith("Correct.")
    put(page, "own", 0.5)
    assert "gains only" in check(page, 2)
    put(page, "shifted", 0.7)
    assert "Set the threshold back to 0.5" in check(page, 2)
    put(page, "shifted", 0.5)
    assert check(page, 2).startswith("Correct.")


def test_no_barrier_for_keyboard_or_screen_reader(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=".amdd-explore").response["violations"]
    assert [f"{r['id']}: {n['html'][:90]}" for r in found for n in r["nodes"]] == []
