"""The directive ``{explore}``: scores of this run's predictions with controls for threshold and prevalence.

``_static/explore.js`` computes everything in the page, from numbers that the page holds.
"""

from __future__ import annotations

import json

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from amdd.companion.explore import SCORES
from amdd.companion.sphinx.parts import add_part, tag, words
from amdd.companion.sphinx.results import results_folder

log = logging.getLogger(__name__)


class Explore(SphinxDirective):
    """``{explore}``; see the module's docstring."""

    def run(self) -> list[nodes.Node]:
        path = results_folder(self.env).joinpath(*SCORES)
        if not path.is_file():
            log.warning("no run wrote the scores", location=(self.env.docname, self.lineno))
            return []
        self.env.note_dependency(str(path))
        data = json.dumps(json.loads(path.read_text(encoding="utf-8"))).replace("<", "\\u003c")
        held = nodes.raw("", f'<script type="application/json">{data}</script>', format="html")
        without = tag("noscript", tag("p", words("This part needs JavaScript.")))
        return [tag("div", held, without, class_="amdd-explore")]


def setup(app):
    return add_part(app, "explore", Explore, "amdd-explore", ["explore"])
