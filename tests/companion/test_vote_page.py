"""The page "Vote before you see", with films of one colour each, in a headless browser from disk."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from support.sphinx_page import build_page

from amdd.base.paths import PROJECT

STATIC = PROJECT / "book" / "_static"
GENERATORS = {"faceswap": "face swap", "wav2lip": "lip synchronisation"}


def index() -> dict:
    """Return an index of nine clips; the detector is right about all but the last real."""
    clips = []
    for k in range(9):
        truth = ["real", "faceswap", "wav2lip"][k % 3]
        score = 0.1 if truth == "real" else 0.9
        clips.append(
            {
                "id": f"{k + 1:02d}",
                "file": f"{k + 1:02d}.mp4",
                "block": ["before", "after", "practice"][k // 3],
                "truth": truth,
                "score": 0.8 if k == 6 else score,
                "attribution": truth,
                "words": "some words & more",
            }
        )
    facts = {"corpus": "demo", "profile": "smoke", "seed": 0, "threshold": 0.5, "key": "abc123"}
    return facts | {"generators": GENERATORS, "clips": clips}


def film(path) -> None:
    """Write a film of half a second with sound."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for k in range(5):
            image = np.full((64, 64, 3), 40 * k, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the page, built by Sphinx from the directive, with its films."""
    root = tmp_path_factory.mktemp("vote")
    (root / "_static" / "vote").mkdir(parents=True)
    for name in ("vote.js", "vote-numbers.js", "vote.css"):
        (root / "_static" / name).write_bytes((STATIC / name).read_bytes())
    film(root / "_static" / "vote" / "01.mp4")
    for k in range(2, 10):
        (root / "_static" / "vote" / f"{k:02d}.mp4").write_bytes(
            (root / "_static" / "vote" / "01.mp4").read_bytes()
        )
    results = root / "results" / "in_domain_results" / "vote"
    results.mkdir(parents=True)
    (results / "vote.json").write_text(json.dumps(index()))
    (root / "index.md").write_text("# Vote\n\n## Clips\n\n```{vote}\n```\n")
    return build_page(root, "amdd.companion.sphinx.vote")


@pytest.fixture
def page(built, browser):
    one = browser.new_page()
    wrong: list[str] = []
    one.on("pageerror", lambda e: wrong.append(str(e)))
    one.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    one.goto(built.as_uri())
    yield one
    one.close()
    assert wrong == []


def answer(page, fake: bool, by: str = "", sure: str = "100") -> None:
    page.locator(f'input[name="fake"][value="{int(fake)}"]').check()
    if fake:
        page.locator(f'input[name="by"][value="{by or "unknown"}"]').check()
    page.locator("#amdd-sure").fill(sure)
    page.get_by_role("button", name="Give this answer").click()
    following = page.get_by_role("button", name="Next clip")
    if following.count():
        following.click()


def vote(page, rule) -> dict:
    """Vote on all clips by ``rule`` (clip to arguments of :func:`answer`) and return what is exported."""
    clips = {clip["file"]: clip for clip in index()["clips"]}
    page.get_by_role("button", name="start").click()
    for _ in clips:
        source = page.locator(".amdd-vote video").get_attribute("src")
        answer(page, **rule(clips[source.rsplit("/", 1)[1]]))
    with page.expect_download() as download:
        page.get_by_role("button", name="Export my answers").click()
    return json.loads(download.value.path().read_text())


def cells(page, caption: str) -> list[list[str]]:
    table = page.locator("table", has=page.locator("caption", has_text=caption)).first
    return [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]


def perfect(clip: dict) -> dict:
    fake = clip["truth"] != "real"
    return {"fake": fake, "by": clip["truth"] if fake else ""}


def test_the_answers_are_not_to_be_read_from_the_page(built):
    text = built.read_text(encoding="utf-8")
    assert "faceswap" not in text and "truth" not in text
    data = text.split('data-clips="')[1].split('"')[0]
    assert json.loads(base64.b64decode(data)) == index()


def test_a_perfect_vote_stands_beside_a_detector_with_one_error(page):
    record = vote(page, perfect)
    assert len(record["answers"]) == 9 and record["key"] == "abc123"
    rows = {row[0]: row for row in cells(page, "Share of correct answers")}
    assert rows["All clips"][1].startswith("100 %")
    assert rows["All clips"][2] == "89 %"  # eight of nine
    assert rows["Reals called real"][2] == "67 %"
    assert rows["Brier score (0 is best, guessing 0.25)"][1] == "0.00"
    confusion = cells(page, "Confusion of you")
    assert [row[1:] for row in confusion] == [
        ["3", "0", "0", "0"],
        ["0", "3", "0", "0"],
        ["0", "0", "3", "0"],
    ]


def test_who_calls_everything_forged_detects_all_and_trusts_nothing(page):
    vote(page, lambda clip: {"fake": True, "sure": "75"})
    rows = {row[0]: row for row in cells(page, "Share of correct answers")}
    assert rows["Forgeries called forged"][1].startswith("100 %")
    assert rows["Reals called real"][1].startswith("0 %")
    assert rows["Forgeries given to their maker"][1].startswith("0 %")
    (trust,) = [row for row in cells(page, "Before and after") if "trust" in row[0]]
    assert trust[1:3] == ["0 %", "0 %"]
    assert cells(page, "Calibration in five bins")[3][1:3] == ["9", "67 %"]


def ballot(code: str, rule, order: str = "straight") -> dict:
    answers = [{"id": c["id"], "confidence": 80, **{"by": "", **rule(c)}} for c in index()["clips"]]
    return {"kind": "amdd-vote", "key": "abc123", "participant": code, "order": order, "answers": answers}


def test_a_class_is_joined_and_bad_files_are_named(page, tmp_path):
    after = {"straight": "after", "swapped": "before"}

    def learns(order):
        """Return a rule that calls everything real, and all correctly in the block seen last."""
        return lambda c: {"fake": c["block"] == after[order] and c["truth"] != "real", "by": c["truth"]}

    files = []
    for k, order in enumerate(["straight", "swapped", "straight"]):
        files.append(tmp_path / f"v{k}.json")
        files[-1].write_text(json.dumps(ballot(f"aaaa{k}", learns(order), order)))
    bad = {"broken.json": "{", "other.json": json.dumps(ballot("bbbb", learns("straight")) | {"key": "old"})}
    wild = ballot("cccc", learns("straight"))
    wild["answers"][0]["confidence"] = 900
    bad["wild.json"] = json.dumps(wild)
    for name, text in bad.items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    page.locator("#amdd-files").set_input_files([str(f) for f in files])
    status = page.locator('.amdd-vote [role="status"]')
    status.get_by_text("3 votes joined").wait_for()
    said = status.inner_text()
    assert "broken.json was left out: no readable JSON" in said
    assert "other.json was left out: a vote on other clips" in said
    assert "wild.json was left out: an answer that no clip of this page allows" in said
    changes = {row[0].split(":")[0]: row[1:] for row in cells(page, "Before and after")}
    assert changes["Forgeries called forged"][:2] == ["0 %", "100 %"]
    assert changes["Forgeries called forged"][2].startswith("+100 points")
    assert changes["Reals called real"][:2] == ["100 %", "100 %"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the joined file").click()
    joined = download.value.path()
    page.reload()
    again = tmp_path / "class.json"
    again.write_bytes(joined.read_bytes())
    page.locator("#amdd-files").set_input_files(
        [str(again), str(files[0])]
    )  # the same person twice counts once
    page.locator('.amdd-vote [role="status"]').get_by_text("3 votes joined").wait_for()


def test_the_blocks_come_with_feedback_between_them(page):
    page.get_by_role("button", name="start").click()
    told = []
    clips = {clip["file"]: clip["block"] for clip in index()["clips"]}
    for _ in range(9):
        source = page.locator(".amdd-vote video").get_attribute("src")
        told.append((clips[source.rsplit("/", 1)[1]], "Practice" in page.locator(".amdd-vote").inner_text()))
        answer(page, False)
    assert [block for block, _ in told[3:6]] == ["practice"] * 3
    assert [practice for _, practice in told] == [False] * 3 + [True] * 3 + [False] * 3
    assert {block for block, _ in told[:3]} | {block for block, _ in told[6:]} == {"before", "after"}


def test_no_barrier_in_any_state(built, browser):
    from axe_playwright_python.sync_playwright import Axe

    # Axe reads the style sheets, which a page from disk may not: no watch on the console.
    page = browser.new_page()
    page.goto(built.as_uri())

    def faults() -> list[str]:
        found = Axe().run(page, context=".amdd-vote").response["violations"]
        return [f"{r['id']}: {n['html'][:90]}" for r in found for n in r["nodes"]]

    assert faults() == []
    page.get_by_role("button", name="start").click()
    page.locator('input[name="fake"][value="1"]').check()
    assert faults() == []
    page.locator('input[name="fake"][value="0"]').check()
    for _ in range(9):
        answer(page, False)
    assert faults() == []
    page.close()
