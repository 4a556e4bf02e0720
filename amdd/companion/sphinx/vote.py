"""The directive ``{vote}``: the clips that a chapter chose for a vote, one at a time, as a part of a page.

The films are copied to ``_static/vote`` (:mod:`amdd.companion.book`); their index, which holds the answers, is in the page
in a form that nobody reads by accident. ``_static/vote.js`` does the rest.
"""

from __future__ import annotations

import base64
import json

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from amdd.companion.sphinx.parts import add_part, tag, words
from amdd.companion.sphinx.results import results_folder
from amdd.companion.teaching import VOTE

INSTEAD = (
    "This book was built without clips for a vote. They are chosen from the built-in corpus: clips of other "
    "corpora show real people and are not copied into a book."
)


class Vote(SphinxDirective):
    """``{vote}``; see the module's docstring."""

    def run(self) -> list[nodes.Node]:
        path = results_folder(self.env).joinpath(*VOTE, "vote.json")
        if not path.is_file():
            return [tag("p", words(INSTEAD), class_="amdd-source")]
        self.env.note_dependency(str(path))
        index = json.loads(path.read_text(encoding="utf-8"))
        data = base64.b64encode(json.dumps(index).encode()).decode()
        up = "../" * self.env.docname.count("/")
        text = "The vote needs JavaScript, which this reader lacks or forbids."
        box = tag(
            "div",
            tag("noscript", tag("p", words(text))),
            class_="amdd-vote",
            data_clips=data,
            data_films=f"{up}_static/vote/",
        )
        return [box]


def setup(app):
    return add_part(app, "vote", Vote, "amdd-vote", ["vote-numbers", "vote"])
