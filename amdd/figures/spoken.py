"""A clip as it is seen and heard at once: frames, waveform and phonemes on one time axis."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import INK, colour


@exhibit
def spoken_strip(
    frames: np.ndarray,
    sound: np.ndarray,
    seconds: float,
    phonemes: Sequence[tuple[str, float, float]],
    text: str,
) -> Exhibit:
    """``frames`` uint8 (T, H, W, 3) evenly spread over ``seconds``, above the waveform ``sound`` (n,) and the
    ``phonemes`` (symbol, start, end in seconds)."""
    fig, (top, wave, spoken) = plt.subplots(
        3, 1, figsize=(9.4, 3.1), sharex=True, height_ratios=[1.2, 1.0, 0.45], layout="constrained"
    )
    step = seconds / len(frames)
    for k, frame in enumerate(frames):
        small = cv2.resize(np.ascontiguousarray(frame), (96, 96), interpolation=cv2.INTER_AREA)
        top.imshow(small, extent=(k * step, (k + 0.96) * step, 0, 1), aspect="auto")
    top.set(xlim=(0, seconds), ylim=(0, 1))
    top.set_axis_off()
    points = min(len(sound), 500)
    pieces = np.array_split(np.asarray(sound, float), points)
    at = (np.arange(points) + 0.5) * seconds / points
    wave.fill_between(at, [p.min() for p in pieces], [p.max() for p in pieces], color=colour("real"), lw=0.3)
    wave.set_yticks([])
    wave.set_ylabel("sound", rotation=0, ha="right", va="center")
    for k, (symbol, start, end) in enumerate(phonemes):
        spoken.axvspan(start, min(end, seconds), color=INK, alpha=0.32 if k % 2 else 0.14, lw=0)
        if end - start > seconds / 110 and start < seconds:
            spoken.text((start + min(end, seconds)) / 2, 0.5, symbol, ha="center", va="center", fontsize=7.5)
    spoken.set(ylim=(0, 1), xlabel="seconds", yticks=[])
    spoken.set_ylabel("phonemes", rotation=0, ha="right", va="center")
    for ax in (wave, spoken):
        ax.grid(False)
    alt = f"{len(frames)} frames of a clip above its waveform and its phonemes on one time axis; the words are: {text}"
    return Figure(fig, alt, pd.DataFrame(phonemes, columns=["phoneme", "start", "end"]))
