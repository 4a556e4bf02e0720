"""The list of a corpus's clips, with where they lie and what the scan found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["Manifest"]


@dataclass(frozen=True)
class Manifest:
    """The clips of one or several corpora.

    ``table`` has one row per clip, with the columns of :data:`amdd.corpora.COLUMNS`; ``root`` is the folder that its
    relative paths begin at and that no path may leave; ``report`` is what the scan counted (found, expected, not read)
    and ``protocol`` the split protocol that filled the column ``split``, or "".
    """

    table: pd.DataFrame
    root: Path | None = None
    report: dict[str, Any] = field(default_factory=dict)
    protocol: str = ""

    def __len__(self) -> int:
        return len(self.table)

    def __getattr__(self, name: str) -> Any:
        """Return a column by its name, as a data frame does; raises ``AttributeError`` for any other name."""
        if not name.startswith("_") and name in self.__dict__.get("table", ()):
            return self.table[name]
        raise AttributeError(f"a manifest has no attribute or column {name!r}")

    def __getitem__(self, name: str) -> pd.Series:
        """Return the column ``name``; rows are chosen by :meth:`where`."""
        return self.table[name]

    def assign(self, **columns: Any) -> Manifest:
        """Return the manifest with columns added or replaced, as ``DataFrame.assign`` does."""
        return replace(self, table=self.table.assign(**columns))

    def where(self, rows: pd.Series | Callable[[pd.DataFrame], pd.Series]) -> Manifest:
        """Return the manifest of the rows for which ``rows`` (boolean, or a function of the table) holds."""
        chosen = rows(self.table) if callable(rows) else rows
        return replace(self, table=self.table[chosen])

    def with_table(self, table: pd.DataFrame, **changes: Any) -> Manifest:
        """Return the manifest with another table, and other fields replaced."""
        return replace(self, table=table, **changes)
