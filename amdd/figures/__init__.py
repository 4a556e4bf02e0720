"""Figures: one file per family; each function returns a :class:`Figure`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass
class Figure:
    """A drawing, what it shows in words, and what was plotted.

    ``fig`` is a matplotlib figure; ``alt`` says what is drawn, not what to conclude; ``table`` holds the plotted
    values.
    """

    fig: Any
    alt: str
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
