"""Residual spectra of face crops, as images and over frequency."""

from __future__ import annotations

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.analysis.residual import RINGS, rings
from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import colours, words


@exhibit
def residual_figure(spectra: dict[str, np.ndarray], reference: str = "real") -> Exhibit:
    """Each generator's mean spectrum against the reals', in decibels: as images, and over frequency as lines."""
    names = [name for name in spectra if name != reference]
    tints = colours([reference, *names])
    decibels = {name: 10 * np.log10(spectra[name] / spectra[reference]) for name in names}
    curves = {name: 10 * np.log10(rings(spectra[name]) / rings(spectra[reference])) for name in names}
    fig, axes = plt.subplots(
        1, len(names) + 1, squeeze=False, figsize=(2.1 * len(names) + 3.4, 2.7), layout="constrained",
        width_ratios=[1] * len(names) + [1.7],
    )  # fmt: skip
    for name, ax in zip(names, axes[0]):
        # Single bins of few clips are noise; a little smoothing shows the pattern.
        shown = cv2.GaussianBlur(decibels[name], (0, 0), 1.0)
        image = ax.imshow(shown, cmap="RdBu_r", vmin=-10, vmax=10, extent=(-0.5, 0.5, -0.5, 0.5))
        ax.set_title(words(name), color=tints[name])
        ax.set_xticks([-0.5, 0, 0.5])
        ax.set_yticks([])
        ax.grid(False)
    if names:
        fig.colorbar(image, ax=axes[0, len(names) - 1], shrink=0.7, label="dB against reals")
    frequency = (np.arange(RINGS) + 0.5) / RINGS / 2
    for name in names:
        axes[0, -1].plot(frequency, curves[name], color=tints[name], lw=2, label=words(name))
    axes[0, -1].axhline(0, color=tints[reference], lw=1.5)
    axes[0, -1].set(xlabel="cycles per pixel", ylabel="dB against reals", xlim=(0, 0.5))
    if names:
        axes[0, -1].legend()
    alt = (
        "For each of "
        + ", ".join(names)
        + ": an image of the mean power spectrum of fine detail relative to the reals', and beside them lines of the same "
        "over spatial frequency."
    )
    table = pd.DataFrame({"cycles per pixel": frequency} | curves).iloc[1::2]
    return Figure(fig, alt, table)
