"""Frames, crops, masks, attention maps and spectrograms as images."""

from __future__ import annotations

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.data.prepare import ClipStore
from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import colours, words


@exhibit
def film_strip(rows: dict[str, np.ndarray], height: int = 112, alt: str = "") -> Exhibit:
    """Return named rows of frames (T, H, W, 3) as one image, the names at the left; ``alt`` says what they show."""
    image = strip_of(rows, height)
    return Exhibit.image(image, alt or f"{len(rows)} rows of frames: {', '.join(rows)}.")


def strip_of(rows: dict[str, np.ndarray], height: int = 112, gap: int = 4) -> np.ndarray:
    """Return named rows of frames (T, H, W, 3) as one RGB image, the names written at the left."""
    font, scale, line = cv2.FONT_HERSHEY_SIMPLEX, 0.56, 22
    words = [w for name in rows for w in name.split("\n")]
    margin = 14 + max(cv2.getTextSize(w, font, scale, 1)[0][0] for w in words)
    lines = []
    for name, frames in rows.items():
        cells = [
            cv2.resize(f, (round(f.shape[1] * height / f.shape[0]), height), interpolation=cv2.INTER_AREA)
            for f in frames
        ]
        label = np.full((height, margin, 3), 255, np.uint8)
        parts = name.split("\n")
        for k, word in enumerate(parts):
            at = (4, height // 2 + 6 + round(line * (k - (len(parts) - 1) / 2)))
            cv2.putText(label, word, at, font, scale, (30, 30, 30), 1, cv2.LINE_AA)
        pieces = [label]
        for cell in cells:
            pieces += [np.full((height, gap, 3), 255, np.uint8), cell]
        lines.append(np.concatenate(pieces, axis=1))
    width = max(line.shape[1] for line in lines)
    lines = [
        np.pad(line, ((0, gap), (0, width - line.shape[1]), (0, 0)), constant_values=255) for line in lines
    ]
    return np.concatenate(lines)


def overlay(frame: np.ndarray, heat: np.ndarray, strength: float = 0.55) -> np.ndarray:
    """A map (h, w) in [0, 1] in colour over a frame uint8 (H, W, 3)."""
    big = cv2.resize(heat.astype(np.float32), frame.shape[1::-1], interpolation=cv2.INTER_CUBIC).clip(0, 1)
    tint = cv2.cvtColor(
        cv2.applyColorMap((big * 255).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
    )
    share = strength * big[..., None]
    return (frame * (1 - share) + tint * share).astype(np.uint8)


def outline(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The edge of a mask (h, w) drawn on a frame."""
    big = cv2.resize(mask.astype(np.uint8), frame.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    lines, _ = cv2.findContours(big, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(frame.copy(), lines, -1, (80, 255, 160), 1)


def beside_its_source(
    frame: np.ndarray, source: np.ndarray, mask: np.ndarray, gain: float = 3.0
) -> np.ndarray:
    """Four images (4, H, W, 3): the source's frame, the forged one with the mask's edge, the difference of the two
    times ``gain`` about grey, and the mask (h, w)."""
    difference = (frame.astype(np.float32) - source) * gain + 128
    big = cv2.resize(mask.astype(np.uint8), frame.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    white = np.repeat(big[..., None] * 255, 3, axis=2)
    return np.stack(
        [source, outline(frame, mask), difference.clip(0, 255).astype(np.uint8), white.astype(np.uint8)]
    )


@exhibit
def spectrograms(
    mels: dict[str, np.ndarray], seconds: float, references: dict[str, np.ndarray] | None = None
) -> Exhibit:
    """Mel spectrograms (M, F), a row each; with ``references``, each beside its own real clip's and the
    difference of the two (Fig. 12)."""
    columns = 3 if references else 1
    fig, axes = plt.subplots(
        len(mels),
        columns,
        figsize=(9.0 if references else 6.4, 1.35 * len(mels) + 0.5),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    rows = []
    tints = colours(name.split("\n")[0] for name in mels)
    for (name, mel), line in zip(mels.items(), axes):
        shown = [(mel, "magma")]
        if references:
            own = references[name]
            n = min(mel.shape[1], own.shape[1])
            difference = mel[:, :n] - own[:, :n]
            shown += [(own, "magma"), (difference, "RdBu_r")]
            gap = float(np.abs(difference).mean())
            rows.append({"clip": name.replace("\n", " "), "mean absolute difference": gap})
        else:
            rows.append({"clip": name.replace("\n", " "), "mean level": float(mel.mean())})
        for ax, (values, palette) in zip(line, shown):
            ax.imshow(
                values,
                origin="lower",
                aspect="auto",
                cmap=palette,
                vmin=-1,
                vmax=1,
                extent=(0, seconds, 0, values.shape[0]),
                interpolation="nearest",
            )
            ax.grid(False)
            ax.set_yticks([])
        line[0].set_ylabel(words(name), rotation=0, ha="right", va="center", color=tints[name.split("\n")[0]])
    if references:
        for ax, title in zip(axes[0], ("this clip", "its own real clip", "the difference")):
            ax.set_title(title)
    for ax in axes[-1]:
        ax.set_xlabel("seconds")
    alt = "Mel spectrograms in rows for " + ", ".join(k.replace("\n", " ") for k in mels)
    if references:
        alt += "; beside each its own real clip's and the difference of the two"
    return Figure(fig, alt + ".", pd.DataFrame(rows))


def paired_spectrograms(clips: ClipStore, pairs: list[tuple[int, int]], most: int = 5) -> Exhibit:
    """Return :func:`spectrograms` of one forgery of each generator and category, its own real clip and their difference;
    ``pairs`` are rows of a forgery and its real clip."""
    mels, references = {}, {}
    table = clips.manifest
    for fake, real in pairs:
        label = f"{table.generator[fake]}\n(category {table.category[fake]})"
        if label not in mels and len(mels) < most:
            mels[label] = np.asarray(clips.mel(fake), np.float32)[0]
            references[label] = np.asarray(clips.mel(real), np.float32)[0]
    return spectrograms(mels, clips.settings.seconds, references)
