"""Residual spectra: the traces that generators leave in fine detail."""

from __future__ import annotations

import cv2
import numpy as np

BLUR = 1.5  # pixels: what a Gaussian of this width leaves is the residual
RINGS = 20


def residual_spectrum(frames: np.ndarray) -> np.ndarray:
    """Return the mean power spectrum (S, S) of the fine detail of ``frames`` uint8 (T, S, S, 3), zero frequency in the middle.

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
    """Return the mean over ``n`` rings of equal width from zero to the Nyquist frequency, (n,)."""
    side = spectrum.shape[0]
    y, x = np.indices(spectrum.shape) - side // 2
    ring = np.minimum((np.hypot(y, x) / (side / 2) * n).astype(int), n)
    return (
        np.bincount(ring.ravel(), spectrum.ravel(), n + 1)[:n]
        / np.bincount(ring.ravel(), minlength=n + 1)[:n]
    )
