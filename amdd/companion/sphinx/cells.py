"""The directive ``{python-cells} topic``: the cells of ``book/cells/<topic>.yml`` as a part of a page.

Printed, opened from disk or without JavaScript, each cell stands as code to read. ``_static/cells.js`` makes editors of them on
a page that is served; Python is loaded at the first run (``_static/python/``).
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from amdd.companion.cells import Cell, megabytes, read_cells
from amdd.companion.sphinx.parts import add_part, tag, words

log = logging.getLogger(__name__)
SOURCES = "book/cells"
KIND = "amdd-cells"


class PythonCells(SphinxDirective):
    """``{python-cells}``; see the module's docstring."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / SOURCES / f"{self.arguments[0].strip()}.yml"
        self.env.note_dependency(str(path))
        try:
            cells = read_cells(path)
        except (OSError, ValueError) as error:
            log.warning("cells: %s", error, location=(self.env.docname, self.lineno))
            return []
        size = f"{megabytes():.1f} MB"
        note = (
            f"These cells run in this page. The first run loads Python and NumPy from the book's own folder ({size}); nothing "
            "leaves the page."
        )
        up = "../" * self.env.docname.count("/")
        return [
            tag(
                "div",
                tag(
                    "p", words("The cells can be run where JavaScript is allowed."), class_="amdd-cells-note"
                ),
                *(self.cell(cell) for cell in cells),
                class_=KIND,
                data_root=f"{up}_static/",
                data_size=size,
                data_note=note,
            )
        ]

    def cell(self, cell: Cell) -> nodes.Node:
        """Return one cell: what it is about, its code, and for an exercise a solution below a fold."""
        code = cell.code.rstrip("\n")
        attrs = {"data_code": code, "class_": "amdd-cell"}
        parts: list[nodes.Node] = [
            *self.markdown(cell.say),
            nodes.literal_block(code, code, language="python"),
        ]
        if cell.check:
            attrs |= {"data_check": cell.check, "data_right": " ".join(cell.right.split())}
            solved = cell.solution.rstrip("\n")
            block = nodes.literal_block(solved, solved, language="python")
            parts.append(tag("details", tag("summary", words("One solution")), block))
        return tag("div", *parts, **attrs)

    def markdown(self, text: str) -> list[nodes.Node]:
        """Return paragraphs of Markdown as nodes."""
        box = nodes.container()
        self.state.nested_parse(StringList(text.splitlines(), self.env.docname), self.content_offset, box)
        return list(box.children)


def setup(app):
    return add_part(app, "python-cells", PythonCells, KIND, ["cells"])
