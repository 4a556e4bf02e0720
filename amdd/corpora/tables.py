"""Metadata files of the datasets: text in the encodings that programs write, CSV with any delimiter, JSON lists."""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amdd.corpora.common import CorpusError

MAX_BYTES = 4 << 30
MAX_COLUMNS = 64
MARKS = (  # longest first: UTF-32's mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
TRUE, FALSE = {"true", "yes", "1", "1.0"}, {"false", "no", "0", "0.0", "none", "null", ""}


def read_text(file: Path, cure: str = "copy it again from the download") -> str:
    """Return the text of ``file``: UTF-8, or what its byte order mark says. Raises :class:`CorpusError`."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CorpusError(file, f"larger than {MAX_BYTES >> 30} GiB", cure)
        data = file.read_bytes()
    except OSError as error:
        raise CorpusError(file, f"can't be read ({error.strerror})", "check its permissions") from None
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise CorpusError(file, f"not UTF-8 text (byte {error.start})", "save it as UTF-8") from None


def read_list(file: Path, cure: str = "copy it again from the download") -> list[Any]:
    """Return the entries of a JSON list. Raises :class:`CorpusError` for anything else."""
    try:
        entries = json.loads(read_text(file, cure))
    except (json.JSONDecodeError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise CorpusError(file, f"not readable as JSON ({type(error).__name__}{where})", cure) from None
    if not isinstance(entries, list):
        raise CorpusError(file, f"holds a {type(entries).__name__}, not a list of clips", cure)
    return entries


@dataclass(frozen=True)
class Table:
    """A CSV file: its ``header`` as written, its ``delimiter``, and its lines."""

    file: Path
    header: list[str]
    delimiter: str
    lines: list[tuple[int, list[str]]]

    @property
    def names(self) -> list[str]:
        """The header's names, trimmed and in lower case."""
        return [name.strip().casefold() for name in self.header]

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the number of each line and its cells by column name, trimmed."""
        for number, cells in self.lines:
            yield number, dict(zip(self.names, (c.strip() for c in cells)))


def read_csv(file: Path, cure: str = "save it again as CSV") -> Table:
    """Return the table of a CSV file; lines whose cells are all blank are left out.

    The delimiter is the one of comma, semicolon, tab and bar that occurs most often in the first line, or the one that
    a line ``sep=;`` above it names. Raises :class:`CorpusError` for what is no table.
    """
    text = read_text(file, cure)
    if "\0" in text:
        raise CorpusError(file, "holds null bytes", cure)
    skipped = 0
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t|", key=first.count) if any(d in first for d in ",;\t|") else ","
    if first.strip().casefold().startswith("sep=") and len(first.strip()) == 5:
        delimiter, skipped = first.strip()[4], 1
    csv.field_size_limit(1 << 16)
    lines: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if skipped:
                skipped = 0
                continue
            if len(cells) > MAX_COLUMNS:
                raise CorpusError(file, f"{len(cells)} columns", cure, reader.line_num)
            lines.append((reader.line_num, cells))
    except csv.Error as error:
        raise CorpusError(file, f"not readable as CSV ({error})", cure, reader.line_num) from None
    header = lines[0][1] if lines else []
    return Table(file, header, delimiter, lines[1:])


def boolean(value: Any, file: Path, row: int | str, name: str) -> bool:
    """Return a flag that may be a JSON boolean, 0, 1, or a word. Raises :class:`CorpusError` for anything else."""
    text = str(value).strip().casefold()
    if text in TRUE or text in FALSE:
        return text in TRUE
    raise CorpusError(file, f"{name} {str(value)[:40]!r}", "expected one of: true, false", row)


def periods(value: Any, file: Path, row: int | str, name: str) -> list[list[float]]:
    """Return forged periods as pairs of seconds. Raises :class:`CorpusError` unless each starts before its end."""
    try:
        spans = [[float(a), float(b)] for a, b in value or []]
    except (TypeError, ValueError):
        raise CorpusError(file, f"{name} {str(value)[:60]!r}", "pairs of seconds are expected", row) from None
    if any(not (math.isfinite(a) and math.isfinite(b) and 0 <= a <= b) for a, b in spans):
        cure = "seconds from 0 on, start before end, are expected"
        raise CorpusError(file, f"{name} {spans[:3]}", cure, row)
    return spans
