"""Roles that bind prose to files: ``{result}`` to what a run wrote, ``{paper}`` to the paper's own values.

    {result}`in_domain_results.full.auc`        value, 95 % interval and n
    {result}`in_domain_results.full.auc|plain`  the value alone
    {result}`benchmarks/puppets.render_ms`         what a benchmark measured, from benchmarks/results/
    {paper}`table5.full.auc`                        a value of the paper, marked as the paper's

and a directive that shows a figure or image that a notebook made, with its words and a link to where it was made:

    ```{result-figure} data_preparation.film_strip
    ```

A key that no run wrote is a warning, which the strict build turns into an error.
"""

from __future__ import annotations

import base64
import html
import json
import os
from functools import lru_cache
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from amdd.base.paths import PACKAGE
from amdd.companion.chapters import chapter_of
from amdd.companion.results import anchor_of

log = logging.getLogger(__name__)
TENTHS = {"%", "ms", "kB", "clips/s", "×"}
WHOLE = {"MB", "GFLOP/s"}


def results_folder(env) -> Path:
    """Return the folder with what the run wrote: ``$AMDD_RESULTS``, else ``results`` beside the pages."""
    return Path(os.environ.get("AMDD_RESULTS") or Path(env.srcdir) / "results")


@lru_cache(maxsize=64)
def _numbers(path: Path, stamp: float) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _number(env, text: str) -> dict | None:
    topic, _, key = text.partition(".")
    measured = topic.startswith("benchmarks/")
    if measured:
        path = Path(env.srcdir) / "benchmarks" / f"{topic.removeprefix('benchmarks/')}.json"
    else:
        path = results_folder(env) / topic / "numbers.json"
    if not path.is_file():
        return None
    env.note_dependency(str(path))
    found = _numbers(path, path.stat().st_mtime)
    return (found["numbers"] if measured else found).get(key)


def show(value, unit: str = "", digits: int = 3) -> str:
    """A number as prose shows it."""
    if isinstance(value, str | bool):
        return str(value)
    if isinstance(value, int) or unit in WHOLE or (float(value).is_integer() and abs(value) >= 1000):
        value = round(value)
        text = f"{int(value):,}".replace(",", "\u202f")
    elif unit in TENTHS:
        text = f"{value:.1f}"
    elif unit == "s":
        text = f"{value:.2f}"
    else:
        text = f"{value:.{digits}f}"
    text = text.replace("-", "\u2212" if text.strip("-0.") else "")  # no minus before a zero
    return f"{text}\u00a0{unit}" if unit else text


def remarks(record: dict) -> list[str]:
    """Return the remarks beside a number: interval, range over rounds, seeds, clips and people."""
    unit, notes = record.get("unit", ""), []
    if "low" in record:
        low = show(record["low"], unit).removesuffix(f"\u00a0{unit}")
        dash = " to " if record["low"] < 0 else "–"
        notes.append(f"95\u00a0% interval {low}{dash}{show(record['high'], unit)}")
    if "least" in record:
        least = show(record["least"], unit).removesuffix(f"\u00a0{unit}")
        times = f"{record['rounds']} rounds" if "rounds" in record else f"{record['seeds']} seeds"
        notes.append(f"{least}–{show(record['most'], unit)} over {times}")
    elif "seeds" in record:
        notes.append(f"{record['seeds']} seeds")
    if "n" in record:
        notes.append(f"n\u00a0=\u00a0{record['n']}")
    if "people" in record:
        notes.append(f"{record['people']} people")
    return notes


class ResultRole(SphinxRole):
    """``{result}``; see the module's docstring."""

    def run(self):
        key, _, style = self.text.partition("|")
        record = _number(self.env, key.strip())
        if record is None:
            log.warning("no run wrote the result %r", key, location=(self.env.docname, self.lineno))
            return [nodes.inline(text=f"[{key}: not written]", classes=["amdd-missing"])], []
        unit = record.get("unit", "")
        text = show(record["value"], unit)
        kinds = ["amdd-result", "amdd-words"] if isinstance(record["value"], str) else ["amdd-result"]
        node = nodes.inline("", "", nodes.Text(text), classes=kinds)
        if style != "plain" and (notes := remarks(record)):
            node += nodes.inline(text=f" ({', '.join(notes)})", classes=["amdd-detail"])
        return [node], []


class PaperRole(SphinxRole):
    """``{paper}``: a value that the paper states, from ``claims.yml``."""

    def run(self):
        path = PACKAGE / "companion" / "claims.yml"
        self.env.note_dependency(str(path))
        values = yaml.safe_load(path.read_text(encoding="utf-8"))["values"]
        record = values.get(self.text.strip())
        if record is None:
            log.warning("claims.yml has no value %r", self.text, location=(self.env.docname, self.lineno))
            return [nodes.inline(text=f"[{self.text}: unknown]", classes=["amdd-missing"])], []
        text = show(record["value"], record.get("unit", ""))
        return [
            nodes.inline(text=text, classes=["amdd-paper"]),
            nodes.inline(text=" (paper)", classes=["amdd-source"]),
        ], []


class ResultFigure(SphinxDirective):
    """``{result-figure}``; see the module's docstring."""

    required_arguments = 1

    def run(self):
        topic, _, name = self.arguments[0].partition(".")
        folder = results_folder(self.env) / topic
        words = folder / f"{name}.json"
        kinds = {".svg": "image/svg+xml", ".jpg": "image/jpeg"}
        picture = next((folder / f"{name}{k}" for k in kinds if (folder / f"{name}{k}").is_file()), None)
        if picture is None or not words.is_file():
            log.warning(
                "no run made the figure %r", self.arguments[0], location=(self.env.docname, self.lineno)
            )
            return [nodes.paragraph(text=f"[{self.arguments[0]}: not made]", classes=["amdd-missing"])]
        for path in (picture, words):
            self.env.note_dependency(str(path))
        record = json.loads(words.read_text(encoding="utf-8"))
        source = f"data:{kinds[picture.suffix]};base64,{base64.b64encode(picture.read_bytes()).decode()}"
        up = self.env.config.amdd_up + "../" * self.env.docname.count("/")
        text = (
            f'<figure class="amdd-figure"><img src="{source}" alt="{html.escape(record["alt"], quote=True)}">'
            f'<figcaption>{html.escape(record["caption"])} <a href="{up}notebooks/{chapter_of(topic)}.html'
            f'#{anchor_of(topic, name)}">Where it was made</a></figcaption></figure>'
        )
        return [nodes.raw("", text, format="html")]


def setup(app):
    app.add_config_value("amdd_up", "", "env", str)  # from this project to the book, for links to chapters
    app.add_directive("result-figure", ResultFigure)
    app.add_role("result", ResultRole())
    app.add_role("paper", PaperRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
