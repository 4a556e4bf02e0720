"""Additions of the book for learners: a chapter's answer at its end, the questions of its topic, the films of the vote."""

from __future__ import annotations

import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from amdd.base.paths import PROJECT

QUESTIONS = PROJECT / "book" / "questions"
VOTE = ("in_domain_results", "vote")  # topic and folder of the clips for the page "Vote before you see"


def add_answer(notebook: NotebookNode) -> None:
    """Append the answer with which a chapter opens, so that it closes with it too; its numbers are bound as there."""
    opening = notebook.cells[0].source if notebook.cells else ""
    found = re.search(r"^\*\*Answer\.\*\* (.+?)(?:\n\n|\Z)", opening, re.S | re.M)
    if found is None:
        return
    cell = new_markdown_cell(f"## The answer, once more\n\n{found[1].strip()}")
    cell["id"] = "answer"
    notebook.cells.append(cell)


def add_questions(notebook: NotebookNode, topic: str, folder: Path = QUESTIONS) -> None:
    """Append the questions on ``topic`` to an executed chapter, if there are any."""
    if not (folder / f"{topic}.yml").is_file():
        return
    cell = new_markdown_cell(f"## Check yourself\n\n```{{questions}} {topic}\n```")
    cell["id"] = "questions"
    notebook.cells.append(cell)


def vote_films(results: Path) -> dict[str, bytes]:
    """Return the films of the vote that a run chose, by the place where the book takes static files from."""
    folder = results.joinpath(*VOTE)
    return {f"book/_static/vote/{p.name}": p.read_bytes() for p in sorted(folder.glob("*.mp4"))}
