"""The one type for whatever a chapter shows: a figure, an image, a table or an interactive piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

import numpy as np
import pandas as pd

Kind = Literal["figure", "image", "table", "interactive"]


@dataclass
class Exhibit:
    """Something to show, with what a reader who cannot see it needs.

    ``content`` is a matplotlib figure, an RGB image uint8 (H, W, 3), a data frame, or HTML, after ``kind``. ``alt``
    says what is drawn, not what to conclude; ``table`` holds the plotted values; ``drawn_by`` is the function that made
    it, as ``module.function`` (filled in by :func:`exhibit`).
    """

    kind: Kind
    content: Any
    alt: str = ""
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    drawn_by: str = ""

    @classmethod
    def image(cls, pixels: np.ndarray, alt: str, drawn_by: str = "") -> Exhibit:
        """Return an RGB image uint8 (H, W, 3) as an exhibit. Raises ``ValueError`` for any other array."""
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise ValueError(f"an image must be uint8 (H, W, 3), not {pixels.dtype} {pixels.shape}")
        return cls("image", pixels, alt, drawn_by=drawn_by)

    @property
    def fig(self) -> Any:
        """The matplotlib figure; raises ``TypeError`` for another kind of exhibit."""
        if self.kind != "figure":
            raise TypeError(f"an exhibit of the kind {self.kind!r} holds no matplotlib figure")
        return self.content


def Figure(fig: Any, alt: str, table: pd.DataFrame | None = None, drawn_by: str = "") -> Exhibit:
    """Return a matplotlib figure as an exhibit."""
    return Exhibit("figure", fig, alt, pd.DataFrame() if table is None else table, drawn_by)


P = ParamSpec("P")
R = TypeVar("R", bound=Exhibit)


def exhibit(function: Callable[P, R]) -> Callable[P, R]:
    """Mark what ``function`` returns as drawn by it."""

    @wraps(function)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        found = function(*args, **kwargs)
        found.drawn_by = found.drawn_by or f"{function.__module__}.{function.__name__}"
        return found

    return drawn
