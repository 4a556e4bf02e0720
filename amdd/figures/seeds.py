"""Training runs that differ only in their seed."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import CYCLE, INK


@exhibit
def seeds_figure(
    by_seed: dict[str, dict[str, list[float]]], measures: dict[str, str], chance: dict[str, float]
) -> Exhibit:
    """A panel for each of ``measures`` (name and title), a row for each variant, a mark for each seed, a bar at the
    mean; ``chance`` gives the levels that are drawn as dotted lines."""
    variants = list(by_seed)
    fig, axes = plt.subplots(1, len(measures), figsize=(8.6, 0.42 * len(variants) + 1.1), sharey=True)
    rows = []
    for ax, (measure, title) in zip(np.atleast_1d(axes), measures.items()):
        if measure in chance:
            ax.axvline(chance[measure], color=INK, lw=0.9, ls=":")
        for k, variant in enumerate(variants):
            values = np.array(by_seed[variant][measure], float)
            y, tint = len(variants) - 1 - k, CYCLE[k % len(CYCLE)]
            ax.plot(values, y + np.linspace(-0.16, 0.16, len(values)), "o", ms=5, color=tint, alpha=0.75)
            ax.plot([values.mean()] * 2, [y - 0.3, y + 0.3], color=tint, lw=2.5)
            rows += [
                {"variant": variant, "measure": measure, "seed": s, "value": v} for s, v in enumerate(values)
            ]
        ax.set(title=title, xlim=(-0.03, 1.03), ylim=(-0.6, len(variants) - 0.4))
    np.atleast_1d(axes)[0].set_yticks(range(len(variants))[::-1], [v.replace("_", " ") for v in variants])
    alt = (
        f"{len(measures)} panels ({', '.join(measures.values())}); in each a row of dots for "
        + ", ".join(v.replace("_", " ") for v in variants)
        + ", one dot a seed, and a bar at their mean; dotted lines at chance."
    )
    return Figure(fig, alt, pd.DataFrame(rows))
