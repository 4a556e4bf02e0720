"""Readers: one file per dataset, each giving the same manifest.

``scan(name, root)`` returns a :class:`Manifest`: one row per clip with the columns of :data:`COLUMNS`. The
built-in corpora are written in the real layouts and read by the same code under their own names.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from amdd.base.paths import path_text
from amdd.corpora import (
    avdeepfake1m,
    celebdf,
    deepfake_timit,
    dfdm,
    faceforensics,
    fakeavceleb,
    folder,
    lavdf,
)
from amdd.corpora.common import COLUMNS, CorpusError, Reader
from amdd.corpora.manifest import Manifest
from amdd.profiles import CorpusSettings

CORPORA: dict[str, Reader] = {
    "fakeavceleb": fakeavceleb.READER,
    "deepfake_timit": deepfake_timit.READER,
    "dfdm": dfdm.READER,
    "lavdf": lavdf.READER,
    "faceforensics": faceforensics.READER,
    "celebdf": celebdf.READER,
    "avdeepfake1m": avdeepfake1m.READER,
    "folder": folder.READER,
}
BUILT_IN = {
    "puppet-favc": "fakeavceleb",
    "puppet-timit": "deepfake_timit",
    "puppet-dfdm": "dfdm",
    "puppet-lav": "lavdf",
    "puppet-unseen": "folder",
}


def scan(name: str, root: str | Path, settings: CorpusSettings | None = None) -> Manifest:
    """Return the manifest of the corpus ``name`` below ``root``.

    ``settings`` hold the readers' choices (which reading of a disputed label); default: those of
    :class:`~amdd.profiles.CorpusSettings`. Raises ``ValueError`` for an unknown name and :class:`CorpusError`, with
    file, row and cure, for anything in the corpus that can't be made sense of.
    """
    reader = CORPORA.get(BUILT_IN.get(name, name))
    if reader is None:
        raise ValueError(f"no corpus {name!r}; expected one of: {', '.join([*CORPORA, *BUILT_IN])}")
    root = Path(os.path.abspath(root))
    if not root.is_dir():
        raise CorpusError(root, "no such folder", "give the folder into which the dataset was unpacked")
    rows, report = reader.read(root, settings or CorpusSettings())
    if not rows:
        raise _nothing(root, reader, report)
    table = pd.DataFrame([{k: _text(v) for k, v in row.items()} for row in rows])
    for column, default in COLUMNS.items():
        if column not in table:
            table[column] = default
        elif isinstance(default, str) and column != "fake_periods":  # pandas keeps NaN in columns of text
            table[column] = table[column].astype(object).where(table[column].notna(), default)
    table["corpus"] = name
    table = table[[*COLUMNS, *[c for c in table.columns if c not in COLUMNS]]]
    table = table.sort_values("clip_id", kind="stable", ignore_index=True)
    double = table.clip_id[table.clip_id.duplicated()]
    if len(double):
        raise CorpusError(root, f"{double.iloc[0]!r} is listed twice", "remove the second row")
    return Manifest(table, root, report)


def _text(value: object) -> object:
    """Return ``value`` as tables can hold it: file names may have bytes that are no UTF-8."""
    return path_text(value) if isinstance(value, str) and not value.isascii() else value


def _nothing(root: Path, reader: Reader, report: dict) -> CorpusError:
    """Return the error of a scan without a row: what was listed and looked for, or the tree that was expected."""
    missing = report.get("examples of missing")
    also = [f"{key}: {report[key]}" for key in ("not read", "links refused") if key in report]
    if missing:
        problem = f"{report['listed']:,} clips are listed and none was found; the first was looked for at {missing[0]}"
        return CorpusError(
            root, "; ".join([problem, *also]), "give the folder into which the dataset was unpacked"
        )
    return CorpusError(root, "; ".join(["no clip was found", *also]), f"expected a tree like\n{reader.tree}")


def describe(manifest: Manifest) -> str:
    """Return what :func:`scan` found beside what it expected, as lines of text."""

    def told(value) -> str:
        if isinstance(value, dict):
            return ", ".join(f"{k} {v:,}" if isinstance(v, int) else f"{k} {v}" for k, v in value.items())
        if isinstance(value, list | tuple):
            return ", ".join(map(str, value))
        return f"{value:,}" if isinstance(value, int) else str(value)

    lines = [
        f"{len(manifest):,} clips: {int((manifest.label == 0).sum()):,} real, "
        f"{int((manifest.label == 1).sum()):,} fake"
    ]
    report = {k: v for k, v in manifest.report.items() if v not in ([], {}, "")}
    wide = max((len(k) for k in report), default=0)
    lines += [f"  {key:<{wide}}  {told(value)}" for key, value in report.items()]
    return "\n".join(lines)


__all__ = ["BUILT_IN", "COLUMNS", "CORPORA", "CorpusError", "Manifest", "describe", "scan"]
