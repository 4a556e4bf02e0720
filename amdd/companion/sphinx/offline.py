"""Post-processing of the built pages: no external addresses, no invalid roles, and terms that
explain themselves under the pointer.

Jupyter Book loads sphinx-thebe always, which writes its loader, with an address, into every page (and twice); the
book opens from disk with no network, so it is taken out.
"""

import html
import re

GLOSSARY = "book/glossary"
TERM = re.compile(r'(<a class="reference internal" href="[^"]*#term-[^"]*")(>)')


def _without_thebe(app, pagename, templatename, context, doctree) -> None:
    def is_thebe(script) -> bool:
        attributes = getattr(script, "attributes", {})
        return "thebe" in f"{getattr(script, 'filename', '')} {attributes.get('body', '')}".lower()

    context["script_files"] = [s for s in context.get("script_files", []) if not is_thebe(s)]
    context["css_files"] = [s for s in context.get("css_files", []) if not is_thebe(s)]


def _roles(app, pagename, templatename, context, doctree) -> None:
    # A list of citations is marked as a list whose items are none.
    if "body" in context:
        context["body"] = context["body"].replace(
            'role="list" class="citation-list"', 'class="citation-list"'
        )


def _definitions(app) -> dict[str, str]:
    """Return the definition of each glossary term by its anchor."""
    from docutils import nodes

    if GLOSSARY not in app.env.found_docs:
        return {}
    found: dict[str, str] = {}
    for item in app.env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
        meaning = " ".join(d.astext() for d in item.findall(nodes.definition))
        for term in item.findall(nodes.term):
            found |= dict.fromkeys(term["ids"], " ".join(meaning.split()))
    return found


def _terms(app, pagename, templatename, context, doctree) -> None:
    """A link to the glossary carries the definition as its title, which browsers show under the pointer."""
    if "body" not in context or not TERM.search(context["body"]):
        return
    if not hasattr(app, "amdd_definitions"):
        app.amdd_definitions = _definitions(app)

    def titled(match: re.Match) -> str:
        anchor = match[1].rsplit("#", 1)[1].rstrip('"')
        meaning = html.escape(app.amdd_definitions.get(anchor, ""), quote=True)
        return f'{match[1]} title="{meaning}"{match[2]}' if meaning else match[0]

    context["body"] = TERM.sub(titled, context["body"])


def _one_page(app) -> None:
    """Give the one-page builder the handlers of all extensions.

    An extension that registers handlers for ``singlehtml`` by name (sphinx-exercise) hides those that others registered
    for ``html``.
    """
    handlers = app.registry.translation_handlers
    if "singlehtml" in handlers:
        handlers["singlehtml"] = {**handlers.get("html", {}), **handlers["singlehtml"]}


def setup(app):
    app.connect("builder-inited", _one_page)
    app.connect("html-page-context", _terms, priority=900)
    app.connect("html-page-context", _roles, priority=900)
    app.connect("html-page-context", _without_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
