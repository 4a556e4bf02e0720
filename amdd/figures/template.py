"""Interactive pieces from templates: one piece of HTML each, in which nothing is loaded."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Names of clips and generators are anybody's: they are escaped in HTML, and `tojson` makes them safe in a script.
    return Environment(
        loader=PackageLoader("amdd.figures"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def piece(template: str, **values: object) -> str:
    """Return the template of that name, filled in. Raises ``jinja2.UndefinedError`` for a value that is missing."""
    return _environment().get_template(f"{template}.html").render(**values)
