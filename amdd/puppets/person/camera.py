"""Lens and sensor: focus, vignette, exposure and white balance that drift, noise by sensitivity, sharpening, sway."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numba import njit


@dataclass(frozen=True)
class Camera:
    """Ranges from which a clip's camera is drawn. ``zoom`` pixels a dm as a share of the image's side, ``lift`` dm by
    which the face stands above the middle, ``sway`` dm, ``blur`` pixels, ``noise`` levels of 255 at mid grey,
    ``chroma`` the share of colour noise, ``tint`` linear gains, ``sharpen`` gain of an unsharp mask of radius 1,
    ``drift`` relative drift of exposure, ``mosaic`` whether colours are interpolated from a Bayer pattern, ``smooth`` the
    strength of the noise filter in levels of 255, ``places`` the lights."""

    zoom: tuple[float, float] = (0.27, 0.33)
    lift: float = 0.05
    sway: float = 0.006
    blur: tuple[float, float] = (0.25, 0.75)
    noise: tuple[float, float] = (0.8, 2.6)
    chroma: float = 0.5
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    sharpen: tuple[float, float] = (0.0, 0.35)
    drift: float = 0.025
    mosaic: bool = False
    smooth: float = 0.0
    places: tuple[str, ...] = ("window", "office", "evening", "studio", "overcast")


CAMERAS = {
    "studio": Camera(),
    "timit": Camera(
        zoom=(0.225, 0.265), sway=0.002, blur=(0.55, 0.95), noise=(2.2, 3.6), chroma=0.8, tint=(1.03, 1.0, 0.93),
        sharpen=(0.3, 0.7), drift=0.01, mosaic=True, places=("office",),
    ),
    "interview": Camera(
        zoom=(0.30, 0.36), sway=0.002, blur=(0.2, 0.45), noise=(0.5, 1.2), chroma=0.3, tint=(1.02, 1.0, 0.97),
        sharpen=(0.5, 1.0), drift=0.006, places=("studio", "evening"),
    ),
    "phone": Camera(
        zoom=(0.26, 0.36), lift=0.09, sway=0.016, blur=(0.3, 0.8), noise=(1.5, 4.0), chroma=0.8, sharpen=(0.4, 0.9),
        drift=0.05, mosaic=True, smooth=14.0, places=("window", "office", "overcast", "evening"),
    ),
}  # fmt: skip


class Sensor:
    """Sensor and image processing of one clip: linear light (S, S, 3) to frames."""

    def __init__(
        self,
        rng: np.random.Generator,
        camera: Camera,
        size: int,
        steps: int,
        exposure: float,
        white: np.ndarray,
    ) -> None:
        self.size = size
        self.blur = rng.uniform(*camera.blur)
        self.sharpen = rng.uniform(*camera.sharpen)
        drift = smooth_walk(rng, steps, 25)
        self.gain = exposure * np.exp(camera.drift * drift[:, 0])
        warm = 0.4 * camera.drift * drift[:, 1]
        self.tint = white * np.array(camera.tint) * np.stack([1 + warm, np.ones(steps), 1 - warm], 1)
        level = rng.uniform(*camera.noise)
        grain = rng.normal(0, 1, (6, size, size, 1)) + camera.chroma * rng.normal(0, 1, (6, size, size, 3))
        self.noise = (level * grain).astype(np.float32)
        self.rolls = rng.integers(0, size, (steps, 2))
        self.mosaic, self.smooth = camera.mosaic, camera.smooth
        axis = np.linspace(-1, 1, size, dtype=np.float32)
        fall = rng.uniform(0.05, 0.16)
        self.vignette = (1 - fall * (axis[:, None] ** 2 + axis[None] ** 2)).astype(np.float32)

    def expose(self, picture: np.ndarray, t: int) -> np.ndarray:
        """Return frame ``t``, uint8 (size, size, 3), of a linear image of any larger side."""
        small = cv2.resize(picture, (self.size, self.size), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), self.blur)
        gains = (self.gain[t] * self.tint[t]).astype(np.float32)
        down, right = self.rolls[t]
        shown = np.empty((self.size, self.size, 3), np.uint8)
        _develop(
            small, self.vignette, gains, _tone_curve(), _noise_curve(), self.noise[t % 6], down, right, shown
        )
        if self.mosaic:
            shown = remosaic(shown)
        if self.smooth:
            shown = cv2.bilateralFilter(shown, 5, self.smooth, 1.5)
        if self.sharpen > 0.02:
            soft = cv2.GaussianBlur(shown, (0, 0), 1.0)
            shown = cv2.addWeighted(shown, 1 + self.sharpen, soft, -self.sharpen, 0)
        return shown


@njit(cache=True, nogil=True)
def _develop(light, vignette, gains, tones, grain, noise, down, right, out):
    """Turn linear ``light`` (S, S, 3) into ``out`` uint8: vignette, gains, tone curve, and noise moved by a roll.

    Shot noise grows with the root of the light; the curve divides it by its slope, so shadows show it most.
    """
    size = light.shape[0]
    top, low, high, half, white = (
        np.float32(1023),
        np.float32(0),
        np.float32(4092),
        np.float32(0.5),
        np.float32(255),
    )
    for y in range(size):
        row = (y - down) % size
        for x in range(size):
            column = (x - right) % size
            for k in range(3):
                value = light[y, x, k] * vignette[y, x] * gains[k] * top
                level = int(min(max(value, low), high))
                shown = tones[level] + grain[level] * noise[row, column, k]
                out[y, x, k] = np.uint8(min(max(shown + half, low), white))


def remosaic(picture: np.ndarray) -> np.ndarray:
    """Return ``picture`` uint8 (H, W, 3) after sampling on a Bayer pattern and demosaicing."""
    raw = picture[..., 1].copy()
    raw[0::2, 0::2] = picture[0::2, 0::2, 0]
    raw[1::2, 1::2] = picture[1::2, 1::2, 2]
    # OpenCV names a pattern by its second row's second and third pixel.
    return cv2.cvtColor(raw, cv2.COLOR_BayerBG2RGB)


def smooth_walk(rng: np.random.Generator, steps: int, width: int) -> np.ndarray:
    """Return a slow random drift (steps, 2) of about unit size, as of a hand-held camera."""
    raw = rng.normal(size=(steps + 4 * width, 2))
    kernel = np.hanning(4 * width + 1)
    kernel /= np.sqrt((kernel**2).sum())
    return np.stack([np.convolve(raw[:, k], kernel, mode="valid")[:steps] for k in range(2)], 1)


@lru_cache(maxsize=1)
def _tone_curve() -> np.ndarray:
    """Return the tone curve: linear light times 1023 to screen values 0..255, with a soft shoulder."""
    x = np.arange(4093) / 1023
    x = np.where(x < 0.7, x, 0.7 + 0.3 * (1 - np.exp(-(x - 0.7) / 0.3)))
    return (255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)).astype(np.float32)


@lru_cache(maxsize=1)
def _noise_curve() -> np.ndarray:
    """Return the noise after the tone curve by linear light times 1023, 1 at mid grey (0.18): shot and read noise."""
    x = np.maximum(np.arange(4093) / 1023, 1e-4)
    slope = np.gradient(_tone_curve() / 255, x)
    noise = np.sqrt(x + 0.004) * np.minimum(slope, 3.5)
    return (np.clip(noise / noise[184], 0.15, 1.6)).astype(np.float32)
