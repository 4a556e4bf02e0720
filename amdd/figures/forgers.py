"""Training curves of the forgers, from the records beside their weights."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import colour


@exhibit
def forger_curves(records: list[dict]) -> Exhibit:
    """The loss of each forger over its training, small multiples; the table has every value."""
    columns = 4
    rows = -(-len(records) // columns)
    fig, axes = plt.subplots(
        rows, columns, figsize=(8.6, 1.55 * rows + 0.5), sharex=False, layout="constrained"
    )
    values = []
    for ax, record in zip(axes.ravel(), records):
        curve = np.array(record["loss_every_25_steps"], float)
        steps = 25 * np.arange(1, len(curve) + 1)
        ax.plot(steps, curve, color=colour(record["name"]), lw=1.8)
        ax.set_title(record["name"], fontsize=9)
        ax.set_ylim(0, 1.08 * curve.max())
        values += [{"forger": record["name"], "step": s, "loss": v} for s, v in zip(steps.tolist(), curve)]
    for ax in axes.ravel()[len(records) :]:
        ax.set_visible(False)
    fig.supxlabel("step", fontsize=9)
    fig.supylabel("training loss", fontsize=9)
    alt = (
        f"{len(records)} small panels, training loss by step: " + ", ".join(r["name"] for r in records) + "."
    )
    return Figure(fig, alt, pd.DataFrame(values))
