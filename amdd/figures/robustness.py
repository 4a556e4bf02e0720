"""Corruptions of a frame, and a detector's results under them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.data.variants.corruptions import LEVELS, corrupt
from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.pictures import strip_of
from amdd.figures.style import INK, colour

LINES = {
    "AUC": ("D", INK),
    "true-negative rate": ("o", colour("real")),
    "true-positive rate": ("s", colour("fake")),
}


@exhibit
def corruption_strip(frame: np.ndarray, height: int = 84) -> Exhibit:
    """One face crop (S, S, 3), as it is and at each of the five levels, a row for each corruption; RGB."""
    rows = {
        kind: np.concatenate([frame[None], *[corrupt(frame[None], kind, level, 1) for level in range(1, 6)]])
        for kind in LEVELS
    }
    alt = f"Rows of one face crop: clean at the left, then five levels, for {', '.join(rows)}."
    return Exhibit.image(strip_of(rows, height), alt)


@exhibit
def robustness(table: pd.DataFrame) -> Exhibit:
    """A panel for each corruption: AUC and both rates over the level.

    ``table`` has ``corruption``, ``level`` (0 is the clean image), ``AUC``, ``AUC from``, ``AUC to``,
    ``true-negative rate`` and ``true-positive rate``.
    """
    kinds = list(dict.fromkeys(table.corruption))
    columns = 4
    rows = -(-len(kinds) // columns)
    fig, axes = plt.subplots(
        rows, columns, figsize=(9.0, 2.1 * rows + 0.6), sharey=True, sharex=True, layout="constrained"
    )
    axes = np.atleast_1d(axes).ravel()
    for ax, kind in zip(axes, kinds):
        part = table[table.corruption == kind].sort_values("level")
        ax.fill_between(part.level, part["AUC from"], part["AUC to"], color=INK, alpha=0.2, lw=0)
        for name, (mark, tint) in LINES.items():
            ax.plot(part.level, part[name], marker=mark, ms=5, lw=1.4, color=tint, label=name)
        ax.axhline(0.5, color=INK, lw=0.8, ls=":")
        ax.set(title=kind, xticks=range(6), ylim=(-0.03, 1.05))
    for ax in axes[len(kinds) :]:
        ax.set_visible(False)
    fig.supxlabel("level (0: as it was)", fontsize=9)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    alt = (
        f"{len(kinds)} panels ({', '.join(kinds)}); in each three lines over the level from 0: "
        f"{', '.join(LINES)}; a band around AUC; dotted line at one half."
    )
    return Figure(fig, alt, table)
