"""Figures: one file per family; each function returns a :class:`Figure`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass
class Figure:
    """A drawing, what it shows in words, and what was plotted.

    ``fig`` is a matplotlib figure; ``alt`` says what is drawn, not what to conclude; ``table`` holds the plotted
    values. ``drawn_by`` is the function that made it, as ``module.function``.
    """

    fig: Any
    alt: str
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    drawn_by: str = ""

    def __post_init__(self) -> None:
        if not self.drawn_by:
            caller = sys._getframe(2)  # 1 is the dataclass's own __init__
            self.drawn_by = f"{caller.f_globals.get('__name__', '')}.{caller.f_code.co_name}"
