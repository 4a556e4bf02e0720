"""Comparison of two runs' results, number by number, with a stated tolerance."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeGuard

import numpy as np
import pandas as pd
import yaml

Verdict = Literal["agrees", "agrees within tolerance", "differs", "not compared"]
Machine = Literal["same machine", "other machine"]
AGREES: Verdict = "agrees"
WITHIN: Verdict = "agrees within tolerance"
DIFFERS: Verdict = "differs"
SKIPPED: Verdict = "not compared"

COUNTS = ("n", "people", "seeds", "seed")  # fields of a number that must be equal everywhere
TIMES = {"s", "ms", "min", "h"}  # units of measured times
TIME_COLUMN = re.compile(r"second|minute|hour|memory|peak|per second", re.I)
NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.I)


@dataclass(frozen=True)
class Tolerance:
    """The allowed distance: the largest of ``absolute`` (``percent`` for the unit %), ``relative`` times the kept value, and
    ``interval`` times the width of the kept interval. ``figures``: whether the data of figures are compared."""

    machine: Machine
    absolute: float
    percent: float
    relative: float
    interval: float
    figures: bool
    reason: str

    def allowed(self, kept: float, unit: str = "", width: float = 0.0) -> float:
        """Return the allowed distance from ``kept``, whose interval is ``width`` wide."""
        fixed = self.percent if unit == "%" else self.absolute
        return max(fixed, self.relative * abs(kept), self.interval * width)


@dataclass(frozen=True)
class Compared:
    """One number (or column of a table, or text) of the kept run beside that of the re-run."""

    topic: str
    what: str
    verdict: Verdict
    kept: Any = None
    new: Any = None
    difference: float | None = None
    allowed: float | None = None
    note: str = ""


def tolerance(machine: Machine) -> Tolerance:
    """Return the stated tolerance for the same machine or another one."""
    text = (Path(__file__).parent / "tolerances.yml").read_text(encoding="utf-8")
    return Tolerance(machine=machine, **yaml.safe_load(text)[machine])


def compare(kept: Path, new: Path, topics: Iterable[str], allowed: Tolerance) -> list[Compared]:
    """Return the comparison of every number and table of ``topics`` below two folders of results."""
    return [c for topic in topics for c in _topic(topic, kept / topic, new / topic, allowed)]


def overall(rows: Iterable[Compared]) -> Verdict:
    """Return the verdict on a whole run: the worst of its parts; what was not compared does not count."""
    found = {row.verdict for row in rows}
    if not found & {AGREES, WITHIN, DIFFERS}:
        return SKIPPED
    return DIFFERS if DIFFERS in found else WITHIN if WITHIN in found else AGREES


def _topic(topic: str, kept: Path, new: Path, allowed: Tolerance) -> Iterator[Compared]:
    yield from _numbers(topic, kept / "numbers.json", new / "numbers.json", allowed)
    names = sorted({p.name for folder in (kept, new) for p in folder.glob("*.csv")})
    for name in names:
        if not allowed.figures and _kind(kept / name) != "table":
            yield Compared(topic, name, SKIPPED, note="data of a figure")
        else:
            yield from _table(topic, name, kept / name, new / name, allowed)


def _kind(path: Path) -> str:
    """Return whether a CSV file holds a table or the data of a figure, as the words beside it say."""
    try:
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "table"  # what is not known to be a figure's is compared
    return str(record.get("kind", "table")) if isinstance(record, dict) else "table"


# --- numbers ---------------------------------------------------------------------------------------------------------


def _numbers(topic: str, kept: Path, new: Path, allowed: Tolerance) -> Iterator[Compared]:
    try:
        before, after = _read_numbers(kept), _read_numbers(new)
    except (OSError, ValueError) as error:
        yield Compared(topic, "numbers.json", DIFFERS, note=f"not readable: {error}")
        return
    for key in sorted({*before, *after}):
        if key not in before or key not in after:
            where = "the re-run" if key in before else "the kept run"
            yield Compared(topic, key, DIFFERS, note=f"missing in {where}")
        else:
            yield from _number(topic, key, before[key], after[key], allowed)


def _read_numbers(path: Path) -> dict[str, dict[str, Any]]:
    """Return the numbers of a chapter, {} where it wrote none. Raises ``ValueError`` for a damaged file."""
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not all(isinstance(v, dict) and "value" in v for v in found.values()):
        raise ValueError("expected an object of numbers, each with a value")
    return found


def _number(topic: str, key: str, kept: dict, new: dict, allowed: Tolerance) -> Iterator[Compared]:
    unit = str(kept.get("unit", ""))
    if unit in TIMES and new.get("unit") == unit:
        yield Compared(topic, key, SKIPPED, kept["value"], new["value"], note="a measured time")
        return
    if unit != str(new.get("unit", "")):
        yield Compared(topic, key, DIFFERS, unit, new.get("unit", ""), note="another unit")
        return
    low, high = kept.get("low"), kept.get("high")
    width = abs(high - low) if _is_number(low) and _is_number(high) else 0.0
    for part in ("value", "low", "high", *COUNTS):
        if part not in kept and part not in new:
            continue
        name = key if part == "value" else f"{key} ({part})"
        if part in COUNTS:
            same = kept.get(part) == new.get(part)
            yield Compared(topic, name, AGREES if same else DIFFERS, kept.get(part), new.get(part))
        else:
            yield _value(topic, name, kept.get(part), new.get(part), allowed, unit, width)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _value(topic, name, kept, new, allowed: Tolerance, unit: str = "", width: float = 0.0) -> Compared:
    if _is_number(kept) and _is_number(new):
        bound, distance = allowed.allowed(kept, unit, width), abs(new - kept)
        return Compared(topic, name, _judge(distance, bound), kept, new, distance, bound)
    if isinstance(kept, str) and isinstance(new, str):
        verdict, furthest = _texts(kept, new, allowed)
        return Compared(topic, name, verdict, kept, new, furthest)
    return Compared(topic, name, AGREES if kept == new else DIFFERS, kept, new)


def _judge(distance: float, bound: float) -> Verdict:
    """Return the verdict on one distance; a rounding error of the bound itself does not count."""
    if distance == 0:
        return AGREES
    return WITHIN if distance <= bound * (1 + 1e-9) else DIFFERS


def _texts(kept: str, new: str, allowed: Tolerance) -> tuple[Verdict, float | None]:
    """Compare texts: equal words, and each number in them within the tolerance; return the largest distance too."""
    if kept == new:
        return AGREES, None
    before, after = NUMBER.findall(kept), NUMBER.findall(new)
    if len(before) != len(after) or NUMBER.sub("#", kept) != NUMBER.sub("#", new):
        return DIFFERS, None
    pairs = [(_parsed(a), _parsed(b)) for a, b in zip(before, after)]
    verdicts = {_judge(abs(b - a), allowed.allowed(a, "%" if "%" in kept else "")) for a, b in pairs}
    worst = DIFFERS if DIFFERS in verdicts else WITHIN if WITHIN in verdicts else AGREES
    return worst, max(abs(b - a) for a, b in pairs)


def _parsed(text: str) -> float:
    return float(text.replace("\u2212", "-"))


# --- tables ----------------------------------------------------------------------------------------------------------


def _table(topic: str, name: str, kept: Path, new: Path, allowed: Tolerance) -> Iterator[Compared]:
    try:
        before, after = _read_table(kept), _read_table(new)
    except FileNotFoundError as error:
        where = "the kept run" if Path(str(error.filename)) == kept else "the re-run"
        yield Compared(topic, name, DIFFERS, note=f"missing in {where}")
        return
    except (ValueError, OSError) as error:
        yield Compared(topic, name, DIFFERS, note=f"not readable: {error}")
        return
    if list(before.columns) != list(after.columns) or len(before) != len(after):
        shown, new_shown = (f"{len(t)} rows of {', '.join(map(str, t.columns))}" for t in (before, after))
        yield Compared(topic, name, DIFFERS, shown, new_shown, note="other rows or columns")
        return
    for column in before.columns:
        what = f"{name}: {column}"
        if TIME_COLUMN.search(str(column)):
            yield Compared(topic, what, SKIPPED, note="a measured time or memory")
        else:
            yield _column(topic, what, before[column], after[column], allowed)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def _column(topic: str, what: str, kept: pd.Series, new: pd.Series, allowed: Tolerance) -> Compared:
    """Return the comparison of a column by its cell that is worst in terms of the tolerance."""
    worst = Compared(topic, what, AGREES, note=f"{len(kept)} cells")
    order = {AGREES: 0, WITHIN: 1, DIFFERS: 2}
    for place, (a, b) in enumerate(zip(_plain(kept), _plain(new))):
        one = _value(topic, what, a, b, allowed)
        further = (one.difference or 0) / (one.allowed or 1) > (worst.difference or 0) / (worst.allowed or 1)
        if (order[one.verdict], further) > (order[worst.verdict], False):
            worst = Compared(
                topic, what, one.verdict, a, b, one.difference, one.allowed, f"row {place + 1} of {len(kept)}"
            )
    return worst


def _plain(column: pd.Series) -> list[Any]:
    """Return a column as Python values, with None for what is missing."""
    values = column.astype(object).where(column.notna(), None)
    return [v.item() if isinstance(v, np.generic) else v for v in values]
