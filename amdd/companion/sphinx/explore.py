"""The directive ``{explore}``: scores of this run's predictions with controls for threshold and prevalence.

``_static/explore.js`` computes everything in the page, from numbers that the page holds.
"""

from __future__ import annotations

import json

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from amdd.companion.explore import SCORES
from amdd.companion.sphinx.questions import holds, tag, words
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


def _scripts(app, pagename, templatename, context, doctree) -> None:
    if holds(doctree, "amdd-explore"):
        app.add_css_file("explore.css")
        app.add_js_file("explore.js", loading_method="defer")


def setup(app):
    app.setup_extension("amdd.companion.sphinx.questions")  # registers the HTML elements
    app.add_directive("explore", Explore)
    app.connect("html-page-context", _scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
