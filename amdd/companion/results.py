"""Results of a chapter as files: numbers with their n and interval, and exhibits.

Prose on any page binds to these files by the role ``{result}`` (:mod:`amdd.companion.sphinx.results`); no number is typed
into a page.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from amdd.base.paths import MEASURED, atomic, write_text
from amdd.companion.html import data_uri, exhibit_html, svg_of, table_html
from amdd.figures import Exhibit
from amdd.stats import Estimate, estimate_of

JPEG_QUALITY = 80
UNDEFINED = "not defined"  # what prose shows where a value is NaN or infinite


class Results:
    """The results of one chapter, below ``folder``: ``numbers.json``, and ``<name>.svg|jpg|html|csv|json``."""

    def __init__(self, folder: Path, topic: str, profile: str) -> None:
        self.folder, self.topic, self.profile = Path(folder), topic, profile
        self.folder.mkdir(parents=True, exist_ok=True)
        self._numbers: dict[str, dict[str, Any]] = {}

    def number(
        self,
        key: str,
        value: float | int | str | Estimate,
        n: int | None = None,
        seed: int | None = None,
        unit: str = "",
    ) -> None:
        """Keep one number under ``key``: an :class:`~amdd.stats.Estimate`, or a plain value with its ``n``, ``seed`` and
        ``unit``."""
        if isinstance(value, Estimate):
            value = replace(value, unit=unit or value.unit, seed=value.seed if seed is None else seed)
            record = value.record() if value.finite else {"value": UNDEFINED, "n": value.n}
        else:
            undefined = isinstance(value, float) and not math.isfinite(value)
            record = {"value": UNDEFINED if undefined else value, "n": n, "seed": seed, "unit": unit}
        self._numbers[key] = {k: _plain(v) for k, v in record.items() if v is not None and v != ""}
        self._numbers[key]["profile"] = self.profile
        ordered = dict(sorted(self._numbers.items()))
        write_text(self.folder / "numbers.json", json.dumps(ordered, indent=1) + "\n")

    def metrics(self, prefix: str, table: pd.DataFrame, seed: int | None = None) -> None:
        """Keep every row of an :func:`amdd.stats.metrics` table under ``prefix.<metric>``."""
        for name in table.index:
            self.number(f"{prefix}.{name}", estimate_of(table, str(name), seed))

    def show(self, name: str, exhibit: Exhibit, caption: str = "") -> None:
        """Save a figure, an image or an interactive piece with its words and its data, and show it in the notebook.

        Raises ``ValueError`` for an image that cannot be encoded.
        """
        from IPython.display import HTML, display

        image, content = "", ""
        if exhibit.kind == "figure":
            import matplotlib.pyplot as plt

            svg = svg_of(exhibit.fig)
            plt.close(exhibit.fig)
            write_text(self.folder / f"{name}.svg", svg)
            image = data_uri(svg.encode(), "image/svg+xml")
        elif exhibit.kind == "image":
            data = _jpeg(exhibit.content, name)
            with atomic(self.folder / f"{name}.jpg") as temporary:
                temporary.write_bytes(data)
            image = data_uri(data, "image/jpeg")
        elif exhibit.kind == "interactive":
            content = exhibit.content
            write_text(self.folder / f"{name}.html", content)
        else:
            raise ValueError(f"{name}: a table is shown by `table`")
        if exhibit.kind == "figure" or len(exhibit.table):
            write_text(self.folder / f"{name}.csv", exhibit.table.to_csv(index=False))
        self._words(name, exhibit.kind, caption, exhibit.alt, exhibit.drawn_by)
        anchor = anchor_of(self.topic, name)
        if content:  # a figure with a caption of its own
            display(HTML(f'<div class="amdd-interactive" id="{anchor}">{content}</div>'))
            return
        display(
            HTML(
                exhibit_html(
                    image, exhibit.alt, caption, exhibit.table, name, exhibit.drawn_by, anchor=anchor
                )
            )
        )

    def table(
        self,
        name: str,
        table: pd.DataFrame,
        caption: str = "",
        digits: int = 3,
        links: dict[str, list[str]] | None = None,
        fold: str = "",
    ) -> None:
        """Save a table as CSV and show it in the notebook; ``links`` gives the cells of a column their addresses, and
        ``fold`` the line behind which it is folded."""
        from IPython.display import HTML, display

        write_text(self.folder / f"{name}.csv", table.to_csv(index=False))
        self._words(name, "table", caption)
        display(HTML(table_html(table, caption, digits, name, links, anchor_of(self.topic, name), fold)))

    def _words(self, name: str, kind: str, caption: str, alt: str = "", drawn_by: str = "") -> None:
        words = {"kind": kind, "alt": alt, "caption": caption, "topic": self.topic, "profile": self.profile}
        words["drawn by"] = drawn_by
        kept = {k: v for k, v in words.items() if v}
        write_text(self.folder / f"{name}.json", json.dumps(kept, indent=1) + "\n")


def measured(name: str) -> dict[str, Any]:
    """Return what the benchmark ``name`` wrote. Raises ``FileNotFoundError`` that names the command that writes it."""
    path = MEASURED / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: not measured yet; python benchmarks/{name}.py writes it")
    return json.loads(path.read_text(encoding="utf-8"))


def anchor_of(topic: str, name: str) -> str:
    """Return the id of an exhibit within its page."""
    return "exhibit-" + f"{topic}-{name}".replace(".", "-").replace("_", "-")


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return round(value, 6) if isinstance(value, float) else value


def _jpeg(image: Any, name: str) -> bytes:
    import cv2

    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    good, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)
    if not good:
        raise ValueError(f"{name}: the image could not be encoded")
    return data.tobytes()
