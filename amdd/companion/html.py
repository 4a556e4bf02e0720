"""Exhibits as HTML, from the templates of this room."""

from __future__ import annotations

import base64
import io
import math
import re
from functools import lru_cache
from typing import Any

import jinja2
import pandas as pd

from amdd.base.paths import PACKAGE

PATH = re.compile(r'(?<=\sd=")[^"]*')
DECIMALS = re.compile(r"(\.\d\d)\d+")


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(PACKAGE / "companion" / "templates")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)


def render(template: str, **values: Any) -> str:
    """Return a template of this room, filled in; values are escaped."""
    return _templates().get_template(template).render(**values)


def svg_of(fig: Any) -> str:
    """Return a matplotlib figure as SVG text, the same bytes every time; paths to a hundredth of a point."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "amdd", "svg.fonttype": "path"}):
        metadata = {"Date": None, "Creator": None}
        fig.savefig(buffer, format="svg", bbox_inches="tight", transparent=True, metadata=metadata)
    return PATH.sub(lambda path: DECIMALS.sub(r"\1", path[0]), buffer.getvalue())


def data_uri(data: bytes, kind: str) -> str:
    """Return ``data`` of the media type ``kind`` as an address that needs no network."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def exhibit_html(
    image: str,
    alt: str,
    caption: str,
    table: pd.DataFrame | None = None,
    name: str = "",
    drawn_by: str = "",
    anchor: str = "",
) -> str:
    """Return a figure with its caption, its plotted values and a reference to the function that drew it.

    ``image`` is the address of the image (an SVG as an image, so that its ids cannot clash).
    """
    module, _, function = drawn_by.rpartition(".")
    known = table is not None and len(table) > 0
    return (
        _templates()
        .get_template("exhibit.html")
        .render(
            image=image,
            alt=alt,
            caption=caption,
            name=name,
            anchor=anchor,
            data=_csv(table) if known and name else "",
            # The book turns this into a link to the source that it carries along (amdd/companion/book.py).
            code=f"{module.replace('.', '/')}.py" if module.startswith("amdd") else "",
            function=function,
            values=table_html(table, "", 3) if table is not None and 0 < len(table) <= 40 else "",
        )
    )


def table_html(
    table: pd.DataFrame,
    caption: str,
    digits: int,
    name: str = "",
    links: dict[str, list[str]] | None = None,
    anchor: str = "",
    fold: str = "",
) -> str:
    """Return a table with its caption; with a ``name``, its values as a file too. ``links`` gives the cells of a column
    their addresses; ``fold`` is the line behind which the table is folded, if any."""
    rows = []
    for k, row in enumerate(table.itertuples(index=False)):
        addresses = [(links or {}).get(column, [])[k : k + 1] for column in table.columns]
        cells = [{"text": _cell(v, digits), "link": a[0] if a else ""} for v, a in zip(row, addresses)]
        rows.append(cells)
    columns = [str(c).replace("_", " ") for c in table.columns]
    data = _csv(table) if caption and name and len(table) else ""
    page = _templates().get_template("table.html")
    return page.render(
        caption=caption, columns=columns, rows=rows, data=data, name=name, anchor=anchor, fold=fold
    )


def _cell(value: Any, digits: int) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.{digits}f}"
    return "–" if value is None or value is pd.NA else str(value)


def _csv(table: pd.DataFrame | None) -> str:
    return base64.b64encode(
        (pd.DataFrame() if table is None else table).to_csv(index=False).encode()
    ).decode()
