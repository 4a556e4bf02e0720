"""The instructor's notes: read from ``book/lessons.yml``, shown as a page, and beside the slides of the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from amdd.base.paths import PROJECT
from amdd.settings.kinds import CONFIG, Positive

SOURCE = PROJECT / "book" / "lessons.yml"
Lines = Annotated[tuple[str, ...], Field(min_length=1)]
ADVICE = """\
# For the instructor

What to say, what goes wrong, how long it takes, and what to listen for, chapter by chapter. Course plans are in
[Teaching with this book](teaching). The slides of the ninety-minute plan open in a browser, from disk and without a
network: <a href="../slides/index.html">slides</a>. Press *S* for the speaker's view with these notes, *F* for the full
screen, and add `?print-pdf` to the address to print them.

The class needs one of: the book's folder on each machine, a memory stick with the class pack (`amdd pack`), or nothing but
a projector.
"""


@dataclass(frozen=True, config=CONFIG)
class Talk:
    """A question for discussion, and points to listen for."""

    ask: str
    listen: Annotated[tuple[str, ...], Field(min_length=2)]


@dataclass(frozen=True, config=CONFIG)
class Lesson:
    """Notes on one chapter; minutes of talk and of work."""

    talk: Positive
    do: Positive
    say: Annotated[tuple[str, ...], Field(min_length=3)]
    wrong: Annotated[tuple[str, ...], Field(min_length=2)]
    discuss: Annotated[tuple[Talk, ...], Field(min_length=3)]


@dataclass(frozen=True, config=CONFIG)
class Part:
    """One part of a plan: points for a slide, notes for the speaker, and figures (``topic.name``) with their titles."""

    title: str
    minutes: Positive
    points: Lines
    note: str
    chapter: str = ""
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, config=CONFIG)
class Plan:
    """A lesson of ``minutes``, part by part."""

    title: str
    minutes: Positive
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]


@dataclass(frozen=True, config=CONFIG)
class Lessons:
    """The plan whose slides are built, and notes on chapters by topic."""

    plan: Plan
    chapters: Mapping[str, Lesson]


def read_lessons(path: Path = SOURCE) -> Lessons:
    """Return the instructor's notes. Raises ``ValueError`` that names the file and the place."""
    try:
        found = TypeAdapter(Lessons).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: no readable YAML: {' '.join(str(error).split())}") from error
    spent = sum(part.minutes for part in found.plan.parts)
    if spent != found.plan.minutes:
        raise ValueError(
            f"{path.name}: parts of {spent} minutes in a plan of {found.plan.minutes}; make them equal"
        )
    return found


def instructor_page(lessons: Lessons, chapters: Mapping[str, str]) -> str:
    """Return the page "For the instructor" as Markdown; ``chapters`` gives the file of each topic, in order."""
    lines = [ADVICE]
    for topic, file in chapters.items():
        lesson = lessons.chapters.get(topic)
        if lesson is None:
            continue
        lines += [f"## {heading(topic)}", ""]
        lines += [
            f"[Chapter](../notebooks/{file}) · {lesson.talk} minutes of talk, {lesson.do} of work",
            "",
        ]
        for title, points in (("Say", lesson.say), ("What goes wrong", lesson.wrong)):
            lines += [f"**{title}**", "", *[f"- {point}" for point in points], ""]
        lines += ["**Discuss**", ""]
        for talk in lesson.discuss:
            lines += [f"{talk.ask}", f": Listen for: {'; '.join(talk.listen)}.", ""]
    return "\n".join(lines)


def heading(topic: str) -> str:
    """Return a topic as a heading."""
    return topic.replace("_", " ").capitalize().replace("Gradcam", "Grad-CAM")


def opening_of(script: str) -> dict[str, str]:
    """Return title, question and answer of a chapter from its script (jupytext's percent format)."""
    cell = script.split("# %% [markdown]", 2)[1].split("\n# %%")[0]
    text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in cell.splitlines())
    title = re.search(r"^# (.+)$", text, re.M)
    parts = {
        name.lower(): re.search(rf"\*\*{name}\.\*\* (.+?)(?:\n\n|\Z)", text, re.S)
        for name in ("Question", "Answer")
    }
    return {
        "title": title[1] if title else "",
        **{key: " ".join(found[1].split()) if found else "" for key, found in parts.items()},
    }


def deck(plan: Plan, scripts: Mapping[str, str]) -> str:
    """Return the slides of a plan as Markdown for sphinx-revealjs; ``scripts`` are the chapters' sources by topic."""
    shown = f"# {plan.title}\n\n{plan.minutes} minutes, with *AMDD, re-executed*\n"
    slides, start = [shown], 0
    for part in plan.parts:
        slides.append(_section(part, start))
        if part.chapter:
            opening = opening_of(scripts[part.chapter])
            slides.append(f"### {opening['question']}\n")
            answered = ["### The answer of this run", "", opening["answer"], ""]
            figures = [_figure(*item) for item in part.figures.items()]
            slides += [*figures, "\n".join(answered)]
        else:
            slides += [_figure(*item) for item in part.figures.items()]
        start += part.minutes
    return re.sub(r"\{term\}`([^`<]+?)(?: <[^>]*>)?`", r"\1", "\n".join(slides))


def _section(part: Part, start: int) -> str:
    points = "\n".join(f"- {point}" for point in part.points)
    note = f"Minutes {start} to {start + part.minutes}. {part.note}"
    return f"## {part.title}\n\n{points}\n\n```{{revealjs-notes}}\n{note}\n```\n"


def _figure(name: str, title: str) -> str:
    return f"### {title}\n\n```{{result-figure}} {name}\n```\n"
