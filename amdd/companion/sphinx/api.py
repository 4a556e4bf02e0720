"""The API pages: the directive ``library-object`` and links that follow re-exports.

    ```{library-object} amdd.model.losses.Objective
    ```

shows one function or class by autodoc2, from the source alone: nothing is imported. (autodoc2's own directive registers
a class below itself, so that no link reaches it.)

Annotations name things by the place from which they are imported (``amdd.corpora.Manifest``), the pages document them
where they are defined (``amdd.corpora.manifest.Manifest``). Type aliases and constants have no entry and stay text. A
reference to a name that the library does not have remains a warning.
"""

from __future__ import annotations

from astroid.brain import brain_dataclasses
from astroid.manager import AstroidManager
from astroid.nodes import ClassDef
from autodoc2.sphinx.utils import get_all_analyser, get_database, load_config, nested_parse_generated
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

log = logging.getLogger(__name__)


class LibraryObject(SphinxDirective):
    """``{library-object}``; see the module's docstring."""

    required_arguments = 1

    def run(self):
        name, database = self.arguments[0], get_database(self.env)
        source, line = self.get_source_info()
        if name not in database:
            log.warning("the library has no %r", name, location=(self.env.docname, line))
            return []
        config = load_config(self.env.app, location=(self.env.docname, line))
        renderer = config.render_plugin(
            database,
            config,
            all_resolver=get_all_analyser(self.env),
            warn=lambda message, kind: log.warning("%s", message, location=(self.env.docname, line)),
            standalone=True,
        )
        context = self.env.ref_context
        before = context.get("py:module")
        context["py:module"] = name.rpartition(".")[0]
        try:
            lines = list(renderer.render_item(name))
            return nested_parse_generated(self.state, lines, source, line, match_titles=True).children
        finally:
            context["py:module"] = before


def _resolve(app, env, node, contnode):
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith("amdd"):
        return None
    leaf = target.rpartition(".")[2]
    known = env.get_domain("py").objects
    same = [name for name in known if name.startswith("amdd.") and name.rpartition(".")[2] == leaf]
    if same:
        best = max(same, key=lambda name: len(set(name.split(".")) & set(target.split("."))))
        entry = known[best]
        return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, best)
    database = get_database(env)
    defined = target in database or any(
        item["full_name"].rpartition(".")[2] == leaf for item in database.get_by_type("data")
    )
    return contnode if defined else None


def setup(app):
    # It infers the attributes of every dataclass, through the packages that it imports. autodoc2 reads the attributes
    # from the class itself, and without this the library is read in half the time.
    AstroidManager().unregister_transform(
        ClassDef, brain_dataclasses.dataclass_transform, brain_dataclasses.is_decorated_with_dataclass
    )
    app.setup_extension("autodoc2")
    app.add_directive("library-object", LibraryObject)
    app.connect("missing-reference", _resolve)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
