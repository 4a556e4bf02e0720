"""What a notebook found, kept as files: numbers with their n and interval, tables, figures.

Prose on any page binds to these files by the role ``{result}`` (:mod:`amdd.companion.sphinx.results`); nothing is typed in.
"""

from __future__ import annotations

import base64
import html
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from amdd.base.paths import MEASURED, atomic, write_text
from amdd.figures import Figure
from amdd.stats import Estimate, estimate_of


class Results:
    """The results of one notebook, below ``folder``: ``numbers.json``, ``<name>.svg|json|csv``."""

    def __init__(self, folder: Path, notebook: str, profile: str) -> None:
        self.folder, self.notebook, self.profile = Path(folder), notebook, profile
        self.folder.mkdir(parents=True, exist_ok=True)
        self._numbers: dict[str, dict[str, Any]] = {}

    def number(
        self,
        key: str,
        value: float | int | str | Estimate,
        n: int | None = None,
        low: float | None = None,
        high: float | None = None,
        seed: int | None = None,
        unit: str = "",
    ) -> None:
        """Keep one number under ``key``: an :class:`~amdd.stats.Estimate`, or a plain value with its ``n``, its 95 %
        interval from ``low`` to ``high``, its ``seed`` and ``unit``."""
        if isinstance(value, Estimate):
            record = (
                replace(value, unit=unit or value.unit)
                .with_seed(value.seed if seed is None else seed)
                .record()
            )
        else:
            record = {"value": value, "n": n, "low": low, "high": high, "seed": seed, "unit": unit}
        self._numbers[key] = {k: _plain(v) for k, v in record.items() if v is not None and v != ""}
        self._numbers[key]["profile"] = self.profile
        ordered = dict(sorted(self._numbers.items()))
        write_text(self.folder / "numbers.json", json.dumps(ordered, indent=1) + "\n")

    def difference(self, key: str, found: Estimate, seed: int | None = None) -> None:
        """Keep a difference with its interval and show it where it was computed, so that other pages can link to it."""
        from IPython.display import HTML, display

        if found.finite:
            self.number(key, found, seed=seed)
            told = f"{found.value:+.3f}" + (
                f" [{found.low:+.3f}, {found.high:+.3f}]" if found.bounded else ""
            )
            display(
                HTML(
                    f'<div class="amdd-number" id="{anchor(key)}">{html.escape(key)}: {told}, n = {found.n}</div>'
                )
            )

    def metrics(self, prefix: str, table: pd.DataFrame, seed: int | None = None) -> None:
        """Keep every row of an :func:`amdd.stats.metrics` table under ``prefix.<metric>``."""
        for name, row in table.iterrows():
            if math.isfinite(float(row["value"])):
                self.number(f"{prefix}.{name}", estimate_of(table, str(name), seed))

    def figure(self, name: str, figure: Figure, caption: str = "") -> None:
        """Save a figure as SVG with its words and its data, and show it in the notebook."""
        import matplotlib.pyplot as plt
        from IPython.display import HTML, display

        svg = _svg(figure.fig)
        plt.close(figure.fig)
        write_text(self.folder / f"{name}.svg", svg)
        write_text(self.folder / f"{name}.csv", figure.table.to_csv(index=False))
        words = {"alt": figure.alt, "caption": caption, "notebook": self.notebook, "profile": self.profile}
        words["drawn by"] = figure.drawn_by
        write_text(self.folder / f"{name}.json", json.dumps(words, indent=1) + "\n")
        display(HTML(figure_html(svg, figure.alt, caption, figure.table, name, figure.drawn_by)))

    def table(
        self,
        name: str,
        table: pd.DataFrame,
        caption: str = "",
        digits: int = 3,
        links: dict[str, list[str]] | None = None,
    ) -> None:
        """Save a table as CSV and show it in the notebook; ``links`` gives the cells of a column their addresses."""
        from IPython.display import HTML, display

        write_text(self.folder / f"{name}.csv", table.to_csv(index=False))
        words = {"caption": caption, "notebook": self.notebook, "profile": self.profile}
        write_text(self.folder / f"{name}.json", json.dumps(words, indent=1) + "\n")
        display(HTML(table_html(table, caption, digits, name, links)))

    def picture(
        self, name: str, image, alt: str, caption: str = "", quality: int = 88, drawn_by: str = ""
    ) -> None:
        """Save an RGB image (H, W, 3) uint8 as JPEG with its words, and show it; ``drawn_by`` is the function that
        made it, as ``module.function``."""
        import cv2
        from IPython.display import HTML, display

        ok, data = cv2.imencode(
            ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        if not ok:
            raise ValueError(f"{name}: the image could not be encoded")
        with atomic(self.folder / f"{name}.jpg") as temporary:
            temporary.write_bytes(data.tobytes())
        words = {"alt": alt, "caption": caption, "notebook": self.notebook, "profile": self.profile}
        words |= {"drawn by": drawn_by} if drawn_by else {}
        write_text(self.folder / f"{name}.json", json.dumps(words, indent=1) + "\n")
        source = f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
        display(
            HTML(
                _frame(
                    f'<img src="{source}" alt="{html.escape(alt, quote=True)}">',
                    caption,
                    _sources(None, name, drawn_by),
                )
            )
        )


def measured(name: str) -> dict[str, Any]:
    """What the benchmark ``name`` wrote. Raises ``FileNotFoundError`` that names the command that writes it."""
    path = MEASURED / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: not measured yet; python benchmarks/{name}.py writes it")
    return json.loads(path.read_text(encoding="utf-8"))


def anchor(key: str) -> str:
    """The id, within its page, of the line that shows the difference ``key``."""
    return "number-" + key.replace(".", "-").replace("_", "-")


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return round(value, 6) if isinstance(value, float) else value


def _svg(fig) -> str:
    """A figure as SVG text, the same bytes every time."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "amdd", "svg.fonttype": "path"}):
        fig.savefig(
            buffer,
            format="svg",
            bbox_inches="tight",
            transparent=True,
            metadata={"Date": None, "Creator": None},
        )
    return buffer.getvalue()


def _frame(inner: str, caption: str, extra: str) -> str:
    words = f"<figcaption>{html.escape(caption)}{extra}</figcaption>" if caption or extra else ""
    return f'<figure class="amdd-figure">{inner}{words}</figure>'


def _sources(table: pd.DataFrame | None, name: str, drawn_by: str) -> str:
    """Where a figure comes from: its values as a file inside the page, and the function that drew it."""
    parts = []
    if table is not None and len(table) and name:
        data = base64.b64encode(table.to_csv(index=False).encode()).decode()
        parts.append(f'<a href="data:text/csv;base64,{data}" download="{html.escape(name)}.csv">data</a>')
    module, _, function = drawn_by.rpartition(".")
    if module.startswith("amdd"):
        # The book turns this into a link to the source that it carries along (amdd/book.py).
        parts.append(f'<span data-code="{module.replace(".", "/")}.py">code: {html.escape(function)}</span>')
    return f' <span class="amdd-source">[{" · ".join(parts)}]</span>' if parts else ""


def figure_html(
    svg: str,
    alt: str,
    caption: str,
    table: pd.DataFrame | None = None,
    name: str = "",
    drawn_by: str = "",
) -> str:
    """An accessible figure: the SVG as an image (its ids then cannot clash), caption, and the plotted data."""
    source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    extra = _sources(table, name, drawn_by)
    if table is not None and 0 < len(table) <= 40:
        extra += f"<details><summary>The plotted values</summary>{table_html(table, '', 3)}</details>"
    return _frame(f'<img src="{source}" alt="{html.escape(alt, quote=True)}">', caption, extra)


def table_html(
    table: pd.DataFrame, caption: str, digits: int, name: str = "", links: dict[str, list[str]] | None = None
) -> str:
    """A table with a caption and header cells that name their scope; with a ``name``, its values as a file too."""

    def cell(value: Any) -> str:
        if isinstance(value, float):
            return "–" if math.isnan(value) else f"{value:.{digits}f}"
        return "–" if value is None else html.escape(str(value))

    def linked(column: str, k: int, value: Any) -> str:
        address = (links or {}).get(column, [])
        shown = cell(value)
        return (
            f'<a href="{html.escape(address[k], quote=True)}">{shown}</a>'
            if address and address[k]
            else shown
        )

    names = [html.escape(str(c)).replace("_", " ") for c in table.columns]
    head = "".join(f'<th scope="col">{c}</th>' for c in names)
    rows = "".join(
        f"<tr>{''.join(f'<td>{linked(c, k, v)}</td>' for c, v in zip(table.columns, row))}</tr>"
        for k, row in enumerate(table.itertuples(index=False))
    )
    words = f"<caption>{html.escape(caption)}{_sources(table, name, '')}</caption>" if caption else ""
    return f'<div class="amdd-table" tabindex="0"><table>{words}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
