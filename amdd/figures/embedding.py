"""Embedding maps and the agreement of image and audio."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import INK, MARKERS, colours, words


@exhibit
def maps(points: dict[str, np.ndarray], classes: np.ndarray) -> Exhibit:
    """Two-dimensional maps (n, 2) side by side, coloured by class."""
    fig, axes = plt.subplots(1, len(points), figsize=(4.1 * len(points), 3.9), squeeze=False)
    rows, tints = [], colours(map(str, classes))
    for ax, (title, xy) in zip(axes[0], points.items()):
        for name in sorted(set(classes), key=lambda c: (c != "real", c)):
            part = xy[classes == name]
            ax.scatter(
                part[:, 0],
                part[:, 1],
                s=22,
                marker=MARKERS.get(name, "o"),
                color=tints[str(name)],
                label=words(name),
                alpha=0.85,
                linewidths=0,
            )
            rows += [{"map": title, "class": name, "x": x, "y": y} for x, y in part]
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(False)
    axes[0, 0].legend(loc="best", fontsize=7.5)
    alt = f"Scatter maps of {len(classes)} clips, coloured by class: " + "; ".join(points) + "."
    return Figure(fig, alt, pd.DataFrame(rows))


@exhibit
def similarity(table: pd.DataFrame) -> Exhibit:
    """Cosine between image and audio by class (Fig. 10); columns ``variant``, ``generator``, ``cosine``."""
    variants = list(dict.fromkeys(table.variant))
    names = sorted(set(table.generator), key=lambda c: (c != "real", c))
    fig, axes = plt.subplots(1, len(variants), figsize=(4.1 * len(variants), 3.4), sharey=True, squeeze=False)
    rng, tints = np.random.default_rng(0), colours(names)
    for ax, variant in zip(axes[0], variants):
        for k, name in enumerate(names):
            values = table.cosine[(table.variant == variant) & (table.generator == name)].to_numpy()
            ax.scatter(
                k + rng.uniform(-0.18, 0.18, len(values)),
                values,
                s=12,
                color=tints[name],
                alpha=0.6,
                linewidths=0,
            )
            if len(values):
                ax.plot([k - 0.28, k + 0.28], [np.mean(values)] * 2, color=INK, lw=2)
        ax.set_xticks(range(len(names)), [words(n) for n in names], fontsize=8)
        ax.set_title(variant.replace("_", " "))
    axes[0, 0].set_ylabel("cosine of image and audio")
    alt = (
        "Dots for each clip's cosine between image and audio projection, by class, with the mean as a bar; one panel each "
        "for " + " and ".join(v.replace("_", " ") for v in variants) + "."
    )
    return Figure(fig, alt, table)
