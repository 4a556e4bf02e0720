"""Predictions that others made, beside ours: read with care, matched by clip, measured with the same metrics."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from amdd.stats import metrics

MOST_BYTES = 64 << 20
REQUIRED = ("clip_id", "score")


class PredictionsError(ValueError):
    """A file of predictions that cannot be used: which file, which row, what cures it."""

    def __init__(self, file: Path, problem: str, cure: str, row: int | None = None) -> None:
        where = file.name + (f", row {row}" if row is not None else "")
        super().__init__(f"{where}: {problem}; {cure}")


@dataclass(frozen=True)
class Imported:
    """Predictions read from a file, matched with the clips that were asked for.

    ``table`` has the clips' own columns with the file's ``score`` and ``attribution``; ``missing`` are the clips without a row,
    ``failed`` those with an empty score (the detector gave no answer), ``unknown`` the file's clips that were not asked for.
    """

    table: pd.DataFrame
    missing: list[str]
    failed: list[str]
    unknown: list[str]

    @property
    def coverage(self) -> dict[str, int]:
        """Numbers of clips scored, missing and failed."""
        return {"scored": len(self.table), "missing": len(self.missing), "failed": len(self.failed)}


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Return a CSV file of predictions: ``clip_id``, ``score`` (probability of fake, 0 to 1; NaN where the cell is empty) and
    ``attribution`` ("" where the file has none).

    Other columns are ignored. Raises :class:`PredictionsError` for a file that is too large or not text, another delimiter,
    missing columns, a clip listed twice, and a score that is no number from 0 to 1.
    """
    path = Path(path)
    if path.stat().st_size > MOST_BYTES:
        raise PredictionsError(path, "larger than 64 MiB", "split it or leave out columns")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PredictionsError(path, "not UTF-8 text", "export it as CSV in UTF-8") from None
    if "\0" in text:
        raise PredictionsError(path, "not a text file", "export it as CSV in UTF-8")
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip() for name in next(lines, [])]
        lacks = [name for name in REQUIRED if name not in head]
        if lacks:
            other = next((d for d in (";", "\t", "|") if d in text.partition("\n")[0]), "")
            cure = (
                f"the delimiter seems to be {other!r}; use a comma" if other else f"the header is {head[:8]}"
            )
            raise PredictionsError(path, f"no column {' and '.join(lacks)}", cure)
        if len(set(head)) < len(head):
            raise PredictionsError(path, "a column is named twice", "name each column once")
        rows = [_row(path, head, cells, number) for number, cells in enumerate(lines, start=2) if cells]
    except csv.Error as error:
        raise PredictionsError(path, str(error), "export it again as CSV", lines.line_num) from None
    table = pd.DataFrame(rows, columns=["clip_id", "score", "attribution"])
    double = table.clip_id[table.clip_id.duplicated()]
    if len(double):
        row = int(double.index[0]) + 2
        raise PredictionsError(path, f"{double.iloc[0][:80]!r} is listed twice", "keep one row per clip", row)
    if table.empty:
        raise PredictionsError(path, "no predictions", "one row per clip is expected below the header")
    return table


def _row(path: Path, head: list[str], cells: list[str], number: int) -> tuple[str, float, str]:
    if len(cells) != len(head):
        cure = "quote cells that contain commas"
        raise PredictionsError(path, f"{len(cells)} cells below {len(head)} columns", cure, number)
    row = dict(zip(head, (cell.strip() for cell in cells)))
    if not row["clip_id"]:
        raise PredictionsError(path, "no clip_id", "name the clip as in the manifest", number)
    return row["clip_id"], _score(path, row["score"], number), row.get("attribution", "")


def _score(path: Path, text: str, number: int) -> float:
    if text == "":
        return math.nan
    cure = "a probability of fake from 0 to 1 is expected, or an empty cell where the detector failed"
    try:
        value = float(text)
    except ValueError:
        raise PredictionsError(path, f"score {text[:40]!r}", cure, number) from None
    if not 0 <= value <= 1:  # NaN too
        raise PredictionsError(path, f"score {text[:40]!r}", cure, number)
    return value


def match(found: pd.DataFrame, clips: pd.DataFrame) -> Imported:
    """Return the predictions ``found`` (:func:`read_predictions`) for ``clips``, a table of our predictions, whose labels,
    generators and people count; the file's own labels never do. Raises ``ValueError`` where no clip matches."""
    known = found[found.clip_id.isin(clips.clip_id)]
    unknown = sorted(set(found.clip_id) - set(clips.clip_id))
    if known.empty:
        raise ValueError(
            f"none of the {len(found)} clips is among the {len(clips)} that are tested; "
            f"expected names such as {clips.clip_id.iloc[0]!r}, found {found.clip_id.iloc[0][:80]!r}"
        )
    failed = sorted(known.clip_id[known.score.isna()])
    scored = known.dropna(subset=["score"])
    kept = clips[[c for c in clips if c not in ("score", "logit", "attribution") and not c.startswith("p_")]]
    table = kept.merge(scored, on="clip_id", validate="one_to_one")
    names_generators = bool((found.attribution != "").any())
    table["known"] = table["known"].to_numpy(bool) & names_generators
    return Imported(table, sorted(set(clips.clip_id) - set(known.clip_id)), failed, unknown)


def beside(
    ours: pd.DataFrame, theirs: Mapping[str, Imported], threshold: float = 0.5, confidence: float = 0.95
) -> pd.DataFrame:
    """Return all metrics with intervals, n and people, of each imported detector and of ours on the *same* clips, with coverage
    (``scored``, ``missing``, ``failed``); ours on all clips comes first."""
    parts = [("ours, all clips", ours, {"scored": len(ours), "missing": 0, "failed": 0})]
    for name, found in theirs.items():
        parts.append((name, found.table, found.coverage))
        if len(found.table) < len(ours):
            same = ours[ours.clip_id.isin(found.table.clip_id)]
            parts.append((f"ours, clips of {name}", same, {"scored": len(same), "missing": 0, "failed": 0}))
    rows = []
    for name, table, coverage in parts:
        found = metrics(table, threshold, confidence).reset_index()
        found = found[(found.n > 0) & found.value.notna()]
        rows.append(found.assign(detector=name, **coverage))
    columns = ["detector", "metric", "value", "low", "high", "n", "people", "scored", "missing", "failed"]
    return pd.concat(rows, ignore_index=True)[columns]
