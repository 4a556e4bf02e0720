"""The directive ``{chapter-questions}``: the chapters by part, as ``_toc.yml`` groups them, each with its question.

A chapter's question is the paragraph of its first cells that begins with ``**Question.**``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

QUESTION = re.compile(r"\*\*Question\.\*\*\s+(.+?)(?:\n\s*\n|\Z)", re.DOTALL)


def question_of(notebook: Path) -> str:
    """Return the question of the chapter in the file ``notebook`` (.ipynb) in one line; empty where it asks none."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"][:3]:
        if cell["cell_type"] == "markdown" and (found := QUESTION.search("".join(cell["source"]))):
            return " ".join(found[1].split())
    return ""


def overview(folder: Path) -> list[str]:
    """Return the list of chapters as lines of Markdown; ``folder`` holds ``_toc.yml`` and the notebooks."""
    lines: list[str] = []
    for part in yaml.safe_load((folder / "_toc.yml").read_text(encoding="utf-8"))["parts"]:
        files = (folder / f"{entry['file']}.ipynb" for entry in part["chapters"] if "file" in entry)
        asked = [(path, question_of(path)) for path in files if path.is_file()]
        asked = [(path, question) for path, question in asked if question]
        if asked:
            lines += ["", f"**{part['caption']}**", ""]
            for path, question in asked:
                page = path.relative_to(folder).with_suffix("").as_posix()
                lines.append(f"- [](/{page}): {question}")
    return lines


class ChapterQuestions(SphinxDirective):
    """``{chapter-questions}``; see the module's docstring."""

    def run(self) -> list[nodes.Node]:
        folder = Path(self.env.srcdir)
        self.env.note_dependency(str(folder / "_toc.yml"))
        box = nodes.container(classes=["amdd-chapters"])
        self.state.nested_parse(
            StringList(overview(folder), source=self.env.docname), self.content_offset, box
        )
        return [box]


def setup(app):
    app.add_directive("chapter-questions", ChapterQuestions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
