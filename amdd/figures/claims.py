"""The differences by which claims are judged."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import INK

COLOURS = {
    "supported": "#009e73",
    "contradicted": "#d55e00",
    "no difference beyond the margin": "#0072b2",
    "undecided": "#8a8f98",
    "not attempted": "#8a8f98",
}
MARKS = {
    "supported": "o",
    "contradicted": "X",
    "no difference beyond the margin": "s",
    "undecided": "D",
    "not attempted": "|",
}


@exhibit
def forest(table: pd.DataFrame) -> Exhibit:
    """A row for each claim (``id``, ``value``, ``low``, ``high``, ``verdict``): point, interval, and zero."""
    fig, ax = plt.subplots(figsize=(7.6, 0.42 * len(table) + 1.1))
    ax.axvline(0, color=INK, lw=1)
    for place, row in enumerate(table.itertuples()):
        if np.isfinite(row.value):
            colour = COLOURS[row.verdict]
            ax.plot([row.low, row.high], [place, place], color=colour, lw=2.2)
            ax.plot([row.value], [place], MARKS[row.verdict], color=colour, ms=8)
        ax.text(1.01, place, row.verdict, transform=ax.get_yaxis_transform(), va="center", fontsize=9)
    ax.set_yticks(range(len(table)), table["id"].str.replace("-", " "))
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlabel("difference")
    ax.grid(axis="y", visible=False)
    alt = (
        f"Forest plot of {len(table)} claims, one a row: measured difference as a point with its interval as a line, "
        "a vertical line at zero, and the verdict in words at the right."
    )
    return Figure(fig, alt, table[["id", "value", "low", "high", "verdict"]])
