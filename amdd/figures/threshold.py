"""Metrics over the decision threshold: curves, and a slider that works from disk without a network."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import INK, colour
from amdd.figures.template import piece
from amdd.stats import predictive_value

COUNTS = ["true positives", "false negatives", "false positives", "true negatives"]
LINES = {
    "balanced accuracy": "#0072b2",
    "F1": "#d55e00",
    "true-negative rate": "#009e73",
    "true-positive rate": "#cc79a7",
}


@exhibit
def curves_over_threshold(table: pd.DataFrame, threshold: float) -> Exhibit:
    """Draw the metrics of :func:`amdd.stats.sweep` as lines, the fixed threshold dotted."""
    fig, ax = plt.subplots(figsize=(6.6, 3.6))
    for name, tint in LINES.items():
        ax.plot(table.threshold, table[name], color=tint, lw=2, label=name)
    ax.axvline(threshold, color=INK, lw=1, ls=":")
    ax.set(xlabel="threshold", ylabel="share", xlim=(0, 1), ylim=(0, 1.03))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    alt = (
        "Lines of balanced accuracy, F1, true-negative rate and true-positive rate over thresholds from 0 "
        f"to 1; a dotted line at {threshold:g}."
    )
    return Figure(fig, alt, table[["threshold", *LINES]].iloc[::10])


@exhibit
def base_rates(found: float, passed: float) -> Exhibit:
    """Draw the positive predictive value over the prevalence of fakes."""
    base = np.logspace(-4, 0, 81)
    worth = predictive_value(found, passed, base)
    fig, ax = plt.subplots(figsize=(6.6, 3.4))
    ax.semilogx(base, worth, color="#0072b2", lw=2.2)
    ax.set(xlabel="prevalence of fakes", ylabel="positive predictive value", ylim=(0, 1.03))
    alt = "A line of the positive predictive value over the prevalence of fakes, from one in ten thousand to all."
    chosen = np.array([1e-4, 1e-3, 1e-2, 0.1, 0.5])
    rows = {"prevalence": chosen, "positive predictive value": predictive_value(found, passed, chosen)}
    return Figure(fig, alt, pd.DataFrame(rows))


@exhibit
def slider(
    table: pd.DataFrame, reals: np.ndarray, fakes: np.ndarray, start: float, name: str = "threshold"
) -> Exhibit:
    """Return an interactive figure: two rows of marks (each clip's score), a slider, and the counts.

    Nothing is loaded; without scripts the counts at ``start`` stand there.
    """
    width, left = 640, 70

    def x(value: float) -> str:
        return f"{left + value * (width - left - 10):.1f}"

    columns = ["threshold", *COUNTS, "balanced accuracy", "F1"]
    rows = [[round(v, 4) for v in row] for row in table[columns].to_numpy(float).tolist()]
    first = int(np.abs(table.threshold - start).to_numpy().argmin())
    row = table.iloc[first]
    cells = [
        ("tp", "true positives (fakes classified as fake)", int(row["true positives"])),
        ("fn", "false negatives (fakes classified as real)", int(row["false negatives"])),
        ("fp", "false positives (reals classified as fake)", int(row["false positives"])),
        ("tn", "true negatives (reals classified as real)", int(row["true negatives"])),
        ("ba", "balanced accuracy", f"{row['balanced accuracy']:.3f}"),
        ("f1", "F1", f"{row['F1']:.3f}"),
    ]
    alt = f"Scores of {len(reals)} reals and {len(fakes)} fakes as marks from 0 to 1, with the threshold as a line."
    page = piece(
        "slider",
        name=name,
        alt=alt,
        width=width,
        left=left,
        groups=[
            ("reals", 8, colour("real"), [x(s) for s in reals]),
            ("fakes", 46, colour("fake"), [x(s) for s in fakes]),
        ],
        cut=x(row["threshold"]),
        threshold=f"{row['threshold']:.2f}",
        rows=rows,
        first=first,
        cells=cells,
    )
    return Exhibit("interactive", page, alt, table[columns].iloc[::10])
