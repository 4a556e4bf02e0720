"""The list of chapters with their questions."""

import json

import yaml

from amdd.base.paths import PROJECT
from amdd.companion.sphinx.overview import overview, question_of


def notebook(path, text):
    cell = {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    return path


def test_the_question_is_the_whole_paragraph_and_nothing_after_it(tmp_path):
    asked = notebook(tmp_path / "a.ipynb", "# A\n\n**Question.** Does it\nhold?\n\n**Answer.** No.\n")
    assert question_of(asked) == "Does it hold?"
    assert question_of(notebook(tmp_path / "b.ipynb", "# B\n\nNo question here.\n")) == ""


def test_parts_without_a_question_are_left_out(tmp_path):
    notebook(tmp_path / "a.ipynb", "# A\n\n**Question.** Why?\n")
    toc = {
        "parts": [
            {"caption": "One", "chapters": [{"file": "a"}]},
            {"caption": "Two", "chapters": [{"file": "b"}]},
        ]
    }
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    lines = overview(tmp_path)
    assert "- [](/a): Why?" in lines
    assert "**One**" in lines
    assert "**Two**" not in lines


def test_every_chapter_asks_a_question_and_stands_in_the_table_of_contents():
    text = "\n".join(overview(PROJECT))
    chapters = sorted(path.stem for path in (PROJECT / "notebooks").glob("[0-9][0-9]_*.py"))
    assert [name for name in chapters if f"(/notebooks/{name}): " not in text] == []
