"""Metrics over the decision threshold: curves, and a slider that works from disk without a network."""

from __future__ import annotations

import html
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import INK
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

    def x(value: float) -> float:
        return left + value * (width - left - 10)

    def marks(scores: np.ndarray, y: int, tint: str) -> str:
        return "".join(
            f'<line x1="{x(s):.1f}" x2="{x(s):.1f}" y1="{y}" y2="{y + 22}" stroke="{tint}" stroke-width="2" opacity=".55"/>'
            for s in scores
        )

    columns = ["threshold", *COUNTS, "balanced accuracy", "F1"]
    data = [[round(v, 4) for v in row] for row in table[columns].to_numpy(float).tolist()]
    first = int(np.abs(table.threshold - start).to_numpy().argmin())
    row = table.iloc[first]
    cells = (
        ("tp", "true positives (fakes classified as fake)", row["true positives"]),
        ("fn", "false negatives (fakes classified as real)", row["false negatives"]),
        ("fp", "false positives (reals classified as fake)", row["false positives"]),
        ("tn", "true negatives (reals classified as real)", row["true negatives"]),
    )
    counts = "".join(
        f'<div class="amdd-count"><output data-cell="{key}">{int(value)}</output><span>{label}</span></div>'
        for key, label, value in cells
    )
    alt = html.escape(
        f"Scores of {len(reals)} reals and {len(fakes)} fakes as marks from 0 to 1, with the threshold as a line."
    )
    page = f"""<figure class="amdd-figure amdd-slider" id="{name}">
<svg viewBox="0 0 {width} 92" role="img" aria-label="{alt}">
<text x="0" y="24">reals</text>{marks(reals, 8, "#009e73")}
<text x="0" y="62">fakes</text>{marks(fakes, 46, "#d55e00")}
<line class="amdd-cut" x1="{x(row["threshold"]):.1f}" x2="{x(row["threshold"]):.1f}" y1="0" y2="76"/>
<text x="{left}" y="90">0</text><text x="{width - 18}" y="90">1</text></svg>
<label>threshold <output data-cell="threshold">{row["threshold"]:.2f}</output>
<input type="range" min="0" max="{len(data) - 1}" value="{first}" aria-label="decision threshold"></label>
<div class="amdd-counts">{counts}
<div class="amdd-count"><output data-cell="ba">{row["balanced accuracy"]:.3f}</output><span>balanced accuracy</span></div>
<div class="amdd-count"><output data-cell="f1">{row["F1"]:.3f}</output><span>F1</span></div></div>
<figcaption>Move the threshold and watch the counts. Each mark is one test clip.</figcaption>
<script>(() => {{
const rows = {json.dumps(data)}, box = document.getElementById({json.dumps(name)});
const put = (cell, text) => {{ box.querySelector(`[data-cell="${{cell}}"]`).textContent = text; }};
box.querySelector("input").addEventListener("input", (event) => {{
  const [cut, tp, fn, fp, tn, ba, f1] = rows[+event.target.value];
  put("threshold", cut.toFixed(2)); put("tp", tp); put("fn", fn); put("fp", fp); put("tn", tn);
  put("ba", ba.toFixed(3)); put("f1", f1.toFixed(3));
  const at = {left} + cut * {width - left - 10}, line = box.querySelector(".amdd-cut");
  line.setAttribute("x1", at); line.setAttribute("x2", at);
}});
}})();</script></figure>"""
    return Exhibit("interactive", page, html.unescape(alt), table[columns].iloc[::10])
