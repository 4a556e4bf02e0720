"""One look for every figure: colours that the colour-blind can distinguish, legible on light and dark pages."""

from __future__ import annotations

import matplotlib as mpl

INK = "#7a7f87"  # text and axes: enough contrast on white and on near-black
# Okabe and Ito's palette, one colour for each class everywhere in the book.
PALETTE = {
    "real": "#009e73",
    "faceswap": "#0072b2",
    "wav2lip": "#d55e00",
    "fsgan": "#cc79a7",
    "gan-swap": "#e69f00",
    "dfdm": "#56b4e9",
    "lav-video": "#b08d00",
    "lav-audio": "#8c6bb1",
    "lav-both": "#a05a2c",
    "rtvc": "#8c6bb1",
    "fake": "#d55e00",
}
SPARE = ("#56b4e9", "#e69f00", "#8c6bb1", "#a05a2c", "#3a8f8a", "#b08d00")
MARKERS = {"real": "o", "faceswap": "s", "wav2lip": "^", "fsgan": "D"}


def colour(name: str) -> str:
    """The colour of a class; relatives of one family share theirs."""
    if name in PALETTE:
        return PALETTE[name]
    for key in PALETTE:
        if name.startswith(key):
            return PALETTE[key]
    return SPARE[sum(map(ord, name)) % len(SPARE)]


def use_style() -> None:
    """Set matplotlib's defaults for the book."""
    mpl.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.figsize": (7.2, 3.8),
            "figure.facecolor": "none",
            "savefig.facecolor": "none",
            "axes.facecolor": "none",
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.titlesize": 10,
            "axes.labelsize": 9.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": INK,
            "grid.alpha": 0.18,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": 8.5,
            "ytick.labelsize": 8.5,
            "legend.frameon": False,
            "legend.fontsize": 8.5,
            "legend.labelcolor": INK,
            "font.family": "DejaVu Sans",
            "svg.fonttype": "path",
        }
    )
