"""Assignments: the instructor's version passes its checks, the student's fails them all, and so do known mistakes."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import writes

from amdd.companion.assignments import SOURCES, read_assignment, student_version, write_course

FILES = sorted(SOURCES.glob("*.py"))
# A mistake of each kind, as (what the solution says, what somebody writes instead).
MISTAKES = [
    ("losses", "weight = alpha if target == 1 else 1 - alpha", "weight = alpha"),
    ("losses", "/ (2 * count)", "/ count"),
    ("losses", "if g > 0:", "if g >= 0:"),
    ("leak_free_split", 'for column in ("identity", "donor"):', 'for column in ("identity",):'),
    ("leak_free_split", "        if donor:\n            parent[root(donor)] = root(target)", "        pass"),
    ("cluster_bootstrap", "(gaps > 0) + 0.5 * (gaps == 0)", "gaps > 0"),
    (
        "cluster_bootstrap",
        "np.flatnonzero(person == one) for one in np.unique(person)",
        "[k] for k in range(len(person))",
    ),
    ("confusion_aloud", "np.diag(matrix) / matrix.sum(1)", "np.diag(matrix) / matrix.sum(0).clip(1)"),
    ("confusion_aloud", "zip(classes, matrix.T)", "zip(classes, matrix)"),
    ("claim_that_can_fail", 'return "no difference"', 'return "undecided"'),
    ("claim_that_can_fail", "    if low > 0:", "    if low + high > 0:"),
    ("robustness_study", "corrupt(x, kind, level, i)", "corrupt(x, kind, level, 0)"),
    ("robustness_study", ".groupby(person).mean()", ""),
]


def code_of(notebook) -> list[tuple[str, bool]]:
    """Return source and "is it graded" of each code cell."""
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    return [(c.source, bool(c.metadata.get("nbgrader", {}).get("grade"))) for c in cells]


def run(cells) -> None:
    space: dict = {}
    for source, _ in cells:
        exec(compile(source, "cell", "exec"), space)


def points(notebook) -> int:
    return sum(c.metadata.get("nbgrader", {}).get("points", 0) for c in notebook.cells)


def test_there_are_six_of_ten_points_each():
    assert len(FILES) == 6
    assert {path.stem: points(read_assignment(path)) for path in FILES} == {p.stem: 10 for p in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_instructors_version_passes_its_checks(path):
    run(code_of(read_assignment(path)))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_students_version_holds_no_answer_and_fails_every_check(path):
    notebook = student_version(read_assignment(path))
    text = "\n".join(c.source for c in notebook.cells)
    assert not any(mark in text for mark in ("BEGIN SOLUTION", "HIDDEN TESTS", "MARK SCHEME"))
    space: dict = {}
    graded = 0
    for source, grade in code_of(notebook):
        if grade:
            graded += 1
            with pytest.raises((NotImplementedError, AssertionError, NameError)):
                exec(compile(source, "cell", "exec"), space)
        else:
            with contextlib.suppress(NotImplementedError):  # an answer that is no function, left open
                exec(compile(source, "cell", "exec"), space)
    assert graded >= 2


@pytest.mark.parametrize(("name", "right", "wrong"), MISTAKES, ids=lambda x: x if x.isidentifier() else "")
def test_a_known_mistake_is_found(name, right, wrong):
    cells = code_of(read_assignment(SOURCES / f"{name}.py"))
    assert sum(right in source for source, _ in cells) == 1
    with pytest.raises((AssertionError, IndexError, ValueError)):
        run([(source.replace(right, wrong), grade) for source, grade in cells])


def test_the_course_is_written_in_nbgraders_layout_and_the_instructors_copy_keeps_its_answers(tmp_path):
    names = write_course(tmp_path)
    assert names == [p.stem for p in FILES]
    for name in names:
        versions = [
            json.loads((tmp_path / v / name / f"{name}.ipynb").read_text()) for v in ("source", "release")
        ]
        kept, given = ("".join("".join(c["source"]) for c in v["cells"]) for v in versions)
        assert "BEGIN SOLUTION" in kept and "BEGIN SOLUTION" not in given


def test_a_marked_cell_needs_a_name(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text('# %% tags=["solution"]\nx = 1\n')
    with pytest.raises(ValueError, match=r"bad\.py: cell 0 .* needs a name"):
        read_assignment(path)


def test_nbgrader_grades_a_right_and_an_empty_submission(tmp_path):
    name = "confusion_aloud"  # has a written task, which a person marks
    write_course(tmp_path)

    def nbgrader(*arguments: str) -> None:
        paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic
        command = [sys.executable, "-m", "nbgrader", *arguments]
        for _ in range(3):
            done = subprocess.run(
                command,
                cwd=tmp_path,
                env=os.environ | {"PATH": paths},
                capture_output=True,
                text=True,
                check=False,
            )
            # Where another program took its kernel's port, nbgrader gives up at once.
            if "Kernel didn't respond" not in done.stderr:
                break
        assert done.returncode == 0, done.stderr[-2000:]

    nbgrader("generate_assignment", name, "--create", "--force")
    for student, version in (("right", "source"), ("empty", "release")):
        folder = tmp_path / "submitted" / student / name
        folder.mkdir(parents=True)
        shutil.copy(tmp_path / version / name / f"{name}.ipynb", folder)
    nbgrader("autograde", name, "--create")
    nbgrader("export")
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as file:
        scores = {row["student_id"]: (row["score"], row["max_score"]) for row in csv.DictReader(file)}
    assert scores == {"right": ("8.0", "10.0"), "empty": ("0.0", "10.0")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_making_the_students_version_leaves_the_instructors_as_it_was(path):
    notebook = read_assignment(path)
    before = writes(notebook)
    student_version(notebook)
    assert writes(notebook) == before
