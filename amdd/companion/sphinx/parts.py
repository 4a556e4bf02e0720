"""Parts of a page that a script brings to life: HTML elements as nodes, and the scripts and styles of the pages that hold them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

EMPTY = {"input", "br"}


class element(nodes.General, nodes.Element):
    """An HTML element: ``tag``, and ``attrs`` as names and values."""


def tag(_name: str, /, *children: nodes.Node, **attrs: Any) -> element:
    """Return an element; a trailing underscore of an attribute's name is dropped, others become hyphens."""
    named = {key.rstrip("_").replace("_", "-"): str(value) for key, value in attrs.items()}
    return element("", *children, tag=_name, attrs=named)


def holds(doctree: nodes.Node | None, kind: str) -> bool:
    """Return whether a page has an element of the class ``kind``, and so needs its scripts."""
    found = doctree.findall(element) if doctree is not None else ()
    return any(node["attrs"].get("class") == kind for node in found)


def words(text: str) -> nodes.Text:
    """Return plain text."""
    return nodes.Text(text)


def _visit(self, node: element) -> None:
    attrs = "".join(f' {name}="{html.escape(value, quote=True)}"' for name, value in node["attrs"].items())
    self.body.append(f"<{node['tag']}{attrs}{' /' if node['tag'] in EMPTY else ''}>")


def _depart(self, node: element) -> None:
    if node["tag"] not in EMPTY:
        self.body.append(f"</{node['tag']}>")


def _skip(self, node: element) -> None:
    raise nodes.SkipNode


def add_part(
    app: Any, name: str, directive: type[SphinxDirective], kind: str, scripts: Sequence[str]
) -> dict[str, Any]:
    """Register a ``directive`` whose elements have the class ``kind``, and return what an extension's ``setup`` returns.

    Pages with such an element load a style named like the last of the ``scripts`` and the scripts, in
    their order; others load nothing.
    """

    def load(app, pagename, templatename, context, doctree) -> None:
        if holds(doctree, kind):
            app.add_css_file(f"{scripts[-1]}.css")
            for script in scripts:
                app.add_js_file(f"{script}.js", loading_method="defer")

    app.add_node(element, override=True, html=(_visit, _depart), latex=(_skip, None), text=(_skip, None))
    app.add_directive(name, directive)
    app.connect("html-page-context", load)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
