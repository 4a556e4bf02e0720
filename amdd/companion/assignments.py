"""Assignments with automatic checks: one source each, an instructor's and a student's notebook by nbgrader.

The sources in ``assignments/`` are scripts in jupytext's percent format. A cell tagged ``solution`` is the student's to
write, ``checks-N`` is graded automatically with N points, and ``written-N`` is a task that a person marks. nbgrader was
chosen since its checks are plain assertions in plain notebooks: students need no further package, and nothing has to be
served or run in containers.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import jupytext
from nbformat import NotebookNode, from_dict, writes

from amdd.base.paths import PROJECT, write_text

SOURCES = PROJECT / "assignments"
KIND = re.compile(r"(solution|checks-(\d+)|written-(\d+))")
MISSING = "nbgrader is not installed; install it by `pip install amdd[teach]` or `pip install nbgrader`"


def read_assignment(path: Path) -> NotebookNode:
    """Return an assignment's notebook with nbgrader's marks on its cells, for the instructor.

    Raises ``ValueError`` that names the file for a marked cell without a name of its own.
    """
    notebook = jupytext.read(path)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    names: list[str] = []
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
        tags = cell.metadata.pop("tags", [])
        found = next((m for tag in tags if (m := KIND.fullmatch(tag))), None)
        if found is None:
            continue
        name = cell.metadata.pop("name", "")
        if not name or name in names:
            raise ValueError(f"{path.name}: cell {number} is marked {found[0]!r} and needs a name of its own")
        names.append(name)
        cell.metadata["nbgrader"] = marks(f"{path.stem}-{name}", cell.cell_type, found)
    return notebook


def marks(name: str, cell_type: str, found: re.Match) -> dict[str, Any]:
    """Return nbgrader's metadata (schema 3) for a cell of a kind."""
    kind, points = found[0].partition("-")[0], found[2] or found[3]
    made = {
        "grade_id": name,
        "schema_version": 3,
        "cell_type": cell_type,
        "solution": kind == "solution",
        "grade": kind == "checks",
        "task": kind == "written",
        "locked": kind != "solution",  # the text of a written task is not the student's to change either
    }
    return made | ({"points": int(points)} if points else {})


def student_version(notebook: NotebookNode) -> NotebookNode:
    """Return a copy without solutions, hidden tests and mark schemes, by nbgrader's own preprocessors.

    Raises ``RuntimeError`` where nbgrader is not installed.
    """
    try:
        from nbgrader import preprocessors as p
    except ImportError as error:
        raise RuntimeError(MISSING) from error
    made, resources = NotebookNode(notebook.copy()), dict[str, dict](nbgrader={})
    made.cells = [from_dict(copy.deepcopy(c)) for c in notebook.cells]  # the steps write into the metadata
    steps = (p.LockCells, p.ClearSolutions, p.ClearOutput, p.ClearHiddenTests, p.ClearMarkScheme)
    for step in (*steps, p.ComputeChecksums):
        made, resources = step().preprocess(made, resources)
    return made


def write_course(target: Path, sources: Path = SOURCES) -> list[str]:
    """Write ``source/`` (instructor) and ``release/`` (student) in nbgrader's layout below ``target``; return the names."""
    names = []
    for path in sorted(sources.glob("*.py")):
        notebook = read_assignment(path)
        for folder, version in (("source", notebook), ("release", student_version(notebook))):
            write_text(target / folder / path.stem / f"{path.stem}.ipynb", writes(version) + "\n")
        names.append(path.stem)
    return names
