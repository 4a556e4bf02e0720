"""What a generator leaves behind in fine detail: mean spectra of high-passed face crops."""

from __future__ import annotations

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.figures import Figure
from amdd.figures.style import colour

BLUR = 1.5  # pixels: what a Gaussian of this width leaves is the residual
RINGS = 20


def residual_spectrum(frames: np.ndarray) -> np.ndarray:
    """Mean power spectrum (S, S) of the fine detail of ``frames`` uint8 (T, S, S, 3), zero frequency in the middle.

    Fine detail is luminance less its Gaussian blur, under a Hann window so that the crop's edges do not count.
    """
    side = frames.shape[1]
    window = np.outer(np.hanning(side), np.hanning(side))
    total = np.zeros((side, side))
    for frame in frames:
        grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY).astype(np.float64)
        detail = grey - cv2.GaussianBlur(grey, (0, 0), BLUR)
        total += np.abs(np.fft.fftshift(np.fft.fft2(detail * window))) ** 2
    return total / max(len(frames), 1)


def rings(spectrum: np.ndarray, n: int = RINGS) -> np.ndarray:
    """Mean over ``n`` rings of equal width from zero to the Nyquist frequency, (n,)."""
    side = spectrum.shape[0]
    y, x = np.indices(spectrum.shape) - side // 2
    ring = np.minimum((np.hypot(y, x) / (side / 2) * n).astype(int), n)
    return (
        np.bincount(ring.ravel(), spectrum.ravel(), n + 1)[:n]
        / np.bincount(ring.ravel(), minlength=n + 1)[:n]
    )


def residual_figure(spectra: dict[str, np.ndarray], reference: str = "real") -> Figure:
    """Each generator's mean spectrum against the reals', in decibels: as pictures, and over frequency as lines."""
    names = [name for name in spectra if name != reference]
    decibels = {name: 10 * np.log10(spectra[name] / spectra[reference]) for name in names}
    curves = {name: 10 * np.log10(rings(spectra[name]) / rings(spectra[reference])) for name in names}
    fig, axes = plt.subplots(
        1, len(names) + 1, figsize=(2.1 * len(names) + 3.4, 2.7), layout="constrained",
        width_ratios=[1] * len(names) + [1.7],
    )  # fmt: skip
    for name, ax in zip(names, axes):
        # Single bins of few clips are noise; a little smoothing shows the pattern.
        shown = cv2.GaussianBlur(decibels[name], (0, 0), 1.0)
        image = ax.imshow(shown, cmap="RdBu_r", vmin=-10, vmax=10, extent=(-0.5, 0.5, -0.5, 0.5))
        ax.set_title(name, color=colour(name))
        ax.set_xticks([-0.5, 0, 0.5])
        ax.set_yticks([])
        ax.grid(False)
    if names:
        fig.colorbar(image, ax=axes[len(names) - 1], shrink=0.7, label="dB against reals")
    frequency = (np.arange(RINGS) + 0.5) / RINGS / 2
    for name in names:
        axes[-1].plot(frequency, curves[name], color=colour(name), lw=2, label=name)
    axes[-1].axhline(0, color=colour(reference), lw=1.5)
    axes[-1].set(xlabel="cycles a pixel", ylabel="dB against reals", xlim=(0, 0.5))
    axes[-1].legend()
    alt = (
        "For each of "
        + ", ".join(names)
        + ": a picture of the mean power spectrum of fine detail relative to the reals', and beside them lines of the "
        "same over spatial frequency."
    )
    table = pd.DataFrame({"cycles a pixel": frequency} | curves).iloc[1::2]
    return Figure(fig, alt, table)
