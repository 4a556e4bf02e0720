"""High dynamic range as a player shows it on an ordinary screen: PQ and HLG to sRGB."""

from __future__ import annotations

from functools import lru_cache

import av
import numpy as np

PQ, HLG = 16, 18  # transfer characteristics of ITU-T H.273
WHITE = 203.0  # cd/m2 of diffuse white (ITU-R BT.2408)
KNEE = 0.75  # of diffuse white; what is brighter is compressed
# Linear BT.2020 to linear BT.709 (ITU-R BT.2087).
TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
LUMA_2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)


def is_hdr(frame: av.VideoFrame) -> bool:
    """Whether the frame's levels are PQ or HLG; a screen that takes them for ordinary ones shows them grey and flat."""
    return int(frame.color_trc or 0) in (PQ, HLG)


def pq_to_nits(signal: np.ndarray) -> np.ndarray:
    """Return the luminance in cd/m2 of a PQ ``signal`` in [0, 1] (SMPTE ST 2084, ITU-R BT.2100 table 4)."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = np.power(np.clip(signal, 0, 1), 1 / m2)
    return 10_000 * np.power(np.maximum(power - c1, 0) / (c2 - c3 * power), 1 / m1)


def hlg_to_scene(signal: np.ndarray) -> np.ndarray:
    """Return the scene light in [0, 1] of an HLG ``signal`` in [0, 1] (ITU-R BT.2100 table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


@lru_cache(maxsize=2)
def _linear(transfer: int) -> np.ndarray:
    """Return the linear value of each of 65,536 levels: cd/m2 for PQ, scene light for HLG."""
    signal = np.arange(65_536) / 65_535
    return (pq_to_nits(signal) if transfer == PQ else hlg_to_scene(signal)).astype(np.float32)


def to_srgb(frame: av.VideoFrame) -> np.ndarray:
    """Return a PQ or HLG frame as sRGB, uint8 (H, W, 3).

    Diffuse white becomes white less the room for highlights: up to :data:`KNEE` of it levels are exact, above they
    approach white. HLG is shown as on a display of 1,000 cd/m2.
    """
    transfer = int(frame.color_trc)
    light = _linear(transfer)[frame.to_ndarray(format="rgb48le")]
    if transfer == HLG:
        luma = np.maximum(light @ LUMA_2020, 1e-6)
        light = 1000 * light * luma[..., None] ** np.float32(0.2)
    light = np.clip((light / np.float32(WHITE)) @ TO_709.T, 0, None)
    over = 1 - KNEE
    light = np.where(light > KNEE, KNEE + over * (1 - np.exp(-(light - KNEE) / over)), light)
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return np.clip(shown * 255 + 0.5, 0, 255).astype(np.uint8)
