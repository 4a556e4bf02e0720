"""Cells that run in the page: one YAML file a chapter, and the numbers that they compute with.

The cells need a run's predictions, the study's, and the paper's tables; they stand in three JSON files that hold no name of
a clip or a person. ``book/_static/python/`` has the interpreter and ``lesson.py``, the functions that a cell is given.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as checked

from amdd.base.paths import PROJECT, Workspace
from amdd.companion.questions import read_checked
from amdd.settings.kinds import CONFIG

CELLS = PROJECT / "book" / "cells"
RUNTIME = PROJECT / "book" / "_static" / "python"
DIGITS = 4  # of a score
Text = Annotated[str, Field(min_length=3)]


@checked(frozen=True, config=CONFIG)
class Cell:
    """A cell of Python. With ``check`` it is an exercise: assertions on what the cell defines, whose messages say what is
    missing; ``solution`` passes them, ``right`` says why."""

    say: Text
    code: Text
    check: str = ""
    solution: str = ""
    right: str = ""

    def __post_init__(self) -> None:
        if bool(self.check) != bool(self.solution) or bool(self.check) != bool(self.right):
            raise ValueError("an exercise has check, solution and right, another cell none of them")


READER: TypeAdapter[tuple[Cell, ...]] = TypeAdapter(tuple[Cell, ...])


def read_cells(path: Path) -> tuple[Cell, ...]:
    """Return the cells in a YAML file. Raises ``ValueError`` that names the file and the place."""
    return read_checked(path, READER)


def megabytes() -> float:
    """Return what a page loads at its first run, in MB, the interpreter and its library."""
    return (
        sum(p.stat().st_size for p in RUNTIME.iterdir() if p.suffix in (".gz", ".js", ".zip", ".json")) / 1e6
    )


def numbered(people: pd.Series) -> list[int]:
    """Return numbers for people, in alphabetical order of their names."""
    return [int(k) for k in np.unique(people.astype(str), return_inverse=True)[1]]


def columns_of(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Return a run's predictions for a corpus as lists: label, generator, person, score, named, among."""
    generators = [c for c in table if c.startswith("p_") and c != "p_real"]
    best = table[generators].to_numpy().argmax(axis=1)
    return {
        "label": [int(v) for v in table.label],
        "generator": [str(v) for v in table.generator],
        "person": numbered(table.identity),
        "score": [round(float(v), DIGITS) for v in table.score],
        "named": [str(v) for v in table.attribution],
        "among": [generators[k].removeprefix("p_") for k in best],
    }


def run_data(workspace: Workspace, seed: int, train: str, threshold: float) -> dict[str, Any]:
    """Return the run's predictions for the cells: corpora with clips of both classes, the training corpus among them."""
    folder = workspace.run("full", seed) / "predictions"
    tables = {p.stem: pd.read_parquet(p) for p in sorted(folder.glob("*.parquet"))}
    held = {name: columns_of(t) for name, t in tables.items() if name == train or t.label.nunique() == 2}
    return {"train": train, "threshold": threshold, "corpora": held}


def study_data(table: pd.DataFrame) -> dict[str, Any]:
    """Return the study's predictions for the cells: its clips once, and the scores of each training."""
    table = table[table.part == "test"].sort_values(["arm", "seed", "clip"], kind="stable")
    trainings, scores, clips = [], [], None
    for (arm, seed), part in table.groupby(["arm", "seed"], sort=True, observed=True):
        clips = part if clips is None else clips
        if part["clip"].tolist() != clips["clip"].tolist():
            raise ValueError(f"the study's arm {arm}, seed {seed}, has other clips than the first one")
        trainings.append([str(arm), int(seed)])
        scores.append([round(float(v), DIGITS) for v in part.score])
    if clips is None:
        raise ValueError("the study holds no training")
    who = {"person": numbered(clips.people), "label": [int(v) for v in clips.label]}
    return {
        "trainings": trainings,
        "clips": who | {"generator": [str(g) for g in clips.generator]},
        "scores": scores,
    }


def data_files(run: dict[str, Any], study: pd.DataFrame, paper: dict[str, Any]) -> dict[str, bytes]:
    """Return the files that the cells read, by name."""
    held = {"predictions.json": run, "study.json": study_data(study), "paper.json": paper}
    return {name: json.dumps(value, separators=(",", ":")).encode() for name, value in held.items()}
