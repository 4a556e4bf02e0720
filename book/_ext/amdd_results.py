"""Roles that bind prose to files: ``{result}`` to what a run wrote, ``{paper}`` to the paper's own values.

    {result}`03_in_domain_results.full.auc`        value, 95 % interval and n
    {result}`03_in_domain_results.full.auc|plain`  the value alone
    {paper}`table5.full.auc`                        a value of the paper, marked as the paper's

A key that no run wrote is a warning, which the strict build turns into an error.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

log = logging.getLogger(__name__)
PERCENT = {"%"}


def _folder(env) -> Path:
    return Path(os.environ.get("AMDD_RESULTS") or Path(env.srcdir) / "results")


@lru_cache(maxsize=64)
def _numbers(path: Path, stamp: float) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _number(env, text: str) -> dict | None:
    notebook, _, key = text.partition(".")
    path = _folder(env) / notebook / "numbers.json"
    if not path.is_file():
        return None
    env.note_dependency(str(path))
    return _numbers(path, path.stat().st_mtime).get(key)


def show(value, unit: str = "", digits: int = 3) -> str:
    """A number as prose shows it."""
    if isinstance(value, str | bool):
        return str(value)
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 1000):
        text = f"{int(value):,}".replace(",", "\u202f")
    elif unit in PERCENT:
        text = f"{value:.1f}"
    else:
        text = f"{value:.{digits}f}"
    return f"{text}\u00a0{unit}" if unit else text


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
        if style != "plain":
            notes = []
            if "low" in record:
                notes.append(f"95\u00a0% interval {show(record['low'], '')}–{show(record['high'], unit)}")
            if "n" in record:
                notes.append(f"n\u00a0=\u00a0{record['n']}")
            if notes:
                text += f" ({', '.join(notes)})"
        node = nodes.inline(text=text, classes=["amdd-result"])
        return [node], []


class PaperRole(SphinxRole):
    """``{paper}``: a value that the paper states, from ``claims.yml``."""

    def run(self):
        path = Path(self.env.srcdir) / "book" / "claims.yml"
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


def setup(app):
    app.add_role("result", ResultRole())
    app.add_role("paper", PaperRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
