"""Short training runs that differ in one choice each."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import INK, colour


@exhibit
def choices_figure(table: pd.DataFrame) -> Exhibit:
    """AUC with its interval for each row of ``table`` (``choice``, ``AUC``, ``from``, ``to``), and that of each seed where it
    has columns ``seed 0`` and so on; the first row is the default, whose value is drawn as a line."""
    seeds = [c for c in table if c.startswith("seed ")]
    fig, ax = plt.subplots(figsize=(6.6, 0.5 * len(table) + 1.0))
    places = range(len(table))[::-1]
    ax.axvline(table.AUC.iloc[0], color=INK, lw=1, ls=":")
    for k, (y, row) in enumerate(zip(places, table.itertuples(index=False))):
        low, high = row[table.columns.get_loc("from")], row[table.columns.get_loc("to")]
        tint = colour("real" if k == 0 else "faceswap")
        ax.plot([low, high], [y, y], color=tint, lw=2)
        ax.plot(
            table.loc[table.index[k], seeds].astype(float), [y] * len(seeds), "o", color=INK, ms=3, alpha=0.5
        )
        ax.plot(row.AUC, y, "o", color=tint, ms=7)
    ax.set(yticks=list(places), xlabel="AUC on validation clips")
    ax.set_yticklabels(table.choice)
    alt = "Points with intervals: AUC of " + ", ".join(table.choice) + "; a dotted line at the first."
    return Figure(fig, alt, table[["choice", "AUC", "from", "to", *seeds]])
