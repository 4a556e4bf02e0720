"""The network in the page: its files, and a small page with it in a real browser without network."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from support.browser import build_site, served
from support.filmed import film, tone, trained

from amdd.analysis.predict import predict
from amdd.base.paths import PROJECT
from amdd.companion.teaching import NETWORK, network_files
from amdd.data.media import write_video
from amdd.data.spectrograms import mel_spectrogram
from amdd.inspect import onnx
from amdd.inspect.web import chosen, write_web

LOAD, ANSWER = 240_000, 120_000  # milliseconds, on a machine that is busy with other tests


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run, its prepared clips, its test predictions, the folder of results, and the index of the page's files."""
    root = tmp_path_factory.mktemp("network")
    run, prepared = trained(root)
    rows = np.flatnonzero((prepared.manifest.split == "test").to_numpy())
    predictions = predict(run, prepared, rows)
    facts = {"profile": "smoke", "seed": 0, "threshold": 0.5}
    index = write_web(root.joinpath("results", *NETWORK), run, prepared, predictions, facts)
    return run, prepared, predictions, root / "results", index


@pytest.fixture(scope="module")
def site(made, tmp_path_factory):
    """A book of two pages, one with the network."""
    folder = tmp_path_factory.mktemp("site")
    source, out = folder / "source", folder / "html"
    source.mkdir()
    (source / "index.md").write_text("# Network\n\n```{network}\n```\n\n[Other](other)\n", encoding="utf-8")
    (source / "other.md").write_text("---\norphan: true\n---\n# Without it\n", encoding="utf-8")
    for name, data in network_files(made[3]).items():
        place = source / "data" / name.removeprefix("book/_static/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    settings = {
        "extensions": ["myst_parser", "amdd.companion.sphinx.network"],
        "html_theme": "sphinx_book_theme",
        "html_static_path": [str(PROJECT / "book" / "_static"), str(source / "data")],
        "language": "en",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMDD_RESULTS", str(made[3]))
        return build_site(source, out, settings)


@pytest.fixture(scope="module")
def page(site, browser):
    """The page with its network loaded; what it asked of other places is in ``page.foreign``."""
    with served(site) as address:
        one = browser.new_page()
        one.foreign = []
        one.on(
            "request", lambda r: None if r.url.startswith((address, "blob:")) else one.foreign.append(r.url)
        )
        one.goto(address)
        assert "MB" in one.locator(".amdd-network-note").inner_text()  # said before anything is loaded
        one.get_by_role("button", name="Load the network").click()
        one.locator(".amdd-gallery[data-ready]").wait_for(timeout=LOAD)
        yield one
        one.close()


def score(page) -> float:
    said = page.locator(".amdd-said[data-score]")
    said.wait_for(timeout=ANSWER)
    return float(said.get_attribute("data-score"))


def test_half_precision_weights_give_the_scores_of_the_run(made):
    run, prepared, predictions, results, _ = made
    session = onnx.session_of(results.joinpath(*NETWORK, "network.onnx"))
    found = onnx.answer(session, run, prepared)["logit"][predictions.row.to_numpy()]
    assert np.abs(1 / (1 + np.exp(-found)) - predictions.score.to_numpy()).max() < 1e-3


def test_clips_are_chosen_by_class_and_rank_whatever_their_scores_are():
    rng = np.random.default_rng(0)
    names = ["real"] * 50 + ["a"] * 20 + ["b"] * 3 + ["c"] * 40
    table = pd.DataFrame(
        {"clip_id": [f"c{k}" for k in range(113)], "generator": names, "score": rng.random(113)}
    )
    found = chosen(table)
    assert found.generator.value_counts().to_dict() == {"real": 3, "a": 3, "b": 3, "c": 3}
    assert found.clip_id.is_unique
    # The same places in the order of scores, whether these are good or bad.
    assert found.equals(chosen(table.sample(frac=1, random_state=1)))
    turned = chosen(table.assign(score=table.score / 10 + 0.9))
    assert set(turned.clip_id) == set(found.clip_id)
    few = chosen(table[table.generator.isin(["real", "b"])].iloc[[0, 50, 51]])
    assert len(few) == 3


def test_the_page_scores_every_clip_as_the_run_does_and_asks_no_other_place(page, made):
    index = made[4]
    buttons = page.locator(".amdd-gallery button")
    assert buttons.count() == len(index["clips"])
    for k, clip in enumerate(index["clips"]):
        buttons.nth(k).click()
        page.locator(".amdd-answer summary").wait_for(timeout=ANSWER)
        assert abs(score(page) - clip["score"]) < 1e-3
        assert page.locator(".amdd-crops canvas").count() == index["frames"]
        assert page.locator(".amdd-bar").count() == len(index["generators"])
    assert page.foreign == []


def test_the_truth_is_told_when_asked_for(page, made):
    page.locator(".amdd-gallery button").first.click()
    score(page)
    hidden = page.locator(".amdd-answer details p")
    assert not hidden.is_visible()
    page.locator(".amdd-answer summary").click()
    truth = made[4]["clips"][0]["truth"]
    assert hidden.inner_text().startswith("Real." if truth == "real" else f"Forged by {truth}.")


@pytest.mark.parametrize("kind", ["blur", "contrast", "saturation", "pixelation", "noise", "compression"])
def test_a_corruption_moves_the_score_and_none_gives_it_back(page, kind):
    page.locator(".amdd-gallery button").first.click()
    clean = score(page)
    page.locator("#amdd-kind").select_option(kind)
    page.locator("#amdd-strength").fill("1")
    page.locator("#amdd-strength").dispatch_event("input")
    assert score(page) != clean
    assert page.locator(".amdd-curve circle").count() == 2
    page.locator("#amdd-strength").fill("0")
    page.locator("#amdd-strength").dispatch_event("input")
    assert score(page) == clean


def test_the_spectrogram_in_the_page_is_that_of_the_preparation(page, made):
    settings = made[0].profile.preparation
    rng = np.random.default_rng(0)
    for samples in (tone(1.0, 3), rng.normal(0, 0.1, 9000).astype(np.float32), np.zeros(16000, np.float32)):
        call = "([s, a]) => Array.from(window.amddNetworkInputs.mel(Float32Array.from(s), a))"
        theirs = np.array(page.evaluate(call, [samples.tolist(), made[4]["audio"]]))
        ours = mel_spectrogram(samples, settings).astype(float).ravel()
        assert theirs.shape == ours.shape
        assert np.abs(theirs - ours).max() < 2e-3


def test_a_clip_of_ones_own_gets_a_score_and_a_file_that_is_none_a_sentence(page, tmp_path):
    clip = write_video(tmp_path / "own.mp4", film(1.0, forged=True), 10, tone(1.0))
    page.locator("#amdd-film").set_input_files(str(clip))
    page.locator(".amdd-preview").wait_for(timeout=ANSWER)
    page.get_by_role("button", name="Compute").click()
    assert 0 <= score(page) <= 1
    assert "Your own clip" in page.locator(".amdd-answer details").text_content()
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no film")
    page.locator("#amdd-film").set_input_files(str(bad))
    page.get_by_text("bad.mp4: this browser cannot play it").wait_for(timeout=ANSWER)
    assert page.foreign == []


def test_the_page_has_no_serious_fault_for_assistive_technology(page):
    from axe_playwright_python.sync_playwright import Axe

    page.locator(".amdd-gallery button").first.click()
    score(page)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    own = [v for v in found if any("amdd-" in str(n["target"]) + n["html"] for n in v["nodes"])]
    assert [
        (v["id"], v["nodes"][0]["html"][:90]) for v in own if v["impact"] in ("serious", "critical")
    ] == []


def test_opened_from_disk_the_page_says_how_to_run_it(browser, site):
    one = browser.new_page()
    one.goto((site / "index.html").as_uri())
    assert "amdd serve --book" in one.locator(".amdd-network-note").inner_text()
    assert one.locator(".amdd-network button").count() == 0
    one.close()


def test_other_pages_load_nothing_of_it(site):
    assert "network.js" in (site / "index.html").read_text(encoding="utf-8")
    assert "network" not in (site / "other.html").read_text(encoding="utf-8").replace("Network", "")


def test_a_book_without_the_files_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("AMDD_RESULTS", str(tmp_path / "none"))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "index.md").write_text("# Network\n\n```{network}\n```\n", encoding="utf-8")
    settings = {"extensions": ["myst_parser", "amdd.companion.sphinx.network"]}
    out = build_site(tmp_path / "source", tmp_path / "html", settings)
    assert "without a network for the page" in (out / "index.html").read_text(encoding="utf-8")


def test_the_index_is_read_by_machines(made):
    held = json.loads(made[3].joinpath(*NETWORK, "network.json").read_text(encoding="utf-8"))
    assert held == made[4] and {c["truth"] for c in held["clips"]} == {"real", "tint"}
