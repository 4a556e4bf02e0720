"""The network as a diagram, after the paper's Fig. 2."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import INK

BOXES = {  # name: x, y, width, height, text, tint
    "frames": (0.0, 3.1, 1.5, 1.2, "T face\ncrops", "#8a8f98"),
    "mel": (0.0, 0.7, 1.5, 1.2, "mel\nspectrogram", "#8a8f98"),
    "visual": (2.0, 3.1, 1.75, 1.2, "ResNet50,\nlinear, norm,\nReLU", "#0072b2"),
    "temporal": (4.25, 3.1, 1.6, 1.2, "attention\nover time,\nmean", "#0072b2"),
    "audio": (2.0, 0.7, 1.75, 1.2, "ResNet18,\none-channel\nstem", "#d55e00"),
    "linear": (4.25, 0.7, 1.6, 1.2, "linear\nto 512", "#d55e00"),
    "cross": (6.5, 1.75, 1.7, 1.5, "cross-modal\nattention,\nboth ways", "#009e73"),
    "pv": (6.5, 3.8, 1.7, 0.8, "projection", "#e69f00"),
    "pa": (6.5, 0.4, 1.7, 0.8, "projection", "#e69f00"),
    "detection": (8.8, 2.65, 1.6, 0.85, "detection\nhead", "#cc79a7"),
    "attribution": (8.8, 1.5, 1.6, 0.85, "attribution\nhead", "#cc79a7"),
    "losses": (
        11.0,
        0.4,
        1.6,
        4.2,
        "five losses\n\nInfoNCE,\nCMFFC\n\nfocal\n\ncross-\nentropy\n\ncentroids",
        "#8a8f98",
    ),
}
ARROWS = [("frames", "visual"), ("visual", "temporal"), ("mel", "audio"), ("audio", "linear"), ("temporal", "cross"), ("linear", "cross"), ("cross", "detection"), ("cross", "attribution"), ("temporal", "pv"), ("linear", "pa"), ("pv", "losses"), ("pa", "losses"), ("detection", "losses"), ("attribution", "losses")]  # fmt: skip
TEXT = "#1f2328"  # dark on the light boxes, in either mode of the page


@exhibit
def architecture() -> Exhibit:
    """The boxes of Fig. 2 with their shapes."""
    fig = plt.figure(figsize=(11.0, 4.2))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(-0.15, 12.75), ylim=(0.2, 4.8))
    ax.axis("off")
    for x, y, width, height, text, tint in BOXES.values():
        ax.add_patch(
            FancyBboxPatch(
                (x, y),
                width,
                height,
                boxstyle="round,pad=0.02,rounding_size=0.1",
                fc=_pale(tint),
                ec=tint,
                lw=1.5,
            )
        )
        ax.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=12.5, color=TEXT)
    for a, b in ARROWS:
        x0, y0, w0, h0, *_ = BOXES[a]
        x1, y1, _, h1, *_ = BOXES[b]
        if b == "losses":  # the box is tall: straight into it
            y1, h1 = y0, h0
        ax.add_patch(
            FancyArrowPatch(
                (x0 + w0 + 0.04, y0 + h0 / 2),
                (x1 - 0.04, y1 + h1 / 2),
                arrowstyle="-|>",
                mutation_scale=13,
                color=INK,
                lw=1.4,
            )
        )
    alt = (
        "Block diagram: face crops go through a visual trunk and temporal attention, a mel spectrogram through an audio trunk and a "
        "linear layer; both meet in cross-modal attention, which feeds a detection head and an attribution head; "
        "both heads and a projection of each stream lead to a box of five losses: InfoNCE, CMFFC, focal, cross-entropy, centroids."
    )
    return Figure(
        fig, alt, pd.DataFrame([{"box": k, "text": v[4].replace("\n", " ")} for k, v in BOXES.items()])
    )


def _pale(tint: str) -> tuple[float, float, float]:
    """``tint`` about four fifths of the way to white, and opaque: dark text on it is legible on any page."""
    return tuple(0.82 + 0.18 * c for c in to_rgb(tint))
