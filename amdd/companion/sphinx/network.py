"""The directive ``{network}``: this run's network with a dozen of its test clips, computed in the page.

The files lie in ``_static/network`` (:mod:`amdd.inspect.web`, copied by :mod:`amdd.companion.book`), the runtime in
``_static/onnx``; both are loaded when a reader asks for them, on a page that is served.
"""

from __future__ import annotations

import json

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from amdd.base.paths import PROJECT
from amdd.companion.sphinx.parts import add_part, tag, words
from amdd.companion.sphinx.results import results_folder
from amdd.companion.teaching import NETWORK

RUNTIME = PROJECT / "book" / "_static" / "onnx"
KIND = "amdd-network"
INSTEAD = (
    "This book was built without a network for the page. It is written where the packages of the extra `fast` are installed, "
    "and for the built-in corpus alone: clips of other corpora show real people and are not copied into a book."
)


class Network(SphinxDirective):
    """``{network}``; see the module's docstring."""

    def run(self) -> list[nodes.Node]:
        path = results_folder(self.env).joinpath(*NETWORK, "network.json")
        if not path.is_file():
            return [tag("p", words(INSTEAD), class_="amdd-source")]
        self.env.note_dependency(str(path))
        index = json.loads(path.read_text(encoding="utf-8"))
        runtime = sum(p.stat().st_size for p in RUNTIME.glob("*.gz")) / 1e6
        data = json.dumps(index).replace("<", "\\u003c")
        text = "The network can be run where JavaScript is allowed."
        up = "../" * self.env.docname.count("/")
        return [
            tag(
                "div",
                nodes.raw("", f'<script type="application/json">{data}</script>', format="html"),
                tag("p", words(text), class_="amdd-network-note"),
                class_=KIND,
                data_root=f"{up}_static/",
                data_size=f"{index['megabytes'] + runtime:.0f} MB",
            )
        ]


def setup(app):
    return add_part(app, "network", Network, KIND, ["network-inputs", "network"])
