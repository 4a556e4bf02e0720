"""Additions of the book for learners: a chapter's answer at its end, cells to run in the page, the questions of its topic, the
films of the vote, the network that computes in the page."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from amdd.base.paths import PROJECT, Workspace
from amdd.companion.cells import CELLS, data_files, run_data
from amdd.companion.claims import paper
from amdd.companion.records import read_manifest
from amdd.profiles import load_profile

STUDY = PROJECT / "book" / "studies" / "attribution.parquet"
QUESTIONS = PROJECT / "book" / "questions"
VOTE = ("in_domain_results", "vote")  # topic and folder of the clips for the page "Vote before you see"

NETWORK = ("try_it", "network")  # the same for the page "The network in this page"


def add_answer(notebook: NotebookNode) -> None:
    """Append the answer with which a chapter opens, so that it closes with it too; its numbers are bound as there."""
    opening = notebook.cells[0].source if notebook.cells else ""
    found = re.search(r"^\*\*Answer\.\*\* (.+?)(?:\n\n|\Z)", opening, re.S | re.M)
    if found is None:
        return
    cell = new_markdown_cell(f"## The answer, once more\n\n{found[1].strip()}")
    cell["id"] = "answer"
    notebook.cells.append(cell)


def _append(notebook: NotebookNode, name: str, heading: str, directive: str, source: Path) -> None:
    """Append a cell ``name`` with a directive on the topic that the file ``source`` is named after, if there is one."""
    if source.is_file():
        cell = new_markdown_cell(f"## {heading}\n\n```{{{directive}}} {source.stem}\n```")
        cell["id"] = name
        notebook.cells.append(cell)


def add_questions(notebook: NotebookNode, topic: str, folder: Path = QUESTIONS) -> None:
    """Append the questions on ``topic`` to an executed chapter, if there are any."""
    _append(notebook, "questions", "Check yourself", "questions", folder / f"{topic}.yml")


def add_cells(notebook: NotebookNode, topic: str, folder: Path = CELLS) -> None:
    """Append the cells on ``topic`` that run in the page to an executed chapter, if there are any."""
    _append(notebook, "cells", "Try it in this page", "python-cells", folder / f"{topic}.yml")


def cells_data(workspace: Workspace) -> dict[str, bytes]:
    """Return the data of the cells, by the place where the book takes static files from."""
    record = read_manifest(workspace)
    profile = load_profile(record["profile"], record["overrides"])
    run = run_data(workspace, profile.training.seed, profile.corpus.train, profile.evaluation.threshold)
    files = data_files(run, pd.read_parquet(STUDY), paper())
    return {f"book/_static/cells/{name}": data for name, data in files.items()}


def vote_films(results: Path) -> dict[str, bytes]:
    """Return the films of the vote that a run chose, by the place where the book takes static files from."""
    folder = results.joinpath(*VOTE)
    return {f"book/_static/vote/{p.name}": p.read_bytes() for p in sorted(folder.glob("*.mp4"))}


def network_files(results: Path) -> dict[str, bytes]:
    """Return the network and the clips that a run wrote for the page, by the place where the book takes static files from."""
    folder = results.joinpath(*NETWORK)
    return {f"book/_static/network/{p.name}": p.read_bytes() for p in sorted(folder.glob("*")) if p.is_file()}
