"""The network as a diagram, after the paper's Fig. 2."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from amdd.figures import Figure
from amdd.figures.style import INK

BOXES = {  # name: x, y, width, height, text, tint
    "frames": (0.0, 2.5, 1.5, 0.9, "T face crops\n(B, T, 3, H, W)", "#8a8f98"),
    "mel": (0.0, 0.5, 1.5, 0.9, "mel spectrogram\n(B, 1, M, F)", "#8a8f98"),
    "visual": (2.0, 2.5, 2.0, 0.9, "visual trunk (ResNet50)\n+ Linear, LayerNorm, ReLU", "#0072b2"),
    "temporal": (4.4, 2.5, 1.7, 0.9, "temporal attention\n8 heads, mean", "#0072b2"),
    "audio": (2.0, 0.5, 2.0, 0.9, "audio trunk (ResNet18,\n1-channel stem)", "#d55e00"),
    "linear": (4.4, 0.5, 1.7, 0.9, "Linear to 512", "#d55e00"),
    "cross": (6.7, 1.3, 1.8, 1.3, "cross-modal\nattention\n8 heads each way", "#009e73"),
    "detection": (9.2, 2.35, 1.9, 0.75, "detection head\nreal or fake", "#cc79a7"),
    "attribution": (9.2, 0.85, 1.9, 0.75, "attribution head\nreal or which generator", "#cc79a7"),
    "pv": (6.7, 3.15, 1.8, 0.6, "projection (visual)", "#e69f00"),
    "pa": (6.7, 0.15, 1.8, 0.6, "projection (audio)", "#e69f00"),
    "losses": (9.2, 3.35, 1.9, 0.6, "InfoNCE and CMFFC", "#e69f00"),
}
ARROWS = [("frames", "visual"), ("visual", "temporal"), ("mel", "audio"), ("audio", "linear"), ("temporal", "cross"), ("linear", "cross"), ("cross", "detection"), ("cross", "attribution"), ("temporal", "pv"), ("linear", "pa"), ("pv", "losses"), ("pa", "losses")]  # fmt: skip


def architecture() -> Figure:
    """The boxes of Fig. 2 with their shapes."""
    fig = plt.figure(figsize=(10.5, 3.9))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(-0.15, 11.3), ylim=(-0.05, 4.15))
    ax.axis("off")
    for x, y, width, height, text, tint in BOXES.values():
        ax.add_patch(
            FancyBboxPatch(
                (x, y),
                width,
                height,
                boxstyle="round,pad=0.02,rounding_size=0.1",
                fc=tint + "26",
                ec=tint,
                lw=1.5,
            )
        )
        ax.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=8.5)
    for a, b in ARROWS:
        x0, y0, w0, h0, *_ = BOXES[a]
        x1, y1, _, h1, *_ = BOXES[b]
        bend = 0.18 if (a, b) == ("pa", "losses") else 0
        ax.add_patch(
            FancyArrowPatch(
                (x0 + w0 + 0.04, y0 + h0 / 2),
                (x1 - 0.04, y1 + h1 / 2),
                arrowstyle="-|>",
                mutation_scale=10,
                color=INK,
                lw=1.1,
                connectionstyle=f"arc3,rad={bend}",
            )
        )
    alt = (
        "Block diagram: face crops go through a visual trunk and temporal attention, a mel spectrogram through an audio trunk and a "
        "linear layer; both meet in cross-modal attention, which feeds a detection head and an attribution head; projections of both "
        "feed the InfoNCE and CMFFC losses."
    )
    return Figure(
        fig, alt, pd.DataFrame([{"box": k, "text": v[4].replace("\n", " ")} for k, v in BOXES.items()])
    )
