"""What the built pages need: nothing from elsewhere, and nothing that a screen reader stumbles over.

Keep scripts out of the pages that would come from elsewhere: the book opens from disk with no network.

Jupyter Book loads sphinx-thebe always, which writes its loader, with an address, into every page (and twice).
"""


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


def setup(app):
    app.connect("html-page-context", _roles, priority=900)
    app.connect("html-page-context", _without_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
