"""The instructor's notes, and the slides that are built from them and from the chapters."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import yaml
from support.browser import chromium

from amdd.base.paths import PROJECT, Workspace
from amdd.companion.chapters import topic_of
from amdd.companion.lessons import (
    SOURCE,
    Part,
    Plan,
    deck,
    instructor_page,
    opening_of,
    read_lessons,
)
from amdd.companion.slides import SlidesFailed, build_slides, lessons_of

SCRIPTS = {topic_of(p.stem): p for p in sorted((PROJECT / "notebooks").glob("[0-9][0-9]_*.py"))}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20"/></svg>'


def test_every_chapter_has_notes():
    assert sorted(read_lessons().chapters) == sorted(SCRIPTS)


def test_a_plan_whose_minutes_do_not_add_up_is_named(tmp_path):
    record = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    record["plan"]["parts"][0]["minutes"] += 5
    path = tmp_path / "lessons.yml"
    path.write_text(yaml.safe_dump(record))
    with pytest.raises(ValueError, match=r"lessons\.yml: parts of 95 minutes in a plan of 90"):
        read_lessons(path)


@pytest.mark.parametrize("change", [{"say": ["one"]}, {"hint": "none"}, {"talk": 0}])
def test_notes_that_lack_something_are_named_with_their_place(tmp_path, change):
    record = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    record["chapters"]["gradcam"] |= change
    path = tmp_path / "lessons.yml"
    path.write_text(yaml.safe_dump(record))
    with pytest.raises(ValueError, match=rf"lessons\.yml: chapters\.gradcam\.{next(iter(change))}"):
        read_lessons(path)


def test_the_page_has_each_chapter_with_minutes_and_three_questions():
    page = instructor_page(read_lessons(), {topic: p.stem for topic, p in SCRIPTS.items()})
    parts = page.split("\n## ")[1:]
    assert len(parts) == len(SCRIPTS)
    for part, script in zip(parts, SCRIPTS.values()):
        assert f"(../notebooks/{script.stem})" in part
        assert part.count(": Listen for: ") >= 3
        assert re.search(r"\d+ minutes of talk, \d+ of work", part)


@pytest.mark.parametrize("topic", SCRIPTS)
def test_question_and_answer_are_taken_from_each_chapter(topic):
    opening = opening_of(SCRIPTS[topic].read_text(encoding="utf-8"))
    assert opening["title"] and opening["question"].endswith("?")
    assert len(opening["answer"]) > 60 and not opening["answer"].startswith("#")


def test_the_deck_shows_figures_that_its_chapters_make():
    plan = read_lessons().plan
    sources = {topic: p.read_text(encoding="utf-8") for topic, p in SCRIPTS.items()}
    text = deck(plan, sources)
    assert text.count("{revealjs-notes}") == len(plan.parts)
    assert "{term}" not in text
    names = re.findall(r"\{result-figure\} (\w+)\.(\w+)", text)
    assert len(names) >= 4
    for topic, name in names:
        assert re.search(rf'nb\.show\(\s*"{name}"', sources[topic]), f"{topic} shows no {name}"


@pytest.fixture
def workspace(tmp_path):
    """Return a workspace with one figure and the numbers of one chapter."""
    work = Workspace(tmp_path / "work")
    folder = work.results / "gradcam"
    folder.mkdir(parents=True)
    (folder / "maps.svg").write_text(SVG)
    words = {"kind": "figure", "alt": "a box", "caption": "A box.", "topic": "gradcam"}
    (folder / "maps.json").write_text(json.dumps(words))
    chapter = (PROJECT / "notebooks" / "07_gradcam.py").read_text(encoding="utf-8")
    quoted = re.findall(r"\{result\}`gradcam\.([\w.]+)", chapter)
    numbers = {key: {"value": 0.1} for key in quoted} | {"energy": {"value": 0.3}}
    (folder / "numbers.json").write_text(json.dumps(numbers))
    (work.root / "source" / "benchmarks").mkdir(parents=True)
    return work


def one_part(**figures: str):
    part = Part(
        "Maps",
        10,
        ("Look.",),
        "Say little.",
        "gradcam",
        {k.replace("__", "."): v for k, v in figures.items()},
    )
    return dataclasses.replace(read_lessons(), plan=Plan("Short", 10, (part,)))


def test_slides_open_from_disk_with_notes_figure_and_the_runs_numbers(workspace, tmp_path):
    page = build_slides(workspace, tmp_path / "slides", lessons=one_part(gradcam__maps="Maps by class"))
    text = page.read_text(encoding="utf-8")
    assert '<aside class="notes">' in text and "Minutes 0 to 10. Say little." in text
    assert "../notebooks/07_gradcam.html#exhibit-gradcam-maps" in text
    assert "user-scalable=no" not in text
    with chromium() as browser:
        shown = browser.new_page()
        wrong: list[str] = []
        shown.on("pageerror", lambda e: wrong.append(str(e)))
        shown.on("requestfailed", lambda r: wrong.append(r.url))
        shown.on("request", lambda r: wrong.append(r.url) if r.url.startswith("http") else None)
        shown.goto(page.as_uri())
        shown.wait_for_function("window.Reveal && Reveal.isReady()")
        assert shown.evaluate("Reveal.getTotalSlides()") == 5
        said = [shown.locator("section.present").last.inner_text()]
        for _ in range(4):
            shown.keyboard.press("Space")
            said.append(shown.locator("section.present").last.inner_text())
    assert wrong == []
    assert "0.300 of the map’s energy" in said[-1] or "0.300 of the map's energy" in said[-1]


def test_a_figure_that_no_run_made_fails_the_build(workspace, tmp_path):
    with pytest.raises(SlidesFailed, match=r"no run made the figure 'gradcam\.none'"):
        build_slides(workspace, tmp_path / "slides", lessons=one_part(gradcam__none="Nothing"))


def test_a_run_without_other_corpora_has_slides_without_their_figure(tmp_path):
    def named(lessons):
        return {name for part in lessons.plan.parts for name in part.figures}

    assert not any(name.startswith("cross_dataset.") for name in named(lessons_of(tmp_path)))
    (tmp_path / "cross_dataset").mkdir()
    (tmp_path / "cross_dataset" / "figure_7.json").write_text("{}")
    assert named(lessons_of(tmp_path)) - named(lessons_of(tmp_path / "none")) == {"cross_dataset.figure_7"}
