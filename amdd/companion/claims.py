"""The paper's tables as data, its claims, and the rule by which a run's numbers judge them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from amdd.base.paths import PACKAGE

NOT_ATTEMPTED = "not attempted"


def paper() -> dict[str, Any]:
    """The paper's tables (``amdd/companion/paper.yml``)."""
    return yaml.safe_load((PACKAGE / "companion" / "paper.yml").read_text(encoding="utf-8"))


def claims(path: Path | None = None) -> list[dict[str, Any]]:
    """The claims of ``amdd/companion/claims.yml`` in their order. Raises ``ValueError`` naming what an entry lacks."""
    path = path or PACKAGE / "companion" / "claims.yml"
    found = yaml.safe_load(path.read_text(encoding="utf-8"))["claims"]
    for entry in found:
        lacks = {"id", "where", "claim", "notebook", "number", "holds_if", "if_not"} - entry.keys()
        if entry.get("holds_if") == "within":
            lacks |= {"needs", "target", "tolerance"} - entry.keys()
        if lacks or entry["holds_if"] not in ("positive", "negative", "within"):
            raise ValueError(
                f"{path.name}: claim {entry.get('id', '?')!r} lacks {sorted(lacks) or 'holds_if'}"
            )
    return found


def verdict(
    entry: dict[str, Any], number: dict[str, Any] | None, judge: bool = True, corpus: str = ""
) -> str:
    """The verdict on one claim from the number that tests it, with its 95 % interval.

    For a difference, "supported": the interval lies on the claim's side of zero; "contradicted": on the other; "not
    supported": it holds zero. For a value that the paper states for one data set (``holds_if: within``), "supported":
    it lies within the tolerance; "contradicted": so does no point of its interval; "not supported": anything between;
    on any other ``corpus`` it is not attempted. "not attempted": there is no such number, or the run is too small to
    judge (``judge`` false).
    """
    if not judge or number is None or "low" not in number or "high" not in number:
        return NOT_ATTEMPTED
    low, high = number["low"], number["high"]
    if entry["holds_if"] == "within":
        if corpus != entry["needs"]:
            return NOT_ATTEMPTED
        least, most = entry["target"] - entry["tolerance"], entry["target"] + entry["tolerance"]
        if least <= number["value"] <= most:
            return "supported"
        return "contradicted" if high < least or low > most else "not supported"
    if entry["holds_if"] == "negative":
        low, high = -high, -low
    if low > 0:
        return "supported"
    return "contradicted" if high < 0 else "not supported"


def numbers(results: Path) -> dict[str, dict[str, Any]]:
    """Every number that the notebooks of a run wrote, by ``notebook.key``."""
    found = {}
    for path in sorted(results.glob("*/numbers.json")):
        for key, record in json.loads(path.read_text(encoding="utf-8")).items():
            found[f"{path.parent.name}.{key}"] = record
    return found
