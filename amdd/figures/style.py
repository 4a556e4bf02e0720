"""One look for every figure: colours that the colour-blind can distinguish, legible on light and dark pages."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

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
CYCLE = ("#0072b2", *SPARE[1:], "#009e73", "#cc79a7", "#d55e00", "#56b4e9")  # variants in one figure
FAMILIES = {"dfdm": "dfdm", "gan-swap": "gan-swap", "faceswap-wav2lip": "faceswap", "fsgan-wav2lip": "fsgan"}
MARKERS = {"real": "o", "faceswap": "s", "wav2lip": "^", "fsgan": "D"}


def colour(name: str) -> str:
    """Return the colour of a class; members of one family share theirs. For several classes see :func:`colours`."""
    if name in PALETTE:
        return PALETTE[name]
    for key, family in FAMILIES.items():
        if name.startswith(key):
            return PALETTE[family]
    return SPARE[zlib.crc32(name.encode("utf-8", "surrogateescape")) % len(SPARE)]


def colours(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each class in one figure; names that are not in the palette get different ones.

    A name keeps the colour of :func:`colour` unless another in the figure has it; then the next free one of the palette
    serves, and repeats only where there are more names than colours.
    """
    names, found = list(dict.fromkeys(names)), {}
    free = [*SPARE, *(c for c in dict.fromkeys(PALETTE.values()) if c not in SPARE)]
    known = [n for n in names if n in PALETTE or n.startswith(tuple(FAMILIES))]
    for name in known:
        found[name] = colour(name)
    for name in sorted({*names} - {*known}):
        left = [c for c in free if c not in found.values()] or free
        found[name] = colour(name) if colour(name) in left else left[0]
    return found


def words(name: str) -> str:
    """Return ``name`` as matplotlib draws it as it stands: no formula, and no leading "_", which would hide a label."""
    text = str(name).replace("$", r"\$")
    return f"\u200b{text}" if text.startswith("_") else text


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
