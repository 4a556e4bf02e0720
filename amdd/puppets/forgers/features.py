"""Inputs of the networks besides images: landmark maps and windows of audio."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

MELS, WINDOW, RATE = 40, 16, 80  # mel bands; frames of a window (0.2 s) and in a second
LINES = (
    (0, range(0, 17), False),
    (1, range(17, 22), False),
    (1, range(22, 27), False),
    (2, range(27, 31), False),
    (2, range(31, 36), False),
    (3, range(36, 42), True),
    (4, range(42, 48), True),
    (5, range(48, 60), True),
    (6, range(60, 68), True),
)


def landmark_maps(landmarks: np.ndarray, size: int) -> np.ndarray:
    """Return the outlines of jaw, brows, nose, eyes and lips (T, 7, size, size) uint8 from crop landmarks (T, 68, 2)."""
    out = np.zeros((len(landmarks), 7, size, size), np.uint8)
    for t, points in enumerate(landmarks):
        fixed = (points * 16).round().astype(np.int32)
        for channel, which, closed in LINES:
            cv2.polylines(out[t, channel], [fixed[list(which)]], closed, 255, 2, cv2.LINE_AA, 4)
    return out


@lru_cache(maxsize=1)
def _bank():
    import torchaudio

    return torchaudio.transforms.MelSpectrogram(
        16_000, n_fft=512, hop_length=200, n_mels=MELS, f_min=55, f_max=7600
    )


def mel_windows(audio: np.ndarray, n_frames: int, fps: float = 25.0) -> np.ndarray:
    """Return the mel windows around each video frame (T, 1, 40, 16), decibels scaled to [-1, 1]; audio at 16 kHz."""
    import torch

    mel = _bank()(torch.from_numpy(np.ascontiguousarray(audio, np.float32)))
    level = (10 * torch.log10(mel + 1e-8)).clamp(-80, 20).numpy()
    level = (level + 30) / 50
    padded = np.pad(level, ((0, 0), (WINDOW, WINDOW * 2)), mode="edge")
    starts = (np.arange(n_frames) / fps * RATE).round().astype(int) + WINDOW - WINDOW // 2 + 2
    starts = np.minimum(starts, padded.shape[1] - WINDOW)
    return np.stack([padded[:, s : s + WINDOW] for s in starts])[:, None].astype(np.float32)
