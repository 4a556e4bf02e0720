"""Clips to look at and listen to: chosen by rule, read from the corpus, with the score of each frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from amdd.analysis.frame_scores import frame_scores
from amdd.data.media import probe, read_audio, read_video
from amdd.data.prepare import ClipStore
from amdd.training.runs import Run

SHOWN = 16  # frames of a played clip


@dataclass(frozen=True)
class Played:
    """A clip to play: ``pictures`` uint8 (P, H, W, 3) spread evenly over ``seconds``; ``sound`` float (n,) at 16 kHz,
    or None; the ``scores`` (T,) of the frames at ``times`` (T,) in seconds; the whole clip's ``score``; and the ``words`` that
    are spoken, where they are known."""

    name: str
    pictures: np.ndarray
    seconds: float
    sound: np.ndarray | None
    times: np.ndarray
    scores: np.ndarray
    score: float
    words: str = ""


def median_clips(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one clip of each generator: the one whose score is the median of its class, reals first."""
    generators = ["real", *sorted(set(predictions.generator) - {"real"})]
    chosen = []
    for generator in generators:
        part = predictions[predictions.generator == generator].sort_values("score")
        if len(part):
            chosen.append(part.iloc[[(len(part) - 1) // 2]])
    return pd.concat(chosen)


def play(run: Run, clips: ClipStore, prediction: Any) -> Played:
    """Return a clip's frames, audio and frame scores for the player; ``prediction`` is a row of a table of predictions.

    Raises :class:`~amdd.data.media.MediaError` for a clip that can no longer be read.
    """
    row = int(prediction.row)
    clip = clips.manifest.iloc[row]
    fps, last = probe(clip.video).fps, read_video(clip.video, [0]).n_frames - 1
    seconds = (last + 1) / fps
    frames = read_video(clip.video, np.linspace(0, last, SHOWN).astype(int)).frames
    audio = read_audio(clip.audio or clip.video, seconds=seconds) if clip.audio_present else None
    times = (np.asarray(clips.frame_indices(row)) + 0.5) / fps
    scores = frame_scores(run, clips, row)
    return Played(prediction.generator, frames, seconds, audio, times, scores, prediction.score)
